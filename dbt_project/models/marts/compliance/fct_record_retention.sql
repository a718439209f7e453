{{ config(meta={'owner': 'compliance', 'sorted_by': ['client_id', 'record_class']}) }}

with clients as (
    select
        clients.client_id,
        clients.entity,
        entities.regime
    from {{ ref('dim_clients') }} as clients
    left join {{ ref('entities') }} as entities
        on
            clients.entity = entities.entity
            and entities.valid_from <= {{ known_at() }}
            and coalesce(entities.valid_to, timestamp '9999-12-31') > {{ known_at() }}
),

rules as (
    select * from {{ ref('retention_rules') }}
    where valid_from <= {{ known_at() }} and coalesce(valid_to, timestamp '9999-12-31') > {{ known_at() }}
),

holds as (
    select
        client_id,
        string_agg(reason, '; ' order by valid_from) as reason
    from {{ ref('legal_holds') }}
    where valid_from <= {{ known_at() }} and coalesce(valid_to, timestamp '9999-12-31') > {{ known_at() }}
    group by client_id
),

-- a relationship that was refused or ended; any other goes on
ended as (
    select
        client_id,
        status_since as ended_at
    from {{ ref('fct_kyc_status') }}
    where valid_to is null and superseded_at is null and status in ('TERMINATED', 'REJECTED')
),

last_records as (
    select
        client_id,
        'client_money' as record_class,
        max(day)::timestamp as last_at
    from {{ ref('fct_client_balances_daily') }}
    group by client_id
    union all
    select
        client_id,
        'transactions' as record_class,
        max(day)::timestamp as last_at
    from {{ ref('fct_client_balances_daily') }}
    group by client_id
    union all
    select
        client_id,
        'complaints' as record_class,
        max(coalesce(closed_at, opened_at)) as last_at
    from {{ ref('fct_tickets') }}
    where is_complaint and client_id is not null
    group by client_id
    union all
    select
        client_id,
        'communications' as record_class,
        max(occurred_at) as last_at
    from {{ ref('stg_communications') }}
    where client_id is not null
    group by client_id
    union all
    select
        client_id,
        'client_file' as record_class,
        max(valid_from) as last_at
    from {{ ref('dim_clients_history') }}
    group by client_id
),

legs as (
    select
        clients.client_id,
        clients.entity,
        clients.regime,
        rules.record_class,
        rules.basis,
        ended.ended_at,
        last_records.last_at,
        -- least() passes over a null: while the relationship goes on the cap alone counts
        least(
            case rules.counts_from when 'relationship_end' then ended.ended_at else last_records.last_at end + to_years(rules.years),
            last_records.last_at + to_years(rules.cap_years)
        ) as keep_until
    from clients
    inner join rules on clients.regime = rules.regime
    inner join last_records on clients.client_id = last_records.client_id and rules.record_class = last_records.record_class
    left join ended on clients.client_id = ended.client_id
),

kept as (
    select
        client_id,
        entity,
        regime,
        record_class,
        any_value(ended_at) as relationship_ended_at,
        max(last_at) as last_record_at,
        bool_or(keep_until is null) as is_open,
        max(keep_until) as longest,
        string_agg(distinct basis, '; ' order by basis) as basis
    from legs
    group by client_id, entity, regime, record_class
)

select
    kept.client_id,
    kept.record_class,
    kept.entity,
    kept.regime,
    kept.relationship_ended_at,
    kept.last_record_at,
    case when not kept.is_open and holds.reason is null then kept.longest end as retain_until,
    kept.basis,
    holds.reason is not null as on_legal_hold,
    holds.reason as hold_reason,
    case
        when holds.reason is not null then 'legal_hold'
        when kept.is_open then 'relationship_goes_on'
        when kept.longest > {{ known_at() }} then 'kept'
        else 'over'
    end as state,
    {{ run_id() }} as _run_id
from kept
left join holds on kept.client_id = holds.client_id
order by kept.client_id, kept.record_class
