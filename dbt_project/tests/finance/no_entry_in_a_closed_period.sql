-- Invariant 12 of domain 8.3: nothing is booked on a day that was closed before the step that wrote it; a late event goes to the open period.
{{ config(severity='error') }}
select
    entries.entry_id,
    entries.booked_on
from {{ ref('fct_journal_entries') }} as entries
inner join {{ ref('int_ledger_closed_days') }} as closed on entries.entity = closed.entity and entries.booked_on = closed.day
where entries._run_id >= {{ _control('check_from_run_id') }} and entries.recorded_at = {{ known_at() }}
