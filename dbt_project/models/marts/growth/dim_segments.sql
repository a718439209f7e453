{{ config(meta={'owner': 'growth', 'sorted_by': ['client_id', 'segment']}) }}

with measures as (select * from {{ ref('int_client_measures') }}),

rules as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('segment_rules') }}),

combinations as (select * from {{ ref('segment_combinations') }}),

held as (
    select
        measures.client_id,
        rules.segment,
        rules.reason,
        rules.is_shown,
        greatest(measures.valid_from, rules.valid_from) as valid_from,
        least(measures.valid_to, rules.valid_to) as valid_to
    from measures
    inner join rules on measures.measure = rules.measure
    where
        measures.measure <> 'days_without_trade'
        and (rules.at_least is null or measures.value >= rules.at_least)
        and (rules.below is null or measures.value < rules.below)
    union all
    select
        measures.client_id,
        rules.segment,
        rules.reason,
        rules.is_shown,
        greatest(
            case when rules.at_least > 0 then measures.counted_from + to_days(rules.at_least::integer) else measures.valid_from end, rules.valid_from
        ) as valid_from,
        least(
            measures.valid_to,
            rules.valid_to,
            case when rules.below is null then timestamp '9999-12-31' else measures.counted_from + to_days(rules.below::integer) end
        ) as valid_to
    from measures
    inner join rules on measures.measure = rules.measure
    where measures.measure = 'days_without_trade'
),

known as (select * from held where valid_from <= {{ known_at() }}),

singles as ({{ merged_intervals('known', ['client_id', 'segment', 'is_shown']) }}),

pairs as (
    select
        first_ones.client_id,
        combinations.segment,
        first_ones.reason || '; ' || second_ones.reason as reason,
        greatest(first_ones.valid_from, second_ones.valid_from) as valid_from,
        least(first_ones.valid_to, second_ones.valid_to) as valid_to
    from combinations
    inner join singles as first_ones on combinations.first_segment = first_ones.segment
    inner join singles as second_ones
        on
            combinations.second_segment = second_ones.segment
            and first_ones.client_id = second_ones.client_id
            and first_ones.valid_from < second_ones.valid_to
            and second_ones.valid_from < first_ones.valid_to
),

doubles as ({{ merged_intervals('pairs', ['client_id', 'segment']) }}),

segments as (
    select client_id, segment, reason, valid_from, valid_to from singles
    where is_shown
    union all
    select client_id, segment, reason, valid_from, valid_to from doubles
    where valid_from <= {{ known_at() }}
)

select
    client_id,
    segment,
    reason,
    valid_from,
    case when valid_to <= {{ known_at() }} then valid_to end as valid_to,
    {{ run_id() }} as _run_id
from segments
