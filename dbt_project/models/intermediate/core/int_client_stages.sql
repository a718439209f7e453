with firsts as (select * from {{ ref('int_client_firsts') }}),

rules as (
    select days from {{ ref('lifecycle_rules') }}
    where rule = 'dormant_after' and valid_from <= {{ known_at() }} and (valid_to is null or valid_to > {{ known_at() }})
),

trading_days as (
    select
        client_id,
        min(first_trade_at) as first_trade_at,
        max(last_trade_at) as last_trade_at
    from {{ ref('fct_account_daily') }}
    where deals > 0 and not is_demo and client_id is not null
    group by client_id, day
),

gaps as (
    select
        trading_days.client_id,
        trading_days.first_trade_at,
        lag(trading_days.last_trade_at) over (partition by trading_days.client_id order by trading_days.first_trade_at) as previous_trade_at
    from trading_days
),

entries as (
    select
        client_id,
        'lead' as stage,
        0 as stage_order,
        lead_at as entered_at,
        'the lead was created' || coalesce(', from ' || lead_source, '') as reason
    from firsts
    union all
    select client_id, 'registered' as stage, 1 as stage_order, registered_at as entered_at, 'the client registered' as reason from firsts
    union all
    select client_id, 'kyc_submitted' as stage, 2 as stage_order, kyc_submitted_at as entered_at, 'the file was submitted' as reason from firsts
    union all
    select client_id, 'kyc_approved' as stage, 3 as stage_order, kyc_approved_at as entered_at, 'the file was approved' as reason from firsts
    union all
    select client_id, 'funded' as stage, 4 as stage_order, first_deposit_at as entered_at, 'first completed deposit' as reason from firsts
    union all
    select client_id, 'trading' as stage, 5 as stage_order, first_trade_at as entered_at, 'first trade' as reason from firsts
    union all
    select
        gaps.client_id,
        'dormant' as stage,
        6 as stage_order,
        gaps.previous_trade_at + to_days(rules.days) as entered_at,
        'no trade for ' || rules.days || ' days' as reason
    from gaps
    cross join rules
    where gaps.first_trade_at >= gaps.previous_trade_at + to_days(rules.days)
    union all
    select
        gaps.client_id,
        'reactivated' as stage,
        7 as stage_order,
        gaps.first_trade_at as entered_at,
        'traded again after ' || rules.days || ' days or more' as reason
    from gaps
    cross join rules
    where gaps.first_trade_at >= gaps.previous_trade_at + to_days(rules.days)
    union all
    select
        firsts.client_id,
        'dormant' as stage,
        6 as stage_order,
        firsts.last_trade_at + to_days(rules.days) as entered_at,
        'no trade for ' || rules.days || ' days' as reason
    from firsts
    cross join rules
    where firsts.last_trade_at + to_days(rules.days) <= {{ known_at() }}
)

select
    client_id,
    stage,
    stage_order,
    entered_at,
    reason
from entries
where entered_at is not null
