-- Client money in and out, whoever carried it: PSP transactions at their outcome, and wires as the bank booked them.
with psp_rows as (select * from {{ ref('int_ledger_psp_rows') }}),

bank_lines as (select * from {{ ref('int_ledger_bank_matches') }}),

requests as (select * from {{ ref('int_ledger_requests') }}),

clients as (select * from {{ ref('int_ledger_clients') }}),

-- one outcome an attempt: completed wins over what came before it
attempts as (
    select
        psp,
        txn_id,
        case
            when bool_or(status = 'completed') then 'approved'
            when bool_or(status = 'declined') then 'declined'
            else 'failed'
        end as outcome,
        case when bool_or(status = 'completed') then min(occurred_at) filter (where status = 'completed') else max(occurred_at) end as occurred_at,
        min(method) as method,
        min(currency) as currency,
        min(client_id) as client_id
    from psp_rows
    where kind = 'deposit' and status in ('completed', 'declined', 'failed')
    group by psp, txn_id
),

flows as (
    select
        psp,
        method,
        client_id,
        null as entity,
        occurred_at,
        currency,
        case
            when is_deposit_reversal then 'deposit_reversed'
            when kind in ('deposit', 'withdrawal', 'refund', 'chargeback', 'chargeback_reversal') then kind
            else 'other'
        end as flow,
        amount
    from psp_rows
    where is_first_completed or is_deposit_reversal
    union all
    select
        'bank' as psp,
        'bank_wire' as method,
        coalesce(requests.client_id, bank_lines.named_client_id) as client_id,
        bank_lines.entity,
        bank_lines.occurred_at,
        bank_lines.currency,
        case
            when bank_lines.amount < 0 then 'withdrawal'
            when requests.request_kind in ('withdrawal', 'refund') then 'withdrawal_returned'
            else 'deposit'
        end as flow,
        abs(bank_lines.amount) as amount
    from bank_lines
    left join requests on bank_lines.request_id = requests.request_id
    where
        bank_lines.is_client_money
        and coalesce(bank_lines.kind, case when bank_lines.amount < 0 then 'payment' else 'receipt' end) in ('receipt', 'payment')
        and (bank_lines.match = 'request' or (bank_lines.match = 'client' and bank_lines.amount > 0))
    union all
    select
        psp,
        method,
        client_id,
        null as entity,
        occurred_at,
        currency_of_fee as currency,
        'fee' as flow,
        fee as amount
    from psp_rows
    where is_first_completed and fee <> 0
    union all
    select
        psp,
        method,
        client_id,
        null as entity,
        occurred_at,
        currency,
        'fee' as flow,
        amount
    from psp_rows
    where is_first_completed and kind = 'fee'
    union all
    select
        psp,
        method,
        client_id,
        null as entity,
        occurred_at,
        currency,
        outcome as flow,
        0 as amount
    from attempts
)

select
    flows.psp,
    coalesce(flows.method, 'unknown') as method,
    flows.client_id,
    coalesce(clients.entity, flows.entity, 'unknown') as entity,
    coalesce(clients.is_test, false) as is_test,
    flows.occurred_at,
    flows.currency,
    flows.flow,
    flows.amount::decimal(38, 8) as amount
from flows
left join clients
    on
        flows.client_id = clients.client_id
        and flows.occurred_at >= clients.valid_from
        and flows.occurred_at < clients.valid_to
where flows.flow <> 'other'
