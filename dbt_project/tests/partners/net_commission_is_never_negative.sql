-- What stands for a deal, partner and scheme is a commission or nothing; looked at for the deals that new runs wrote.
{{ config(severity='error') }}
{%- set from_run = _control('check_from_run_id') %}
with accruals as (
    select *
    from {{ ref('fct_commission_accruals') }}
    where deal_id is not null
    {%- if from_run %}
    and (platform, deal_id) in (
        select (new_rows.platform, new_rows.deal_id) from {{ ref('fct_commission_accruals') }} as new_rows where new_rows._run_id >= {{ from_run }}
    )
    {%- endif %}
)

select
    platform,
    deal_id,
    partner_id,
    scheme,
    side,
    sum(amount) as net
from accruals
group by platform, deal_id, partner_id, scheme, side
having sum(amount) < 0 or count(*) filter (where reverses_accrual_id is null) - count(*) filter (where reverses_accrual_id is not null) not in (0, 1)
