-- A PSP's rows with their place: the first `completed` of a transaction posts, a later one is a duplicate; which money request it serves.
with psp_rows as (
    select
        *,
        coalesce(psp_txn_id, event_id) as txn_id,
        coalesce(fee_currency, currency) as currency_of_fee,
        coalesce(fee_amount, 0) as fee
    from {{ ref('stg_psp_transactions') }}
),

requests as (select request_id, request_kind, client_id from {{ ref('int_ledger_requests') }}),

placed as (
    select
        *,
        row_number() over (partition by psp, txn_id, kind, status order by occurred_at, event_id) as place,
        min(case when status = 'completed' then occurred_at end) over (partition by psp, txn_id, kind) as completed_at
    from psp_rows
),

judged as (
    select
        placed.* replace (coalesce(placed.client_id, requests.client_id) as client_id),
        case when placed.kind in ('withdrawal', 'refund') and requests.request_kind in ('withdrawal', 'refund') then requests.request_id end as request_id,
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
    left join requests on placed.client_reference = requests.request_id
)

select
    *,
    -- what the row does to the balance the PSP holds for us, after its fee
    case
        when is_deposit_reversal then -amount
        when not is_first_completed then 0
        when kind in ('deposit', 'chargeback_reversal', 'reserve_release') or (kind = 'adjustment' and direction = 'in') then amount
        when kind = 'chargeback_lost' then 0
        else -amount
    end
    - case when currency_of_fee = currency and is_first_completed then fee else 0 end as effect
from judged
