{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['entity', 'part', 'unit', 'currency', 'day']
) }}

{#- What the client-money calculation is made of, per unit that is floored by itself (a client's wallet, a trading account) and per ledger account
    of the firm's side: closings on days with movement. What is owed and what is held are both positive. -#}
{%- set keys = ['entity', 'part', 'unit', 'currency'] %}
with new_movements as (
    select
        coalesce(entity, 'unassigned') as entity,
        case when account_code in ('2010', '2015', '2020', '2070') then 'owed' when account_code = '2050' then 'unidentified'
            when account_code = '1010' then 'bank' else 'psp' end as part,
        case
            when account_code = '2020' and login is not null then 'login:' || platform || ':' || login
            when account_code in ('2010', '2015', '2020', '2070') then 'client:' || coalesce(client_id, '')
            else account_code
        end as unit,
        currency,
        occurred_at::date as day,
        sum(case when starts_with(account_code, '2') then -amount else amount end) as movement
    from {{ ref('fct_postings') }}
    where account_code in ('1010', '1030', '2010', '2015', '2020', '2050', '2070') and _horizon_load_id > {{ high_water() }}
    group by all
),

{% if is_incremental() -%}
touched as (
    select {{ keys | join(', ') }}, min(day) as first_day from new_movements
    group by all
),

all_movements as (
    select * from new_movements
    union all
    select known.entity, known.part, known.unit, known.currency, known.day, known.movement
    from {{ this }} as known
    inner join touched using ({{ keys | join(', ') }})
),

movements as (
    select {{ keys | join(', ') }}, day, sum(movement) as movement from all_movements
    group by all
),
{%- else -%}
movements as (select * from new_movements),
{%- endif %}

balances as (
    select
        *,
        sum(movement) over (partition by {{ keys | join(', ') }} order by day) as closing
    from movements
)

select
    balances.entity,
    balances.part,
    balances.unit,
    balances.currency,
    balances.day,
    balances.movement::decimal(38, 8) as movement,
    balances.closing::decimal(38, 8) as closing
from balances
{%- if is_incremental() %}
inner join touched using ({{ keys | join(', ') }})
where balances.day >= touched.first_day
{%- endif %}
