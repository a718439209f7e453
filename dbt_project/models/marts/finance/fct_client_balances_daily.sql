{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['client_id', 'account_code', 'currency', 'day'],
    meta={'owner': 'finance', 'control_totals': ['movement'], 'sorted_by': ['client_id', 'day']}
) }}

with accounts as (select * from {{ ref('dim_ledger_accounts') }} where is_client_balance),

new_movements as (
    select
        postings.client_id,
        postings.account_code,
        postings.currency,
        postings.occurred_at::date as day,
        sum(postings.amount) as movement
    from {{ ref('fct_postings') }} as postings
    inner join accounts on postings.account_code = accounts.account_code
    where postings._horizon_load_id > {{ high_water() }} and postings.client_id is not null
    group by postings.client_id, postings.account_code, postings.currency, postings.occurred_at::date
),

{% if is_incremental() -%}
-- a balance changes from the first new day on; the mart itself holds the movements before
touched as (
    select
        client_id,
        account_code,
        currency,
        min(day) as first_day
    from new_movements
    group by client_id, account_code, currency
),

known as (
    select
        balances.client_id,
        balances.account_code,
        balances.currency,
        balances.day,
        balances.movement
    from {{ this }} as balances
    inner join touched
        on balances.client_id = touched.client_id and balances.account_code = touched.account_code and balances.currency = touched.currency
),

all_movements as (
    select * from new_movements
    union all
    select * from known
),

movements as (
    select
        client_id,
        account_code,
        currency,
        day,
        sum(movement) as movement
    from all_movements
    group by client_id, account_code, currency, day
),

balances as (
    select
        *,
        sum(movement) over (partition by client_id, account_code, currency order by day) as closing
    from movements
)

select
    balances.client_id,
    balances.account_code,
    balances.currency,
    balances.day,
    (balances.closing - balances.movement)::decimal(38, 8) as opening,
    balances.movement::decimal(38, 8) as movement,
    balances.closing::decimal(38, 8) as closing,
    {{ horizon_load_id() }} as _horizon_load_id,
    {{ run_id() }} as _run_id
from balances
inner join touched
    on balances.client_id = touched.client_id and balances.account_code = touched.account_code and balances.currency = touched.currency
where balances.day >= touched.first_day
{%- else -%}
balances as (
    select
        *,
        sum(movement) over (partition by client_id, account_code, currency order by day) as closing
    from new_movements
)

select
    client_id,
    account_code,
    currency,
    day,
    (closing - movement)::decimal(38, 8) as opening,
    movement::decimal(38, 8) as movement,
    closing::decimal(38, 8) as closing,
    {{ horizon_load_id() }} as _horizon_load_id,
    {{ run_id() }} as _run_id
from balances
{%- endif %}
