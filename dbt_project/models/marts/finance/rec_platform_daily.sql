{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['platform', 'login', 'day'],
    meta={'owner': 'finance', 'control_totals': ['difference'], 'sorted_by': ['platform', 'login']}
) }}

with accounts as (select * from {{ ref('int_accounts') }}),

all_postings as not materialized (
    select platform, login, occurred_at, case when account_code = '2020' then -amount else amount end as amount, _horizon_load_id
    from {{ ref('fct_postings') }}
    where account_code in ('2020', '9010') and login is not null
),

snapshots as (select * from {{ ref('stg_account_snapshots') }}),

{% if is_incremental() -%}
touched as (
    select distinct platform, login from all_postings
    where _horizon_load_id > {{ high_water() }}
    union
    select distinct platform, login from snapshots
    where {{ new_rows() }}
    union
    select distinct platform, login from accounts
    where {{ new_rows() }}
),

{% endif -%}
postings as (
    select all_postings.*
    from all_postings
    {%- if is_incremental() %}
    inner join touched on all_postings.platform = touched.platform and all_postings.login = touched.login
    {%- endif %}
),

last_of_day as (
    select
        snapshots.platform,
        snapshots.login,
        snapshots.captured_at::date as day,
        max(snapshots.captured_at) as captured_at,
        arg_max(coalesce(snapshots.balance, 0) + coalesce(snapshots.credit, 0), snapshots.captured_at) as platform_balance
    from snapshots
    {%- if is_incremental() %}
    inner join touched on snapshots.platform = touched.platform and snapshots.login = touched.login
    {%- endif %}
    group by snapshots.platform, snapshots.login, snapshots.captured_at::date
),

real_accounts as (
    select
        last_of_day.*,
        accounts.client_id,
        accounts.entity,
        accounts.currency
    from last_of_day
    left join accounts
        on
            last_of_day.platform = accounts.platform
            and last_of_day.login = accounts.login
            and last_of_day.captured_at >= accounts.valid_from
            and last_of_day.captured_at < coalesce(accounts.valid_to, timestamp '9999-12-31')
    where not coalesce(accounts.is_demo, false) and not coalesce(accounts.is_test, false)
),

-- whole days first, then what of the snapshot's own day had happened by its moment: no range join over all postings
daily as (
    select
        postings.platform,
        postings.login,
        postings.occurred_at::date as day,
        sum(postings.amount) as amount
    from postings
    group by postings.platform, postings.login, postings.occurred_at::date
),

running as (
    select
        platform,
        login,
        day,
        sum(amount) over (partition by platform, login order by day) as closing
    from daily
),

after_snapshot as (
    select
        real_accounts.platform,
        real_accounts.login,
        real_accounts.day,
        sum(postings.amount) as amount
    from real_accounts
    inner join postings
        on
            real_accounts.platform = postings.platform
            and real_accounts.login = postings.login
            and real_accounts.day = postings.occurred_at::date
            and real_accounts.captured_at < postings.occurred_at
    group by real_accounts.platform, real_accounts.login, real_accounts.day
),

compared as (
    select
        real_accounts.*,
        coalesce(running.closing, 0) as closing
    from real_accounts
    asof left join running
        on real_accounts.platform = running.platform and real_accounts.login = running.login and real_accounts.day >= running.day
)

select
    compared.platform,
    compared.login,
    compared.day,
    compared.client_id,
    compared.entity,
    compared.currency,
    compared.captured_at,
    (compared.closing - coalesce(after_snapshot.amount, 0))::decimal(38, 8) as ledger_balance,
    compared.platform_balance::decimal(38, 8) as platform_balance,
    (compared.closing - coalesce(after_snapshot.amount, 0) - compared.platform_balance)::decimal(38, 8) as difference,
    {{ horizon_load_id() }} as _horizon_load_id,
    {{ run_id() }} as _run_id
from compared
left join after_snapshot
    on compared.platform = after_snapshot.platform and compared.login = after_snapshot.login and compared.day = after_snapshot.day
