{{ config(materialized='incremental', incremental_strategy='append') }}
-- Which slices of the rate card came (sign 1) and went (sign -1) with which load. The deals that a late link, plan, rule or partner touches are
-- found by it, however many steps ago the accruals were built; what stands is the sum of it.
with slices as (
    select
        direct_partner_id,
        own_client_id,
        symbol_key,
        group_key,
        type_key,
        valid_from,
        valid_to,
        content
    from {{ ref('int_commission_slices') }}
),

known as (
    {% if is_incremental() -%}
    select * exclude (sign, _load_id)
    from {{ this }}
    group by all
    having sum(sign) > 0
    {%- else -%}
    select * from slices where false
    {%- endif %}
),

changes as (
    select
        *,
        1 as sign
    from (select * from slices except select * from known)
    union all
    select
        *,
        -1 as sign
    from (select * from known except select * from slices)
)

select
    *,
    {{ horizon_load_id() }} as _load_id
from changes
