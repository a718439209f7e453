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

{#- `amount` × `part` / `whole` as DECIMAL(38,16), cut after the 16th digit; all three have at most 8 digits after the point. Null without a whole. -#}
{%- macro share_of(amount, part, whole) -%}
    (((({{ amount }})::decimal(38, 8) * 100000000)::hugeint * (({{ part }})::decimal(38, 8) * 100000000)::hugeint * 100000000::hugeint
        // nullif((({{ whole }})::decimal(38, 8) * 100000000)::hugeint, 0)
    )::decimal(38, 0) * 0.0000000000000001::decimal(16, 16))::decimal(38, 16)
{%- endmacro -%}

{#- Rounds by the digits and mode of the row's own plan. Nearly all rows have the first pair, so the others cost nothing. -#}
{%- macro round_by_plan(value, digits, mode) -%}
    case
        when {{ digits }} = 8 and {{ mode }} = 'half_even' then {{ round_money(value, 8, 'half_even') }}
        {% for one in ['half_even', 'half_up', 'down'] %}{% for places in range(9) %}{% if not (one == 'half_even' and places == 8) -%}
        when {{ digits }} = {{ places }} and {{ mode }} = '{{ one }}' then {{ round_money(value, places, one) }}
        {% endif %}{% endfor %}{% endfor -%}
    end
{%- endmacro -%}
