{%- set taken = commission_high_water() -%}
{%- set openings = commission_pays_openings() -%}
-- depends_on: {{ ref('int_commission_plans') }}
-- depends_on: {{ ref('int_commission_slice_log') }}
-- depends_on: {{ ref('dim_partner_tree') }}
-- depends_on: {{ ref('stg_partners') }}
-- depends_on: {{ ref('stg_psp_transactions') }}
-- depends_on: {{ ref('stg_account_snapshots') }}
-- depends_on: {{ ref('stg_commission_rules') }}
-- depends_on: {{ ref('int_commission_periodic_shares') }}
-- The deals this step has to look at, each with its place on the rate card: all of them at first, then those that are new or corrected and those
-- that a late row of anything they depend on touches. A deal that is not eligible (any more) has no slice. What a staged slice needs beyond
-- that is measured in int_commission_parts.
-- not materialized: each step reads only its own columns and row groups of the whole history
with deals as not materialized (select * from {{ ref('fct_deals') }} where action in ('buy', 'sell')),

client_partners as (select * from {{ ref('int_client_partners') }}),

profiles as (select * from {{ ref('int_commission_profiles') }}),

slices as (select * from {{ ref('int_commission_slices') }}),

symbols as (select * from {{ ref('int_symbols') }}),

fx as (select * from {{ ref('int_commission_fx') }}),

{% if taken -%}
{{ touched_commission_deals(taken, openings) }}
{%- else -%}
candidates as not materialized (select *, false as is_context from deals{{ " where entry <> 'in'" if not openings }}),
{%- endif %}

-- of the legs of one closing-by the lower deal counts
{% if taken -%}
legs_looked_at as (select distinct platform, order_id, login, symbol, executed_at, volume_lots from candidates where entry = 'out_by'),

closing_by_legs as (
    select deals.*
    from deals
    semi join legs_looked_at on deals.platform = legs_looked_at.platform and deals.order_id = legs_looked_at.order_id
    where deals.entry = 'out_by' and not deals.is_cancelled
    union all
    select deals.*
    from deals
    semi join (select * from legs_looked_at where order_id is null) as unnamed
        on
            deals.platform = unnamed.platform
            and deals.login is not distinct from unnamed.login
            and deals.symbol is not distinct from unnamed.symbol
            and deals.executed_at = unnamed.executed_at
            and deals.volume_lots is not distinct from unnamed.volume_lots
    where deals.entry = 'out_by' and not deals.is_cancelled and deals.order_id is null
),
{%- else -%}
closing_by_legs as (select * from deals where entry = 'out_by' and not is_cancelled),
{%- endif %}

counted_legs as (
    select
        platform,
        order_id,
        case when order_id is null then login end as login,
        case when order_id is null then symbol end as symbol,
        case when order_id is null then executed_at end as executed_at,
        case when order_id is null then volume_lots end as volume_lots,
        min(deal_id) as deal_id
    from closing_by_legs
    group by all
),

closings as (
    select
        candidates.*,
        client_partners.partner_id,
        client_partners.next_partner_id,
        client_partners.own_client_id,
        case
            when candidates.account_type in (select profiles.type_key from profiles) then candidates.account_type else ''
        end as type_key,
        -- without any of its terms the symbol was not known yet
        case when coalesce(
            candidates.symbol_group, candidates.asset_class, candidates.quote_currency, candidates.contract_size::varchar
        ) is not null then candidates.symbol end as known_symbol
    from candidates
    inner join client_partners
        on
            candidates.client_id = client_partners.client_id
            and candidates.executed_at >= client_partners.valid_from
            and candidates.executed_at < client_partners.valid_to
    left join counted_legs
        on candidates.platform = counted_legs.platform and candidates.deal_id = counted_legs.deal_id
    where
        not candidates.is_cancelled
        and not candidates.is_demo
        and not candidates.is_test
        and (candidates.entry in ({{ "'in', " if openings }}'out', 'inout') or counted_legs.deal_id is not null)
),

profiled as (
    select
        closings.*,
        profiles.profile_id is null as is_symbol_unknown,
        coalesce(profiles.profile_id, (select other.profile_id from profiles as other where other.symbol = '' and other.type_key = '')) as profile_id
    from closings
    left join profiles
        on
            closings.known_symbol = profiles.symbol
            and coalesce(closings.symbol_group, '') = profiles.symbol_group
            and closings.type_key = profiles.type_key
),

placed as (
    select
        profiled.*,
        slices.slice_id,
        slices.currency as plan_currency,
        slices.min_hold_seconds,
        slices.min_points,
        slices.exclude_reasons,
        slices.deal_reason,
        coalesce(slices.is_staged, false) as is_staged,
        slices.is_on_commission and not slices.is_staged as is_on_commission,
        slices.min_points > 0 and not slices.is_staged as is_moved,
        case when slices.min_points > 0 and not slices.is_staged then profiled.known_symbol end as measured_symbol,
        -- an opening that comes after the closing is not its opening: that one is unknown
        case when profiled.opened_at <= profiled.executed_at then profiled.position_id end as opened_position_id
    from profiled
    left join slices
        on
            profiled.partner_id = slices.direct_partner_id
            and profiled.own_client_id = slices.own_client_id
            and profiled.profile_id = slices.profile_id
            and profiled.executed_at >= slices.valid_from
            and profiled.executed_at < slices.valid_to
    {%- if openings %}
    where profiled.entry <> 'in' or (slices.is_staged and slices.side <> 'close')
    {%- endif %}
),

-- positions that were added to, turned or opened again: what a closing closes is seen only by following them deal by deal
involved_positions as (
    select distinct
        deals.platform,
        deals.position_id
    from deals
    {% if taken -%}
    inner join (select distinct placed.platform, placed.position_id from placed) as looked_at
        on deals.platform = looked_at.platform and deals.position_id = looked_at.position_id
    {% endif -%}
    -- also by a deal that was cancelled: what then closes has no opening
    where
        (
            (deals.entry = 'inout' and (deals.opened_at is null or deals.executed_at >= deals.opened_at))
            or (deals.entry = 'in' and deals.executed_at > deals.opened_at)
        )
        {%- if taken %}
        -- nothing of a position that counts here is older than its opening
        and deals.executed_at >= (select min(coalesce(placed.opened_at, timestamp '1900-01-01')) from placed)
        {%- endif %}
),

{{ followed_positions() }},

-- all other positions were opened by one deal; it is looked up only where the plan asks
openings as (
    select
        deals.platform,
        deals.position_id,
        sum(deals.volume_lots)::decimal(38, 8) as opened_lots,
        sum(deals.commission)::decimal(38, 8) as opened_commission,
        sum(deals.price::decimal(38, 8) * deals.volume_lots)::decimal(38, 16) as opened_value
    from deals
    semi join (select platform, position_id from placed where is_on_commission or is_moved) as asked
        on deals.platform = asked.platform and deals.position_id = asked.position_id
    where
        deals.entry = 'in'
        and not deals.is_cancelled
        {%- if taken %}
        and deals.executed_at >= (select min(placed.opened_at) from placed where placed.is_on_commission or placed.is_moved)
        {%- endif %}
    group by deals.platform, deals.position_id
),

measured as (
    select
        placed.*,
        followed.deal_id is not null as is_followed,
        coalesce(followed.closed_lots, case when placed.entry = 'inout' then 0 else placed.volume_lots end) as lots,
        case
            when followed.deal_id is not null then followed.opened_at
            -- a turn that found nothing to close
            when placed.entry = 'inout' then null
            when placed.opened_position_id is not null then placed.opened_at
        end as position_opened_at,
        -- cast each: of two wide decimals the common type would have the fewer digits
        coalesce(followed.closing_commission, case when placed.entry = 'inout' then 0 else placed.commission end::decimal(38, 16)) as closing_commission,
        coalesce(followed.opened_lots, openings.opened_lots, 0) as opened_lots,
        coalesce(followed.opened_commission, openings.opened_commission::decimal(38, 16), 0::decimal(38, 16)) as opened_commission,
        coalesce(openings.opened_commission, 0)::decimal(38, 8) as plain_opened_commission,
        coalesce(followed.opened_value, openings.opened_value, 0::decimal(38, 16)) as opened_value,
        symbols.digits
    from placed
    left join followed on placed.platform = followed.platform and placed.deal_id = followed.deal_id and followed.leg_no = 1
    left join openings on placed.platform = openings.platform and placed.opened_position_id = openings.position_id
    left join symbols
        on
            placed.platform = symbols.platform
            and placed.measured_symbol = symbols.symbol
            and placed.executed_at >= symbols.valid_from
            and placed.executed_at < coalesce(symbols.valid_to, timestamp '9999-12-31')
),

eligible as (
    select
        platform,
        deal_id,
        client_id,
        executed_at,
        slice_id,
        is_staged,
        is_context,
        is_symbol_unknown,
        case when slice_id is null then next_partner_id end as next_partner_id,
        currency as account_currency,
        plan_currency,
        lots::decimal(18, 8) as lots,
        {{ short_decimal('lots::decimal(18, 8)') }} as short_lots,
        case when is_on_commission then greatest(
            -(closing_commission + coalesce({{ share_of('opened_commission', 'lots', 'opened_lots') }}, 0)), 0
        ) end::decimal(38, 16) as commission_paid,
        -- of an opening closed in parts what is to be divided: that comes last, so that a line that ends on a tie is one
        case when is_on_commission and opened_lots <> lots and opened_lots > 0 then closing_commission end::decimal(38, 16) as own_charge,
        case when is_on_commission and opened_lots <> lots and opened_lots > 0 then opened_commission end::decimal(38, 16) as shared_charge,
        case when is_on_commission and opened_lots <> lots and opened_lots > 0 then opened_lots end::decimal(38, 8) as shared_lots,
        -- without a division it has the digits that were sent
        case when is_on_commission and not is_followed and entry <> 'inout' and (opened_lots = lots or opened_lots = 0) then
            {{ short_decimal('try_cast(greatest(-(commission + plain_opened_commission), 0) as decimal(18, 8))') }}
        end as short_commission_paid,
        case
            when slice_id is null then 'no_partner'
            when is_staged or deal_reason in ('self', 'unknown_plan') then null
            when epoch_us(executed_at) - epoch_us(position_opened_at) < min_hold_seconds * 1000000 then 'held_too_short'
            when
                opened_lots > 0
                and abs(price::decimal(38, 8) * opened_lots::decimal(18, 8) - opened_value)
                < min_points::decimal(38, 4) * opened_lots::decimal(18, 8) * ('1e-' || digits)::decimal(9, 8)
                then 'moved_too_little'
            when list_contains(exclude_reasons, reason) then 'excluded_reason'
            when is_symbol_unknown then 'no_rate'
        end as reason,
        epoch_us(executed_at) - epoch_us(position_opened_at) as held_us
    from measured
    where slice_id is not null or (partner_id is null and next_partner_id is not null)
),

account_rates as (
    select
        eligible.platform,
        eligible.deal_id,
        fx.rate,
        fx.rate_path
    from eligible
    asof inner join fx
        on
            eligible.account_currency = fx.from_currency
            and eligible.plan_currency = fx.to_currency
            and eligible.executed_at >= fx.valid_from
    where eligible.commission_paid is not null and eligible.account_currency <> eligible.plan_currency
),

usd_rates as (
    select
        eligible.platform,
        eligible.deal_id,
        fx.rate
    from eligible
    asof inner join fx
        on eligible.plan_currency = fx.from_currency and fx.to_currency = 'USD' and eligible.executed_at >= fx.valid_from
    where eligible.plan_currency <> 'USD'
)

select
    {{ 'reached' if taken else 'eligible' }}.platform,
    {{ 'reached' if taken else 'eligible' }}.deal_id,
    {% if taken -%} reached.is_context, {%- endif %}
    eligible.* exclude (platform, deal_id{{ ', is_context' if taken }}),
    case when eligible.account_currency = eligible.plan_currency then 1 else account_rates.rate end::decimal(24, 12) as account_fx_rate,
    account_rates.rate_path as account_fx_path,
    case when eligible.plan_currency = 'USD' then 1 else usd_rates.rate end::decimal(24, 12) as fx_rate_usd
{% if taken -%}
from reached
left join eligible on reached.platform = eligible.platform and reached.deal_id = eligible.deal_id
{%- else -%}
from eligible
{%- endif %}
left join account_rates on eligible.platform = account_rates.platform and eligible.deal_id = account_rates.deal_id
left join usd_rates on eligible.platform = usd_rates.platform and eligible.deal_id = usd_rates.deal_id
{% if taken -%}
where not reached.is_context or eligible.is_staged
{%- endif %}
