-- Completed deposits of clients, each version with the span in which it was known: PSP transactions (a transaction's first `completed`) and wires
-- as the bank booked them. A wire's match is today's.
with psp_versions as (select * from {{ known_versions('psp_transactions', ['psp', 'event_id']) }}),

requests as (select request_id, request_kind, client_id, paid_at from {{ ref('int_ledger_requests') }}),

bank_lines as (select * from {{ ref('int_ledger_bank_matches') }})

select
    coalesce(psp_versions.client_id, requests.client_id) as client_id,
    psp_versions.psp as provider,
    psp_versions.event_id,
    coalesce(psp_versions.psp_txn_id, psp_versions.event_id) as txn_id,
    psp_versions.occurred_at,
    psp_versions.amount,
    psp_versions.currency,
    psp_versions.method,
    psp_versions.instrument_holder as holder,
    psp_versions.recorded_at,
    psp_versions.superseded_at,
    psp_versions._load_id
from psp_versions
left join requests on psp_versions.client_reference = requests.request_id
where psp_versions.kind = 'deposit' and psp_versions.status = 'completed'
union all
select
    coalesce(requests.client_id, bank_lines.named_client_id) as client_id,
    bank_lines.bank_account as provider,
    bank_lines.line_key as event_id,
    bank_lines.line_key as txn_id,
    coalesce(requests.paid_at, bank_lines.occurred_at) as occurred_at,
    bank_lines.amount,
    bank_lines.currency,
    'bank_wire' as method,
    bank_lines.counterparty_name as holder,
    bank_lines.recorded_at,
    null::timestamp as superseded_at,
    bank_lines._load_id
from bank_lines
left join requests on bank_lines.request_id = requests.request_id
where
    bank_lines.is_client_money
    and bank_lines.amount > 0
    and coalesce(bank_lines.kind, 'receipt') = 'receipt'
    and (bank_lines.match = 'client' or (bank_lines.match = 'request' and requests.request_kind = 'deposit'))
