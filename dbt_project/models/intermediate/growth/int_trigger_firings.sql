{{ config(materialized='incremental', incremental_strategy='append', tags=['stepwise']) }}

-- What fired, and whether it may be sent: decided once, by what was known in the step that learned of it, and never changed afterwards.
with candidates as (select * from {{ ref('int_trigger_candidates') }}),

rules as (select * from {{ ref('trigger_rules') }}),

suppressions as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('trigger_suppressions') }}),

clients as (select * from {{ ref('int_clients') }} where valid_to is null),

statuses as (select * from {{ ref('fct_kyc_status') }} where valid_to is null and superseded_at is null),

ratings as (
    select * from {{ ref('fct_client_ratings') }}
    where attribute = 'risk_rating' and valid_to is null and superseded_at is null
),

{% if is_incremental() -%}
fired as (select * from {{ this }}),
{%- else -%}
fired as (
    select
        null::varchar as trigger_id,
        null::varchar as rule,
        null::varchar as client_id,
        null::timestamp as fired_at,
        null::varchar as suppressed_reason
    where false
),
{%- endif %}

forbidden as (
    select distinct
        clients.client_id,
        suppressions.purpose
    from clients
    left join statuses on clients.client_id = statuses.client_id
    left join ratings on clients.client_id = ratings.client_id
    inner join suppressions
        on
            suppressions.value = case suppressions.attribute when 'kyc_status' then statuses.status when 'risk_rating' then ratings.value end
            and {{ known_at() }} >= suppressions.valid_from
            and {{ known_at() }} < suppressions.valid_to
),

judged as (
    select
        candidates.*,
        rules.cool_down_days,
        rules.hold_out_share,
        case
            when candidates.fired_at + to_days(rules.fresh_days) < {{ known_at() }} then 'stale'
            when rules.purpose = 'marketing' and not coalesce(clients.marketing_consent, false) then 'no_consent'
            when forbidden.client_id is not null then 'compliance'
        end as forbidden_because,
        -- the same clients of a rule for ever, and others of another rule: md5 gives the same number everywhere
        md5_number_lower(candidates.rule || ':' || candidates.client_id) % 10000 < rules.hold_out_share * 10000 as is_held_out
    from candidates
    inner join rules on candidates.rule = rules.rule and candidates.rule_version = rules.version
    inner join clients on candidates.client_id = clients.client_id
    left join forbidden on candidates.client_id = forbidden.client_id and rules.purpose = forbidden.purpose
    where candidates.trigger_id not in (select fired.trigger_id from fired)
),

-- a client hears of a rule again only when the last firing that counted is long enough ago; hold-out and others alike
earlier as (
    select
        rule,
        client_id,
        max(fired_at) as fired_at
    from fired
    where suppressed_reason is null or suppressed_reason = 'hold_out'
    group by rule, client_id
),

moments as (
    select
        judged.rule,
        judged.client_id,
        list([judged.fired_at] order by judged.fired_at) as fired,
        max(judged.cool_down_days) as cool_down_days,
        coalesce(max(earlier.fired_at), timestamp '1900-01-01') as last_fired_at
    from judged
    left join earlier on judged.rule = earlier.rule and judged.client_id = earlier.client_id
    where judged.forbidden_because is null
    group by judged.rule, judged.client_id
),

counted as (
    select
        rule,
        client_id,
        list_reduce(
            fired,
            lambda taken, one: case when one[1] >= taken[-1] + to_days(cool_down_days) then list_concat(taken, one) else taken end,
            [last_fired_at]
        ) as taken
    from moments
)

select
    judged.trigger_id,
    judged.rule,
    judged.rule_version,
    judged.client_id,
    judged.fired_at,
    judged.payload,
    judged.is_held_out,
    case
        when judged.forbidden_because is not null then judged.forbidden_because
        when
            not list_contains(counted.taken, judged.fired_at)
            or row_number() over (
                partition by judged.rule, judged.client_id, judged.fired_at, judged.forbidden_because order by judged.trigger_id
            ) > 1
            then 'cool_down'
        when judged.is_held_out then 'hold_out'
    end as suppressed_reason,
    {{ known_at() }} as recorded_at
from judged
left join counted on judged.rule = counted.rule and judged.client_id = counted.client_id
