-- A PSP's rows with their place: the first `completed` of a transaction posts, a later one is a duplicate; which money request it serves.
with psp_rows as (
    select
        *,
        coalesce(psp_txn_id, event_id) as txn_id,
        coalesce(fee_currency, currency) as currency_of_fee,
        coalesce(fee_amount, 0) as fee
    from {{ ref('stg_psp_transactions') }}
),

payout_requests as (
    select request_id from {{ ref('int_ledger_requests') }}
    where request_kind in ('withdrawal', 'refund')
),

placed as (
    select
        *,
        row_number() over (partition by psp, txn_id, kind, status order by occurred_at, event_id) as place,
        min(case when status = 'completed' then occurred_at end) over (partition by psp, txn_id, kind) as completed_at
    from psp_rows
)

select
    placed.*,
    payout_requests.request_id,
    placed.status = 'completed' and placed.place = 1 as is_first_completed,
    placed.kind = 'deposit'
    and placed.status in ('failed', 'cancelled', 'declined')
    and placed.occurred_at >= placed.completed_at
    and not coalesce(bool_or(
        placed.kind = 'deposit' and placed.status in ('failed', 'cancelled', 'declined') and placed.occurred_at >= placed.completed_at
    ) over (
        partition by placed.psp, placed.txn_id, placed.kind order by placed.occurred_at, placed.event_id
        rows between unbounded preceding and 1 preceding
    ), false) as is_deposit_reversal
from placed
left join payout_requests
    on placed.client_reference = payout_requests.request_id and placed.kind in ('withdrawal', 'refund')
