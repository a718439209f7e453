-- For every partner, currency and month: what the statement says was accrued is the sum of the lines, its closing balance is the ledger's of the partner
-- accounts, and what it says was paid is the payouts that stand. To the last decimal.
-- A full build adds up every line; a later one its sums by day and client, which are made apart from each other.
{{ config(severity='error') }}
{%- set is_full = not _control('check_from_run_id') %}
-- depends_on: {{ ref('int_partner_accrual_days') }}
-- depends_on: {{ ref('fct_commission_accruals') }}
with statements as (select * from {{ ref('fct_partner_statement') }}),

lines as (
    select
        partner_id,
        currency,
        strftime({{ 'executed_at' if is_full else 'day' }}, '%Y-%m') as period,
        sum(amount) as amount
    from {{ ref('fct_commission_accruals') if is_full else ref('int_partner_accrual_days') }}
    group by all
),

by_client as (
    select
        partner_id,
        currency,
        period,
        sum(amount) as amount
    from {{ ref('int_partner_client_months') }}
    group by all
),

ledger_months as (
    select
        partner_id,
        currency,
        strftime(occurred_at, '%Y-%m') as period,
        -sum(amount) as moved
    from {{ ref('fct_postings') }}
    where partner_id is not null and account_code in ('2060', '2061', '2065', '1070')
    group by all
),

ledger as (
    select
        *,
        sum(moved) over (partition by partner_id, currency order by period) as balance
    from ledger_months
),

payouts as (
    select
        partner_id,
        currency,
        strftime(paid_at, '%Y-%m') as period,
        sum(amount) as amount
    from {{ ref('fct_payouts') }}
    where paid_at is not null
    group by all
),

came_back as (
    select
        partner_id,
        currency,
        strftime(occurred_at, '%Y-%m') as period,
        sum(amount) as amount
    from {{ ref('int_ledger_partner_events') }}
    where event_kind in ('failed', 'returned') and reason is null
    group by all
)

select
    coalesce(statements.partner_id, ledger.partner_id, lines.partner_id) as partner_id,
    coalesce(statements.currency, ledger.currency, lines.currency) as currency,
    coalesce(statements.period, ledger.period, lines.period) as period,
    statements.accrued,
    lines.amount as lines,
    by_client.amount as lines_by_client,
    statements.closing,
    ledger.balance as ledger_balance,
    statements.paid,
    payouts.amount as payouts
from statements
full join ledger
    on statements.partner_id = ledger.partner_id and statements.currency = ledger.currency and statements.period = ledger.period
full join lines
    on
        coalesce(statements.partner_id, ledger.partner_id) = lines.partner_id
        and coalesce(statements.currency, ledger.currency) = lines.currency
        and coalesce(statements.period, ledger.period) = lines.period
left join by_client
    on statements.partner_id = by_client.partner_id and statements.currency = by_client.currency and statements.period = by_client.period
left join payouts
    on statements.partner_id = payouts.partner_id and statements.currency = payouts.currency and statements.period = payouts.period
left join came_back
    on statements.partner_id = came_back.partner_id and statements.currency = came_back.currency and statements.period = came_back.period
where
    (statements.partner_id is null and coalesce(ledger.moved, lines.amount, 0) <> 0)
    or statements.accrued <> coalesce(lines.amount, 0)
    or statements.accrued <> coalesce(by_client.amount, 0)
    or (ledger.balance is not null and statements.closing <> ledger.balance)
    or (ledger.balance is null and statements.closing <> statements.opening)
    or statements.paid <> coalesce(payouts.amount, 0) - coalesce(came_back.amount, 0)
