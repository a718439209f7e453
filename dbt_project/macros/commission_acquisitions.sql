{#- Clients won: the event that completes the conditions of the first partner's rule (cpa), and each later one that reaches a higher step of its ladder.
    A client whose deposit was charged back, and stays so, is not won; what was booked for it is taken back. -#}
{%- macro commission_acquisitions() -%}
{%- set pays = commission_pays_by('cpa') %}
with client_partners as (select * from {{ ref('int_client_partners') }} where partner_id is not null),

fx as (select * from {{ ref('int_commission_fx') }}),

clients as (
    select
        client_id,
        registered_at,
        is_test
    from {{ ref('int_clients') }}
    where valid_to is null
),

rule_currencies as (
    select distinct rates.currency
    from {{ ref('int_commission_rates') }} as rates
    where rates.scheme = 'cpa' and rates.currency is not null
),

charged_back as (
    select client_id
    from {{ ref('stg_psp_transactions') }}
    where {{ 'true' if pays else 'false' }} and kind in ('chargeback', 'chargeback_reversal') and status = 'completed' and client_id is not null
    group by client_id
    having arg_max(kind, (occurred_at, event_id)) = 'chargeback'
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
    from {{ ref('stg_psp_transactions') }}
    where {{ 'true' if pays else 'false' }} and kind = 'deposit' and status = 'completed'
    qualify row_number() over (partition by psp, psp_txn_id, kind order by occurred_at, event_id) = 1
    union all
    select
        client_id,
        executed_at as happened_at,
        'deal:' || platform || ':' || deal_id as event_key,
        0 as deposited,
        -commission as commission,
        case when entry = 'in' then 0 else volume_lots end as lots,
        currency
    from {{ ref('fct_deals') }}
    where {{ 'true' if pays else 'false' }} and action in ('buy', 'sell') and not is_cancelled and not is_demo and not is_test
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
    where {{ 'true' if pays else 'false' }} and status = 'APPROVED' and superseded_at is null
),

linked as (
    select
        events.*,
        client_partners.partner_id as direct_partner_id,
        client_partners.own_client_id,
        clients.registered_at
    from events
    inner join clients on events.client_id = clients.client_id and not coalesce(clients.is_test, false)
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
        case when events.currency = rule_currencies.currency then 1 else fx.rate end as fx_rate
    from events
    cross join rule_currencies
    asof left join fx on events.currency = fx.from_currency and rule_currencies.currency = fx.to_currency and events.happened_at >= fx.valid_from
    where events.client_id in (select linked.client_id from linked)
),

running as (
    select
        client_id,
        happened_at,
        event_key,
        rule_currency,
        sum(deposited::decimal(20, 8) * fx_rate::decimal(18, 10)) over so_far as deposited,
        sum(commission::decimal(20, 8) * fx_rate::decimal(18, 10)) over so_far as commission,
        sum(lots) over so_far as lots
    from converted
    window so_far as (partition by client_id, rule_currency order by happened_at, event_key)
),

items as (
    select
        *,
        event_key as item,
        'cpa' as scheme
    from linked
),

members as ({{ periodic_members('items') }}),

-- the conditions are those of the first partner's rule
ruled as (
    select
        items.client_id,
        items.happened_at,
        items.event_key,
        items.direct_partner_id,
        items.own_client_id,
        running.deposited,
        case when json_type(members.parameters, '$.ladder') = 'ARRAY' then json_extract(members.parameters, '$.ladder') end as ladder,
        case
            when json_type(members.parameters, '$.ladder') = 'ARRAY'
                then {{ ladder_amount("json_extract(members.parameters, '$.ladder')", 'running.deposited') }}
            else members.own_rate
        end as amount,
        coalesce((members.parameters ->> '$.min_deposit')::decimal(28, 8), 0) <= running.deposited
        and coalesce((members.parameters ->> '$.min_lots')::decimal(28, 8), 0) <= running.lots
        and (
            members.parameters ->> '$.within_days' is null
            or items.happened_at <= items.registered_at + ((members.parameters ->> '$.within_days') || ' days')::interval
        ) as meets,
        coalesce((members.parameters ->> '$.min_commission_ratio')::decimal(18, 8), 0) as min_ratio,
        running.commission
    from items
    inner join members on items.item = members.item and members.n = 1 and members.rule_id is not null and not members.is_conflict
    inner join running
        on items.client_id = running.client_id and items.event_key = running.event_key and members.rule_currency = running.rule_currency
),

qualified as (
    select ruled.*
    from ruled
    inner join {{ ref('fct_kyc_status') }} as statuses
        on
            ruled.client_id = statuses.client_id
            and statuses.superseded_at is null
            and statuses.status = 'APPROVED'
            and ruled.happened_at >= statuses.valid_from
            and ruled.happened_at < coalesce(statuses.valid_to, {{ forever() }})
    where ruled.meets and ruled.amount > 0 and ruled.commission::decimal(28, 8) >= ruled.min_ratio * ruled.amount
),

steps as (
    select
        *,
        row_number() over (partition by client_id order by happened_at, event_key) as turn,
        max(amount) over earlier as amount_before,
        max(deposited) over earlier as deposited_before
    from qualified
    window earlier as (partition by client_id order by happened_at, event_key rows between unbounded preceding and 1 preceding)
)

select
    client_id,
    row_number() over (partition by client_id order by happened_at, event_key) as step,
    happened_at,
    event_key,
    direct_partner_id,
    own_client_id,
    deposited::decimal(38, 8) as deposited,
    coalesce(deposited_before, -1)::decimal(38, 8) as deposited_before
from steps
where turn = 1 or (ladder is not null and amount > amount_before)
{%- endmacro -%}
