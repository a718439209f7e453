{{ config(meta={'owner': 'leadership', 'control_totals': ['value'], 'sorted_by': ['day', 'entity']}) }}

with measures as (select * from {{ ref('int_kpi_measures') }}),

kpis as (select * from {{ ref('kpis') }}),

-- a day on which anything happened in an entity has every figure
days as (select distinct day, entity from measures),

additive as (
    select
        days.day,
        days.entity,
        kpis.kpi,
        kpis.unit,
        coalesce(measures.value, 0)::decimal(38, 8) as value
    from days
    cross join kpis
    left join measures on days.day = measures.day and days.entity = measures.entity and kpis.kpi = measures.kpi
    where kpis.kind = 'sum'
),

parts as (
    select
        day,
        entity,
        max(value) filter (where kpi = 'kyc_approved') as kyc_approved,
        max(value) filter (where kpi = 'kyc_decided') as kyc_decided,
        max(value) filter (where kpi = 'commission_cost') as commission_cost,
        max(value) filter (where kpi = 'revenue') as revenue
    from additive
    group by day, entity
),

ratios as (
    select day, entity, 'kyc_approval_rate' as kpi, {{ divide('kyc_approved', 'kyc_decided', 8) }} as value from parts
    union all
    select day, entity, 'commission_cost_ratio' as kpi, {{ divide('commission_cost', 'revenue', 8) }} as value from parts
),

figures as (
    select * from additive
    union all
    select
        ratios.day,
        ratios.entity,
        ratios.kpi,
        kpis.unit,
        ratios.value::decimal(38, 8) as value
    from ratios
    inner join kpis on ratios.kpi = kpis.kpi
)

select
    figures.day,
    figures.entity,
    figures.kpi,
    figures.value,
    figures.unit,
    previous.value as previous_value,
    {{ known_at() }} as published_at,
    {{ run_id() }} as _run_id
from figures
left join figures as previous
    on figures.day = previous.day + 1 and figures.entity = previous.entity and figures.kpi = previous.kpi
