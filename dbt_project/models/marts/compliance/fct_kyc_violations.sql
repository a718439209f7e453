-- Small beside what it is drawn from, and replaced as a whole: a clock that runs out is a violation from the first load after it, whatever came.
with loads as (
    select distinct recorded_at
    from {{ source('raw', 'loads') }}
    where load_id <= {{ horizon_load_id() }}
),

findings as (
    select * from {{ ref('int_kyc_findings') }} where rule is not null
    union all by name
    select * from {{ ref('int_kyc_clocks') }} where rule is not null
),

learned as (
    select
        findings.* exclude (recorded_at),
        greatest(findings.recorded_at, loads.recorded_at) as recorded_at
    from findings
    asof left join loads on findings.due_at < loads.recorded_at
    where findings.due_at is null or loads.recorded_at is not null
)

select
    client_id,
    provider,
    event_id,
    from_status,
    to_status,
    rule,
    occurred_at,
    recorded_at,
    superseded_at,
    claimed_from_status,
    actor_id,
    detail,
    {{ run_id() }} as _run_id
from learned
where superseded_at is null or superseded_at > recorded_at
order by client_id, occurred_at, rule
