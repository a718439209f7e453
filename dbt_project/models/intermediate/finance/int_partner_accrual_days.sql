{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['partner_id', 'currency', 'day', 'accrued_at'],
    tags=['stepwise']
) }}

-- Commission lines summed by partner, currency and the deals' day, as each load made them: one such sum is one entry of the ledger, never changed.
select
    accruals.partner_id,
    accruals.currency,
    accruals.executed_at::date as day,
    accruals.accrued_at,
    sum(accruals.amount)::decimal(38, 8) as amount,
    count(*) as lines
from {{ ref('fct_commission_accruals') }} as accruals
where accruals._horizon_load_id > {{ high_water() }}
group by accruals.partner_id, accruals.currency, accruals.executed_at::date, accruals.accrued_at
