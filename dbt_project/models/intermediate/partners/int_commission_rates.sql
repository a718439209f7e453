-- For each plan, profile, level and rank: the rule of each scheme that holds, over time. `level_key` 0 stands for every level the plan's rules
-- do not name, `rank_key` '' for every rank they do not name. `reading`: under the distribution `level` only a rule that names the level holds,
-- under `rank` only one that names the rank and its order; under all others (`any`) both are filters.
with rules as (
    select
        plan_id,
        rule_id,
        version,
        scheme,
        level,
        rank,
        symbol_group,
        symbol,
        account_type,
        rate::decimal(18, 8) as rate,
        currency,
        case when json_valid(parameters) then parameters end as parameters,
        coalesce(valid_from, {{ beginning() }}) as valid_from,
        coalesce(valid_to, {{ forever() }}) as valid_to
    from {{ ref('stg_commission_rules') }}
),

profiles as (
    select distinct
        profile_id,
        symbol_key,
        group_key,
        type_key
    from {{ ref('int_commission_profiles') }}
),

rule_pieces as (select * from {{ highest_version_pieces('rules', ['plan_id', 'rule_id']) }}),

level_keys as (
    select
        plan_id,
        level as level_key
    from rules
    where level >= 1
    union
    select
        plan_id,
        0 as level_key
    from rules
),

rank_keys as (
    select
        plan_id,
        rank as rank_key
    from rules
    where rank is not null
    union
    select
        plan_id,
        '' as rank_key
    from rules
),

matching as (
    select
        rule_pieces.*,
        profiles.profile_id,
        level_keys.level_key,
        rank_keys.rank_key,
        readings.reading,
        case
            when rule_pieces.symbol is not null and rule_pieces.account_type is not null then 1
            when rule_pieces.symbol is not null then 2
            when rule_pieces.symbol_group is not null and rule_pieces.account_type is not null then 3
            when rule_pieces.symbol_group is not null then 4
            when rule_pieces.account_type is not null then 5
            else 6
        end as specificity
    from rule_pieces
    inner join level_keys
        on rule_pieces.plan_id = level_keys.plan_id and (rule_pieces.level is null or rule_pieces.level = level_keys.level_key)
    inner join rank_keys
        on rule_pieces.plan_id = rank_keys.plan_id and (rule_pieces.rank is null or rule_pieces.rank = rank_keys.rank_key)
    inner join profiles
        on
            (rule_pieces.symbol is null or rule_pieces.symbol = profiles.symbol_key)
            and (rule_pieces.symbol_group is null or rule_pieces.symbol_group = profiles.group_key)
            and (rule_pieces.account_type is null or rule_pieces.account_type = profiles.type_key)
    cross join (values ('any'), ('level'), ('rank')) as readings (reading)
    where
        (readings.reading <> 'level' or rule_pieces.level is not null)
        and (readings.reading <> 'rank' or (
            rule_pieces.rank = rank_keys.rank_key and try_cast(json_extract_string(rule_pieces.parameters, '$.rank_order') as integer) is not null
        ))
),

edges as (
    select plan_id, profile_id, level_key, rank_key, reading, scheme, valid_from as starts_at from matching
    union
    select plan_id, profile_id, level_key, rank_key, reading, scheme, valid_to as starts_at from matching
),

pieces as (
    select
        *,
        lead(starts_at) over (partition by plan_id, profile_id, level_key, rank_key, reading, scheme order by starts_at) as ends_at
    from edges
),

ranked as (
    select
        matching.* exclude (valid_from, valid_to),
        pieces.starts_at as valid_from,
        pieces.ends_at as valid_to,
        rank() over best as place,
        count(*) over (
            partition by
                pieces.plan_id, pieces.profile_id, pieces.level_key, pieces.rank_key, pieces.reading, pieces.scheme, pieces.starts_at,
                matching.specificity, matching.level is null, matching.rank is null
        ) as equals,
        row_number() over (
            partition by pieces.plan_id, pieces.profile_id, pieces.level_key, pieces.rank_key, pieces.reading, pieces.scheme, pieces.starts_at
            order by matching.specificity, matching.level is null, matching.rank is null, matching.rule_id
        ) as turn
    from pieces
    inner join matching
        on
            pieces.plan_id = matching.plan_id
            and pieces.profile_id = matching.profile_id
            and pieces.level_key = matching.level_key
            and pieces.rank_key = matching.rank_key
            and pieces.reading = matching.reading
            and pieces.scheme = matching.scheme
            and pieces.starts_at >= matching.valid_from
            and pieces.starts_at < matching.valid_to
    where pieces.ends_at is not null
    window best as (
        partition by pieces.plan_id, pieces.profile_id, pieces.level_key, pieces.rank_key, pieces.reading, pieces.scheme, pieces.starts_at
        order by matching.specificity, matching.level is null, matching.rank is null
    )
)

select
    plan_id,
    profile_id,
    level_key,
    rank_key,
    reading,
    scheme,
    valid_from,
    valid_to,
    rule_id,
    version as rule_version,
    rate,
    currency,
    try_cast(coalesce(json_extract_string(parameters, '$.lots_multiplier'), '1') as decimal(9, 4)) as lots_multiplier,
    try_cast(json_extract_string(parameters, '$.rank_order') as integer) as rank_order,
    try_cast(json_extract_string(parameters, '$.pass_up') as decimal(18, 8)) as pass_up,
    try_cast(json_extract_string(parameters, '$.pass_up_pct') as decimal(18, 8)) as pass_up_pct,
    try_cast(json_extract_string(parameters, '$.points') as decimal(18, 4)) as points,
    try_cast(json_extract_string(parameters, '$.pips') as decimal(18, 4)) as pips,
    coalesce(json_extract_string(parameters, '$.spread_at'), 'close') as spread_at,
    try_cast(json_extract_string(parameters, '$.max_points') as decimal(18, 4)) as max_points,
    -- what the parameters ask that cannot be read
    case
        when coalesce(try_cast(coalesce(json_extract_string(parameters, '$.lots_multiplier'), '1') as decimal(9, 4)) < 0, true) then 'lots_multiplier'
        when scheme = 'points' and json_extract_string(parameters, '$.points') is null and json_extract_string(parameters, '$.pips') is null then 'points'
        when coalesce(json_extract_string(parameters, '$.spread_at'), 'close') not in ('close', 'open', 'both') then 'spread_at'
        -- nobody gives more than it received
        when try_cast(json_extract_string(parameters, '$.pass_up_pct') as decimal(18, 8)) > 1 then 'pass_up_pct'
        when try_cast(coalesce(json_extract_string(parameters, '$.within_days'), '0') as integer) is null then 'within_days'
        when json_type(parameters, '$.ladder') not in ('ARRAY', 'NULL') then 'ladder'
        when len(list_filter(json_extract(parameters, '$.ladder[*]'), lambda step:
            try_cast(step ->> '$[0]' as decimal(28, 8)) is null or try_cast(step ->> '$[1]' as decimal(18, 8)) is null
        )) > 0 then 'ladder'
        else list_filter(
            ['points', 'pips', 'max_points', 'pass_up', 'pass_up_pct', 'min_deposit', 'min_lots', 'min_commission_ratio'],
            lambda name: json_extract_string(parameters, '$.' || name) is not null
            and coalesce(try_cast(json_extract_string(parameters, '$.' || name) as decimal(18, 4)) < 0, true)
        )[1]
    end as unread_parameter,
    parameters,
    equals > 1 as is_conflict
from ranked
where turn = 1
