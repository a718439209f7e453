-- Invariant 11 of domain 8.3, the other way: a deal that moves money has its entry, where a rule is there for it. Of deals in their first version that
-- new runs wrote; a corrected one may rightly leave its entry as it was. What has no rule is in unposted_events, which warns.
{{ config(severity='error') }}
{%- set from_run = _control('check_from_run_id') %}
with deals as (
    select
        platform,
        deal_id
    from {{ ref('fct_deals') }}
    where
        _run_id >= {{ from_run }}
        and version = 1
        and currency is not null
        and case when action in ('buy', 'sell') then 'trade' else action end in (
            select rules.event_kind from {{ ref('posting_rules') }} as rules where rules.source_feed = 'deals' and rules.condition = 'any'
        )
        and not is_cancelled and not is_demo and not is_test
        and (profit <> 0 or swap <> 0 or commission <> 0 or fee <> 0)
),

entries as (
    select source_key
    from {{ ref('fct_journal_entries') }}
    where source_feed = 'deals' and _run_id >= {{ from_run }}
)

select
    deals.platform,
    deals.deal_id
from deals
anti join entries on deals.platform || ':' || deals.deal_id = entries.source_key
