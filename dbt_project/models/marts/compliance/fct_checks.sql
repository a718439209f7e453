{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['system', 'check_id'],
    meta={'owner': 'compliance', 'sorted_by': ['subject_id', 'ran_at']}
) }}

with checks as (
    select *
    from {{ ref('stg_risk_checks') }}
    {% if is_incremental() -%}
    where
        {{ new_rows() }}
        or subject_id in ({{ touched_by('cash_requests', 'request_id', ['event_id']) }})
    {%- endif %}
),

names as (select * from {{ ref('risk_check_names') }}),

decisions as (
    select * from {{ ref('fct_decisions') }} where decision in ('approved', 'rejected') and decision_id like 'cash_requests:%'
),

-- a check informs the first decision at or after it: one that ran at the moment of the decision ran before it
informed as (
    select
        checks.system,
        checks.check_id,
        arg_min(decisions.decision_id, (decisions.decided_at, decisions.decision_id)) as decision_id
    from checks
    inner join decisions on checks.subject_id = decisions.subject_id and checks.ran_at <= decisions.decided_at
    group by checks.system, checks.check_id
),

-- a check of our own ran inside a decision, and its id says in which
own as (
    select
        event_id,
        decision_id
    from {{ ref('int_approval_events') }}
    where decision_id is not null
)

select
    checks.check_id,
    checks.subject_type,
    checks.subject_id,
    coalesce(names.check_name, checks.check_name) as check_name,
    checks.version,
    checks.result,
    checks.inputs,
    checks.ran_at,
    coalesce(own.decision_id, informed.decision_id) as decision_id,
    checks.system,
    checks.check_name as source_check_name,
    checks.recorded_at,
    {{ run_id() }} as _run_id
from checks
left join names on lower(checks.check_name) = names.source_name
left join own on checks.system = 'daybook' and split_part(checks.check_id, ':', 1) = own.event_id
left join informed on checks.system = informed.system and checks.check_id = informed.check_id
order by checks.subject_id, checks.ran_at
