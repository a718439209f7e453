{{ config(materialized='view') }}

-- All events of the money feeds with their rule; chargebacks come last because they look at the wallet that the others make.
with chargebacks as (select * from {{ ref('int_ledger_chargeback_events') }}),

ruled as (
    {{ with_rule('chargebacks') }}
)

select * from {{ ref('int_ledger_plain_events') }}
union all by name
select * from ruled
