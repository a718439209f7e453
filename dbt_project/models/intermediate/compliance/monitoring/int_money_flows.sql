-- Client money as monitoring counts it. deposit: a completed deposit of a PSP, or a receipt the bank matched to a client. out: a request's `paid`, else
-- a completed payout of a PSP that no request explains, once. payout: what a PSP completed towards an instrument. chargeback: what a bank took back.
with completed as (
    select *, 'psp_transactions:' || psp || ':' || event_id as flow_key
    from {{ ref('int_ledger_psp_rows') }}
    where is_first_completed and kind in ('deposit', 'withdrawal', 'refund', 'chargeback', 'chargeback_reversal')
),

-- what undoes a deposit may name the deposit alone
psp_rows as (
    select completed.* replace (coalesce(completed.client_id, undone.client_id) as client_id)
    from completed
    left join (
        select psp, txn_id, any_value(client_id) as client_id from completed
        where kind = 'deposit'
        group by psp, txn_id
    ) as undone on completed.psp = undone.psp and completed.original_psp_txn_id = undone.txn_id
),

requests as (select * from {{ ref('int_money_requests') }}),

receipts as (
    select
        lines.*,
        requests.client_id as request_client_id,
        coalesce(requests.paid_at, lines.occurred_at) as booked_at
    from {{ ref('int_ledger_bank_matches') }} as lines
    left join requests on lines.request_id = requests.request_id
    where
        lines.is_client_money
        and lines.amount > 0
        and lines.return_of_line is null
        and coalesce(lines.kind, 'receipt') = 'receipt'
        and (lines.match = 'client' or (lines.match = 'request' and coalesce(requests.request_kind, 'deposit') = 'deposit'))
),

flows as (
    select
        case when kind in ('withdrawal', 'refund') then 'payout' else kind end as flow,
        flow_key,
        client_id,
        occurred_at as asked_at,
        occurred_at,
        method,
        instrument_id,
        instrument_holder as holder,
        instrument_country,
        payer_bank_country,
        psp,
        txn_id,
        original_psp_txn_id,
        client_reference as request_id,
        amount,
        currency,
        recorded_at
    from psp_rows
    union all
    select
        'deposit', 'bank_statement_lines:' || line_key, coalesce(request_client_id, named_client_id), booked_at as asked_at, booked_at as occurred_at, 'bank_wire',
        counterparty_account, counterparty_name, null, null, null, null, null, request_id, amount,
        currency, recorded_at
    from receipts
    union all
    select
        'out', 'cash_requests:' || paid_event_id, client_id, asked_at, paid_at, method, instrument_id, destination_holder, null, null, null, null, null,
        request_id, amount, currency, paid_recorded_at
    from requests
    where request_kind in ('withdrawal', 'refund') and paid_at is not null and (returned_at is null or returned_at < paid_at)
    union all
    select
        'out', psp_rows.flow_key, psp_rows.client_id, psp_rows.occurred_at as asked_at, psp_rows.occurred_at as moved_at, psp_rows.method, psp_rows.instrument_id,
        psp_rows.instrument_holder, psp_rows.instrument_country, null, psp_rows.psp, psp_rows.txn_id, psp_rows.original_psp_txn_id, null,
        psp_rows.amount, psp_rows.currency, psp_rows.recorded_at
    from psp_rows
    where psp_rows.kind in ('withdrawal', 'refund') and psp_rows.request_id is null
),

rates as (select * from {{ ref('int_fx_usd') }}),

euro_rates as (select * from {{ ref('int_fx_usd') }} where currency = 'EUR')

select
    flows.flow,
    flows.flow_key,
    flows.client_id,
    persons.person_id,
    persons.entity,
    flows.asked_at,
    flows.occurred_at,
    flows.method,
    flows.instrument_id,
    flows.holder,
    flows.instrument_country,
    flows.payer_bank_country,
    flows.psp,
    flows.txn_id,
    flows.original_psp_txn_id,
    flows.request_id,
    flows.amount,
    flows.currency,
    {{ round_money('flows.amount * rates.rate_to_usd', 8) }} as amount_usd,
    {{ in_euros('flows') }} as amount_eur,
    flows.recorded_at
from flows
inner join {{ ref('int_persons') }} as persons on flows.client_id = persons.client_id and not persons.is_test
{{ at_euro_rates('flows', 'occurred_at') }}
