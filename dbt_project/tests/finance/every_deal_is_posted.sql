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

new_entries as (
    select source_key
    from {{ ref('fct_journal_entries') }}
    where source_feed = 'deals' and _run_id >= {{ from_run }}
),

without_new_entry as (
    select deals.platform || ':' || deals.deal_id as source_key
    from deals
    anti join new_entries on deals.platform || ':' || deals.deal_id = new_entries.source_key
),

-- where something else became known of a deal, its entry stays the earlier one
earlier_entries as (
    select entries.source_key
    from {{ ref('fct_journal_entries') }} as entries
    semi join without_new_entry on entries.source_key = without_new_entry.source_key
    where entries.source_feed = 'deals'
)

select without_new_entry.source_key
from without_new_entry
anti join earlier_entries on without_new_entry.source_key = earlier_entries.source_key
