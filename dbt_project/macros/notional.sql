{#- What a trade moves, in US dollars (feeds: asset_class): lots × contract size × price × rate; `price` is 1 for fx, whose contract is in the
    base currency. Cut to 8 digits between the factors: the exact product of four would not fit. Null where a factor is not known, and
    where a broken row's figures are beyond 38 digits: a metric is not worth the build. -#}
{%- macro notional_usd(lots, contract_size, price, rate) -%}
    try((
        (({{ lots }} * {{ contract_size }})::decimal(38, 8) * ({{ price }})::decimal(18, 8))::decimal(38, 8)
        * ({{ rate }})::decimal(18, 8)
    )::decimal(38, 8))
{%- endmacro -%}
