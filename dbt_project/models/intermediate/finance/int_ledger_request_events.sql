-- Withdrawals and refunds that a request announced: each event moves the money from where the request's last event left it (wallet, reserved,
-- in transit, paid). The PSP's `completed` and the request's `paid` are one event: the first posts, the other is matched.
with terms as (
    select * from {{ ref('int_ledger_requests') }}
    where request_kind in ('withdrawal', 'refund')
),

requests as (
    select * from {{ ref('stg_cash_requests') }}
    where request_id in (select terms.request_id from terms)
),

psp_payouts as (
    select * from {{ ref('int_ledger_psp_rows') }}
    where is_first_completed and request_id is not null
),

matched_lines as (select * from {{ ref('int_ledger_bank_matches') }} where match = 'request'),

stages as (
    select * from (
        values
        ('requested', 1, 'reserved'), ('info_requested', 2, null), ('info_given', 3, null), ('approved', 4, null), ('sent', 5, 'in_transit'),
        ('paid', 6, 'paid'), ('cancelled', 7, 'wallet'), ('rejected', 8, 'wallet'), ('failed', 9, 'wallet'), ('returned', 10, 'wallet')
    ) as stage (event, place, leaves)
),

banks as (
    select
        request_id,
        arg_min(bank_account, (booked_on, line_key)) as bank_account,
        arg_min(is_client_money, (booked_on, line_key)) as is_client_money
    from matched_lines
    where amount < 0
    group by request_id
),

events as (
    select
        'cash_requests' as source_feed,
        event_id as source_key,
        request_id,
        event,
        null::varchar as psp,
        null::decimal(38, 8) as paid_amount,
        null::varchar as fee_currency,
        0 as fee,
        occurred_at,
        _load_id,
        _row_number
    from requests
    union all
    select
        'psp_transactions' as source_feed,
        psp || ':' || event_id as source_key,
        request_id,
        'paid' as event,
        psp,
        amount as paid_amount,
        currency_of_fee as fee_currency,
        fee,
        occurred_at,
        _load_id,
        _row_number
    from psp_payouts
),

placed as (
    select
        events.*,
        terms.client_id,
        terms.currency,
        terms.amount,
        terms.client_fee,
        coalesce(events.paid_amount, terms.amount - terms.client_fee) as net_amount,
        coalesce(last_value(stages.leaves ignore nulls) over earlier, 'wallet') as stage,
        coalesce(terms.psp, max(events.psp) over (partition by events.request_id)) as paid_by_psp,
        banks.bank_account,
        banks.is_client_money
    from events
    inner join stages on events.event = stages.event
    inner join terms on events.request_id = terms.request_id
    left join banks on events.request_id = banks.request_id
    window earlier as (
        partition by events.request_id order by events.occurred_at, stages.place, events.source_feed, events.source_key
        rows between unbounded preceding and 1 preceding
    )
),

payers as (
    select
        *,
        case
            when bank_account is not null then case when is_client_money then 'client_bank' else 'firm_bank' end
            when paid_by_psp is not null then 'psp'
            else 'client_bank'
        end as payer
    from placed
)

select
    source_feed,
    source_key,
    case when source_feed = 'psp_transactions' and stage = 'paid' then 'payout_matched' else event end as event_kind,
    case
        when source_feed = 'psp_transactions' then case when stage = 'paid' then 'any' else stage || '/psp' end
        when event = 'paid' or stage = 'paid' then stage || '/' || payer
        when event in ('info_requested', 'info_given', 'approved') then 'any'
        else stage
    end as condition,
    case
        when event in ('requested', 'sent') and stage <> 'wallet' and not (event = 'sent' and stage = 'reserved') then 'duplicate'
        when event in ('cancelled', 'rejected', 'failed', 'returned') and stage = 'wallet' then 'nothing_requested'
    end as reason,
    client_id,
    null::varchar as entity,
    case when source_feed = 'psp_transactions' or ((event = 'paid' or stage = 'paid') and payer = 'psp') then coalesce(psp, paid_by_psp) end as psp,
    case when source_feed = 'cash_requests' and (event = 'paid' or stage = 'paid') and payer <> 'psp' then bank_account end as bank_account,
    currency,
    coalesce(fee_currency, currency) as fee_currency,
    amount,
    net_amount,
    case when source_feed = 'psp_transactions' then fee else 0 end as fee,
    client_fee,
    occurred_at,
    _load_id as source_load_id,
    _row_number as source_row_number
from payers
