-- Invariant 11 of domain 8.3, the other way: a deal that moves money has its entry, or stands in unposted_events with its reason. Of deals in their first
-- version that new runs wrote; a corrected one may rightly leave its entry as it was.
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
        and action <> 'balance'
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
where deals.platform || ':' || deals.deal_id not in (select unposted.source_key from {{ ref('unposted_events') }} as unposted where unposted.source_feed = 'deals')
