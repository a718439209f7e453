{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='client_id') }}
-- depends_on: {{ ref('stg_commission_rules') }}
-- Clients won: the event (a deposit, a deal, an identification) that completes the conditions of the first partner's rule (cpa), and each later one that
-- reaches a higher step of its ladder. A client with a chargeback that was not reversed is not won; what was booked for it is taken back. Where a rate is missing
-- without which nobody can say, or the conditions cannot be read, the client waits (`is_waiting`). An increment asks the clients anew whom something new is about; one of them who is not won
-- stands with step 0.
{%- set pays = commission_pays_by('cpa') %}
{#- What reaches clients beyond those that it names. -#}
{%- set is_of_all = not is_incremental()
    or has_new_loads(['accounts', 'clients', 'partners', 'partner_links', 'commission_plans', 'commission_rules', 'fx_rates'])
    or has_new_corrections(['deals', 'psp_transactions', 'kyc_events']) %}
with client_partners as (
    select *
    from {{ ref('int_client_partners') }}
    where
        {{ 'true' if pays else 'false' }}
        -- only under chains in which some plan pays for clients won
        and partner_id in (
            select chains.direct_partner_id
            from {{ ref('int_commission_chain') }} as chains
            where chains.plan_id in (select rates.plan_id from {{ ref('int_commission_rates') }} as rates where rates.scheme = 'cpa')
        )
),

fx as (select * from {{ ref('int_commission_fx') }}),

{% if is_incremental() -%}
reached as (
    {% if is_of_all -%}
    select client_id from {{ this }}
    union
    select client_id from client_partners
    {%- else -%}
    select client_id from {{ ref('fct_deals') }} where _horizon_load_id > {{ high_water() }}
    union
    select client_id from {{ source('raw', 'psp_transactions') }} where {{ new_rows() }}
    union
    select client_id from {{ source('raw', 'kyc_events') }} where {{ new_rows() }}
    {%- endif %}
),
{%- endif %}

clients as (
    select
        client_id,
        registered_at
    from {{ ref('int_clients') }}
    where
        valid_to is null and not coalesce(is_test, false) and client_id in (select client_partners.client_id from client_partners)
        {%- if is_incremental() %}
        and client_id in (select reached.client_id from reached)
        {%- endif %}
),

rule_currencies as (
    select rates.currency
    from {{ ref('int_commission_rates') }} as rates
    where rates.scheme = 'cpa' and rates.currency is not null
    union
    -- a rule without one has its plan's
    select plans.currency from {{ ref('int_commission_plans') }} as plans where plans.currency is not null
),

payments as (
    select *
    from {{ ref('stg_psp_transactions') }}
    where status = 'completed' and client_id in (select clients.client_id from clients)
    qualify row_number() over (partition by psp, coalesce(psp_txn_id, event_id), kind order by occurred_at, event_id) = 1
),

charged_back as (
    select client_id
    from payments
    group by client_id
    having count(*) filter (where kind = 'chargeback') > count(*) filter (where kind = 'chargeback_reversal')
),

trades as (
    select *
    from {{ ref('fct_deals') }}
    where action in ('buy', 'sell') and not is_cancelled and not is_demo and client_id in (select clients.client_id from clients)
),

-- of the legs of one closing-by the lower deal counts
legs as (
    select
        platform,
        min(deal_id) as deal_id
    from trades
    where entry = 'out_by'
    group by platform, order_id, {% for column in ['login', 'symbol', 'executed_at', 'volume_lots'] -%}
        case when order_id is null then {{ column }} end{{ ', ' if not loop.last }}
    {%- endfor %}
),

-- a deal that turns its position closes what was open before it
turns as (
    select
        platform,
        deal_id,
        least(volume_lots, greatest(-coalesce(sum(signed_lots) over before, 0) * sign(signed_lots), 0)) as closed_lots
    from (
        select
            *,
            case action when 'buy' then volume_lots else -volume_lots end as signed_lots
        from trades
        where (platform, position_id) in (select (turning.platform, turning.position_id) from trades as turning where turning.entry = 'inout')
    )
    window before as (partition by platform, position_id order by executed_at, deal_id rows between unbounded preceding and 1 preceding)
),

events as (
    select
        client_id,
        occurred_at as happened_at,
        'psp:' || psp || ':' || event_id as event_key,
        amount as deposited,
        0 as commission,
        0 as lots,
        currency
    from payments
    where kind = 'deposit'
    union all
    select
        trades.client_id,
        trades.executed_at as happened_at,
        'deal:' || trades.platform || ':' || trades.deal_id as event_key,
        0 as deposited,
        -trades.commission as commission,
        case trades.entry
            when 'out' then trades.volume_lots
            when 'out_by' then case when legs.deal_id is not null then trades.volume_lots else 0 end
            when 'inout' then turns.closed_lots
            else 0
        end as lots,
        trades.currency
    from trades
    left join legs on trades.platform = legs.platform and trades.deal_id = legs.deal_id
    left join turns on trades.platform = turns.platform and trades.deal_id = turns.deal_id
    union all
    select
        client_id,
        valid_from as happened_at,
        'kyc:' || event_id as event_key,
        0 as deposited,
        0 as commission,
        0 as lots,
        'USD' as currency
    from {{ ref('fct_kyc_status') }}
    where status = 'APPROVED' and superseded_at is null and client_id in (select clients.client_id from clients)
),

items as (
    select
        events.*,
        events.event_key as item,
        'cpa' as scheme,
        client_partners.partner_id as direct_partner_id,
        client_partners.own_client_id,
        clients.registered_at
    from events
    inner join clients on events.client_id = clients.client_id
    inner join client_partners
        on
            events.client_id = client_partners.client_id
            and events.happened_at >= client_partners.valid_from
            and events.happened_at < client_partners.valid_to
    where events.client_id not in (select charged_back.client_id from charged_back)
),

-- what came before the client had this partner counts towards the conditions too
converted as (
    select
        events.client_id,
        events.happened_at,
        events.event_key,
        events.lots,
        rule_currencies.currency as rule_currency,
        events.deposited,
        events.commission,
        case when events.currency = rule_currencies.currency or events.deposited + events.commission = 0 then 1 else fx.rate end::decimal(24, 12) as fx_rate
    from events
    cross join rule_currencies
    asof left join fx on events.currency = fx.from_currency and rule_currencies.currency = fx.to_currency and events.happened_at >= fx.valid_from
    where events.client_id in (select items.client_id from items)
),

running as (
    select
        client_id,
        event_key,
        rule_currency,
        coalesce(sum(deposited::decimal(20, 8) * fx_rate) over so_far, 0)::decimal(38, 16) as deposited,
        coalesce(sum(commission::decimal(20, 8) * fx_rate) over so_far, 0)::decimal(38, 16) as commission,
        sum(lots) over so_far as lots,
        count(*) filter (where fx_rate is null) over so_far as without_rate
    from converted
    window so_far as (partition by client_id, rule_currency order by happened_at, event_key)
),

members as (
    {{ periodic_members('items') }}
),

-- the conditions are those of the first partner's rule
ruled as (
    select
        items.client_id,
        items.happened_at,
        items.event_key,
        items.direct_partner_id,
        items.own_client_id,
        running.deposited,
        running.commission,
        running.without_rate,
        {{ is_ladder('members.parameters') }} as is_ladder,
        {{ item_rate('members.parameters', 'members.own_rate', 'running.deposited', '-1') }} as amount,
        coalesce(try_cast(members.parameters ->> '$.min_deposit' as decimal(28, 8)), 0) as min_deposit,
        coalesce(try_cast(members.parameters ->> '$.min_commission_ratio' as decimal(18, 8)), 0) as min_ratio,
        members.unread_parameter is not null as is_unread
    from items
    inner join members on items.item = members.item and members.n = 1 and members.rule_id is not null and not members.is_conflict
    inner join running
        on items.client_id = running.client_id and items.event_key = running.event_key and members.rule_currency = running.rule_currency
    inner join {{ ref('fct_kyc_status') }} as statuses
        on
            items.client_id = statuses.client_id
            and statuses.superseded_at is null
            and statuses.status = 'APPROVED'
            and items.happened_at >= statuses.valid_from
            and items.happened_at < coalesce(statuses.valid_to, {{ forever() }})
    where
        members.unread_parameter is not null
        or (
            coalesce(try_cast(members.parameters ->> '$.min_lots' as decimal(28, 8)), 0) <= running.lots
            and (
                members.parameters ->> '$.within_days' is null
                or items.happened_at <= items.registered_at + to_days(try_cast(members.parameters ->> '$.within_days' as integer))
            )
        )
),

judged as (
    select
        *,
        not is_unread and deposited >= min_deposit and amount > 0 and commission >= (min_ratio * amount::decimal(20, 8))::decimal(38, 16) as meets
    from ruled
    where without_rate > 0 or is_unread or (deposited >= min_deposit and amount > 0)
),

steps as (
    select
        *,
        max(amount) over earlier as amount_before
    from judged
    where meets
    window earlier as (partition by client_id order by happened_at, event_key rows between unbounded preceding and 1 preceding)
),

won as (
    select
        *,
        row_number() over client as step,
        lag(deposited) over client as deposited_before
    from steps
    where amount_before is null or (is_ladder and amount > amount_before)
    window client as (partition by client_id order by happened_at, event_key)
),

waiting as (
    select *
    from judged
    where (without_rate > 0 or is_unread) and client_id not in (select won.client_id from won)
    qualify row_number() over (partition by client_id order by happened_at, event_key) = 1
),

found as (
    select
        client_id,
        step,
        happened_at,
        direct_partner_id,
        own_client_id,
        deposited,
        coalesce(deposited_before, -1)::decimal(38, 16) as deposited_before,
        false as is_waiting
    from won
    union all
    select
        client_id,
        1 as step,
        happened_at,
        direct_partner_id,
        own_client_id,
        deposited,
        -1 as deposited_before,
        true as is_waiting
    from waiting
)

select * from found
{%- if is_incremental() %}
union all by name
select
    client_id,
    0 as step
from reached
where client_id is not null and client_id not in (select found.client_id from found)
{%- endif %}
