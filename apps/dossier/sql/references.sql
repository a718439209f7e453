-- What provider and bank call it: the provider's rows of the request, the batch and the bank line that settled them.
select psp, event_id, kind, status, amount, currency, occurred_at, settlement_batch_id, bank_line_key, match_rule, settled_at, received_on
from finance.rec_psp_matches where request_id = $id
order by occurred_at, psp, event_id
