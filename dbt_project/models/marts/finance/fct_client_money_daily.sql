{{ config(meta={'owner': 'finance', 'control_totals': ['requirement', 'resource'], 'sorted_by': ['entity', 'day']}) }}

with balances as (select * from {{ ref('int_client_money_balances') }}),

rules as (
    select
        *,
        valid_from::timestamp as starts_at,
        coalesce(valid_to::timestamp, timestamp '9999-12-31') as ends_at
    from {{ ref('client_money_rules') }}
),

sweeps as (
    select
        entity,
        currency,
        occurred_at::date as day,
        sum(amount) as amount
    from {{ ref('int_ledger_bank_events') }}
    where event_kind = 'own_transfer' and condition = 'client/firm' and reason is null
    group by entity, currency, occurred_at::date
),

business_days as (select * from {{ ref('int_business_days') }}),

calendars as (select distinct entity from {{ ref('entities') }}),

floating_entities as (select entity from rules where includes_floating),

-- an account's equity without credit on each day that its cash or its floating result is known anew
floating as (
    select
        platform,
        login,
        day,
        floating_pnl
    from {{ ref('fct_account_daily') }}
    where floating_pnl is not null and entity in (select floating_entities.entity from floating_entities)
),

margined as (
    select
        entity,
        unit,
        currency,
        min(day) as first_day
    from balances
    where part = 'owed' and starts_with(unit, 'login:') and entity in (select floating_entities.entity from floating_entities)
    group by entity, unit, currency
),

points as (
    select
        margined.entity,
        margined.unit,
        margined.currency,
        balances.day
    from margined
    inner join balances on margined.entity = balances.entity and margined.unit = balances.unit and margined.currency = balances.currency
    union
    select
        margined.entity,
        margined.unit,
        margined.currency,
        floating.day
    from margined
    inner join floating on margined.unit = 'login:' || floating.platform || ':' || floating.login
    where floating.day >= margined.first_day
),

equities as (
    select
        with_cash.entity,
        with_cash.unit,
        with_cash.currency,
        with_cash.day,
        greatest(with_cash.cash + coalesce(floating.floating_pnl, 0), 0) as owed
    from (
        select
            points.*,
            balances.closing as cash
        from points
        asof inner join (select * from balances where part = 'owed') as balances
            on
                points.entity = balances.entity
                and points.unit = balances.unit
                and points.currency = balances.currency
                and points.day >= balances.day
    ) as with_cash
    asof left join (select *, 'login:' || platform || ':' || login as unit from floating) as floating
        on with_cash.unit = floating.unit and with_cash.day >= floating.day
),

-- never netted across clients: each unit is floored at zero by itself
changes as (
    select
        entity,
        currency,
        day,
        'owed' as part,
        greatest(closing, 0) - greatest(closing - movement, 0) as amount
    from balances
    where part = 'owed' and not (starts_with(unit, 'login:') and entity in (select floating_entities.entity from floating_entities))
    union all
    select
        entity,
        currency,
        day,
        'owed' as part,
        owed - coalesce(lag(owed) over (partition by entity, unit, currency order by day), 0) as amount
    from equities
    union all
    select
        entity,
        currency,
        day,
        part,
        movement as amount
    from balances
    where part <> 'owed'
),

daily as (
    select
        entity,
        currency,
        day,
        coalesce(sum(amount) filter (where part = 'owed'), 0) as owed,
        coalesce(sum(amount) filter (where part = 'unidentified'), 0) as unidentified,
        coalesce(sum(amount) filter (where part = 'bank'), 0) as held,
        coalesce(sum(amount) filter (where part = 'psp'), 0) as psp
    from changes
    group by entity, currency, day
),

firsts as (
    select
        entity,
        currency,
        min(day) as first_day
    from daily
    group by entity, currency
),

-- how far the books go, and how far the banks have told
ends as (
    select
        max(day) as last_day,
        coalesce((select max(lines.occurred_at)::date from {{ ref('int_ledger_bank_events') }} as lines), date '0001-01-01') as bank_day
    from daily
),

days as (
    select
        firsts.entity,
        firsts.currency,
        ends.bank_day,
        unnest(range(firsts.first_day::timestamp, ends.last_day::timestamp + interval 1 day, interval 1 day))::date as day
    from firsts
    cross join ends
),

running as (
    select
        days.entity,
        days.currency,
        days.day,
        days.bank_day,
        sum(coalesce(daily.owed, 0)) over so_far as owed,
        sum(coalesce(daily.unidentified, 0)) over so_far as unidentified,
        sum(coalesce(daily.held, 0)) over so_far as held,
        sum(coalesce(daily.psp, 0)) over so_far as psp
    from days
    left join daily on days.entity = daily.entity and days.currency = daily.currency and days.day = daily.day
    window so_far as (partition by days.entity, days.currency order by days.day)
),

calculated as (
    select
        running.entity,
        running.currency,
        running.day,
        running.bank_day,
        rules.regime,
        running.owed as client_balances,
        running.unidentified,
        running.owed + case when rules.includes_unidentified then greatest(running.unidentified, 0) else 0 end as requirement,
        running.held as resource,
        running.psp as psp_gap,
        tolerance.minor_units * {{ minor_unit('coalesce(units.minor_digits, 2)') }} as tolerance,
        calendar.next_business_day as fund_by
    from running
    left join calendars on running.entity = calendars.entity
    left join rules
        on coalesce(calendars.entity, 'any') = rules.entity and running.day >= rules.starts_at and running.day < rules.ends_at
    cross join (
        select max(tolerance_minor_units) as minor_units from {{ ref('break_classes') }}
        where reconciliation = 'client_money'
    ) as tolerance
    left join {{ ref('currency_units') }} as units on running.currency = units.currency
    inner join business_days as calendar on coalesce(calendars.entity, 'any') = calendar.entity and running.day = calendar.day
),

-- what stands at the evening before a business day has to be moved by its close
before_funding as (
    select
        evening.entity,
        evening.currency,
        evening.day + 1 as funded_on,
        evening.resource - evening.requirement + coalesce(sweeps.amount, 0) as remaining,
        coalesce(sweeps.amount, 0) as moved
    from calculated as evening
    left join sweeps on evening.entity = sweeps.entity and evening.currency = sweeps.currency and evening.day + 1 = sweeps.day
    where evening.fund_by = evening.day + 1
)

select
    calculated.entity,
    calculated.currency,
    calculated.day,
    calculated.regime,
    calculated.client_balances::decimal(38, 8) as client_balances,
    calculated.unidentified::decimal(38, 8) as unidentified,
    calculated.requirement::decimal(38, 8) as requirement,
    calculated.resource::decimal(38, 8) as resource,
    (calculated.resource - calculated.requirement)::decimal(38, 8) as difference,
    calculated.psp_gap::decimal(38, 8) as psp_gap,
    (calculated.requirement - calculated.resource)::decimal(38, 8) as funding_instruction,
    calculated.fund_by,
    before_funding.moved::decimal(38, 8) as funded,
    case when calculated.fund_by <= calculated.bank_day then before_funding.remaining end::decimal(38, 8) as remaining,
    case
        when abs(calculated.resource - calculated.requirement) <= calculated.tolerance then 'balanced'
        when calculated.fund_by > calculated.bank_day then 'due'
        when abs(before_funding.remaining) <= calculated.tolerance then 'funded'
        when before_funding.remaining < 0 then 'shortfall_not_funded'
        else 'excess_not_withdrawn'
    end as status,
    {{ run_id() }} as _run_id
from calculated
left join before_funding
    on
        calculated.entity = before_funding.entity
        and calculated.currency = before_funding.currency
        and calculated.fund_by = before_funding.funded_on
