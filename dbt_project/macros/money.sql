{#- Rounds an exact decimal once, by the stated mode, and gives DECIMAL(38,8). `digits` is a literal 0 to 8. half_even is not native in DuckDB:
    the digit before the cut decides a tie. Never a double: all steps stay in decimals or hugeints. -#}
{%- macro round_money(value, digits=8, mode='half_even') -%}
    {%- if mode == 'half_even' -%}
        (case
            when abs({{ value }} - trunc({{ value }}, {{ digits }})) * {{ 2 * 10 ** digits }} = 1
                and (abs(trunc({{ value }}, {{ digits }})) * {{ 10 ** digits }})::hugeint % 2 = 0
            then trunc({{ value }}, {{ digits }})
            else round({{ value }}, {{ digits }})
        end)::decimal(38, 8)
    {%- elif mode == 'half_up' -%} (round({{ value }}, {{ digits }}))::decimal(38, 8)
    {%- elif mode == 'down' -%} (trunc({{ value }}, {{ digits }}))::decimal(38, 8)
    {%- else -%} {{ exceptions.raise_compiler_error("round_money knows half_even, half_up and down, not '" ~ mode ~ "'") }}
    {%- endif -%}
{%- endmacro -%}

{#- Exact quotient of two decimals, truncated towards zero at `scale` (0 to 8) digits; DuckDB's `/` on decimals gives a double.
    numerator and denominator have at most 8 digits after the point; null when the denominator is 0. -#}
{%- macro divide(numerator, denominator, scale=8) -%}
    (((({{ numerator }})::decimal(38, 8) * 100000000)::hugeint * {{ 10 ** scale }}::hugeint
        // nullif((({{ denominator }})::decimal(38, 8) * 100000000)::hugeint, 0)
    )::decimal(38, 0) * {{ '0.' ~ '0' * (scale - 1) ~ '1' if scale else '1' }}::decimal(9, {{ scale }}))::decimal(38, {{ scale }})
{%- endmacro -%}

{#- What a row's `amount` in its `currency` is worth in EUR: through USD, at the rates that `at_euro_rates` joins; null before the first quote. -#}
{%- macro in_euros(row) -%}
    case
        when {{ row }}.currency = 'EUR' then {{ row }}.amount
        else {{ divide(round_money(row ~ '.amount * rates.rate_to_usd', 8), 'euro_rates.rate_to_usd', 8) }}
    end
{%- endmacro -%}

{#- The joins that `in_euros` needs, of the CTEs `rates` and `euro_rates` (int_fx_usd, whole and of the euro) at the row's own moment. -#}
{%- macro at_euro_rates(row, moment) -%}
    asof left join rates
        on {{ row }}.currency = rates.currency and {{ row }}.{{ moment }} >= rates.valid_from
    asof left join euro_rates
        on {{ row }}.{{ moment }} >= euro_rates.valid_from
{%- endmacro -%}
