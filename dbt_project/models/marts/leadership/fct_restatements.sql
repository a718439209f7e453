{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'owner': 'leadership', 'control_totals': ['restated_value', 'published_value'], 'sorted_by': ['as_of']}
) }}

-- A day's figure is published by the first build after the day is over; what a later load adds to that day restates it: the movements of the ledger's
-- accounts, and the daily key figures.
with steps as (
    select
        recorded_at,
        lag(recorded_at) over (order by recorded_at) as published_at
    from (select distinct recorded_at from {{ source('raw', 'loads') }} where load_id <= {{ horizon_load_id() }})
),

postings as not materialized (select * from {{ ref('fct_postings') }}),

late as (
    select
        postings.entry_id,
        coalesce(postings.entity, 'unassigned') as entity,
        postings.account_code,
        postings.currency,
        postings.occurred_at::date as as_of,
        postings.recorded_at,
        postings.amount
    from postings
    inner join steps on postings.recorded_at = steps.recorded_at
    where
        postings._horizon_load_id > {{ high_water() }}
        -- the first load publishes, it restates nothing
        and postings.recorded_at > (select min(steps.recorded_at) from steps)
        and postings.occurred_at < date_trunc('day', steps.published_at)
),

causes as (
    select
        late.entity,
        late.account_code,
        late.currency,
        late.as_of,
        late.recorded_at,
        sum(late.amount) as change,
        min(entries.source_feed || ':' || entries.source_key) as cause,
        count(distinct entries.source_feed || ':' || entries.source_key) as causes,
        bool_or(entries.booked_on <> late.as_of) as is_booked_later
    from late
    inner join {{ ref('fct_journal_entries') }} as entries on late.entry_id = entries.entry_id
    group by all
    having sum(late.amount) <> 0
),

published as (
    select
        causes.entity,
        causes.account_code,
        causes.currency,
        causes.as_of,
        causes.recorded_at,
        sum(postings.amount) as value
    from causes
    inner join postings
        on
            causes.account_code = postings.account_code
            and causes.currency = postings.currency
            and causes.as_of = postings.occurred_at::date
            and causes.entity = coalesce(postings.entity, 'unassigned')
    where postings.recorded_at < causes.recorded_at
    group by all
)

select
    'ledger_' || causes.account_code as kpi,
    accounts.name as kpi_name,
    causes.entity,
    causes.currency,
    causes.as_of,
    coalesce(published.value, 0)::decimal(38, 8) as published_value,
    (coalesce(published.value, 0) + causes.change)::decimal(38, 8) as restated_value,
    causes.cause || case when causes.causes > 1 then ' and ' || (causes.causes - 1) || ' more' else '' end as caused_by,
    causes.is_booked_later,
    causes.recorded_at as restated_at,
    {{ run_id() }} as _run_id
from causes
inner join {{ ref('dim_ledger_accounts') }} as accounts on causes.account_code = accounts.account_code
left join published
    on
        causes.entity = published.entity
        and causes.account_code = published.account_code
        and causes.currency = published.currency
        and causes.as_of = published.as_of
        and causes.recorded_at = published.recorded_at
union all
select
    kpi,
    upper(kpi[1]) || replace(kpi[2:], '_', ' ') as kpi_name,
    entity,
    unit as currency,
    day as as_of,
    value_before as published_value,
    value as restated_value,
    caused_by,
    false as is_booked_later,
    recorded_at as restated_at,
    {{ run_id() }} as _run_id
from {{ ref('int_kpi_history') }}
where is_restatement and _horizon_load_id > {{ high_water() }}
