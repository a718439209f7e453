{#- Units of the instrument in a trade: lots × contract size, exact. Null where they need more than 4 digits or are beyond any market;
    notional_usd then takes the long way. -#}
{%- macro narrow_units(lots, contract_size) -%}
    case
        when
            {{ lots }} < 1000000
            and {{ contract_size }} < 10000000
            and {{ lots }} = {{ lots }}::decimal(18, 4)
            and {{ contract_size }} = {{ contract_size }}::decimal(18, 0)
            then {{ lots }}::decimal(18, 4) * {{ contract_size }}::decimal(18, 0)
    end
{%- endmacro -%}

{#- What a trade moves, in US dollars (feeds: asset_class): lots × contract size × price × rate; fx has no price, its contract is in the base
    currency. Null where a factor is not known, and where a broken row's figures are beyond any market (an overflow would end the build).
    DuckDB takes microseconds to cut a digit off a wide decimal and nanoseconds to multiply, so the everyday cases are made to land on
    8 digits by themselves: whole units at a rate, units of two digits at a price of six in dollars, small amounts in 64 bits. -#}
{%- macro notional_usd(units, lots, contract_size, asset_class, price, rate) -%}
    {%- set wide = '(' ~ lots ~ '::decimal(38, 8) * ' ~ contract_size ~ ')' -%}
    {%- set small = units ~ '::decimal(18, 2) * ' ~ price ~ '::decimal(18, 2)' -%}
    case
        when {{ asset_class }} = 'fx' and {{ units }} = {{ units }}::decimal(18, 0) then {{ units }}::decimal(18, 0)::decimal(38, 0) * {{ rate }}
        when not ({{ lots }} < 1000000 and {{ contract_size }} < 10000000 and {{ price }} < 10000000 and {{ rate }} < 1000000) then null
        when {{ asset_class }} = 'fx' or {{ units }} is null or {{ units }} <> {{ units }}::decimal(18, 2) or {{ price }} <> {{ price }}::decimal(18, 6)
            then {{ _wide_notional(wide, asset_class, price, rate) }}
        when {{ rate }} = 1 then {{ units }}::decimal(18, 2)::decimal(38, 2) * {{ price }}::decimal(18, 6)
        -- the bounds come first, in a `when` of their own: `and` promises no order, and an overflow would raise
        when {{ units }} < 1000000 and {{ price }} = {{ price }}::decimal(18, 2) then case
            when {{ small }} < 100000 and {{ rate }} < 90
                then (((({{ small }}) * 10000)::bigint * ({{ rate }} * 100000000)::bigint + 5000) // 10000)::decimal(18, 0)::decimal(38, 0)
                    * 0.00000001::decimal(8, 8)
            else {{ _wide_notional(wide, asset_class, price, rate) }}
        end
        else {{ _wide_notional(wide, asset_class, price, rate) }}
    end
{%- endmacro -%}

{%- macro _wide_notional(units, asset_class, price, rate) -%}
    case
        when {{ asset_class }} = 'fx' then ({{ units }}::decimal(38, 8) * {{ rate }})::decimal(38, 8)
        else (({{ units }}::decimal(38, 8) * {{ price }})::decimal(38, 8) * {{ rate }})::decimal(38, 8)
    end
{%- endmacro -%}

{#- Half the spread over the middle price, a fraction of 10 digits cut off: times the notional it is what a client paid over the middle.
    In whole numbers of 64 bits, which divide a hundred times faster than wide decimals. Null for prices that are no market. -#}
{%- macro half_spread_share(bid, ask) -%}
    case
        when {{ bid }} <= 0 or {{ ask }} < {{ bid }} then null
        when {{ ask }} < 49 and {{ ask }} - {{ bid }} < 9
            then {{ _share_of_whole(ask ~ ' - ' ~ bid, ask ~ ' + ' ~ bid, 100000000) }}
        when {{ ask }} >= 49 and {{ ask }} < 10000000 and {{ ask }} - {{ bid }} < 90000
            then {{ _share_of_whole('(' ~ ask ~ ' - ' ~ bid ~ ')::decimal(18, 4)', '(' ~ ask ~ ' + ' ~ bid ~ ')::decimal(18, 4)', 10000) }}
    end
{%- endmacro -%}

{%- macro _share_of_whole(part, whole, digits) -%}
    ((({{ part }}) * {{ digits }})::bigint * 10000000000 // (({{ whole }}) * {{ digits }})::bigint)::decimal(18, 0) * 0.0000000001::decimal(18, 10)
{%- endmacro -%}

{#- What open lots are worth in US dollars, signed as the lots; of the columns contract_size, unit_price (1 for fx) and rate_to_usd. Null where one of them is
    not known. -#}
{%- macro exposure_usd(lots) -%}
    ((((({{ lots }})::decimal(20, 8) * contract_size::decimal(18, 4))::decimal(38, 8) * unit_price)::decimal(38, 8) * rate_to_usd)::decimal(38, 8))
{%- endmacro -%}
