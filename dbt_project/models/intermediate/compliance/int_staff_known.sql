with points as (
    select
        *,
        changed_at as occurred_at,
        null::varchar as event_id,
        null::varchar as tie_break,
        false as is_start
    from {{ known_versions('staff', ['staff_id', 'changed_at']) }}
),

intervals as (
    {{ two_clock_intervals('points', ['staff_id'], 'role', ['approval_limit_eur', 'is_active', 'email', 'client_id']) }}
)

select
    staff_id,
    role,
    approval_limit_eur,
    coalesce(is_active, true) as is_active,
    lower(trim(email)) as email,
    client_id,
    valid_from,
    valid_to,
    recorded_at,
    superseded_at
from intervals
