{{ config(meta={'owner': 'payments', 'control_totals': ['deposits', 'withdrawals', 'net', 'fees'], 'sorted_by': ['day']}) }}

with events as (select * from {{ ref('int_payment_events') }} where not is_test),

rates as (select * from {{ ref('int_fx_usd_days') }}),

sums as (
    select
        occurred_at::date as day,
        entity,
        psp,
        method,
        currency,
        sum(case when flow = 'deposit' then amount when flow = 'deposit_reversed' then -amount else 0 end) as deposits,
        sum(case when flow = 'withdrawal' then amount when flow = 'withdrawal_returned' then -amount else 0 end) as withdrawals,
        sum(case when flow = 'refund' then amount else 0 end) as refunds,
        sum(case when flow = 'chargeback' then amount when flow = 'chargeback_reversal' then -amount else 0 end) as chargeback_amount,
        count(*) filter (where flow = 'chargeback') as chargebacks,
        sum(case when flow = 'fee' then amount else 0 end) as fees,
        count(*) filter (where flow = 'approved') as approved,
        count(*) filter (where flow = 'declined') as declined,
        count(*) filter (where flow = 'failed') as failed
    from events
    group by occurred_at::date, entity, psp, method, currency
)

select
    sums.day,
    sums.entity,
    sums.psp,
    sums.method,
    sums.currency,
    sums.deposits::decimal(38, 8) as deposits,
    sums.withdrawals::decimal(38, 8) as withdrawals,
    sums.refunds::decimal(38, 8) as refunds,
    (sums.deposits - sums.withdrawals - sums.refunds - sums.chargeback_amount)::decimal(38, 8) as net,
    sums.approved + sums.declined + sums.failed as attempts,
    sums.approved,
    sums.declined,
    sums.failed,
    {{ divide('sums.approved', '(sums.approved + sums.declined + sums.failed)', 8) }}::decimal(18, 8) as approval_rate,
    sums.chargebacks,
    sums.chargeback_amount::decimal(38, 8) as chargeback_amount,
    sums.fees::decimal(38, 8) as fees,
    rates.rate_to_usd as fx_rate_usd,
    {{ run_id() }} as _run_id
from sums
left join rates on sums.currency = rates.currency and sums.day = rates.day
