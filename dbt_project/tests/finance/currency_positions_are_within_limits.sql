-- Invariant 8 of domain 8.3: the open currency position of an entity (2090; the larger of what it holds and what it owes, in US dollars at the newest
-- rate) is within its limit (seed currency_position_limits). It is zero once the firm has converted its own money.
{{ config(severity='warn') }}
with positions as (
    select
        entity,
        currency,
        sum(balance) as balance
    from {{ ref('fct_trial_balance') }}
    where account_code = '2090' and day = (select max(newest.day) from {{ ref('fct_trial_balance') }} as newest)
    group by entity, currency
),

in_usd as (
    select
        positions.entity,
        (positions.balance::decimal(20, 4) * rates.rate_to_usd::decimal(18, 8))::decimal(38, 8) as usd
    from positions
    inner join {{ ref('int_fx_usd') }} as rates on positions.currency = rates.currency and rates.valid_to is null
),

open_positions as (
    select
        entity,
        greatest(coalesce(sum(usd) filter (where usd > 0), 0), coalesce(-sum(usd) filter (where usd < 0), 0)) as usd
    from in_usd
    group by entity
)

select
    open_positions.entity,
    open_positions.usd,
    limits.limit_usd
from open_positions
inner join {{ ref('currency_position_limits') }} as limits
    on open_positions.entity = limits.entity and {{ known_at() }} >= limits.valid_from and {{ known_at() }} < coalesce(limits.valid_to, date '9999-12-31')
where open_positions.usd > limits.limit_usd
