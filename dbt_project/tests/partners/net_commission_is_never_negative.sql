-- What stands for a deal, partner and scheme is a commission or nothing; looked at for the deals that new runs wrote.
{{ config(severity='error') }}
{%- set from_run = _control('check_from_run_id') %}
with accruals as (
    select known.*
    from {{ ref('fct_commission_accruals') }} as known
    {%- if from_run %}
    semi join (
        select platform, deal_id from {{ ref('fct_commission_accruals') }} where _run_id >= {{ from_run }}
    ) as written on known.platform = written.platform and known.deal_id = written.deal_id
    {%- endif %}
    where known.deal_id is not null
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
