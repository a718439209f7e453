with plans as (
    select
        plan_id,
        version,
        distribution,
        currency,
        case when json_valid(settings) then settings end as settings,
        settings is null or json_valid(settings) as is_readable,
        coalesce(valid_from, {{ beginning() }}) as valid_from,
        coalesce(valid_to, {{ forever() }}) as valid_to
    from {{ ref('stg_commission_plans') }}
),

distributions as (select * from {{ ref('commission_distributions') }}),

known_settings as (select list(setting) as names from {{ ref('commission_plan_settings') }}),

pieces as (select * from {{ highest_version_pieces('plans', ['plan_id']) }}),

read as (
    select
        *,
        coalesce(json_extract_string(settings, '$.max_levels'), 'none') as max_levels_text,
        coalesce(json_extract_string(settings, '$.min_hold_seconds'), '0') as min_hold_text,
        coalesce(json_extract_string(settings, '$.min_points'), '0') as min_points_text,
        coalesce(json_extract_string(settings, '$.rounding.digits'), '8') as digits_text,
        coalesce(json_extract_string(settings, '$.rounding.mode'), 'half_even') as rounding_mode,
        coalesce(json_extract_string(settings, '$.rounding.per'), 'line') as rounding_per,
        coalesce(json_extract_string(settings, '$.side'), 'close') as side,
        coalesce(json_extract_string(settings, '$.hedge'), 'count_all') as hedge,
        coalesce(json_extract_string(settings, '$.credit_coefficient'), 'false') as credit_coefficient,
        coalesce(json_extract_string(settings, '$.compress'), 'false') as compress,
        coalesce(json_extract_string(settings, '$.negative_carry'), 'true') as negative_carry,
        coalesce(json_extract_string(settings, '$.exclude_reasons[*]'), []) as exclude_reasons,
        json_extract_string(settings, '$.house_cap_pct') as house_cap_text,
        case when json_type(settings, '$.caps') = 'OBJECT' then json_extract(settings, '$.caps') end as caps,
        coalesce(json_type(settings, '$.caps'), 'NULL') as caps_type,
        case when json_type(settings, '$.tier') = 'OBJECT' and json_extract(settings, '$.tier')::varchar <> '{}' then json_extract(settings, '$.tier') end as tier,
        coalesce(json_type(settings, '$.tier'), 'NULL') as tier_type
    from pieces
),

typed as (
    select
        *,
        try_cast(max_levels_text as integer) as max_levels,
        try_cast(min_hold_text as decimal(18, 6)) as min_hold_seconds,
        try_cast(min_points_text as decimal(18, 4)) as min_points,
        try_cast(digits_text as integer) as digits,
        try_cast(house_cap_text as decimal(18, 8)) as house_cap_pct,
        {% for period in ['deal', 'day', 'week', 'month'] -%}
        try_cast(json_extract_string(caps, '$.per_{{ period }}') as decimal(18, 8)) as cap_per_{{ period }},
        {% endfor -%}
        list_filter(coalesce(json_keys(caps), []), lambda name:
            not list_contains(['per_deal', 'per_day', 'per_week', 'per_month'], name)
            or try_cast(json_extract_string(caps, '$.' || name) as decimal(18, 8)) is null
        ) as odd_caps,
        json_extract_string(tier, '$.kpi') as tier_kpi,
        coalesce(json_extract_string(tier, '$.window'), 'calendar_month') as tier_window_text,
        coalesce(json_extract_string(tier, '$.mode'), 'whole') as tier_mode,
        json_extract_string(tier, '$.scheme') as tier_scheme,
        json_extract_string(tier, '$.level') as tier_level_text,
        try_cast(json_extract_string(tier, '$.level') as integer) as tier_level,
        list_sort(list_transform(coalesce(json_extract(tier, '$.steps[*]'), []), lambda step: {
            'from_kpi': try_cast(json_extract_string(step, '$.from') as decimal(28, 8)),
            'rate': try_cast(json_extract_string(step, '$.rate') as decimal(18, 8))
        })) as tier_steps
    from read
)

select
    typed.plan_id,
    typed.version as plan_version,
    typed.valid_from,
    typed.valid_to,
    typed.distribution,
    coalesce(distributions.is_by_level, false) as is_by_level,
    typed.distribution = 'rank' as is_by_rank,
    typed.currency,
    typed.max_levels,
    typed.compress = 'true' as is_compressed,
    coalesce(typed.min_hold_seconds, 0) as min_hold_seconds,
    coalesce(typed.min_points, 0) as min_points,
    typed.exclude_reasons,
    typed.side,
    typed.hedge = 'max_side' as is_hedged,
    typed.credit_coefficient = 'true' as is_credit_weighed,
    typed.house_cap_pct,
    typed.cap_per_deal,
    typed.cap_per_day,
    typed.cap_per_week,
    typed.cap_per_month,
    coalesce(typed.cap_per_deal, typed.cap_per_day, typed.cap_per_week, typed.cap_per_month) is not null as has_caps,
    typed.tier is not null as has_tier,
    typed.tier_kpi,
    split_part(typed.tier_window_text, ':', 1) as tier_window,
    try_cast(nullif(split_part(typed.tier_window_text, ':', 2), '') as integer) as tier_reach,
    typed.tier_mode,
    typed.tier_scheme,
    typed.tier_level,
    typed.tier_steps,
    typed.negative_carry = 'true' as is_carried,
    coalesce(try_cast(json_extract_string(typed.settings, '$.holdback_pct') as decimal(9, 6)), 0)::decimal(9, 6) as holdback_pct,
    coalesce(try_cast(json_extract_string(typed.settings, '$.holdback_days') as integer), 0) as holdback_days,
    coalesce(try_cast(json_extract_string(typed.settings, '$.payout_minimum') as decimal(18, 8)), 0)::decimal(18, 8) as payout_minimum,
    coalesce(json_extract_string(typed.settings, '$.payout_schedule'), 'monthly') as payout_schedule,
    -- a setting that nobody reads (a slip of the pen) pays as if it were not there; a check warns of it
    list_filter(coalesce(json_keys(typed.settings), []), lambda name: not list_contains(known_settings.names, name)) as unread_settings,
    hash(typed.settings) as content,
    -- rounding per statement leaves the lines at full width
    case when typed.rounding_per = 'line' then typed.digits else 8 end as rounding_digits,
    case when typed.rounding_per = 'line' then typed.rounding_mode else 'half_even' end as rounding_mode,
    case
        when not typed.is_readable then 'its settings are not JSON'
        when not coalesce(distributions.is_computed, false) then 'distribution ' || typed.distribution
        when typed.side not in ('close', 'open', 'both') then 'side ' || typed.side
        when typed.hedge not in ('count_all', 'max_side') then 'hedge ' || typed.hedge
        when typed.credit_coefficient not in ('true', 'false') then 'credit_coefficient ' || typed.credit_coefficient
        when typed.house_cap_text is not null and (typed.house_cap_pct is null or typed.house_cap_pct < 0) then 'house_cap_pct ' || typed.house_cap_text
        when typed.max_levels is null and typed.max_levels_text <> 'none' then 'max_levels ' || typed.max_levels_text
        when typed.compress not in ('true', 'false') then 'compress ' || typed.compress
        when typed.min_hold_seconds is null then 'min_hold_seconds ' || typed.min_hold_text
        when typed.min_points is null then 'min_points ' || typed.min_points_text
        when typed.currency is null then 'no currency'
    end as not_computed_for_deal,
    case
        when typed.caps is null and typed.caps_type <> 'NULL' and typed.caps_type <> 'VARCHAR' then 'caps'
        when len(typed.odd_caps) > 0 then 'caps ' || typed.odd_caps[1]
        when typed.digits is null or typed.digits not between 0 and 8 then 'rounding digits ' || typed.digits_text
        when typed.rounding_mode not in ('half_even', 'half_up', 'down') then 'rounding mode ' || typed.rounding_mode
        when typed.rounding_per not in ('line', 'statement') then 'rounding per ' || typed.rounding_per
    end as not_computed_for_partner,
    case
        when typed.tier is null then case when typed.tier_type not in ('NULL', 'OBJECT', 'VARCHAR') then 'tier' end
        when coalesce(typed.tier_kpi, '') not in ('lots', 'notional_usd', 'active_clients', 'commission', 'deposits', 'net_revenue')
            then 'tier kpi ' || coalesce(typed.tier_kpi, 'none')
        when typed.tier_kpi = 'net_revenue' and coalesce(typed.tier_scheme, 'revenue_share') <> 'revenue_share'
            then 'tier of net_revenue for ' || typed.tier_scheme
        when typed.tier_mode not in ('whole', 'marginal') then 'tier mode ' || typed.tier_mode
        when split_part(typed.tier_window_text, ':', 1) not in ('calendar_month', 'previous_months', 'rolling_days')
            then 'tier window ' || typed.tier_window_text
        when
            split_part(typed.tier_window_text, ':', 1) <> 'calendar_month'
            and coalesce(try_cast(split_part(typed.tier_window_text, ':', 2) as integer), 0) < 1
            then 'tier window ' || typed.tier_window_text
        when typed.tier_scheme is not null and typed.tier_scheme not in (select schemes.scheme from {{ ref('commission_schemes') }} as schemes)
            then 'tier scheme ' || typed.tier_scheme
        when typed.tier_level_text is not null and typed.tier_level is null then 'tier level ' || typed.tier_level_text
        when
            len(typed.tier_steps) = 0
            or len(list_filter(typed.tier_steps, lambda step: step.from_kpi is null or coalesce(step.rate < 0, true))) > 0
            then 'tier steps'
    end as not_computed_for_chain
from typed
cross join known_settings
left join distributions on typed.distribution = distributions.distribution
