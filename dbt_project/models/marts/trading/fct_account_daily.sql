{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['platform', 'login', 'day'],
    meta={'owner': 'dealing', 'control_totals': ['lots', 'notional_usd', 'realised_pnl', 'balance'], 'sorted_by': ['day', 'login']}
) }}

with deals as not materialized (select * from {{ ref('fct_deals') }}),

snapshots as not materialized (select * from {{ ref('stg_account_snapshots') }}),

accounts as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('int_accounts') }}),

-- every version, because a day that a correction emptied stays, with zeros: rows of a mart are replaced, never lost
deal_versions as not materialized (select * from {{ source('raw', 'deals') }}),

{% if is_incremental() -%}
corrected as (
    select distinct
        platform,
        deal_id
    from deal_versions
    where _version > 1 and {{ new_rows() }}
),

touched as (
    select
        platform,
        login,
        executed_at::date as day
    from deals
    where _horizon_load_id > {{ high_water() }}
    union
    select
        deal_versions.platform,
        deal_versions.login,
        deal_versions.executed_at::date as day
    from deal_versions
    inner join corrected on deal_versions.platform = corrected.platform and deal_versions.deal_id = corrected.deal_id
    where deal_versions._load_id <= {{ horizon_load_id() }}
    union
    select
        platform,
        login,
        captured_at::date as day
    from snapshots
    where {{ new_rows() }}
    union
    select
        known.platform,
        known.login,
        known.day
    from {{ this }} as known
    inner join accounts
        on
            known.platform = accounts.platform
            and known.login = accounts.login
            and known.day + interval 1 day > accounts.valid_from
            and known.day + interval 1 day <= accounts.valid_to
    where
        {{ new_rows('accounts') }}
        and (
            known.client_id is distinct from accounts.client_id
            or known.entity is distinct from accounts.entity
            or known.book is distinct from accounts.book
            or known.currency is distinct from accounts.currency
            or known.is_demo is distinct from accounts.is_demo
            or known.is_test is distinct from accounts.is_test
        )
),

chosen_deals as (
    select deals.*
    from deals
    inner join touched on deals.platform = touched.platform and deals.login = touched.login and deals.executed_at::date = touched.day
    where deals.executed_at >= (select min(touched.day) from touched)
),

chosen_snapshots as (
    select snapshots.*
    from snapshots
    inner join touched
        on snapshots.platform = touched.platform and snapshots.login = touched.login and snapshots.captured_at::date = touched.day
    where snapshots.captured_at >= (select min(touched.day) from touched)
),
{%- else -%}
touched as (
    select
        platform,
        login,
        executed_at::date as day
    from deals
    union
    select
        platform,
        login,
        executed_at::date as day
    from deal_versions
    where
        _load_id <= {{ horizon_load_id() }}
        and (platform, deal_id) in (select (platform, deal_id) from deal_versions where _version > 1 and _load_id <= {{ horizon_load_id() }})
    union
    select
        platform,
        login,
        captured_at::date as day
    from snapshots
),

chosen_deals as (select * from deals),

chosen_snapshots as (select * from snapshots),
{%- endif %}

activity as (
    select
        platform,
        login,
        executed_at::date as day,
        count(*) filter (where action in ('buy', 'sell')) as deals,
        sum(volume_lots) filter (where action in ('buy', 'sell')) as lots,
        sum(notional_usd) as notional_usd,
        sum(profit) filter (where action in ('buy', 'sell')) as trade_profit,
        sum(swap) filter (where action in ('buy', 'sell')) as trade_swap,
        sum(commission + fee) filter (where action in ('buy', 'sell')) as trade_commission,
        min(executed_at) filter (where action in ('buy', 'sell')) as first_trade_at,
        max(executed_at) filter (where action in ('buy', 'sell')) as last_trade_at
    from chosen_deals
    where not is_cancelled
    group by platform, login, executed_at::date
),

spreads as (
    select
        platform,
        login,
        executed_at::date as day,
        sum(notional_usd * {{ half_spread_share('bid', 'ask') }}) as spread_usd
    from chosen_deals
    -- only there it is the broker's: in book B it is inside the client's result already
    where book = 'A' and action in ('buy', 'sell') and not is_cancelled and notional_usd < 1000000000000
    group by platform, login, executed_at::date
),

closings as (
    select
        platform,
        login,
        captured_at::date as day,
        arg_max({'balance': balance, 'credit': credit, 'equity': equity, 'floating_pnl': floating_pnl, 'margin_level': margin_level}, captured_at) as snapshot,
        max(captured_at) as captured_at
    from chosen_snapshots
    group by platform, login, captured_at::date
)

select
    touched.platform,
    touched.login,
    touched.day,
    accounts.client_id,
    accounts.entity,
    accounts.book,
    accounts.currency,
    coalesce(accounts.is_demo, false) as is_demo,
    coalesce(accounts.is_test, false) as is_test,
    closings.snapshot.balance as balance,
    closings.snapshot.credit as credit,
    closings.snapshot.equity as equity,
    closings.snapshot.floating_pnl as floating_pnl,
    closings.snapshot.margin_level::decimal(18, 8) as margin_level,
    closings.captured_at,
    coalesce(activity.lots, 0)::decimal(38, 8) as lots,
    coalesce(activity.notional_usd, 0)::decimal(38, 8) as notional_usd,
    coalesce(activity.trade_profit + activity.trade_swap + activity.trade_commission, 0)::decimal(38, 8) as realised_pnl,
    coalesce(activity.trade_profit, 0)::decimal(38, 8) as trade_profit,
    coalesce(activity.trade_swap, 0)::decimal(38, 8) as trade_swap,
    coalesce(activity.trade_commission, 0)::decimal(38, 8) as trade_commission,
    coalesce(spreads.spread_usd, 0)::decimal(38, 8) as spread_usd,
    coalesce(activity.deals, 0)::bigint as deals,
    activity.first_trade_at,
    activity.last_trade_at,
    {{ run_id() }} as _run_id
from touched
left join activity on touched.platform = activity.platform and touched.login = activity.login and touched.day = activity.day
left join spreads on touched.platform = spreads.platform and touched.login = spreads.login and touched.day = spreads.day
left join closings on touched.platform = closings.platform and touched.login = closings.login and touched.day = closings.day
left join accounts
    on
        touched.platform = accounts.platform
        and touched.login = accounts.login
        and touched.day + interval 1 day > accounts.valid_from
        and touched.day + interval 1 day <= accounts.valid_to
