with rates as (select * from {{ ref('int_fx_usd') }}),

days as (
    select unnest(range(min(valid_from)::date, {{ known_at() }} + interval 1 day, interval 1 day))::date as day
    from rates
    where currency <> 'USD'
),

currencies as (select distinct currency from rates),

ends as (
    select
        days.day,
        currencies.currency,
        days.day + interval 1 day - interval 1 microsecond as ends_at
    from days
    cross join currencies
)

select
    ends.currency,
    ends.day,
    rates.rate_to_usd
from ends
asof inner join rates on ends.currency = rates.currency and ends.ends_at >= rates.valid_from
