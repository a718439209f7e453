with refused as (select * from {{ ref('int_refused_links') }})

select
    child_id::varchar as child_id,
    valid_from::timestamp as valid_from,
    parent_partner_id::varchar as parent_partner_id,
    members::varchar[] as members,
    recorded_at::timestamp as recorded_at,
    {{ run_id() }} as _run_id
from refused
