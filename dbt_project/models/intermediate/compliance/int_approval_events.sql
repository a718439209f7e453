{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='event_id'
) }}

-- The orders given in our own approval screens, their JSON read once. Subject types are named as the money feeds name them.
-- A decision that whoever took it undid, before anything of it went out, is retracted; it comes in one load with its undoing.
with undone as (
    select distinct
        approval_id,
        _load_id
    from {{ ref('stg_operational_events') }}
    where {{ new_rows() }} and type = 'approval.undone'
),

events as (
    select
        orders.*,
        orders.after ->> '$.decisions[0].decision' as decided,
        undone.approval_id is not null as is_undone
    from {{ ref('stg_operational_events') }} as orders
    left join undone on orders.event_id = undone.approval_id and orders._load_id = undone._load_id
    where {{ new_rows('orders') }} and (orders.type like 'approval.%' or orders.type like '%.proposed')
)

select
    event_id,
    seq,
    hash,
    carried_by,
    case
        when carried_by = 'kyc_events' then 'kyc_events:daybook:' || event_id
        when decided is not null then coalesce(carried_by, 'operational_events') || ':' || event_id
    end as decision_id,
    case when type like '%.proposed' then 'proposed' else split_part(type, '.', 2) end as event,
    case when subject_type = 'transfer' then 'internal_transfer' else subject_type end as subject_type,
    subject_id,
    client_id,
    entity,
    case
        when is_undone then 'retracted'
        when decided = 'override' then 'overridden'
        when (after ->> '$.decisions[0].final') = 'false' then case decided when 'reject' then 'step_rejected' else 'step_approved' end
        when decided is not null then decided || case decided when 'approve' then 'd' else 'ed' end
    end as decision,
    (after ->> '$.decisions[0].final') = 'true' and not is_undone as is_final,
    coalesce(after ->> '$.round', before ->> '$.round')::integer as round,
    coalesce(after ->> '$.step', before ->> '$.step')::integer as step,
    case when is_undone then 'undone' when type like '%.proposed' then 'open' else coalesce(after ->> '$.state', before ->> '$.state') end as state,
    coalesce(after ->> '$.opened_at', after ->> '$.proposals[0].proposed_at')::timestamp as opened_at,
    (after ->> '$.due_at')::timestamp as due_at,
    coalesce(after ->> '$.decisions[0].amount', after ->> '$.proposals[0].amount')::decimal(38, 8) as amount,
    coalesce(after ->> '$.decisions[0].currency', after ->> '$.proposals[0].currency') as currency,
    (after ->> '$.decisions[0].amount_eur')::decimal(38, 8) as amount_eur,
    actor_id,
    actor_role,
    (after ->> '$.decisions[0].actor_limit_eur')::decimal(38, 8) as actor_limit_eur,
    on_behalf_of,
    coalesce(after ->> '$.decisions[0].maker_person', after ->> '$.proposals[0].maker_person') as maker_person,
    reason,
    rule_version as policy_version,
    (after ->> '$.decisions[0].publish_id')::bigint as publish_id,
    (after ->> '$.decisions[0].publish_age_seconds')::bigint as publish_age_seconds,
    occurred_at,
    recorded_at,
    _load_id
from events
