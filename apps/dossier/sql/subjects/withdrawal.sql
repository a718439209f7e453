-- The request itself, as the last publish knows it.
select
    client_id, amount, currency, method, requested_at, destination_holder, psp, instrument_id, channel, ip, device_id, requested_by, turnaround_seconds,
    paused_seconds
from operations.fct_withdrawals where request_id = $id
