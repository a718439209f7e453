-- The closing and opening sides of the deals on staged slices, measured: lots, openings, what the client was charged, which filter they do not pass
-- and what the hedge leaves of them. A context row is only there for what is summed over it.
-- where nothing is staged the planner is told so: it would look for it through the whole history
with staged as (select * from {{ ref('int_commission_deals') }} where {{ 'is_staged' if any_staged_deals() else 'false' }}),

slices as (select * from {{ ref('int_commission_slices') }}),

symbols as (select * from {{ ref('int_symbols') }}),

facts as not materialized (select * from {{ ref('fct_deals') }} where action in ('buy', 'sell')),

placed as (
    select
        facts.*,
        staged.slice_id,
        staged.is_context,
        staged.is_symbol_unknown,
        staged.fx_rate_usd as plan_rate_usd,
        slices.direct_partner_id,
        slices.currency as plan_currency,
        slices.min_hold_seconds,
        slices.min_points,
        slices.exclude_reasons,
        slices.side as plan_side,
        slices.is_hedged,
        slices.is_credit_weighed,
        slices.house_cap_pct,
        slices.deal_reason
    from facts
    inner join staged on facts.platform = staged.platform and facts.deal_id = staged.deal_id
    inner join slices on staged.slice_id = slices.slice_id
),

involved_positions as (select distinct platform, position_id from placed where position_id is not null),

deals as (
    select facts.*
    from facts
    inner join involved_positions on facts.platform = involved_positions.platform and facts.position_id = involved_positions.position_id
),

{{ followed_positions(with_spreads=true) }},

sides as (
    select
        placed.*,
        'close' as side,
        coalesce(followed.closed_lots, case when placed.entry = 'inout' then 0 else placed.volume_lots end)::decimal(18, 8) as lots,
        coalesce(followed.closing_commission, case when placed.entry = 'inout' then 0 else placed.commission end::decimal(38, 16)) as own_commission,
        followed.opened_at as position_opened_at,
        coalesce(followed.opened_lots, 0)::decimal(18, 8) as opened_lots,
        coalesce(followed.opened_commission, 0::decimal(38, 16)) as opened_commission,
        coalesce(followed.opened_value, 0::decimal(38, 16)) as opened_value,
        followed.opened_spreads
    from placed
    left join followed on placed.platform = followed.platform and placed.deal_id = followed.deal_id and followed.leg_no = 1
    where placed.entry <> 'in'
    union all
    -- an opening deal knows no holding time and no move, and bears its own commission and spread
    select
        placed.*,
        'open' as side,
        coalesce(followed.own_opened_lots, placed.volume_lots)::decimal(18, 8) as lots,
        coalesce(followed.leg_commission, placed.commission::decimal(38, 16)) as own_commission,
        null as position_opened_at,
        0 as opened_lots,
        0::decimal(38, 16) as opened_commission,
        0::decimal(38, 16) as opened_value,
        null as opened_spreads
    from placed
    left join followed on placed.platform = followed.platform and placed.deal_id = followed.deal_id and followed.leg_no = 2
    where placed.plan_side <> 'close' and (placed.entry = 'in' or (placed.entry = 'inout' and followed.deal_id is not null))
),

measured as (
    select
        sides.*,
        symbols.digits,
        symbols.pip_size,
        case when sides.ask - sides.bid is not null then greatest(sides.ask - sides.bid, 0) end::decimal(18, 8) as spread,
        -- what the client was charged for these lots: with the openings' in proportion, unless these are paid for themselves
        greatest(-(sides.own_commission + case when sides.plan_side = 'both' then 0 else
            coalesce({{ share_of('sides.opened_commission', 'sides.lots', 'sides.opened_lots') }}, 0)
        end), 0)::decimal(38, 16) as charged,
        -(sides.own_commission + case when sides.plan_side = 'both' then 0 else
            coalesce({{ share_of('sides.opened_commission', 'sides.lots', 'sides.opened_lots') }}, 0)
        end)::decimal(38, 16) as net_charged,
        case
            when sides.deal_reason = 'unknown_plan' then null
            when epoch_us(sides.executed_at) - epoch_us(sides.position_opened_at) < sides.min_hold_seconds * 1000000 then 'held_too_short'
            when
                sides.opened_lots > 0
                and abs(sides.price::decimal(38, 8) * sides.opened_lots - sides.opened_value)
                < sides.min_points::decimal(38, 4) * sides.opened_lots * ('1e-' || symbols.digits)::decimal(9, 8)
                then 'moved_too_little'
            when list_contains(sides.exclude_reasons, sides.reason) then 'excluded_reason'
            when sides.is_symbol_unknown then 'no_rate'
        end as filter_reason,
        epoch_us(sides.executed_at) - epoch_us(sides.position_opened_at) as held_us
    from sides
    left join symbols
        on
            sides.platform = symbols.platform
            and sides.symbol = symbols.symbol
            and sides.executed_at >= symbols.valid_from
            and sides.executed_at < coalesce(symbols.valid_to, {{ forever() }})
),

-- of a client's day in a symbol the larger side counts: a deal pays for what it adds to it
netted_hedges as (
    select
        platform,
        deal_id,
        greatest(bought, sold) - greatest(
            bought - case when action = 'buy' then lots else 0 end, sold - case when action = 'sell' then lots else 0 end
        ) as raised_lots
    from (
        select
            platform,
            deal_id,
            action,
            lots,
            sum(case when action = 'buy' then lots else 0 end) over upto as bought,
            sum(case when action = 'sell' then lots else 0 end) over upto as sold
        from measured
        where is_hedged and side = 'close' and filter_reason is null and deal_reason is null
        window upto as (partition by client_id, symbol, executed_at::date order by executed_at, platform, deal_id)
    )
)

select
    measured.platform,
    measured.deal_id,
    measured.side,
    measured.slice_id,
    measured.is_context,
    measured.direct_partner_id,
    measured.client_id,
    measured.login,
    measured.executed_at,
    measured.symbol,
    measured.action,
    measured.currency as account_currency,
    measured.quote_currency,
    measured.plan_currency,
    measured.plan_side,
    measured.is_credit_weighed,
    measured.house_cap_pct,
    measured.plan_rate_usd,
    measured.volume_lots::decimal(18, 8) as volume_lots,
    measured.lots,
    case when measured.is_hedged then coalesce(netted_hedges.raised_lots, measured.lots) else measured.lots end::decimal(18, 8) as paid_lots,
    measured.contract_size,
    measured.digits,
    measured.pip_size,
    measured.notional_usd,
    measured.profit,
    measured.swap,
    measured.charged,
    measured.net_charged,
    measured.spread,
    measured.opened_lots,
    measured.opened_spreads,
    -- deals of plans that pay on opening alone are closed for the counting of volume only
    measured.side <> 'close' or measured.plan_side <> 'open' as is_paying,
    coalesce(measured.filter_reason, case when netted_hedges.raised_lots = 0 and measured.lots > 0 then 'hedged' end) as reason,
    case measured.filter_reason
        when 'held_too_short'
            then 'held ' || (measured.held_us / 1000000)::decimal(18, 3) || ' s, the plan asks ' || measured.min_hold_seconds || ' s'
        when 'no_rate' then 'the symbol was not known at the time of the deal'
    end as detail
from measured
left join netted_hedges
    on measured.platform = netted_hedges.platform and measured.deal_id = netted_hedges.deal_id and measured.side = 'close'
