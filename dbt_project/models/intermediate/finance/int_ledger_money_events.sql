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
),

ruled_others as (
    {{ with_rule('others') }}
)

select * from {{ ref('int_ledger_plain_events') }}
union all by name
select * from ruled
union all by name
select * from ruled_others
