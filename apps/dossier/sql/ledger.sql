-- The journal entries that stand for the subject's events, and the client's own lines of them; a debit is positive.
with own as (
    select distinct source_feed, source_key from compliance.fct_audit_events where stream = $own_stream and stream_id = $own_stream_id
)

select
    entries.entry_id, entries.entry_type, entries.occurred_at, entries.recorded_at, entries.booked_on, entries.reverses_entry_id,
    lines.line_no, lines.account_code, lines.currency, lines.amount
from finance.fct_journal_entries as entries
inner join own on entries.source_feed = own.source_feed and entries.source_key = own.source_key
left join finance.fct_postings as lines on entries.entry_id = lines.entry_id and lines.client_id = $client_id
where entries.client_id = $client_id and entries.occurred_at <= $until and entries.recorded_at <= $knowledge
order by entries.occurred_at, entries.entry_id, lines.line_no
