-- Invariant 4 of domain 8.3: what the ledger says each PSP owes and holds back is what its own reports add up to, and the lots not released yet are the
-- reserve. By currency, on the newest day: small tables, so that it costs nothing on an increment. A break of the PSP reconciliation shows here too.
{{ config(severity='warn') }}
with ledger as (
    select
        currency,
        coalesce(sum(balance) filter (where account_code = '1030'), 0) as receivable,
        coalesce(sum(balance) filter (where account_code = '1035'), 0) as reserve
    from {{ ref('fct_trial_balance') }}
    where account_code in ('1030', '1035') and day = (select max(newest.day) from {{ ref('fct_trial_balance') }} as newest)
    group by currency
),

newest as (
    select
        currency,
        arg_max(gap, day) as gap,
        arg_max(reserve, day) as reserve
    from {{ ref('fct_psp_settlement_daily') }}
    group by psp, entity, currency
),

reported as (
    select
        currency,
        sum(gap) as gap,
        sum(reserve) as reserve
    from newest
    group by currency
),

lots as (
    select
        currency,
        sum(remaining) as remaining
    from {{ ref('fct_psp_reserve_lots') }}
    group by currency
)

select
    ledger.currency,
    ledger.receivable,
    reported.gap,
    ledger.reserve,
    lots.remaining
from ledger
left join reported on ledger.currency = reported.currency
left join lots on ledger.currency = lots.currency
where
    {{ built_alike(['fct_psp_settlement_daily', 'fct_psp_reserve_lots', 'fct_trial_balance']) }}
    and (
        ledger.receivable <> coalesce(reported.gap, 0)
        or ledger.reserve <> coalesce(reported.reserve, 0)
        or ledger.reserve <> coalesce(lots.remaining, 0)
    )
