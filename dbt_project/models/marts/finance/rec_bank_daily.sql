{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['bank_account', 'day'],
    meta={'owner': 'finance', 'control_totals': ['difference'], 'sorted_by': ['bank_account', 'day']}
) }}

with all_postings as not materialized (
    select
        bank_account,
        occurred_at,
        amount,
        starts_with(entry_id, 'opening_balances:') as is_opening,
        _horizon_load_id
    from {{ ref('fct_postings') }}
    where bank_account is not null and account_code in ('1010', '1020')
),

statements as (select * from {{ ref('stg_bank_statements') }}),

{% if is_incremental() -%}
touched as (
    select distinct bank_account from all_postings
    where _horizon_load_id > {{ high_water() }}
    union
    select distinct bank_account from statements
    where {{ new_rows() }}
),

{% endif -%}
postings as (
    select all_postings.*
    from all_postings
    {%- if is_incremental() %}
    inner join touched on all_postings.bank_account = touched.bank_account
    {%- endif %}
),

closings as (
    select
        statements.bank_account,
        statements.closed_on as day,
        arg_max(statements.currency, statements.statement_id) as currency,
        arg_max(statements.closing_balance, statements.statement_id) as statement_balance
    from statements
    {%- if is_incremental() %}
    inner join touched on statements.bank_account = touched.bank_account
    {%- endif %}
    group by statements.bank_account, statements.closed_on
),

-- without an opening balance of its own an account starts where its first statement does
starts as (
    select
        statements.bank_account,
        arg_min(statements.opening_balance, (statements.opened_on, statements.statement_id)) as opening_balance,
        min(statements.opened_on) as opened_on
    from statements
    where statements.bank_account not in (select postings.bank_account from postings where postings.is_opening)
    group by statements.bank_account
),

daily as (
    select
        postings.bank_account,
        postings.occurred_at::date as day,
        sum(postings.amount) as amount
    from postings
    left join starts on postings.bank_account = starts.bank_account
    where postings.occurred_at >= coalesce(starts.opened_on, date '0001-01-01')
    group by postings.bank_account, postings.occurred_at::date
),

running as (
    select
        bank_account,
        day,
        sum(amount) over (partition by bank_account order by day) as balance
    from daily
),

compared as (
    select
        closings.*,
        coalesce(running.balance, 0) as moved
    from closings
    asof left join running on closings.bank_account = running.bank_account and closings.day >= running.day
)

select
    compared.bank_account,
    compared.day,
    compared.currency,
    accounts.entity,
    accounts.is_client_money,
    starts.bank_account is not null as starts_at_statement,
    (compared.moved + coalesce(starts.opening_balance, 0))::decimal(38, 8) as ledger_balance,
    compared.statement_balance::decimal(38, 8) as statement_balance,
    (compared.moved + coalesce(starts.opening_balance, 0) - compared.statement_balance)::decimal(38, 8) as difference,
    {{ horizon_load_id() }} as _horizon_load_id,
    {{ run_id() }} as _run_id
from compared
left join starts on compared.bank_account = starts.bank_account
left join {{ ref('int_ledger_bank_accounts') }} as accounts
    on
        compared.bank_account = accounts.bank_account
        and compared.day >= accounts.valid_from
        and compared.day < accounts.valid_to
