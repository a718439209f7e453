-- The identification of a client: one case a client, from its first event on.
select
    client_id,
    arg_max(status, valid_from) filter (where superseded_at is null) as status,
    coalesce(min(valid_from) filter (where status = 'SUBMITTED'), min(valid_from)) as requested_at
from compliance.fct_kyc_status
where client_id = $id
group by client_id
