{%- set taken = commission_high_water() -%}
-- depends_on: {{ ref('int_commission_slice_log') }}
-- The deals this step has to look at, each with its place on the rate card: all of them at first, then those that are new or corrected and those
-- that a late row of anything they depend on touches. A deal that is not eligible (any more) has no slice.
-- not materialized: each step reads only its own columns and row groups of the whole history
with deals as not materialized (select * from {{ ref('fct_deals') }} where action in ('buy', 'sell')),

client_partners as (select * from {{ ref('int_client_partners') }}),

profiles as (select * from {{ ref('int_commission_profiles') }}),

slices as (select * from {{ ref('int_commission_slices') }}),

symbols as (select * from {{ ref('int_symbols') }}),

fx as (select * from {{ ref('int_commission_fx') }}),

{% if taken -%}
slice_log as (select * from {{ ref('int_commission_slice_log') }}),

rewritten as (select * from deals where _horizon_load_id > {{ taken }}),

slice_changes as (
    select
        * exclude (sign, _load_id),
        sum(sign) as sign
    from slice_log
    where _load_id > {{ taken }}
    group by all
    having sum(sign) <> 0
),

-- old and new slices of a chain tile the same time: where they overlap with other content, something changed
changed_times as (
    select
        came.* replace (greatest(came.valid_from, gone.valid_from) as valid_from, least(came.valid_to, gone.valid_to) as valid_to)
    from slice_changes as came
    inner join slice_changes as gone
        on
            came.direct_partner_id = gone.direct_partner_id
            and came.own_client_id = gone.own_client_id
            and came.symbol_key = gone.symbol_key
            and came.group_key = gone.group_key
            and came.type_key = gone.type_key
            and came.valid_from < gone.valid_to
            and came.valid_to > gone.valid_from
            and came.content <> gone.content
    where came.sign > 0 and gone.sign < 0
    union all
    -- a chain or profile that came or went as a whole
    select *
    from slice_changes as alone
    where
        (direct_partner_id, own_client_id, symbol_key, group_key, type_key) not in (
            select (direct_partner_id, own_client_id, symbol_key, group_key, type_key) from slice_changes as other where other.sign <> alone.sign
        )
),

changed_clients as (
    select
        client_partners.client_id,
        changed_times.symbol_key,
        changed_times.group_key,
        changed_times.type_key,
        greatest(changed_times.valid_from, client_partners.valid_from) as valid_from,
        least(changed_times.valid_to, client_partners.valid_to) as valid_to
    from changed_times
    inner join client_partners
        on
            changed_times.direct_partner_id = client_partners.partner_id
            and changed_times.valid_from < client_partners.valid_to
            and changed_times.valid_to > client_partners.valid_from
    where changed_times.own_client_id in ('', client_partners.client_id)
    union all
    select
        client_id,
        '' as symbol_key,
        '' as group_key,
        '' as type_key,
        valid_from,
        valid_to
    from client_partners
    where _load_id > {{ taken }}
),

-- a late quote touches the deals of its time; those whose money did not use it come out unchanged
changed_days as (
    select distinct
        valid_from,
        valid_to,
        unnest(range(
            date_trunc('day', valid_from), least(valid_to, (select max(deals.executed_at) + interval 1 day from deals)), interval 1 day
        )) as day_at
    from fx
    where _load_id > {{ taken }}
),

touched as (
    select
        platform,
        deal_id
    from rewritten
    union
    -- a position's later part is measured against its opening
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join (select distinct platform, position_id from rewritten where position_id is not null) as positions
        on deals.platform = positions.platform and deals.position_id = positions.position_id
    where deals.entry <> 'in'
    union
    -- of two legs closed against each other the other one may count now
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join (select distinct platform, order_id from rewritten where entry = 'out_by') as orders
        on deals.platform = orders.platform and deals.order_id is not distinct from orders.order_id
    where deals.entry = 'out_by'
    union
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join changed_clients
        on
            deals.client_id = changed_clients.client_id
            and deals.executed_at >= changed_clients.valid_from
            and deals.executed_at < changed_clients.valid_to
    where
        changed_clients.symbol_key in ('', deals.symbol)
        and changed_clients.group_key in ('', deals.symbol_group)
        and changed_clients.type_key in ('', deals.account_type)
        and deals.entry <> 'in'
    union
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join changed_days
        on
            date_trunc('day', deals.executed_at) = changed_days.day_at
            and deals.executed_at >= changed_days.valid_from
            and deals.executed_at < changed_days.valid_to
    where deals.executed_at >= (select min(changed_days.valid_from) from changed_days) and deals.entry <> 'in'
),

candidates as (
    select deals.*
    from deals
    inner join touched on deals.platform = touched.platform and deals.deal_id = touched.deal_id
),
{%- else -%}
candidates as not materialized (select * from deals where entry <> 'in'),
{%- endif %}

-- of the legs of one closing-by the lower deal counts
counted_legs as (
    select
        platform,
        order_id,
        case when order_id is null then login end as login,
        case when order_id is null then symbol end as symbol,
        case when order_id is null then executed_at end as executed_at,
        case when order_id is null then volume_lots end as volume_lots,
        min(deal_id) as deal_id
    from deals
    where entry = 'out_by' and not is_cancelled
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
        and (candidates.entry in ('out', 'inout') or counted_legs.deal_id is not null)
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
        slices.is_on_commission,
        case when slices.min_points > 0 then profiled.known_symbol end as measured_symbol,
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
    where not deals.is_cancelled and (deals.entry = 'inout' or (deals.entry = 'in' and deals.executed_at > deals.opened_at))
),

netted as (
    select
        deals.platform,
        deals.position_id,
        deals.deal_id,
        deals.executed_at,
        deals.entry,
        case deals.action when 'buy' then deals.volume_lots else -deals.volume_lots end as signed_lots,
        deals.volume_lots,
        deals.price,
        deals.commission,
        coalesce(sum(case deals.action when 'buy' then deals.volume_lots else -deals.volume_lots end) over (
            partition by deals.platform, deals.position_id
            order by deals.executed_at, deals.deal_id rows between unbounded preceding and 1 preceding
        ), 0) as net_before
    from deals
    inner join involved_positions on deals.platform = involved_positions.platform and deals.position_id = involved_positions.position_id
    where not deals.is_cancelled
),

split as (
    select
        *,
        case
            when entry in ('out', 'out_by') then volume_lots
            when entry = 'inout' and sign(signed_lots) = -sign(net_before) then least(volume_lots, abs(net_before))
            else 0
        end as closed_lots
    from netted
),

legs as (
    select
        *,
        1 as leg_no,
        0::decimal(38, 8) as opened_lots,
        {{ share_of('commission', 'closed_lots', 'volume_lots') }} as leg_commission,
        net_before + sign(signed_lots) * closed_lots as net_after
    from split
    where closed_lots > 0
    union all
    select
        *,
        2 as leg_no,
        volume_lots - closed_lots as opened_lots,
        {{ share_of('commission', 'volume_lots - closed_lots', 'volume_lots') }} as leg_commission,
        net_before + signed_lots as net_after
    from split
    where closed_lots < volume_lots
),

episodes as (
    select
        *,
        coalesce(sum((net_after = 0)::integer) over (
            partition by platform, position_id
            order by executed_at, deal_id, leg_no rows between unbounded preceding and 1 preceding
        ), 0) as episode
    from legs
),

followed as (
    select
        platform,
        deal_id,
        leg_no,
        closed_lots,
        leg_commission as closing_commission,
        min(executed_at) filter (where leg_no = 2) over before as opened_at,
        coalesce(sum(opened_lots) over before, 0)::decimal(38, 8) as opened_lots,
        coalesce(sum(leg_commission) filter (where leg_no = 2) over before, 0)::decimal(38, 8) as opened_commission,
        coalesce(sum(price::decimal(38, 8) * opened_lots::decimal(18, 8)) over before, 0)::decimal(38, 16) as opened_value
    from episodes
    window before as (
        partition by platform, position_id, episode
        order by executed_at, deal_id, leg_no rows between unbounded preceding and 1 preceding
    )
),

-- all other positions were opened by one deal; it is looked up only where the plan asks
openings as (
    select
        deals.platform,
        deals.position_id,
        sum(deals.volume_lots)::decimal(38, 8) as opened_lots,
        sum(deals.commission)::decimal(38, 8) as opened_commission,
        sum(deals.price::decimal(38, 8) * deals.volume_lots)::decimal(38, 16) as opened_value
    from deals
    where
        deals.entry = 'in'
        and not deals.is_cancelled
        and (deals.platform, deals.position_id) in (
            select (placed.platform, placed.position_id) from placed where placed.is_on_commission or placed.min_points > 0
        )
    group by deals.platform, deals.position_id
),

measured as (
    select
        placed.*,
        followed.deal_id is not null as is_followed,
        coalesce(followed.closed_lots, case when placed.entry = 'inout' then 0 else placed.volume_lots end) as lots,
        case
            when followed.deal_id is not null then followed.opened_at
            when placed.opened_position_id is not null then placed.opened_at
        end as position_opened_at,
        coalesce(followed.closing_commission, placed.commission) as closing_commission,
        coalesce(followed.opened_lots, openings.opened_lots, 0) as opened_lots,
        coalesce(followed.opened_commission, openings.opened_commission, 0) as opened_commission,
        coalesce(followed.opened_value, openings.opened_value, 0) as opened_value,
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
        case when slice_id is null then next_partner_id end as next_partner_id,
        currency as account_currency,
        plan_currency,
        lots::decimal(18, 8) as lots,
        {{ short_decimal('lots::decimal(18, 8)') }} as short_lots,
        case when is_on_commission then greatest(
            -(closing_commission + coalesce({{ share_of('opened_commission', 'lots', 'opened_lots') }}, 0)), 0
        ) end::decimal(38, 16) as commission_paid,
        -- without a division it has the digits that were sent
        case when is_on_commission and not is_followed and (opened_lots = lots or opened_lots = 0) then
            {{ short_decimal('try_cast(greatest(-(commission + opened_commission), 0) as decimal(18, 8))') }}
        end as short_commission_paid,
        case
            when slice_id is null then 'no_partner'
            when deal_reason in ('self', 'unknown_plan') then null
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
    where slice_id is not null or next_partner_id is not null
),

account_rates as (
    select
        eligible.platform,
        eligible.deal_id,
        fx.rate
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
    {{ 'touched' if taken else 'eligible' }}.platform,
    {{ 'touched' if taken else 'eligible' }}.deal_id,
    eligible.* exclude (platform, deal_id),
    case when eligible.account_currency = eligible.plan_currency then 1 else account_rates.rate end::decimal(24, 12) as account_fx_rate,
    case when eligible.plan_currency = 'USD' then 1 else usd_rates.rate end::decimal(24, 12) as fx_rate_usd
{% if taken -%}
from touched
left join eligible on touched.platform = eligible.platform and touched.deal_id = eligible.deal_id
{%- else -%}
from eligible
{%- endif %}
left join account_rates on eligible.platform = account_rates.platform and eligible.deal_id = account_rates.deal_id
left join usd_rates on eligible.platform = usd_rates.platform and eligible.deal_id = usd_rates.deal_id
