{{ config(meta={'owner': 'finance', 'control_totals': ['difference'], 'sorted_by': ['partner_id', 'day']}) }}

with accruals as (select * from {{ ref('int_partner_accrual_days') }}),

postings as (
    select
        partner_id,
        currency,
        occurred_at::date as day,
        account_code,
        entry_id,
        amount
    from {{ ref('fct_postings') }}
    where partner_id is not null
),

decisions as (
    select * from {{ ref('int_ledger_partner_events') }}
    where source_feed = 'commission_decisions' and reason is null
),

movements as (
    select
        partner_id,
        currency,
        day,
        amount as accrued,
        0 as adjusted,
        0 as paid_out,
        0 as ledger,
        0 as open_accruals,
        0 as payable
    from accruals
    union all
    select
        partner_id,
        currency,
        occurred_at::date as day,
        0 as accrued,
        case event_kind when 'adjusted' then amount when 'clawed_back' then -amount else 0 end as adjusted,
        case
            when event_kind = 'paid' and condition <> 'wallet' then net_amount
            when event_kind in ('failed', 'returned') and condition = 'external' then -amount
            else 0
        end as paid_out,
        0 as ledger,
        0 as open_accruals,
        0 as payable
    from decisions
    union all
    -- what a conversion paid into a wallet is owed there in the other currency
    select
        partner_id,
        to_currency as currency,
        occurred_at::date as day,
        0 as accrued,
        0 as adjusted,
        -to_amount as paid_out,
        0 as ledger,
        0 as open_accruals,
        0 as payable
    from decisions
    where starts_with(condition, 'wallet_converted')
    union all
    select
        partner_id,
        currency,
        day,
        0 as accrued,
        0 as adjusted,
        0 as paid_out,
        case when account_code in ('2060', '2061', '2062', '2065', '1070') then -amount else 0 end as ledger,
        case when account_code = '2060' then -amount else 0 end as open_accruals,
        case when account_code = '2061' then -amount else 0 end as payable
    from postings
),

daily as (
    select
        partner_id,
        currency,
        day,
        sum(accrued) as accrued,
        sum(adjusted) as adjusted,
        sum(paid_out) as paid_out,
        sum(ledger) as ledger,
        sum(open_accruals) as open_accruals,
        sum(payable) as payable
    from movements
    where currency is not null
    group by partner_id, currency, day
),

running as (
    select
        partner_id,
        currency,
        day,
        sum(accrued) over so_far as accrued_lines,
        sum(adjusted) over so_far as adjustments,
        sum(paid_out) over so_far as payouts,
        sum(ledger) over so_far as ledger_balance,
        sum(open_accruals) over so_far as open_accruals,
        sum(payable) over so_far as payable
    from daily
    window so_far as (partition by partner_id, currency order by day)
)

select
    partner_id,
    currency,
    day,
    accrued_lines::decimal(38, 8) as accrued_lines,
    adjustments::decimal(38, 8) as adjustments,
    payouts::decimal(38, 8) as payouts,
    ledger_balance::decimal(38, 8) as ledger_balance,
    open_accruals::decimal(38, 8) as open_accruals,
    payable::decimal(38, 8) as payable,
    (ledger_balance - accrued_lines - adjustments + payouts)::decimal(38, 8) as difference,
    {{ run_id() }} as _run_id
from running
