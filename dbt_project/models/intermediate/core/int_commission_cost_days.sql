{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['client_id', 'day']) }}

with accruals as not materialized (select * from {{ ref('fct_commission_accruals') }}),

{% if is_incremental() -%}
touched as (
    select distinct
        client_id,
        executed_at::date as day
    from accruals
    where {{ written_since('accruals') }}
),

chosen as (
    select accruals.*
    from accruals
    inner join touched on accruals.client_id = touched.client_id and accruals.executed_at::date = touched.day
    where accruals.executed_at >= (select min(touched.day) from touched)
)
{%- else -%}
chosen as (select * from accruals)
{%- endif %}

select
    client_id,
    executed_at::date as day,
    sum(amount_usd)::decimal(38, 8) as amount_usd
from chosen
group by client_id, executed_at::date
