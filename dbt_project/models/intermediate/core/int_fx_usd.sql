with quotes as (select * from {{ ref('stg_fx_rates') }} where rate > 0),

direct as (
    select
        base_currency as currency,
        quoted_at as valid_from,
        rate as rate_to_usd,
        'direct' as rate_path,
        recorded_at,
        _load_id
    from quotes
    where quote_currency = 'USD' and base_currency <> 'USD'
),

inverse as (
    select
        quotes.quote_currency as currency,
        quotes.quoted_at as valid_from,
        {{ divide('1', 'quotes.rate', 8) }} as rate_to_usd,
        'inverse' as rate_path,
        quotes.recorded_at,
        quotes._load_id
    from quotes
    where
        quotes.base_currency = 'USD'
        and quotes.quote_currency <> 'USD'
        -- what is quoted both ways at one moment counts as quoted: turning a rate over loses digits
        and (quotes.quote_currency, quotes.quoted_at) not in (select (direct.currency, direct.valid_from) from direct)
),

usd as (
    select
        'USD' as currency,
        timestamp '1900-01-01' as valid_from,
        1 as rate_to_usd,
        'identity' as rate_path,
        timestamp '1900-01-01' as recorded_at,
        0 as _load_id
),

rates as (
    select * from direct
    union all
    select * from inverse
    union all
    select * from usd
)

select
    currency,
    valid_from,
    lead(valid_from) over (partition by currency order by valid_from) as valid_to,
    rate_to_usd::decimal(18, 8) as rate_to_usd,
    rate_path,
    recorded_at,
    _load_id
from rates
