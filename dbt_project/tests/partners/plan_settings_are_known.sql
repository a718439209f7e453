{{ config(severity='warn') }}
select
    plan_id,
    plan_version,
    unread_settings
from {{ ref('int_commission_plans') }}
where len(unread_settings) > 0
