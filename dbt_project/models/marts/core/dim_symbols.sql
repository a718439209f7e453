{{ config(meta={'owner': 'dealing', 'sorted_by': ['symbol']}) }}

with symbols as (select * from {{ ref('int_symbols') }} where valid_to is null)

select
    platform,
    symbol,
    symbol_group,
    asset_class,
    contract_size,
    base_currency,
    quote_currency,
    notional_currency,
    pip_size,
    digits,
    swap_free,
    valid_from,
    recorded_at,
    {{ run_id() }} as _run_id
from symbols
