{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='calculation_date',
    meta={'owner': 'compliance', 'sorted_by': ['entity', 'calculation_date']}
) }}

{% set dates = loss_dates() -%}
-- depends_on: {{ source('raw', 'kyc_events') }}, {{ source('raw', 'clients') }}
with dates as (
    select unnest([{% for date in dates %}'{{ date }}'{{ ', ' if not loop.last }}{% endfor %}]::date[]) as calculation_date
),

staff_clients as (select distinct client_id from {{ ref('stg_staff') }} where client_id is not null),

accounts as (
    select
        accounts.* exclude (opened_at),
        coalesce(accounts.opened_at, min(accounts.valid_from) over (partition by accounts.platform, accounts.login)) as opened_at,
        case
            when accounts.is_demo then 'demo'
            when accounts.is_test then 'test'
            when staff_clients.client_id is not null then 'employee'
            else coalesce(lower(accounts.account_type), 'unknown')
        end as kind
    from {{ ref('int_accounts') }} as accounts
    left join staff_clients on accounts.client_id = staff_clients.client_id
    qualify accounts.valid_to is null
),

policy as (select * from {{ ref('loss_policy') }} where treatment = 'exclude'),

runs as (
    select
        accounts.platform,
        accounts.login,
        accounts.client_id,
        coalesce(accounts.entity, 'unknown') as entity,
        accounts.currency,
        dates.calculation_date,
        dates.calculation_date + to_hours(rules.day_start_hour_utc) as ends_at,
        dates.calculation_date + to_hours(rules.day_start_hour_utc) - to_months(rules.window_months) as starts_at,
        list_contains(policies.items, accounts.kind) as is_excluded,
        accounts.kind
    from accounts
    cross join dates
    cross join (select list(item) as items from policy) as policies
    left join {{ ref('entities') }} as entities on accounts.entity = entities.entity
    inner join {{ ref('loss_rules') }} as rules
        on
            coalesce(entities.regime, 'offshore') = rules.regime
            and dates.calculation_date >= rules.valid_from
            and dates.calculation_date < coalesce(rules.valid_to, timestamp '9999-12-31')
    where accounts.opened_at < dates.calculation_date + to_hours(rules.day_start_hour_utc)
),

deals as (
    select
        deals.platform,
        deals.login,
        deals.executed_at,
        items.component,
        items.in_result,
        deals.action in ('buy', 'sell') as is_trade,
        coalesce(deals.position_id, 'symbol ' || deals.symbol) as position_key,
        case when deals.action = 'sell' then -deals.volume_lots else deals.volume_lots end as signed_lots,
        coalesce(deals.profit, 0) as profit,
        coalesce(deals.swap, 0) as swap,
        coalesce(deals.commission, 0) + coalesce(deals.fee, 0) as charges,
        coalesce(deals.profit, 0) + coalesce(deals.swap, 0) + coalesce(deals.commission, 0) + coalesce(deals.fee, 0) as cash
    from {{ ref('stg_deals') }} as deals
    left join {{ ref('loss_cash_items') }} as items on deals.action = items.action
    where not coalesce(deals.is_cancelled, false) {%- if not dates %} and false {%- endif %}
),

-- a position is flat again when what was bought has been sold
positions as (
    select
        runs.calculation_date,
        deals.platform,
        deals.login,
        deals.position_key,
        min(deals.executed_at) as opened_at,
        case when sum(deals.signed_lots) = 0 then max(deals.executed_at) else timestamp '9999-12-31' end as closed_at,
        sum(deals.cash) filter (where deals.executed_at < runs.ends_at) as result
    from deals
    inner join runs on deals.platform = runs.platform and deals.login = runs.login
    where deals.is_trade
    group by runs.calculation_date, deals.platform, deals.login, deals.position_key
),

-- the category known first holds for the time before it; who has none counts as retail
category_changes as (
    select
        client_id,
        value,
        case when row_number() over client = 1 then timestamp '1900-01-01' else valid_from end as valid_from
    from {{ ref('fct_client_ratings') }}
    where attribute = 'category' and superseded_at is null
    window client as (partition by client_id order by valid_from)
    qualify value is distinct from lag(value) over client
),

categories as (
    select
        *,
        lead(valid_from, 1, timestamp '9999-12-31') over (partition by client_id order by valid_from) as valid_to
    from category_changes
),

-- the retail time of the window, in one part unless the category changed within it
parts as (
    select
        runs.calculation_date,
        runs.platform,
        runs.login,
        runs.ends_at,
        greatest(runs.starts_at, coalesce(categories.valid_from, runs.starts_at)) as part_from,
        least(runs.ends_at, coalesce(categories.valid_to, runs.ends_at)) as part_to
    from runs
    left join categories on runs.client_id = categories.client_id
    where
        coalesce(categories.value, 'retail') = 'retail'
        and coalesce(categories.valid_from, timestamp '1900-01-01') < runs.ends_at
        and coalesce(categories.valid_to, timestamp '9999-12-31') > runs.starts_at
),

members as (
    select distinct
        parts.calculation_date,
        parts.platform,
        parts.login
    from parts
    inner join positions using (calculation_date, platform, login)
    where positions.opened_at < parts.part_to and positions.closed_at >= parts.part_from
),

lifetimes as (
    select
        positions.calculation_date,
        positions.platform,
        positions.login,
        sum(positions.result) as lifetime_result
    from positions
    inner join runs using (calculation_date, platform, login)
    where positions.opened_at < runs.ends_at and positions.closed_at >= runs.starts_at
    group by positions.calculation_date, positions.platform, positions.login
),

-- the moments at which the open positions' worth is needed
boundaries as (
    select distinct
        calculation_date,
        platform,
        login,
        ends_at,
        unnest([part_from, part_to]) as at
    from parts
),

open_then as (
    select distinct boundaries.* exclude (ends_at)
    from boundaries
    inner join positions using (calculation_date, platform, login)
    where positions.opened_at < boundaries.at and positions.closed_at >= boundaries.at
),

position_snapshots as (
    select
        platform,
        login,
        captured_at,
        sum(coalesce(floating_profit, 0) + coalesce(swap, 0)) as floating
    from {{ ref('stg_positions') }}
    {% if not dates %}where false{% endif %}
    group by platform, login, captured_at
),

account_snapshots as (
    select
        platform,
        login,
        captured_at,
        equity,
        coalesce(balance, 0) + coalesce(credit, 0) as cash,
        equity - coalesce(balance, 0) - coalesce(credit, 0) as floating
    from {{ ref('stg_account_snapshots') }}
    {% if not dates %}where false{% endif %}
),

first_snapshots as (
    select
        platform,
        login,
        min(captured_at) as captured_at,
        arg_min(cash, captured_at) as cash
    from account_snapshots
    group by platform, login
),

-- a snapshot values a moment when it was taken within the day before it
placed as (
    select
        boundaries.*,
        open_then.at is not null as is_open,
        case when position_snapshots.captured_at > boundaries.at - interval 1 day then position_snapshots.floating end as positions_floating,
        account_snapshots.captured_at > boundaries.at - interval 1 day as has_snapshot,
        account_snapshots.equity,
        account_snapshots.floating as account_floating,
        coalesce(account_snapshots.captured_at, first_snapshots.captured_at) as anchored_at,
        coalesce(account_snapshots.cash, first_snapshots.cash, 0) as anchored_cash
    from boundaries
    asof left join position_snapshots
        on
            boundaries.platform = position_snapshots.platform
            and boundaries.login = position_snapshots.login
            and boundaries.at >= position_snapshots.captured_at
    asof left join account_snapshots
        on
            boundaries.platform = account_snapshots.platform
            and boundaries.login = account_snapshots.login
            and boundaries.at >= account_snapshots.captured_at
    -- nothing later than the calculation date: what comes tomorrow must not change the figure of yesterday
    left join first_snapshots
        on
            boundaries.platform = first_snapshots.platform
            and boundaries.login = first_snapshots.login
            and first_snapshots.captured_at <= boundaries.ends_at
    left join open_then
        on
            boundaries.calculation_date = open_then.calculation_date
            and boundaries.platform = open_then.platform
            and boundaries.login = open_then.login
            and boundaries.at = open_then.at
),

-- cash at the boundary: the nearest snapshot's, with what the deals moved between
rolled as (
    select
        placed.calculation_date,
        placed.platform,
        placed.login,
        placed.at,
        coalesce(sum(deals.cash) filter (where deals.executed_at < placed.at), 0)
        - coalesce(sum(deals.cash) filter (where deals.executed_at <= placed.anchored_at), 0) as moved
    from placed
    left join deals on placed.platform = deals.platform and placed.login = deals.login
    group by placed.calculation_date, placed.platform, placed.login, placed.at
),

worths as (
    select
        placed.calculation_date,
        placed.platform,
        placed.login,
        placed.at,
        case
            when not placed.is_open then 0
            when placed.positions_floating is not null then placed.positions_floating
            when placed.has_snapshot then placed.account_floating
        end as floating,
        coalesce(if(placed.has_snapshot, placed.equity, null), placed.anchored_cash + floating) + rolled.moved as equity
    from placed
    inner join rolled
        on
            placed.calculation_date = rolled.calculation_date
            and placed.platform = rolled.platform
            and placed.login = rolled.login
            and placed.at = rolled.at
),

flows as (
    select
        parts.calculation_date,
        parts.platform,
        parts.login,
        coalesce(sum(deals.profit) filter (where deals.is_trade), 0) as realised_profit,
        coalesce(sum(deals.swap) filter (where deals.is_trade), 0) as swap,
        coalesce(sum(deals.charges) filter (where deals.is_trade), 0) as charges,
        coalesce(sum(deals.cash) filter (where deals.in_result and not deals.is_trade), 0) as other_costs,
        coalesce(sum(deals.cash) filter (where deals.in_result), 0) as realised,
        coalesce(sum(deals.cash) filter (where deals.component = 'deposits'), 0) as net_deposits,
        coalesce(sum(deals.cash) filter (where deals.component = 'credit'), 0) as credit_change,
        coalesce(sum(deals.cash) filter (where deals.component = 'write_offs'), 0) as write_offs,
        coalesce(sum(deals.cash) filter (where coalesce(deals.component, 'adjustments') = 'adjustments'), 0) as adjustments
    from parts
    left join deals
        on
            parts.platform = deals.platform
            and parts.login = deals.login
            and deals.executed_at >= parts.part_from
            and deals.executed_at < parts.part_to
    group by parts.calculation_date, parts.platform, parts.login
),

-- over several parts the starts and the ends add up
changes as (
    select
        parts.calculation_date,
        parts.platform,
        parts.login,
        min(parts.part_from) as measured_from,
        max(parts.part_to) as measured_to,
        sum(starts.floating) as floating_start,
        sum(ends.floating) as floating_end,
        sum(starts.equity) as equity_start,
        sum(ends.equity) as equity_end,
        count(starts.floating) = count(*) and count(ends.floating) = count(*) as is_valued,
        arg_max(ends.floating, parts.part_to) as last_floating
    from parts
    left join worths as starts
        on
            parts.calculation_date = starts.calculation_date
            and parts.platform = starts.platform
            and parts.login = starts.login
            and parts.part_from = starts.at
    left join worths as ends
        on
            parts.calculation_date = ends.calculation_date
            and parts.platform = ends.platform
            and parts.login = ends.login
            and parts.part_to = ends.at
    group by parts.calculation_date, parts.platform, parts.login
),

results as (
    select
        runs.*,
        not runs.is_excluded and members.login is not null as is_counted,
        case
            when runs.is_excluded then runs.kind
            when members.login is not null then 'counted'
            when lifetimes.login is not null then 'not_retail'
            else 'no_open_position'
        end as reason,
        changes.measured_from,
        changes.measured_to,
        flows.realised_profit,
        flows.swap,
        flows.charges,
        flows.other_costs,
        flows.net_deposits,
        flows.credit_change,
        flows.write_offs,
        flows.adjustments,
        changes.floating_start,
        changes.floating_end,
        changes.equity_start,
        changes.equity_end,
        coalesce(changes.is_valued, true) as is_valued,
        case when changes.is_valued then flows.realised + changes.floating_end - changes.floating_start end as result,
        case when changes.is_valued then lifetimes.lifetime_result + changes.last_floating end as lifetime_result
    from runs
    left join members
        on runs.calculation_date = members.calculation_date and runs.platform = members.platform and runs.login = members.login
    left join lifetimes
        on runs.calculation_date = lifetimes.calculation_date and runs.platform = lifetimes.platform and runs.login = lifetimes.login
    left join flows
        on runs.calculation_date = flows.calculation_date and runs.platform = flows.platform and runs.login = flows.login
    left join changes
        on runs.calculation_date = changes.calculation_date and runs.platform = changes.platform and runs.login = changes.login
)

select
    entity,
    calculation_date,
    platform,
    login,
    client_id,
    currency,
    is_counted,
    reason,
    measured_from,
    measured_to,
    realised_profit::decimal(38, 8) as realised_profit,
    swap::decimal(38, 8) as swap,
    charges::decimal(38, 8) as charges,
    other_costs::decimal(38, 8) as other_costs,
    floating_start::decimal(38, 8) as floating_start,
    floating_end::decimal(38, 8) as floating_end,
    result::decimal(38, 8) as result,
    case when is_counted then result < 0 end as is_losing,
    lifetime_result::decimal(38, 8) as lifetime_result,
    case when is_counted then lifetime_result < 0 end as is_losing_lifetime,
    equity_start::decimal(38, 8) as equity_start,
    equity_end::decimal(38, 8) as equity_end,
    net_deposits::decimal(38, 8) as net_deposits,
    credit_change::decimal(38, 8) as credit_change,
    write_offs::decimal(38, 8) as write_offs,
    adjustments::decimal(38, 8) as adjustments,
    (equity_end - equity_start - net_deposits - credit_change - write_offs - adjustments - result)::decimal(38, 8) as identity_difference,
    is_valued,
    {{ run_id() }} as _run_id
from results
order by entity, calculation_date, platform, login
