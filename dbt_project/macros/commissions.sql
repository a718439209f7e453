{#- Bounds for half-open validities inside the commission engine, where every range has two ends; marts show null instead. -#}
{%- macro beginning() -%} timestamp '1900-01-01' {%- endmacro -%}
{%- macro forever() -%} timestamp '9999-12-31' {%- endmacro -%}

{#- Pieces of time in which exactly one version of a key holds: of those valid at an instant the highest. `relation` has the key, `version`,
    `valid_from` and `valid_to`, both ends set. Gives the relation's rows (of the winning version) with the piece's `valid_from` and `valid_to`. -#}
{%- macro highest_version_pieces(relation, key) -%}
    {%- set keys = key | join(', ') -%}
    (
        with edges as (
            select {{ keys }}, valid_from as starts_at from {{ relation }}
            union
            select {{ keys }}, valid_to as starts_at from {{ relation }}
        ),

        pieces as (
            select {{ keys }}, starts_at, lead(starts_at) over (partition by {{ keys }} order by starts_at) as ends_at from edges
        )

        select
            versions.* exclude (valid_from, valid_to),
            pieces.starts_at as valid_from,
            pieces.ends_at as valid_to
        from pieces
        inner join {{ relation }} as versions
            on
                {% for column in key -%}
                pieces.{{ column }} = versions.{{ column }} and {% endfor %}
                pieces.starts_at >= versions.valid_from and pieces.starts_at < versions.valid_to
        where pieces.ends_at is not null
        qualify row_number() over (
            partition by {% for column in key %}pieces.{{ column }}, {% endfor %}pieces.starts_at order by versions.version desc
        ) = 1
    )
{%- endmacro -%}

{#- The load up to which both commission marts have taken everything; 0 before the first build. The marts are written after the deals to look
    at are chosen, so these are chosen by the marts' own marks: a crash in between loses nothing. -#}
{%- macro commission_high_water() -%}
    {%- if not execute or flags.FULL_REFRESH -%} {{ return(0) }} {%- endif -%}
    {%- set marks -%}
        select case when count(*) = 2 then min(high_water) else 0 end
        from control.models where model in ('fct_commission_accruals', 'fct_commission_zero')
    {%- endset -%}
    {{ return(run_query(marks).columns[0].values()[0]) }}
{%- endmacro -%}

{#- Whether any deal of this step is staged (capped, tiered, hedged or shared by what another gets); true while dbt parses. -#}
{%- macro any_staged_deals() -%}
    {%- if not execute -%} {{ return(true) }} {%- endif -%}
    {{ return(run_query('select count(*) from ' ~ ref('int_commission_deals') ~ ' where is_staged').columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- `amount` × `part` / `whole` as DECIMAL(38,16), whatever the amount's sign; part and whole have at most 8 digits after the point. Null without a
    whole. The whole of it is nearly always closed at once; dividing 128-bit numbers is slow, so that case goes without. -#}
{%- macro share_of(amount, part, whole) -%}
    case when {{ part }} = {{ whole }} then ({{ amount }})::decimal(38, 16)
        else (sign({{ amount }}) * {{ scaled(
            'abs(' ~ amount ~ ')::decimal(38, 20)', '(' ~ part ~ ')::decimal(38, 20)', '(' ~ whole ~ ')::decimal(38, 20)'
        ) }})::decimal(38, 16)
    end
{%- endmacro -%}

{#- A line's amount, DECIMAL(38,8), rounded by the digits and mode of the row's own plan. `short` is the amount where it has no more than 8 digits
    (nearly always), else null; `wide` the amount at 20 digits where `short` is null. Neither is negative. Rounding or narrowing a 128-bit
    decimal takes one to two microseconds, a 64-bit one a hundredth of it: hence the three ways. A share of a deal (a third of a commission) was cut
    after its 16th digit; the wide amount is taken to 14 first, lest 0.7216 less that cut be rounded down to 0.721599. -#}
{%- macro round_line(short, wide, digits, mode) -%}
    case
        when {{ short }} is not null and {{ digits }} = 8 then {{ short }}
        when try_cast({{ short }} as decimal(18, 8)) is not null then {{ _round_by(short ~ '::decimal(18, 8)', digits, mode) }}
        else {{ _round_by('coalesce(round(' ~ wide ~ ', 14), (' ~ short ~ ')::decimal(38, 14))', digits, mode) }}
    end
{%- endmacro -%}

{%- macro _round_by(value, digits, mode) -%}
    case {{ mode }}
        {% for one in ['half_even', 'half_up', 'down'] -%}
        when '{{ one }}' then case {{ digits }}
            {% for places in range(8, -1, -1) -%}
            when {{ places }} then {{ round_non_negative(value, places, one) }}
            {% endfor %}
        end
        {% endfor %}
    end
{%- endmacro -%}

{#- A decimal that is not negative, rounded to `places` (0 to 8) digits as DECIMAL(38,8). round() takes a tie up; half-even takes it back from an odd digit. -#}
{%- macro round_non_negative(value, places, mode='half_even') -%}
    {%- if mode == 'down' -%} trunc({{ value }}, {{ places }})::decimal(38, 8)
    {%- elif mode == 'half_up' -%} round({{ value }}, {{ places }})::decimal(38, 8)
    {%- else -%}
    case
        when round({{ value }}, {{ places }}) - {{ value }} <> {{ '0.' ~ '0' * places ~ '5' }} then round({{ value }}, {{ places }})::decimal(38, 8)
        when (round({{ value }}, {{ places }})::decimal(38, 8) * {{ 10 ** places }})::hugeint % 2 = 0
            then round({{ value }}, {{ places }})::decimal(38, 8)
        else round({{ value }}, {{ places }})::decimal(38, 8) - {{ '0.' ~ '0' * (places - 1) ~ '1' if places else '1' }}
    end
    {%- endif -%}
{%- endmacro -%}

{#- The value at 4 digits where it has no more, else null; from DECIMAL(18,8). Products of two such have exactly the 8 digits of an amount. -#}
{%- macro short_decimal(value) -%}
    case when ({{ value }})::decimal(18, 4) = {{ value }} then ({{ value }})::decimal(18, 4) end
{%- endmacro -%}

{#- A decimal that is not negative as a whole number of 10^-digits, HUGEINT; in two steps, since a wide decimal has no room for both. -#}
{%- macro as_whole(value, digits) -%}
    (trunc({{ value }})::hugeint * {{ 10 ** digits }}::hugeint + (({{ value }} - trunc({{ value }})) * {{ 10 ** digits }})::hugeint)
{%- endmacro -%}

{#- `amount` × `part` / `whole`, DECIMAL(38,20), cut after the last digit: exact where the result has no more digits. None is negative. All are
    DECIMAL(38,20), part and whole with no more than 16 digits after the point. Multiplied before it is divided, in two halves since 128 bits are not
    enough for the product; amounts beyond a million million, which no deal earns, take the short way. -#}
{%- macro scaled(amount, part, whole) -%}
    case
        when {{ part }} = {{ whole }} then {{ amount }}
        when not ({{ amount }} < 10000000 and {{ part }} < 10000000 and {{ whole }} < 10000000) then
            (({{ amount }})::decimal(38, 8) * (({{ part }})::double / nullif(({{ whole }})::double, 0))::decimal(24, 12))::decimal(38, 20)
        else (
            {%- set high = 'trunc((' ~ amount ~ ') * 10000000)::hugeint' -%}
            {%- set low = '((((' ~ amount ~ ') * 10000000) - trunc((' ~ amount ~ ') * 10000000)) * 10000000000000)::hugeint' -%}
            {%- set of = as_whole(part, 16) -%}
            {%- set by = 'nullif(' ~ as_whole(whole, 16) ~ ', 0)' %}
            ({{ high }} * {{ of }} // {{ by }})::decimal(38, 0) * 0.0000001::decimal(7, 7)
        )::decimal(38, 20) + (
            (({{ high }} * {{ of }} % {{ by }}) * 10000000000000::hugeint + {{ low }} * {{ of }}) // {{ by }}
        )::decimal(38, 0) * 0.00000000000000000001::decimal(20, 20)
    end::decimal(38, 20)
{%- endmacro -%}
