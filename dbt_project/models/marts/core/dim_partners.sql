{{ config(meta={'owner': 'partners', 'sorted_by': ['partner_id']}) }}

with changes as (select * from {{ ref('stg_partners') }}),

plans as (select * from {{ ref('int_commission_plans') }} where valid_from <= {{ known_at() }} and valid_to > {{ known_at() }})

select
    changes.partner_id,
    changes.client_id,
    changes.name,
    changes.entity,
    changes.status,
    changes.rank,
    changes.plan_id,
    changes.payout_currency,
    changes.payout_method,
    plans.holdback_pct,
    plans.holdback_days,
    plans.payout_minimum,
    plans.payout_schedule,
    changes.changed_at as valid_from,
    changes.recorded_at,
    {{ run_id() }} as _run_id
from changes
left join plans on changes.plan_id = plans.plan_id
qualify row_number() over (partition by changes.partner_id order by changes.changed_at desc) = 1
