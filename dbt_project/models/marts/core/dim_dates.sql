{{ config(meta={'owner': 'data', 'sorted_by': ['day']}) }}

with days as (
    select unnest(range(timestamp '2015-01-01', date_trunc('year', {{ known_at() }}) + interval 2 year, interval 1 day))::date as day
)

select
    day,
    year(day)::integer as year,
    quarter(day)::integer as quarter,
    month(day)::integer as month,
    strftime(day, '%Y-%m') as period,
    isoyear(day)::integer as iso_year,
    week(day)::integer as iso_week,
    isodow(day)::integer as iso_day_of_week,
    isodow(day) >= 6 as is_weekend,
    date_trunc('week', day)::date as week_start,
    date_trunc('month', day)::date as month_start,
    date_trunc('quarter', day)::date as quarter_start,
    {{ run_id() }} as _run_id
from days
