{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='day') }}
{%- set counts = commission_counts_for_items() %}
{#- Who is whose client, by what plan, and who is the partner itself, change seldom, and then for all time. -#}
{%- set of_all_time = not is_incremental() or has_new_loads(['clients', 'partners', 'commission_plans', 'commission_rules']) %}
-- depends_on: {{ ref('int_commission_plans') }}
-- depends_on: {{ ref('int_commission_rates') }}
-- What the own clients of partners closed, paid and deposited, for tiers by which months and clients won are paid; of partners without such a tier there is
-- nothing. By the day where that is enough, else by the instant. An increment makes the days anew that something new reaches; a day of which nothing is
-- left stands empty.
with counted_partners as ({{ partners_with_item_tiers() }}),

client_partners as (
    select * from {{ ref('int_client_partners') }} where {{ 'partner_id in (select asked.partner_id from counted_partners as asked)' if counts else 'false' }}
),

chain as (select * from {{ ref('int_commission_chain') }} where place = 0),

fx as (select * from {{ ref('int_commission_fx') }} where to_currency = 'USD'),

-- not materialized: each step reads only its own columns and row groups of the whole history
facts as not materialized (select * from {{ ref('fct_deals') }} where action in ('buy', 'sell') and {{ 'true' if counts else 'false' }}),

{% if is_incremental() and not of_all_time -%}
came as (
    select platform, deal_id, position_id, order_id, entry, executed_at from facts where _horizon_load_id > {{ high_water() }}
    union all
    select versions.platform, versions.deal_id, versions.position_id, versions.order_id, versions.entry, versions.executed_at
    from {{ source('raw', 'deals') }} as versions
    semi join (select platform, deal_id from {{ source('raw', 'deals') }} where _version > 1 and {{ new_rows() }}) as corrections
        on versions.platform = corrections.platform and versions.deal_id = corrections.deal_id
),

reached_payments as (
    select versions.occurred_at
    from {{ source('raw', 'psp_transactions') }} as versions
    semi join (
        select psp, coalesce(psp_txn_id, event_id) as payment from {{ source('raw', 'psp_transactions') }} where {{ new_rows() }}
    ) as arrived on versions.psp = arrived.psp and coalesce(versions.psp_txn_id, versions.event_id) = arrived.payment
),

-- a late link moves all of its client
moved_clients as (select distinct client_id from {{ ref('int_client_partners') }} where {{ new_rows() }}),

new_rates as (
    select
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from fx
    where {{ new_rows() }}
),

reached_days as (
    select executed_at::date as day from came
    union
    -- what a position's later part closes, and what was charged for it, is told by its earlier ones
    select facts.executed_at::date
    from facts
    semi join came on facts.platform = came.platform and facts.position_id = came.position_id
    where facts.executed_at >= (select min(earliest.executed_at) from came as earliest) and facts.entry <> 'in'
    union
    -- of two legs closed against each other the other one may count now
    select facts.executed_at::date
    from facts
    semi join (select * from came where entry = 'out_by') as legs_that_came
        on facts.platform = legs_that_came.platform and facts.order_id is not distinct from legs_that_came.order_id
    where facts.entry = 'out_by'
    union
    select occurred_at::date from reached_payments
    {% if has_new_loads(['partner_links']) -%}
    union
    select facts.executed_at::date
    from facts
    semi join moved_clients on facts.client_id = moved_clients.client_id
    union
    select payments.occurred_at::date
    from {{ ref('stg_psp_transactions') }} as payments
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

owned as (
    select
        facts.*,
        client_partners.partner_id,
        chain.side = 'both' as is_paid_at_both_ends
    from facts
    inner join client_partners
        on
            facts.client_id = client_partners.client_id
            and facts.executed_at >= client_partners.valid_from
            and facts.executed_at < client_partners.valid_to
    inner join chain
        on
            client_partners.partner_id = chain.direct_partner_id
            and client_partners.own_client_id = chain.own_client_id
            and facts.executed_at >= chain.valid_from
            and facts.executed_at < chain.valid_to
    where
        facts.entry <> 'in' and not facts.is_cancelled and not facts.is_demo and not facts.is_test
        and chain.deal_reason is distinct from 'self'
        {%- if not of_all_time %}
        and facts.executed_at >= (select min(earliest.day) from reached_days as earliest)
        and facts.executed_at::date in (select reached_days.day from reached_days)
        {%- endif %}
),

-- of the legs of one closing-by the lower deal counts
counted_legs as (
    select
        facts.platform,
        min(facts.deal_id) as deal_id
    from facts
    where
        facts.entry = 'out_by' and not facts.is_cancelled
        and (facts.order_id is null or facts.order_id in (select owned.order_id from owned where owned.entry = 'out_by'))
    group by facts.platform, facts.order_id, {% for column in ['login', 'symbol', 'executed_at', 'volume_lots'] -%}
        case when facts.order_id is null then facts.{{ column }} end{{ ', ' if not loop.last }}
    {%- endfor %}
),

closings as (
    select owned.*
    from owned
    left join counted_legs on owned.platform = counted_legs.platform and owned.deal_id = counted_legs.deal_id
    where owned.entry <> 'out_by' or counted_legs.deal_id is not null
),

involved_positions as (select distinct platform, position_id from closings where position_id is not null),

deals as (
    select facts.*
    from facts
    inner join involved_positions on facts.platform = involved_positions.platform and facts.position_id = involved_positions.position_id
    -- nothing of a position that counts here is older than its opening
    where facts.executed_at >= (select min(coalesce(closings.opened_at, {{ beginning() }})) from closings)
),

{{ followed_positions() }},

closed as (
    select
        closings.partner_id,
        closings.client_id,
        closings.executed_at,
        closings.currency,
        closings.is_paid_at_both_ends,
        closings.notional_usd,
        closings.volume_lots::decimal(18, 8) as volume_lots,
        coalesce(followed.closed_lots, case when closings.entry = 'inout' then 0 else closings.volume_lots end)::decimal(18, 8) as lots,
        coalesce(followed.closing_commission, case when closings.entry = 'inout' then 0 else closings.commission end::decimal(38, 16)) as own_commission,
        coalesce(followed.opened_lots, 0)::decimal(18, 8) as opened_lots,
        coalesce(followed.opened_commission, 0::decimal(38, 16)) as opened_commission
    from closings
    left join followed on closings.platform = followed.platform and closings.deal_id = followed.deal_id and followed.leg_no = 1
),

charged as (
    select
        *,
        greatest(-(own_commission + case when is_paid_at_both_ends then 0 else
            coalesce({{ share_of('opened_commission', 'lots', 'opened_lots') }}, 0)
        end), 0)::decimal(38, 16) as commission
    from closed
),

events as (
    select
        charged.partner_id,
        charged.client_id,
        charged.executed_at as happened_at,
        charged.lots::decimal(38, 8) as lots,
        coalesce({{ share_of('charged.notional_usd', 'charged.lots', 'charged.volume_lots') }}, 0)::decimal(38, 8) as notional_usd,
        case
            when charged.currency = 'USD' then charged.commission
            else coalesce((charged.commission::decimal(38, 12) * fx.rate)::decimal(38, 16), 0)
        end::decimal(38, 16) as commission_usd,
        0::decimal(38, 8) as deposits_usd,
        true as is_active
    from charged
    asof left join fx on charged.currency = fx.from_currency and charged.executed_at >= fx.valid_from
    union all
    select
        deposits.partner_id,
        deposits.client_id,
        deposits.occurred_at as happened_at,
        0 as lots,
        0 as notional_usd,
        0 as commission_usd,
        deposits.amount_usd as deposits_usd,
        false as is_active
    from ({{ partner_deposits('counted_partners') }}) as deposits
    where
        {{ 'true' if counts else 'false' }} and deposits.amount_usd is not null
        {%- if not of_all_time %}
        and deposits.occurred_at::date in (select reached_days.day from reached_days)
        {%- endif %}
),

sums as (
    select
        events.partner_id,
        events.client_id,
        events.happened_at::date as day,
        case when counted_partners.is_to_the_instant then events.happened_at else date_trunc('day', events.happened_at) end::timestamp as counted_at,
        {% for kpi in ['lots', 'notional_usd', 'commission_usd', 'deposits_usd'] -%}
        sum(events.{{ kpi }})::decimal(38, 16) as {{ kpi }},
        {% endfor -%}
        bool_or(events.is_active) as is_active
    from events
    inner join counted_partners on events.partner_id = counted_partners.partner_id
    group by all
)

select * from sums
{%- if is_incremental() %}
union all by name
select
    '' as partner_id,
    reached_days.day,
    0::decimal(38, 16) as lots,
    false as is_active
from reached_days
anti join sums on reached_days.day = sums.day
{%- endif %}
