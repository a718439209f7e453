{#- int_ledger_closed_days is read only where a period is closed. -#}
-- depends_on: {{ ref('int_ledger_closed_days') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags=['stepwise'],
    meta={'owner': 'finance', 'control_totals': ['amount'], 'sorted_by': ['client_id', 'occurred_at']}
) }}

with deal_entries as (
    select * from {{ ref('int_ledger_deal_entries') }}
    where _horizon_load_id > {{ high_water() }}
),

money_entries as (
    select * from {{ ref('int_ledger_money_entries') }}
    where _horizon_load_id > {{ high_water() }}
),

rules as (select * from {{ ref('posting_rules') }}),

-- one branch an amount of the deal: only what is not zero meets the two lines it makes
deal_lines as (
    {% for component in ['profit', 'swap', 'commission', 'fee'] -%}
    select
        deal_entries.* exclude (profit, swap, commission, fee),
        rules.line_no,
        rules.account_code,
        case when rules.sign = 1 then deal_entries.{{ component }} else -deal_entries.{{ component }} end as amount
    from deal_entries
    inner join rules on deal_entries.rule_id = rules.rule_id and rules.component = '{{ component }}'
    where deal_entries.{{ component }} <> 0
    {%- if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

money_lines as (
    select
        money_entries.* exclude (account_code, currency, bank_account, amount, net_amount),
        rules.line_no,
        case when rules.account_code = 'own' then money_entries.account_code else rules.account_code end as account_code,
        case rules.currency_of
            when 'to_currency' then money_entries.to_currency
            when 'fee_currency' then money_entries.fee_currency
            else money_entries.currency
        end as currency,
        case when rules.bank_of = 'counter' then money_entries.counter_bank_account else money_entries.bank_account end as bank_account,
        rules.sign * {{ component_of('money_entries', 'rules', ledger_components()) }} as amount
    from money_entries
    inner join rules on money_entries.rule_id = rules.rule_id
),

lines as (
    select
        entry_id,
        line_no,
        account_code,
        currency,
        amount,
        client_id,
        entity,
        platform,
        login,
        null::varchar as psp,
        null::varchar as bank_account,
        null::varchar as partner_id,
        book,
        occurred_at,
        recorded_at,
        _horizon_load_id
    from deal_lines
    union all
    select
        entry_id,
        line_no,
        account_code,
        currency,
        amount,
        client_id,
        entity,
        platform,
        login,
        psp,
        bank_account,
        partner_id,
        book,
        occurred_at,
        recorded_at,
        _horizon_load_id
    from money_lines
    where amount <> 0
)

select
    lines.entry_id,
    lines.line_no,
    lines.account_code,
    lines.currency,
    lines.amount::decimal(38, 8) as amount,
    lines.client_id,
    lines.entity,
    lines.platform,
    lines.login,
    lines.psp,
    lines.bank_account,
    lines.partner_id,
    lines.book,
    lines.occurred_at,
    {{ booked_on('lines') }} as booked_on,
    lines.recorded_at,
    lines._horizon_load_id,
    {{ run_id() }} as _run_id
from lines
{{ join_closed_days('lines') }}
