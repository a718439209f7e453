-- For each plan, profile, level and rank: the rule of each scheme that holds, over time. `level_key` 0 stands for every level the plan's rules
-- do not name, `rank_key` '' for every rank they do not name.
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
        case when json_valid(parameters) then json_extract_string(parameters, '$.lots_multiplier') end as multiplier_text,
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
        by_level.is_by_level,
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
    -- under the distribution `level` only a rule that names the level holds
    cross join (values (true), (false)) as by_level (is_by_level)
    where not by_level.is_by_level or rule_pieces.level is not null
),

edges as (
    select plan_id, profile_id, level_key, rank_key, is_by_level, scheme, valid_from as starts_at from matching
    union
    select plan_id, profile_id, level_key, rank_key, is_by_level, scheme, valid_to as starts_at from matching
),

pieces as (
    select
        *,
        lead(starts_at) over (partition by plan_id, profile_id, level_key, rank_key, is_by_level, scheme order by starts_at) as ends_at
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
                pieces.plan_id, pieces.profile_id, pieces.level_key, pieces.rank_key, pieces.is_by_level, pieces.scheme, pieces.starts_at,
                matching.specificity, matching.level is null, matching.rank is null
        ) as equals,
        row_number() over (
            partition by pieces.plan_id, pieces.profile_id, pieces.level_key, pieces.rank_key, pieces.is_by_level, pieces.scheme, pieces.starts_at
            order by matching.specificity, matching.level is null, matching.rank is null, matching.rule_id
        ) as turn
    from pieces
    inner join matching
        on
            pieces.plan_id = matching.plan_id
            and pieces.profile_id = matching.profile_id
            and pieces.level_key = matching.level_key
            and pieces.rank_key = matching.rank_key
            and pieces.is_by_level = matching.is_by_level
            and pieces.scheme = matching.scheme
            and pieces.starts_at >= matching.valid_from
            and pieces.starts_at < matching.valid_to
    where pieces.ends_at is not null
    window best as (
        partition by pieces.plan_id, pieces.profile_id, pieces.level_key, pieces.rank_key, pieces.is_by_level, pieces.scheme, pieces.starts_at
        order by matching.specificity, matching.level is null, matching.rank is null
    )
)

select
    plan_id,
    profile_id,
    level_key,
    rank_key,
    is_by_level,
    scheme,
    valid_from,
    valid_to,
    rule_id,
    version as rule_version,
    rate,
    currency,
    try_cast(coalesce(multiplier_text, '1') as decimal(9, 4)) as lots_multiplier,
    equals > 1 as is_conflict
from ranked
where turn = 1
