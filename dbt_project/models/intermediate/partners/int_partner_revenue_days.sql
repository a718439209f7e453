{%- set pays = commission_pays_by('revenue_share') %}
-- depends_on: {{ ref('stg_commission_rules') }}
-- What the house earned of each partner's own clients by UTC day, part by part, in each currency that a plan of the partner has had. At full width:
-- nothing is rounded before the line is.
with client_partners as (select * from {{ ref('int_client_partners') }} where {{ 'partner_id is not null' if pays else 'false' }}),

fx as (select * from {{ ref('int_commission_fx') }}),

clients as (select client_id from {{ ref('int_clients') }} where valid_to is null and is_test),

partners as (select * from {{ ref('stg_partners') }}),

currencies as (
    select distinct
        partners.partner_id,
        plans.currency
    from partners
    inner join {{ ref('int_commission_plans') }} as plans on partners.plan_id = plans.plan_id
    where plans.currency is not null
),

-- of a payment's events the first that completed it counts
payments as (
    select *
    from {{ ref('stg_psp_transactions') }}
    where {{ 'true' if pays else 'false' }} and status = 'completed' and client_id is not null
    qualify row_number() over (partition by psp, coalesce(psp_txn_id, event_id), kind order by occurred_at, event_id) = 1
),

events as (
    select
        client_id,
        executed_at as happened_at,
        currency,
        case when action in ('buy', 'sell') then -profit else 0 end as trading_result,
        case when starts_with(action, 'commission') then -profit else -commission end as commission,
        -swap as swap,
        case when action = 'bonus' then profit else 0 end as bonus,
        0 as psp_fees,
        0 as chargebacks,
        case when action = 'so_compensation' then profit else 0 end as write_offs
    from {{ ref('fct_deals') }}
    where
        {{ 'true' if pays else 'false' }}
        and not is_cancelled and not is_demo and not is_test
        and (action in ('buy', 'sell', 'bonus', 'so_compensation') or starts_with(action, 'commission'))
    union all
    select
        client_id,
        occurred_at as happened_at,
        currency,
        0 as trading_result,
        0 as commission,
        0 as swap,
        0 as bonus,
        0 as psp_fees,
        case kind when 'chargeback' then amount else -amount end as chargebacks,
        0 as write_offs
    from payments
    where kind in ('chargeback', 'chargeback_reversal')
    union all
    select
        client_id,
        occurred_at as happened_at,
        coalesce(fee_currency, currency) as currency,
        0 as trading_result,
        0 as commission,
        0 as swap,
        0 as bonus,
        fee_amount as psp_fees,
        0 as chargebacks,
        0 as write_offs
    from payments
    where fee_amount > 0 and coalesce(fee_borne_by, 'firm') = 'firm'
),

owned as (
    select
        events.*,
        client_partners.partner_id,
        currencies.currency as plan_currency
    from events
    inner join client_partners
        on
            events.client_id = client_partners.client_id
            and events.happened_at >= client_partners.valid_from
            and events.happened_at < client_partners.valid_to
    inner join currencies on client_partners.partner_id = currencies.partner_id
    where
        events.client_id not in (select clients.client_id from clients)
        -- who is the partner is no client of its own
        and (client_partners.partner_id, events.client_id) not in (
            select (persons.partner_id, persons.client_id) from partners as persons where persons.client_id is not null
        )
),

converted as (
    select
        owned.*,
        case when owned.currency = owned.plan_currency then 1 else fx.rate end::decimal(24, 12) as fx_rate
    from owned
    asof left join fx on owned.currency = fx.from_currency and owned.plan_currency = fx.to_currency and owned.happened_at >= fx.valid_from
)

select
    partner_id,
    plan_currency as currency,
    happened_at::date as day,
    {% for part in ['trading_result', 'commission', 'swap', 'bonus', 'psp_fees', 'chargebacks', 'write_offs'] -%}
    coalesce(sum({{ part }}::decimal(20, 8) * fx_rate), 0)::decimal(38, 16) as {{ part }},
    {% endfor -%}
    coalesce(
        sum((trading_result + commission + swap - bonus - psp_fees - chargebacks - write_offs)::decimal(20, 8) * fx_rate), 0
    )::decimal(38, 16) as net_revenue,
    count(*) filter (where fx_rate is null) as without_rate
from converted
group by partner_id, plan_currency, happened_at::date
