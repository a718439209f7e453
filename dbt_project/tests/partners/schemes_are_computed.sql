-- Rules whose scheme the engine does not pay yet: known here, so that nothing is missed in silence.
{{ config(severity='warn') }}
select
    rules.plan_id,
    rules.rule_id,
    rules.version,
    rules.scheme
from {{ ref('stg_commission_rules') }} as rules
left join {{ ref('commission_schemes') }} as schemes on rules.scheme = schemes.scheme
where not coalesce(schemes.is_computed, false)
