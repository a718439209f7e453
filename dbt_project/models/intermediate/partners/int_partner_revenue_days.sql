{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='day') }}
{%- set pays = commission_pays_by('revenue_share') %}
{#- Who pays by what, and who is whose client as a person, change seldom, and then for all time. -#}
{%- set of_all_time = not is_incremental() or has_new_loads(['clients', 'partners', 'commission_plans', 'commission_rules']) %}
-- depends_on: {{ ref('stg_commission_rules') }}
-- What the house earned of each partner's own clients by UTC day, part by part, in each currency that a plan of the partner has had. At full width:
-- nothing is rounded before the line is. An increment makes the days anew that something new reaches; a day of which nothing is left stands empty.
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

{% if is_incremental() and not of_all_time -%}
corrected_deals as (
    select versions.executed_at
    from {{ source('raw', 'deals') }} as versions
    semi join (select platform, deal_id from {{ source('raw', 'deals') }} where _version > 1 and {{ new_rows() }}) as corrections
        on versions.platform = corrections.platform and versions.deal_id = corrections.deal_id
),

reached_payments as (
    select versions.occurred_at
    from {{ source('raw', 'psp_transactions') }} as versions
    semi join (
        select psp, coalesce(psp_txn_id, event_id) as payment from {{ source('raw', 'psp_transactions') }} where {{ new_rows() }}
    ) as came on versions.psp = came.psp and coalesce(versions.psp_txn_id, versions.event_id) = came.payment
),

-- a late link moves all of its client
moved_clients as (select distinct client_id from client_partners where {{ new_rows() }}),

new_rates as (
    select
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from fx
    where {{ new_rows() }}
),

reached_days as (
    select executed_at::date as day from {{ ref('fct_deals') }} where _horizon_load_id > {{ high_water() }}
    union
    select executed_at::date from corrected_deals
    union
    select occurred_at::date from reached_payments
    {% if has_new_loads(['partner_links']) -%}
    union
    select deals.executed_at::date
    from {{ ref('fct_deals') }} as deals
    semi join moved_clients on deals.client_id = moved_clients.client_id
    union
    select payments.occurred_at::date
    from payments
    semi join moved_clients on payments.client_id = moved_clients.client_id
    {%- endif %}
    {% if has_new_loads(['fx_rates']) -%}
    union
    select days.day
    from {{ this }} as days
    inner join new_rates on days.day >= new_rates.valid_from::date and days.day < new_rates.valid_to
    {%- endif %}
),
{%- elif is_incremental() -%}
reached_days as (select distinct days.day from {{ this }} as days),
{%- endif %}

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
        {%- if not of_all_time %}
        and executed_at::date in (select reached_days.day from reached_days)
        {%- endif %}
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
    where
        kind in ('chargeback', 'chargeback_reversal')
        {%- if not of_all_time %}
        and occurred_at::date in (select reached_days.day from reached_days)
        {%- endif %}
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
    where
        fee_amount > 0 and coalesce(fee_borne_by, 'firm') = 'firm'
        {%- if not of_all_time %}
        and occurred_at::date in (select reached_days.day from reached_days)
        {%- endif %}
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
),

sums as (
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
)

select * from sums
{%- if is_incremental() %}
union all by name
select
    '' as partner_id,
    '' as currency,
    reached_days.day,
    {% for part in ['trading_result', 'commission', 'swap', 'bonus', 'psp_fees', 'chargebacks', 'write_offs', 'net_revenue'] -%}
    0::decimal(38, 16) as {{ part }},
    {% endfor -%}
    0::bigint as without_rate
from reached_days
anti join sums on reached_days.day = sums.day
{%- endif %}
