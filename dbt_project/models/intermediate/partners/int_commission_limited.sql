-- depends_on: {{ ref('int_commission_plans') }}
-- Shares of staged deals after the credit coefficient and the house's own share, before the partner's caps. One row for every share, paid or with its reason.
with shares as (select * from {{ ref('int_commission_shares') }}),

parts as (select * from {{ ref('int_commission_parts') }}),

fx as (select * from {{ ref('int_commission_fx') }}),

snapshots as (select * from {{ ref('stg_account_snapshots') }} where equity is not null and {{ 'true' if commission_weighs_credit() else 'false' }}),

weighed as (
    select
        shares.platform,
        shares.deal_id,
        any_value(snapshots.equity) as equity,
        any_value(greatest(snapshots.equity - coalesce(snapshots.credit, 0), 0)) as own_equity
    from (select distinct platform, deal_id, login, executed_at from shares where is_credit_weighed) as shares
    asof inner join snapshots
        on shares.platform = snapshots.platform and shares.login = snapshots.login and shares.executed_at >= snapshots.captured_at
    group by shares.platform, shares.deal_id
),

after_credit as (
    select
        shares.* exclude (amount, reason),
        case
            when shares.reason is not null then 0
            when weighed.deal_id is null then shares.amount
            when weighed.equity <= 0 then 0
            else {{ scaled('shares.amount', 'weighed.own_equity::decimal(38, 20)', 'weighed.equity::decimal(38, 20)') }}
        end::decimal(38, 20) as amount,
        weighed.deal_id is not null and (weighed.equity <= 0 or weighed.own_equity <> weighed.equity) as is_weighed,
        coalesce(
            shares.reason,
            case when shares.amount > 0 and weighed.deal_id is not null and (weighed.equity <= 0 or weighed.own_equity = 0) then 'credit' end
        ) as reason
    from shares
    left join weighed on shares.platform = weighed.platform and shares.deal_id = weighed.deal_id and shares.is_credit_weighed
),

-- what the house earned on the deal: half of each spread, commission and swap; what is not known counts as nothing
earned as (
    select
        platform,
        deal_id,
        side,
        executed_at,
        account_currency,
        quote_currency,
        plan_currency,
        house_cap_pct,
        (
            (coalesce(spread, 0) * contract_size::decimal(20, 4) * 0.5)::decimal(28, 13) * lots::decimal(18, 6)
        )::decimal(38, 16)
        + case when plan_side = 'both' or opened_spreads is null then 0 else
            {{ scaled(
                "(coalesce(list_sum(list_transform(opened_spreads, lambda one: (one.lots * coalesce(one.spread, 0))::decimal(38, 10))), 0)"
                ~ "::decimal(38, 10) * contract_size::decimal(18, 4) * 0.5)::decimal(38, 20)",
                'lots::decimal(38, 20)', 'nullif(opened_lots, 0)::decimal(38, 20)'
            ) }}::decimal(38, 16)
        end as spread_revenue,
        (net_charged - coalesce({{ share_of('swap', 'lots', 'volume_lots') }}, 0))::decimal(38, 16) as charge_revenue
    from parts
    where house_cap_pct is not null and is_paying and reason is null
),

earned_rates as (
    select
        asked.platform,
        asked.deal_id,
        asked.from_currency,
        fx.rate
    from (
        select distinct platform, deal_id, executed_at, quote_currency as from_currency, plan_currency from earned
        union
        select distinct platform, deal_id, executed_at, account_currency as from_currency, plan_currency from earned
    ) as asked
    asof inner join fx
        on asked.from_currency = fx.from_currency and asked.plan_currency = fx.to_currency and asked.executed_at >= fx.valid_from
),

house_limits as (
    select
        earned.platform,
        earned.deal_id,
        earned.side,
        -- two digits less than its parts, so that thirds that add up to a whole do
        (earned.house_cap_pct * greatest(
            (coalesce(earned.spread_revenue, 0) * case
                when earned.quote_currency = earned.plan_currency then 1 else coalesce(quote_rates.rate, 0)
            end::decimal(24, 12))::decimal(38, 16)
            + (earned.charge_revenue * case
                when earned.account_currency = earned.plan_currency then 1 else coalesce(account_rates.rate, 0)
            end::decimal(24, 12))::decimal(38, 16), 0
        )::decimal(38, 16))::decimal(38, 14) as house_limit
    from earned
    left join earned_rates as quote_rates
        on
            earned.platform = quote_rates.platform and earned.deal_id = quote_rates.deal_id
            and earned.quote_currency = quote_rates.from_currency
    left join earned_rates as account_rates
        on
            earned.platform = account_rates.platform and earned.deal_id = account_rates.deal_id
            and earned.account_currency = account_rates.from_currency
),

totals as (
    select
        after_credit.*,
        house_limits.house_limit,
        sum(after_credit.amount) over (
            partition by after_credit.platform, after_credit.deal_id, after_credit.side
        )::decimal(38, 16) as total
    from after_credit
    left join house_limits
        on
            after_credit.platform = house_limits.platform
            and after_credit.deal_id = house_limits.deal_id
            and after_credit.side = house_limits.side
),

after_house as (
    select
        * exclude (amount, reason, house_limit, total),
        coalesce(total > house_limit, false) and reason is null as is_house_capped,
        case
            when reason is null and total > house_limit
                -- at 14 digits: what comes out whole but for the cut of a division is whole when it is rounded down
                then ({{ scaled('amount', 'house_limit::decimal(38, 20)', 'total::decimal(38, 20)') }})::decimal(38, 14)::decimal(38, 20)
            else amount
        end::decimal(38, 20) as amount,
        coalesce(reason, case when amount > 0 and total > house_limit and house_limit = 0 then 'capped' end) as reason
    from totals
)

select * from after_house
