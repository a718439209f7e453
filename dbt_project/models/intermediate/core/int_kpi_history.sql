{{ config(materialized='incremental', incremental_strategy='append', tags=['stepwise']) }}
{#- Read once there is something to compare with. -#}
-- depends_on: {{ ref('int_ledger_clients') }}
-- depends_on: {{ ref('fct_deals') }}
-- depends_on: {{ ref('int_ledger_psp_rows') }}
-- depends_on: {{ ref('int_ledger_bank_matches') }}
-- depends_on: {{ ref('stg_clients') }}
-- depends_on: {{ ref('fct_kyc_status') }}
-- depends_on: {{ ref('fct_tickets') }}
-- depends_on: {{ ref('fct_commission_accruals') }}

-- What each key figure was known to be, and when: one row each time it changes. A sum that nobody has moved stands at zero, a ratio at null, without a row.
with figures as (select * from {{ ref('fct_kpi_daily') }}),

kpis as (select * from {{ ref('kpis') }}),

{% if is_incremental() -%}
known as (
    select * from {{ this }}
    qualify row_number() over (partition by day, entity, kpi order by _horizon_load_id desc) = 1
),
{%- else -%}
known as (
    select
        null::date as day,
        null::varchar as entity,
        null::varchar as kpi,
        null::decimal(38, 8) as value
    where false
),
{%- endif %}

-- a day that a correction took from an entity has no figure any more: its sums are zero
compared as (
    select
        coalesce(figures.day, known.day) as day,
        coalesce(figures.entity, known.entity) as entity,
        coalesce(figures.kpi, known.kpi) as kpi,
        figures.value,
        known.value as known_value,
        figures.kpi is not null as is_figure,
        known.kpi is not null as is_known
    from figures
    full join known on figures.day = known.day and figures.entity = known.entity and figures.kpi = known.kpi
),

stated as (
    select
        compared.day,
        compared.entity,
        compared.kpi,
        kpis.unit,
        kpis.made_of,
        case when compared.is_figure or kpis.kind = 'ratio' then compared.value else 0 end as value,
        case when compared.is_known or kpis.kind = 'ratio' then compared.known_value else 0 end as value_before
    from compared
    inner join kpis on compared.kpi = kpis.kpi
),

changed as (
    select
        *,
        -- published by the build before this one, which came after the day was over
        {% if is_incremental() -%}
        day < (select loads.recorded_at::date from {{ source('raw', 'loads') }} as loads where loads.load_id = {{ high_water() }})
        {%- else -%}
        false
        {%- endif %} as is_restatement
    from stated
    where value is distinct from value_before
),

{% if is_incremental() -%}
clients as (select * from {{ ref('int_ledger_clients') }}),

arrived as (
    select
        'deals' as feed,
        platform || ':' || deal_id as source_key,
        entity,
        null::varchar as client_id,
        executed_at
    from {{ ref('fct_deals') }}
    where {{ new_rows() }}
    union all
    select
        'psp_transactions',
        psp || ':' || event_id,
        null,
        client_id,
        occurred_at
    from {{ ref('int_ledger_psp_rows') }}
    where {{ new_rows() }}
    union all
    select
        'bank_statement_lines',
        line_key,
        entity,
        named_client_id,
        occurred_at
    from {{ ref('int_ledger_bank_matches') }}
    where {{ new_rows() }}
    union all
    select
        'clients',
        client_id || ':' || changed_at,
        null,
        client_id,
        registered_at
    from {{ ref('stg_clients') }}
    where {{ new_rows() }}
    union all
    select
        'kyc_events',
        event_id,
        null,
        client_id,
        valid_from
    from {{ ref('fct_kyc_status') }}
    where recorded_at = {{ known_at() }} and superseded_at is null
    union all
    select
        'tickets',
        ticket_id,
        null,
        client_id,
        opened_at
    from {{ ref('fct_tickets') }}
    where recorded_at = {{ known_at() }}
    union all
    select
        'commission_accruals',
        accrual_id,
        null,
        client_id,
        executed_at
    from {{ ref('fct_commission_accruals') }}
    where _horizon_load_id > {{ high_water() }}
),

arrivals as (
    select
        arrived.feed,
        coalesce(clients.entity, arrived.entity, 'unknown') as entity,
        arrived.executed_at::date as day,
        min(arrived.source_key) as source_key,
        count(*) as events
    from arrived
    left join clients
        on
            arrived.client_id = clients.client_id
            and arrived.executed_at >= clients.valid_from
            and arrived.executed_at < clients.valid_to
    group by arrived.feed, coalesce(clients.entity, arrived.entity, 'unknown'), arrived.executed_at::date
),

-- the rows of that day which the figure is made of; else what came with that build (a rate, a rule, a row whose day was corrected)
causes as (
    select
        changed.day,
        changed.entity,
        changed.kpi,
        min(arrivals.feed || ':' || arrivals.source_key) as cause,
        sum(arrivals.events) as events
    from changed
    inner join arrivals
        on
            changed.day = arrivals.day
            and changed.entity = arrivals.entity
            and list_contains(string_split(changed.made_of, ' '), arrivals.feed)
    where changed.is_restatement
    group by changed.day, changed.entity, changed.kpi
),
{%- else -%}
causes as (
    select
        day,
        entity,
        kpi,
        null::varchar as cause,
        0 as events
    from changed
    where is_restatement
),
{%- endif %}

feeds as (
    select string_agg(distinct feed, ', ' order by feed) as names
    from {{ source('raw', 'loads') }}
    where load_id > {{ high_water() }} and load_id <= {{ horizon_load_id() }} and rows_loaded > 0
)

select
    changed.day,
    changed.entity,
    changed.kpi,
    changed.unit,
    changed.value::decimal(38, 8) as value,
    changed.value_before::decimal(38, 8) as value_before,
    changed.is_restatement,
    case
        when not changed.is_restatement then null
        when causes.cause is not null then causes.cause || case when causes.events > 1 then ' and ' || (causes.events - 1)::bigint || ' more' else '' end
        else coalesce('rows of ' || feeds.names, 'no row of a feed')
    end as caused_by,
    {{ known_at() }} as recorded_at,
    {{ horizon_load_id() }} as _horizon_load_id
from changed
cross join feeds
left join causes on changed.day = causes.day and changed.entity = causes.entity and changed.kpi = causes.kpi
