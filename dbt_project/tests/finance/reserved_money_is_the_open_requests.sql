-- Invariant 7 of domain 8.3: what is reserved and in transit is what open withdrawals and refunds ask for, by where each stands. By currency; clients of
-- the broker's own testing are posted nowhere and left out.
{{ config(severity='warn') }}
with requests as (
    select requests.*
    from {{ ref('int_ledger_requests') }} as requests
    inner join (
        select client_id, bool_or(is_test) as is_test from {{ ref('int_ledger_clients') }}
        group by client_id
    ) as clients on requests.client_id = clients.client_id
    where requests.request_kind in ('withdrawal', 'refund') and not clients.is_test
),

last_events as (
    select
        request_id,
        arg_max(event, (occurred_at, event_id)) as event
    from {{ ref('stg_cash_requests') }}
    where event in ('requested', 'sent', 'paid', 'rejected', 'cancelled', 'failed', 'returned')
    group by request_id
),

-- a payout that the PSP reported first is paid, whatever our request still says
paid_out as (
    select distinct request_id from {{ ref('rec_psp_matches') }}
    where kind in ('withdrawal', 'refund') and status = 'completed' and request_id is not null
),

waiting as (
    select
        requests.currency,
        sum(case when last_events.event = 'requested' then requests.amount else 0 end) as reserved,
        sum(case when last_events.event = 'sent' then requests.amount - requests.client_fee else 0 end) as in_transit
    from requests
    inner join last_events on requests.request_id = last_events.request_id
    where requests.request_id not in (select paid_out.request_id from paid_out)
    group by requests.currency
),

ledger as (
    select
        currency,
        coalesce(-sum(balance) filter (where account_code = '2015'), 0) as reserved,
        coalesce(-sum(balance) filter (where account_code = '2070'), 0) as in_transit
    from {{ ref('fct_trial_balance') }}
    where account_code in ('2015', '2070') and day = (select max(newest.day) from {{ ref('fct_trial_balance') }} as newest)
    group by currency
)

select
    ledger.currency,
    ledger.reserved,
    waiting.reserved as asked,
    ledger.in_transit,
    waiting.in_transit as sent
from ledger
left join waiting on ledger.currency = waiting.currency
where
    {{ built_alike(['rec_psp_matches', 'fct_trial_balance']) }}
    and (ledger.reserved <> coalesce(waiting.reserved, 0) or ledger.in_transit <> coalesce(waiting.in_transit, 0))
