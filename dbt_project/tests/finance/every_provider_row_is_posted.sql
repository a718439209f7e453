-- Invariant 11 of domain 8.3 for providers: a completed row has an entry that stands for it, or stands in unposted_events with its reason. A payout without
-- a request of ours, and what only repeats another row, is a break that people look at.
{{ config(severity='warn') }}
select
    matches.psp,
    matches.event_id,
    matches.kind
from {{ ref('rec_psp_matches') }} as matches
where
    matches._run_id >= {{ _control('check_from_run_id') }}
    and matches.status = 'completed'
    and matches.entry_id is null
    and matches.psp || ':' || matches.event_id not in (
        select unposted.source_key from {{ ref('unposted_events') }} as unposted where unposted.source_feed = 'psp_transactions'
    )
