{{ config(materialized='view') }}

-- All events of the money feeds with their rule; chargebacks come last because they look at the wallet that the others make.
with chargebacks as (select * from {{ ref('int_ledger_chargeback_events') }}),

ruled as (
    {{ with_rule('chargebacks') }}
),

others as (
    select * from {{ ref('int_ledger_revaluation_events') }}
    union all by name
    select
        *,
        null::varchar as client_id
    from {{ ref('int_ledger_partner_events') }}
    union all by name
    -- what credit covers of a loss, and what a later profit gives back to it
    select
        'deals' as source_feed,
        platform || ':' || deal_id as source_key,
        'credit_absorbed' as event_kind,
        case when change > 0 then 'loss' else 'profit' end as condition,
        client_id,
        entity,
        platform,
        login,
        book,
        currency,
        abs(change) as amount,
        executed_at as occurred_at,
        _load_id as source_load_id,
        _row_number as source_row_number
    from {{ ref('int_ledger_credit_deals') }}
    where change <> 0
),

ruled_others as (
    {{ with_rule('others') }}
)

select * from {{ ref('int_ledger_plain_events') }}
union all by name
select * from ruled
union all by name
select * from ruled_others
