{#- The parameters of one scenario in force at a moment of an entity: an inner join to be written after the relation that has both. Gives `rules`
    with version and parameters (a map; spans and shares as decimals). -#}
{%- macro rules_in_force(scenario, of, at) -%}
    inner join {{ ref('int_scenario_parameters') }} as rules
        on
            rules.scenario = '{{ scenario }}'
            and {{ of }}.entity = rules.entity
            and {{ at }} >= rules.valid_from
            and {{ at }} < rules.valid_to
{%- endmacro -%}

{#- A parameter of the rule in force, as a whole number (days, minutes, counts). -#}
{%- macro whole(parameter) -%} rules.parameters['{{ parameter }}']::integer {%- endmacro -%}

{#- Trades that close: what monitoring counts as traded, cancelled and demo ones left out. -#}
{%- macro closing_trades() -%}
    select client_id, platform, deal_id, login, executed_at, symbol, volume_lots, notional_usd, holding_seconds, profit, swap, commission, fee, opened_at, position_id
    from {{ ref('fct_deals') }}
    where entry in ('out', 'out_by', 'inout') and action in ('buy', 'sell') and not is_cancelled and not is_demo and not is_test
{%- endmacro -%}
