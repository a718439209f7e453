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
        coalesce(json_extract_string(settings, '$.exclude_reasons[*]'), []) as exclude_reasons,
        json_extract_string(settings, '$.house_cap_pct') as house_cap_pct,
        coalesce(json_extract_string(settings, '$.caps'), '{}') not in ('{}', 'none') as has_caps,
        coalesce(json_extract_string(settings, '$.tier'), '{}') not in ('{}', 'none') as has_tier
    from pieces
),

typed as (
    select
        *,
        try_cast(max_levels_text as integer) as max_levels,
        try_cast(min_hold_text as decimal(18, 6)) as min_hold_seconds,
        try_cast(min_points_text as decimal(18, 4)) as min_points,
        try_cast(digits_text as integer) as digits
    from read
)

select
    typed.plan_id,
    typed.version as plan_version,
    typed.valid_from,
    typed.valid_to,
    typed.distribution,
    coalesce(distributions.is_by_level, false) as is_by_level,
    typed.currency,
    typed.max_levels,
    typed.compress = 'true' as is_compressed,
    coalesce(typed.min_hold_seconds, 0) as min_hold_seconds,
    coalesce(typed.min_points, 0) as min_points,
    typed.exclude_reasons,
    -- a setting that nobody reads (a slip of the pen) pays as if it were not there; a check warns of it
    list_filter(coalesce(json_keys(typed.settings), []), lambda name: not list_contains(known_settings.names, name)) as unread_settings,
    -- rounding per statement leaves the lines at full width
    case when typed.rounding_per = 'line' then typed.digits else 8 end as rounding_digits,
    case when typed.rounding_per = 'line' then typed.rounding_mode else 'half_even' end as rounding_mode,
    case
        when not typed.is_readable then 'its settings are not JSON'
        when not coalesce(distributions.is_computed, false) then 'distribution ' || typed.distribution
        when typed.side <> 'close' then 'side ' || typed.side
        when typed.hedge <> 'count_all' then 'hedge ' || typed.hedge
        when typed.credit_coefficient <> 'false' then 'credit_coefficient'
        when typed.house_cap_pct is not null then 'house_cap_pct'
        when typed.max_levels is null and typed.max_levels_text <> 'none' then 'max_levels ' || typed.max_levels_text
        when typed.compress not in ('true', 'false') then 'compress ' || typed.compress
        when typed.min_hold_seconds is null then 'min_hold_seconds ' || typed.min_hold_text
        when typed.min_points is null then 'min_points ' || typed.min_points_text
        when typed.currency is null then 'no currency'
    end as not_computed_for_deal,
    case
        when typed.has_caps then 'caps'
        when typed.digits is null or typed.digits not between 0 and 8 then 'rounding digits ' || typed.digits_text
        when typed.rounding_mode not in ('half_even', 'half_up', 'down') then 'rounding mode ' || typed.rounding_mode
        when typed.rounding_per not in ('line', 'statement') then 'rounding per ' || typed.rounding_per
    end as not_computed_for_partner,
    case when typed.has_tier then 'tier' end as not_computed_for_chain
from typed
cross join known_settings
left join distributions on typed.distribution = distributions.distribution
