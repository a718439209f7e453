{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['partner_id', 'currency', 'day', 'accrued_at'],
    tags=['stepwise']
) }}

-- Commission lines summed by partner, currency and the deals' day, as each moment made them: one such sum is one entry of the ledger.
select
    accruals.partner_id,
    accruals.currency,
    accruals.executed_at::date as day,
    accruals.accrued_at,
    sum(accruals.amount)::decimal(38, 8) as amount,
    count(*) as lines
from {{ ref('fct_commission_accruals') }} as accruals
{%- if is_incremental() %}
where
    -- two loads may state the same moment: what an earlier run has written for it belongs to the same sums
    accruals.accrued_at >= {{ earliest_accrual_since(high_water()) }}
    and (accruals.partner_id, accruals.currency, accruals.executed_at::date, accruals.accrued_at) in (
        select (news.partner_id, news.currency, news.executed_at::date, news.accrued_at)
        from {{ ref('fct_commission_accruals') }} as news
        where news._horizon_load_id > {{ high_water() }}
    )
{%- endif %}
group by accruals.partner_id, accruals.currency, accruals.executed_at::date, accruals.accrued_at
