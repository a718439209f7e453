-- A day on which an account owed more than it held, or was given back what it owed.
with days as (
    select *
    from {{ ref('fct_account_daily') }}
    where equity - coalesce(credit, 0) < 0 and not is_demo
),

given_back as (
    select
        deals.platform,
        deals.login,
        deals.executed_at::date as day,
        sum(coalesce(deals.profit, 0)) as written_off
    from {{ ref('stg_deals') }} as deals
    inner join {{ ref('loss_cash_items') }} as items on deals.action = items.action
    where items.component = 'write_offs' and not coalesce(deals.is_cancelled, false)
    group by deals.platform, deals.login, deals.executed_at::date
),

accounts as (select * from {{ ref('int_accounts') }} where valid_to is null),

incidents as (
    select
        coalesce(days.platform, given_back.platform) as platform,
        coalesce(days.login, given_back.login) as login,
        coalesce(days.day, given_back.day) as day,
        days.equity - coalesce(days.credit, 0) as own_equity,
        coalesce(given_back.written_off, 0) as written_off
    from days
    full join given_back on days.platform = given_back.platform and days.login = given_back.login and days.day = given_back.day
)

select
    incidents.platform,
    incidents.login,
    incidents.day,
    accounts.client_id,
    accounts.entity,
    accounts.currency,
    coalesce(ratings.value, 'retail') as category,
    incidents.own_equity::decimal(38, 8) as own_equity,
    incidents.written_off::decimal(38, 8) as written_off,
    -- the day's snapshot is after what was given back
    coalesce(incidents.own_equity < 0, false) as is_left_negative,
    accounts.is_test,
    {{ run_id() }} as _run_id
from incidents
left join accounts on incidents.platform = accounts.platform and incidents.login = accounts.login
left join {{ ref('fct_client_ratings') }} as ratings
    on
        accounts.client_id = ratings.client_id
        and ratings.attribute = 'category'
        and ratings.superseded_at is null
        and ratings.valid_from < incidents.day + 1
        and coalesce(ratings.valid_to, timestamp '9999-12-31') >= incidents.day + 1
where not coalesce(accounts.is_demo, false)
order by incidents.day, incidents.platform, incidents.login
