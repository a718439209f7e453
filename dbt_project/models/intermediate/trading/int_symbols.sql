with symbols as (select * from {{ ref('stg_symbols') }})

select
    platform,
    symbol,
    valid_from,
    lead(valid_from) over (partition by platform, symbol order by valid_from) as valid_to,
    symbol_group,
    asset_class,
    contract_size,
    base_currency,
    quote_currency,
    -- feeds: fx takes its notional from the base currency, every other class from the price
    case when asset_class = 'fx' then base_currency else quote_currency end as notional_currency,
    pip_size,
    digits,
    swap_free,
    recorded_at,
    _load_id
from symbols
