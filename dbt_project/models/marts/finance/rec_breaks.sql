-- A break is a login's unbroken row of compared days with one and the same difference; its first day and its amount are its identity.
with compared as (
    select * from {{ ref('rec_platform_daily') }}
    where (platform, login) in (select distinct (found.platform, found.login) from {{ ref('rec_platform_daily') }} as found where found.difference <> 0)
),

placed as (
    select
        *,
        row_number() over (partition by platform, login order by day)
        - row_number() over (partition by platform, login, difference order by day) as island,
        max(day) over (partition by platform, login) as newest_day
    from compared
),

breaks as (
    select
        platform,
        login,
        difference as amount,
        min(day) as first_seen_on,
        max(day) as last_seen_on,
        max(newest_day) as newest_day,
        arg_max(currency, day) as currency,
        arg_max(client_id, day) as client_id,
        arg_max(entity, day) as entity
    from placed
    where difference <> 0
    group by platform, login, difference, island
),

aged as (
    select
        *,
        last_seen_on = newest_day as is_open,
        case when last_seen_on = newest_day then greatest({{ known_at() }}::date, last_seen_on) else last_seen_on end as aged_to
    from breaks
)

select
    'platform:' || platform || ':' || login || ':' || first_seen_on || ':' || amount as break_id,
    'platform' as reconciliation,
    case when currency is null then 'account_unknown' else 'balance_differs' end as class,
    first_seen_on,
    last_seen_on,
    (
        select count(*) from (select unnest(generate_series(aged.first_seen_on::timestamp + interval 1 day, aged.aged_to::timestamp, interval 1 day)) as day) as days
        where isodow(days.day) < 6
    )::integer as age_business_days,
    amount,
    currency,
    platform || ':' || login as reference,
    client_id,
    entity,
    case when is_open then 'open' else 'gone' end as status,
    'finance' as owner,
    null::varchar as resolution,
    {{ run_id() }} as _run_id
from aged
