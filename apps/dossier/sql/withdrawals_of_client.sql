-- The client's withdrawals asked for by the moment.
select request_id, amount, currency, method, requested_at, decided_at, paid_at, decision, decided_by, turnaround_seconds
from operations.fct_withdrawals where client_id = $client_id and requested_at <= $until and recorded_at <= $knowledge
order by requested_at, request_id
