{#- The CTE `followed`: positions followed deal by deal. Reads the calling model's CTEs `deals` and `involved_positions` (platform, position_id). Two legs a
    deal: leg 1 closes `closed_lots`, leg 2 opens the rest; with what had been opened since the position was last flat. `with_spreads` adds the
    openings' (lots, ask - bid) as a list, null where the market was not known. -#}
{%- macro followed_positions(with_spreads=false) -%}
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
        {% if with_spreads -%}
        case when deals.ask - deals.bid is not null then greatest(deals.ask - deals.bid, 0) end as spread,
        {% endif -%}
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
        coalesce(sum(leg_commission) filter (where leg_no = 2) over before, 0)::decimal(38, 16) as opened_commission,
        coalesce(sum(price::decimal(38, 8) * opened_lots::decimal(18, 8)) over before, 0)::decimal(38, 16) as opened_value
        {%- if with_spreads %},
        volume_lots,
        opened_lots as own_opened_lots,
        leg_commission,
        list({'lots': opened_lots::decimal(18, 8), 'spread': spread}) filter (where leg_no = 2) over before as opened_spreads
        {%- endif %}
    from episodes
    window before as (
        partition by platform, position_id, episode
        order by executed_at, deal_id, leg_no rows between unbounded preceding and 1 preceding
    )
)
{%- endmacro -%}
