-- Invariant 11 of domain 8.3, one way: no entry without the row of a source that made it. Revaluations and a partner's accruals of a day are made of
-- many rows and name none. Only entries of new runs are looked at.
{{ config(severity='error') }}
select
    entry_id,
    source_feed
from {{ ref('fct_journal_entries') }}
where
    (source_load_id is null or source_row_number is null)
    and reverses_entry_id is null
    and source_feed not in ('fx_rates', 'commission_accruals')
    and _run_id >= {{ _control('check_from_run_id') }}
