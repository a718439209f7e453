{{ config(meta={'owner': 'compliance', 'sorted_by': ['client_id', 'created_at']}) }}

with hits as (select * from {{ ref('int_alert_hits') }}),

scenarios as (select * from {{ ref('scenarios') }}),

-- an alert takes in what is found in the 30 days from its first finding; what comes later is an alert of its own
beginnings as (
    select
        scenario,
        unit,
        unnest(list_reduce(
            list_transform(list_sort(list_distinct(list(window_end))), found_at -> [found_at]),
            (begun, found_at) -> case when found_at[1] > begun[-1] + interval 30 day then begun || found_at else begun end
        )) as started_at
    from hits
    group by scenario, unit
),

placed as (
    select
        hits.* exclude (client_ids),
        beginnings.started_at,
        unnest(list_distinct(hits.client_ids)) as client_id
    from hits
    asof inner join beginnings
        on hits.scenario = beginnings.scenario and hits.unit = beginnings.unit and hits.window_end >= beginnings.started_at
),

alerts as (
    select
        scenario,
        unit,
        started_at,
        client_id,
        arg_min(version, (window_end, window_start)) as scenario_version,
        min(window_start) as window_start,
        max(window_end) as window_end,
        max(amount_eur) as amount_eur,
        max(score) as score,
        list_sort(list_distinct(flatten(list(evidence)))) as evidence,
        arg_max(detail, (score, window_end, detail)) as detail,
        arg_max(evaluated_on, (score, window_end, detail)) as evaluated_on,
        to_json(arg_min(parameters, (window_end, window_start)))::varchar as parameters,
        greatest(started_at, min(recorded_at) filter (where window_end = started_at)) as created_at,
        max(greatest(window_end, recorded_at)) as last_evidence_at
    from placed
    group by scenario, unit, started_at, client_id
),

named as (
    select
        *,
        scenario || '-' || left(md5(concat_ws('|', scenario, unit, started_at, client_id)), 16) as alert_id,
        scenario || '-' || left(md5(concat_ws('|', scenario, unit, started_at)), 16) as group_id
    from alerts
),

-- people decide on the alert itself, or on what they call `client:scenario`; of that a second case has a number behind it
orders as (
    select *, regexp_replace(subject_id, '#[0-9]+$', '') as about
    from {{ ref('int_approval_events') }}
    where subject_type = 'alert'
),

decided as (
    select
        named.alert_id,
        arg_max(orders.event, (orders.occurred_at, orders.seq)) as event,
        arg_max(orders.decision, (orders.occurred_at, orders.seq)) as decision,
        arg_max(orders.reason, (orders.occurred_at, orders.seq)) as reason,
        coalesce(arg_max_null(orders.is_final, (orders.occurred_at, orders.seq)), false) as is_final,
        max(orders.occurred_at) as decided_at
    from (
        select alert_id, started_at, alert_id as about from named
        union all
        select alert_id, started_at, client_id || ':' || scenario as about from named
    ) as named
    inner join orders on named.about = orders.about and orders.occurred_at >= named.started_at
    group by named.alert_id
)

select
    named.alert_id,
    named.group_id,
    named.scenario,
    named.scenario_version,
    named.client_id,
    named.window_start,
    named.window_end,
    named.amount_eur,
    named.score,
    named.evidence,
    case
        when decided.alert_id is null then 'NEW'
        when decided.is_final and named.last_evidence_at > decided.decided_at then 'NEW'
        when decided.is_final and decided.decision = 'rejected' then 'CLOSED_FP'
        when decided.is_final and decided.reason = 'confirmed_risk' then 'ESCALATED'
        when decided.is_final then 'CLOSED_EXPLAINED'
        when decided.event = 'claimed' then 'ASSIGNED'
        else 'INVESTIGATING'
    end as status,
    named.created_at,
    coalesce(persons.person_id, named.client_id) as person_id,
    coalesce(persons.entity, 'unknown') as entity,
    scenarios.severity,
    coalesce(named.evaluated_on, case scenarios.evaluation when 'proxy' then scenarios.evaluated_on end) as evaluated_on,
    named.detail,
    named.parameters,
    coalesce(decided.is_final and named.last_evidence_at > decided.decided_at, false) as is_reopened,
    scenarios.holds_money,
    named.last_evidence_at,
    {{ run_id() }} as _run_id
from named
inner join scenarios on named.scenario = scenarios.scenario
left join {{ ref('int_persons') }} as persons on named.client_id = persons.client_id
left join decided on named.alert_id = decided.alert_id
order by named.client_id, named.created_at
