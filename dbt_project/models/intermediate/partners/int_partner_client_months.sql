{{ config(materialized='incremental', incremental_strategy='append') }}

-- Commission lines summed by partner, currency, month of the deals and client, as each load made them.
select
    accruals.partner_id,
    accruals.currency,
    strftime(accruals.executed_at, '%Y-%m') as period,
    accruals.client_id,
    accruals.accrued_at,
    sum(accruals.amount)::decimal(38, 8) as amount,
    sum(accruals.amount_usd)::decimal(38, 8) as amount_usd,
    count(*) as lines
from {{ ref('fct_commission_accruals') }} as accruals
where accruals._horizon_load_id > {{ high_water() }}
group by all
