{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['platform', 'login'],
    tags=['stepwise']
) }}
{#- Every deal of the few logins that were ever granted credit, with how much of the credit covers a loss after it. The platform leaves the credit as it
    is and lets the balance go below zero; the ledger books what the credit absorbs. Only logins with new deals are looked at again. -#}
{%- set credit_actions = "('credit', 'so_compensation_credit')" %}

with deals as not materialized (
    select
        platform,
        login,
        deal_id,
        client_id,
        entity,
        book,
        currency,
        executed_at,
        case when action in {{ credit_actions }} then profit else 0 end as credit,
        swap + commission + fee + case when action in {{ credit_actions }} then 0 else profit end as cash,
        _load_id,
        _row_number,
        _horizon_load_id
    from {{ ref('int_ledger_deals') }}
    where not is_cancelled and not is_demo and not is_test and currency is not null
),

with_credit as (
    select distinct platform, login from {{ ref('int_ledger_deals') }}
    where action in {{ credit_actions }}
    {%- if is_incremental() %}
    intersect
    select platform, login from {{ ref('int_ledger_deals') }}
    where _horizon_load_id > {{ high_water() }}
    {%- endif %}
),

opened as (
    select
        login,
        -sum(amount) as cash
    from {{ ref('stg_opening_balances') }}
    where account_code = '2020' and login is not null
    group by login
),

running as (
    select
        deals.*,
        coalesce(opened.cash, 0) + sum(deals.cash) over so_far as balance,
        sum(deals.credit) over so_far as granted
    from deals
    inner join with_credit on deals.platform = with_credit.platform and deals.login = with_credit.login
    left join opened on deals.login = opened.login
    window so_far as (partition by deals.platform, deals.login order by deals.executed_at, deals.deal_id)
),

covered as (
    select
        *,
        greatest(least(-balance, granted), 0) as absorbed
    from running
)

select
    platform,
    login,
    deal_id,
    client_id,
    entity,
    book,
    currency,
    executed_at,
    absorbed::decimal(38, 8) as absorbed,
    (absorbed - coalesce(lag(absorbed) over (partition by platform, login order by executed_at, deal_id), 0))::decimal(38, 8) as change,
    _load_id,
    _row_number
from covered
