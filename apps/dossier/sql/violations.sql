-- Where the client's file broke a rule of identification.
select rule, event_id, provider, from_status, to_status, occurred_at, recorded_at, superseded_at
from compliance.fct_kyc_violations where client_id = $client_id and occurred_at <= $until and recorded_at <= $knowledge
order by occurred_at, rule, event_id
