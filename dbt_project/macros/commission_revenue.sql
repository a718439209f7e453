{#- Net revenue of each partner's own clients by complete calendar month, in the currency of the partner's plan at the month's last instant; what goes
    into the result, each part in a column of its own, positive is earned by the house. The base is what is left above the losses carried from before. -#}
{%- macro commission_revenue() -%}
{%- set pays = commission_pays_by('revenue_share') %}
with client_partners as (select * from {{ ref('int_client_partners') }} where partner_id is not null),

fx as (select * from {{ ref('int_commission_fx') }}),

clients as (select client_id, is_test from {{ ref('int_clients') }} where valid_to is null),

months as (
    select unnest(range(date_trunc('month', min(executed_at)), date_trunc('month', {{ known_at() }}), interval 1 month)) as month
    from {{ ref('fct_deals') }}
    where {{ 'true' if pays else 'false' }}
),

paying as (
    select
        months.month,
        months.month + interval 1 month - interval 1 microsecond as happened_at,
        chain.direct_partner_id as partner_id,
        chain.currency,
        coalesce(plans.is_carried, true) as is_carried
    from months
    inner join {{ ref('int_commission_chain') }} as chain
        on
            chain.place = 0
            and chain.own_client_id = ''
            and months.month + interval 1 month - interval 1 microsecond >= chain.valid_from
            and months.month + interval 1 month - interval 1 microsecond < chain.valid_to
    left join {{ ref('int_commission_plans') }} as plans
        on
            chain.plan_id = plans.plan_id
            and months.month + interval 1 month - interval 1 microsecond >= plans.valid_from
            and months.month + interval 1 month - interval 1 microsecond < plans.valid_to
    where chain.currency is not null
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
    from {{ ref('stg_psp_transactions') }}
    where {{ 'true' if pays else 'false' }} and kind in ('chargeback', 'chargeback_reversal') and status = 'completed'
    qualify row_number() over (partition by psp, psp_txn_id, kind order by occurred_at, event_id) = 1
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
    from {{ ref('stg_psp_transactions') }}
    where
        {{ 'true' if pays else 'false' }}
        and fee_amount > 0 and status = 'completed' and coalesce(fee_borne_by, 'firm') = 'firm'
    qualify row_number() over (partition by psp, psp_txn_id, kind order by occurred_at, event_id) = 1
),

owned as (
    select
        events.*,
        paying.partner_id,
        paying.month,
        paying.currency as plan_currency
    from events
    inner join client_partners
        on
            events.client_id = client_partners.client_id
            and events.happened_at >= client_partners.valid_from
            and events.happened_at < client_partners.valid_to
    inner join paying on client_partners.partner_id = paying.partner_id and date_trunc('month', events.happened_at) = paying.month
    left join clients on events.client_id = clients.client_id
    where
        not coalesce(clients.is_test, false)
        -- who is the partner is no client of its own
        and (client_partners.partner_id, events.client_id) not in (
            select (persons.partner_id, persons.client_id) from {{ ref('stg_partners') }} as persons where persons.client_id is not null
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
        month,
        {% for part in ['trading_result', 'commission', 'swap', 'bonus', 'psp_fees', 'chargebacks', 'write_offs'] -%}
        sum({{ part }}::decimal(20, 8) * fx_rate::decimal(18, 10))::decimal(38, 8) as {{ part }},
        {% endfor -%}
        count(*) filter (where fx_rate is null) as without_rate
    from converted
    group by partner_id, month
),

-- what stands at the end of a month whose loss is not carried is forgotten
running as (
    select
        paying.*,
        sums.* exclude (partner_id, month),
        (sums.trading_result + sums.commission + sums.swap - sums.bonus - sums.psp_fees - sums.chargebacks - sums.write_offs) as net_revenue,
        count(*) filter (where not paying.is_carried) over (
            partition by paying.partner_id, paying.currency order by paying.month rows between unbounded preceding and 1 preceding
        ) as stretch
    from paying
    inner join sums on paying.partner_id = sums.partner_id and paying.month = sums.month
),

summed as (
    select
        *,
        sum(net_revenue) over (partition by partner_id, currency, stretch order by month) as so_far
    from running
),

-- a month's base is by how much the sum so far rises above the highest it ever was
highest as (
    select
        *,
        greatest(max(so_far) over (partition by partner_id, currency, stretch order by month), 0) as highest_so_far
    from summed
)

select
    partner_id,
    strftime(month, '%Y-%m') as period,
    happened_at,
    currency,
    trading_result,
    commission,
    swap,
    bonus,
    psp_fees,
    chargebacks,
    write_offs,
    without_rate,
    net_revenue::decimal(38, 8) as net_revenue,
    (highest_so_far - coalesce(lag(highest_so_far) over (partition by partner_id, currency, stretch order by month), 0))::decimal(38, 8) as base
from highest
{%- endmacro -%}
