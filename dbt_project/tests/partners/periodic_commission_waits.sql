-- Months and acquisitions that pay nothing until a rate, a rule or a plan is known or a conflict is resolved: never silent.
{{ config(severity='warn') }}
select
    line_key,
    partner_id,
    executed_at,
    waits_for
from {{ ref('int_commission_periodic') }}
where waits_for is not null
qualify row_number() over (partition by line_key order by revision desc, is_reversal desc) = 1 and not is_reversal
