{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['day', 'entity', 'account_code', 'currency'],
    meta={'owner': 'finance', 'control_totals': ['debit', 'credit', 'balance'], 'sorted_by': ['day']}
) }}

with new_movements as (
    select
        booked_on as day,
        coalesce(entity, 'unassigned') as entity,
        account_code,
        currency,
        sum(case when amount > 0 then amount else 0 end) as debit,
        sum(case when amount < 0 then -amount else 0 end) as credit
    from {{ ref('fct_postings') }}
    where _horizon_load_id > {{ high_water() }}
    group by all
),

all_movements as (
    select * from new_movements
    {%- if is_incremental() %}
    union all
    select day, entity, account_code, currency, debit, credit from {{ this }}
    {%- endif %}
),

movements as (
    select
        day,
        entity,
        account_code,
        currency,
        sum(debit) as debit,
        sum(credit) as credit
    from all_movements
    group by day, entity, account_code, currency
),

-- every account has a row each day from its first movement on: then each day's balances sum to zero by themselves
accounts as (
    select
        entity,
        account_code,
        currency,
        min(day) as first_day
    from movements
    group by entity, account_code, currency
),

days as (select unnest(generate_series(min(day)::timestamp, max(day)::timestamp, interval 1 day))::date as day from movements),

balances as (
    select
        days.day,
        accounts.entity,
        accounts.account_code,
        accounts.currency,
        coalesce(movements.debit, 0)::decimal(38, 8) as debit,
        coalesce(movements.credit, 0)::decimal(38, 8) as credit,
        sum(coalesce(movements.debit, 0) - coalesce(movements.credit, 0)) over (
            partition by accounts.entity, accounts.account_code, accounts.currency order by days.day
        )::decimal(38, 8) as balance
    from accounts
    inner join days on accounts.first_day <= days.day
    left join movements
        on
            accounts.entity = movements.entity
            and accounts.account_code = movements.account_code
            and accounts.currency = movements.currency
            and days.day = movements.day
)

select
    day,
    entity,
    account_code,
    currency,
    debit,
    credit,
    balance,
    {{ run_id() }} as _run_id
from balances
{%- if is_incremental() %}
where (day, entity, account_code, currency, debit, credit, balance) not in (
    select (written.day, written.entity, written.account_code, written.currency, written.debit, written.credit, written.balance)
    from {{ this }} as written
)
{%- endif %}
