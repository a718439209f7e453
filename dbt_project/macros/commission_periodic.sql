{#- Whether some rule pays by this scheme: without one, what only it needs is not asked. -#}
{%- macro commission_pays_by(scheme) -%}
    {%- if not execute -%} {{ return(true) }} {%- endif -%}
    {{ return(run_query("select count(*) from " ~ ref('stg_commission_rules') ~ " where scheme = '" ~ scheme ~ "'").columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- The members of a chain above `items` (a CTE with item, scheme, direct_partner_id, own_client_id, at) with their rule of the item's scheme then. -#}
{%- macro periodic_members(items) -%}
    select
        items.item,
        chain.place,
        chain.n,
        chain.partner_id,
        chain.plan_id,
        chain.plan_version,
        chain.rounding_digits,
        chain.rounding_mode,
        chain.distribution,
        chain.currency,
        chain.max_levels,
        coalesce(chain.deal_reason, chain.member_reason) as member_reason,
        rates.rule_id,
        rates.rule_version,
        rates.rate as own_rate,
        coalesce(rates.currency, chain.currency) as rule_currency,
        rates.rank_order,
        rates.pass_up,
        rates.pass_up_pct,
        rates.parameters,
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

{#- What a ladder (JSON [[deposit, amount], …]) pays at a sum of deposits: the amount of the highest step reached, else 0. -#}
{%- macro ladder_amount(ladder, deposited) -%}
    coalesce(list_max(list_transform(
        list_filter(json_extract({{ ladder }}, '$[*]'), lambda step: (step ->> '$[0]')::decimal(28, 8) <= {{ deposited }}),
        lambda step: (step ->> '$[1]')::decimal(18, 8)
    )), 0)
{%- endmacro -%}

{#- What a member receives under `pass_up`: the first one the base by its rule, the others what the one below gave. -#}
{%- macro passed_up_to(members, walked) -%}
    (case
        when {{ members }}.n > 1 then coalesce({{ walked }}.below, 0)
        when {{ members }}.rule_id is null or {{ members }}.is_conflict then 0
        else {{ members }}.base::decimal(20, 8) * {{ members }}.paying_rate
    end)::decimal(38, 16)
{%- endmacro -%}

{#- What it gives on: by its rule, never more than it received, nothing where nobody stands above it within the plan's levels. -#}
{%- macro passed_on_by(members, walked) -%}
    (case
        when {{ members }}.n >= least({{ members }}.members, coalesce({{ members }}.max_levels, {{ members }}.members)) then 0
        when {{ members }}.pass_up_pct is not null
            then least({{ passed_up_to(members, walked) }}::decimal(20, 12) * {{ members }}.pass_up_pct, {{ passed_up_to(members, walked) }})
        else least(coalesce({{ members }}.pass_up, 0)::decimal(20, 8) * {{ members }}.exchange::decimal(18, 8), {{ passed_up_to(members, walked) }})
    end)::decimal(38, 16)
{%- endmacro -%}
