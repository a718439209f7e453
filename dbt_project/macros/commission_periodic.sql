{#- Whether some rule pays by this scheme: without one, what only it needs is not asked. -#}
{%- macro commission_pays_by(scheme) -%}
    {%- if not execute -%} {{ return(true) }} {%- endif -%}
    {{ return(run_query("select count(*) from " ~ ref('stg_commission_rules') ~ " where scheme = '" ~ scheme ~ "'").columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- The members of a chain above `items` (a CTE with item, scheme, direct_partner_id, own_client_id, happened_at) with their rule of the item's scheme then. -#}
{%- macro periodic_members(items) -%}
    select
        items.item,
        chain.n,
        chain.partner_id,
        chain.plan_id,
        chain.plan_version,
        chain.level_key,
        chain.has_caps,
        chain.rounding_digits,
        chain.rounding_mode,
        chain.distribution,
        chain.currency,
        chain.max_levels,
        coalesce(chain.deal_reason, chain.member_reason) as member_reason,
        coalesce(chain.place >= chain.unknown_from, false) as is_tier_unknown,
        rates.rule_id,
        rates.rule_version,
        rates.rate as own_rate,
        coalesce(rates.currency, chain.currency) as rule_currency,
        rates.rank_order,
        rates.pass_up,
        rates.pass_up_pct,
        rates.parameters,
        rates.unread_parameter,
        coalesce(rates.is_conflict, false) as is_conflict
    from {{ items }} as items
    inner join {{ ref('int_commission_chain') }} as chain
        on
            items.direct_partner_id = chain.direct_partner_id
            and items.own_client_id = chain.own_client_id
            and items.happened_at >= chain.valid_from
            and items.happened_at < chain.valid_to
    left join (
        select all_rates.*
        from {{ ref('int_commission_rates') }} as all_rates
        inner join {{ ref('int_commission_profiles') }} as profiles
            on all_rates.profile_id = profiles.profile_id and profiles.symbol = '' and profiles.account_type = ''
    ) as rates
        on
            chain.plan_id = rates.plan_id
            and chain.level_key = rates.level_key
            and chain.rank_key = rates.rank_key
            and chain.reading = rates.reading
            and items.scheme = rates.scheme
            and items.happened_at >= rates.valid_from
            and items.happened_at < rates.valid_to
    where chain.n is not null
{%- endmacro -%}

{#- Whether parameters of a rule (JSON) hold a ladder: amounts by deposits in place of the rate. -#}
{%- macro is_ladder(parameters) -%}
    coalesce(json_type({{ parameters }}, '$.ladder') = 'ARRAY', false)
{%- endmacro -%}

{#- What a rule's own rate is for an item, DECIMAL(18,8): of a ladder (JSON [[deposit, amount], …]) by how much the amount of the highest step reached rises from the
    deposits before to those now; without one the rate, once. `before` is -1 for a client's first item and for a month. -#}
{%- macro item_rate(parameters, rate, deposited, before) -%}
    (case
        when {{ is_ladder(parameters) }} then
            {{ _ladder_amount("json_extract(" ~ parameters ~ ", '$.ladder')", deposited) }}
            - {{ _ladder_amount("json_extract(" ~ parameters ~ ", '$.ladder')", before) }}
        when {{ before }} >= 0 then 0
        else {{ rate }}
    end)::decimal(18, 8)
{%- endmacro -%}

{%- macro _ladder_amount(ladder, deposited) -%}
    coalesce(list_max(list_transform(
        list_filter(json_extract({{ ladder }}, '$[*]'), lambda step: try_cast(step ->> '$[0]' as decimal(28, 8)) <= {{ deposited }}),
        lambda step: try_cast(step ->> '$[1]' as decimal(18, 8))
    )), 0)
{%- endmacro -%}

{#- `rungs` rates, `plain` together, under the row's tier, DECIMAL(38,16): each is replaced by those of the steps in proportion to what lies in each. What a
    division leaves is rounded up at the 16th digit, so that a share that comes out whole does. -#}
{%- macro tiered_rate(plain, rungs, row) -%}
    (case
        when {{ row }}.weight = 1 then (
            ({{ plain }})::decimal(20, 8) * {{ row }}.own_weight::decimal(18, 8) + {{ rungs }} * {{ row }}.step_weight::decimal(28, 16)
        )::decimal(38, 16)
        else (
            (
                {{ as_whole('((' ~ plain ~ ')::decimal(20, 8) * ' ~ row ~ '.own_weight::decimal(28, 10) + ' ~ rungs ~ ' * ' ~ row
                    ~ '.step_weight::decimal(38, 18))::decimal(38, 18)', 18) }} * 100000000::hugeint + {{ as_whole(row ~ '.weight', 10) }} - 1
            ) // {{ as_whole(row ~ '.weight', 10) }}
        )::decimal(38, 0) * 0.0000000000000001::decimal(16, 16)
    end)::decimal(38, 16)
{%- endmacro -%}

{#- The item's base × a rate of DECIMAL(38,16), as DECIMAL(38,16). A rate with the digits a rule can have leaves the base all of its own. -#}
{%- macro periodic_worth(base, rate) -%}
    (case
        when {{ rate }} = ({{ rate }})::decimal(18, 8) then {{ base }}::decimal(38, 16) * ({{ rate }})::decimal(18, 8)
        else ({{ base }}::decimal(38, 12) * {{ rate }})::decimal(38, 24)
    end)::decimal(38, 16)
{%- endmacro -%}
