-- Business days of each entity's calendar, and of `any` for who has none: weekdays that are no bank holiday. The age between two days is the
-- difference of their numbers.
with calendars as (
    select distinct entity from {{ ref('entities') }}
    union
    select 'any' as entity
),

days as (
    select unnest(range(timestamp '2015-01-01', date_trunc('year', {{ known_at() }}) + interval 3 year, interval 1 day))::date as day
),

judged as (
    select
        calendars.entity,
        days.day,
        isodow(days.day) < 6 and holidays.holiday is null as is_business_day
    from calendars
    cross join days
    left join {{ ref('bank_holidays') }} as holidays on calendars.entity = holidays.entity and days.day = holidays.holiday
)

select
    entity,
    day,
    is_business_day,
    (count(*) filter (where is_business_day) over (partition by entity order by day))::integer as business_day_number,
    min(case when is_business_day then day end) over (
        partition by entity order by day rows between 1 following and unbounded following
    ) as next_business_day
from judged
