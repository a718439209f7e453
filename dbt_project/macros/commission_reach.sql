{#- What else moves when deals do. Tiers, caps and hedges make one deal's figure depend on others: of the same client's day, of the partner's window.
    From `touched` (platform, deal_id) the CTE `reached` (platform, deal_id, is_context): the deals whose figures may change, and as context those that
    are summed over to know them. Counted in blocks of a direct partner's time, since what reaches from where is a matter of partners and months:
    tiers first, then caps, which feed nothing; then what must be known for them. Reads the calling model's CTEs deals and client_partners. -#}
{%- macro reached_commission_deals(taken, entries) -%}
{%- set order = _commission_order() -%}
{%- if not order.ordered %}
reached as (
    select
        *,
        false as is_context
    from touched
),
{%- else %}
families as (select distinct partner_id as direct_id, ancestor_id from {{ ref('dim_partner_tree') }}),

ordering as (
    select
        partners.partner_id,
        bool_or(plans.has_tier) as has_tier,
        bool_or(plans.has_caps) as has_caps,
        bool_or(plans.cap_per_week is not null) as is_weekly,
        max(case plans.tier_window
            when 'rolling_days' then plans.tier_reach
            when 'previous_months' then 31 * (plans.tier_reach + 1)
            else 0
        end)::integer as back_days
    from {{ ref('stg_partners') }} as partners
    inner join {{ ref('int_commission_plans') }} as plans on partners.plan_id = plans.plan_id
    where plans.has_tier or plans.has_caps
    group by partners.partner_id
),

hedge_days as (
    {%- if order.hedged %}
    select deals.client_id, deals.executed_at::date as day_at
    from deals
    inner join touched on deals.platform = touched.platform and deals.deal_id = touched.deal_id
    union
    select accruals.client_id, accruals.executed_at::date as day_at
    from partners.fct_commission_accruals as accruals
    inner join touched on accruals.platform = touched.platform and accruals.deal_id = touched.deal_id
    {%- else %}
    select null::varchar as client_id, null::date as day_at where false
    {%- endif %}
),

moved as (
    select * from touched
    union
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join hedge_days on deals.client_id = hedge_days.client_id and deals.executed_at::date = hedge_days.day_at
    where {{ entries }}
),

-- who stood over them, by today's knowledge and by what was written
moved_at as (
    select distinct
        client_partners.partner_id,
        deals.executed_at as from_at,
        deals.executed_at as to_at
    from deals
    inner join moved on deals.platform = moved.platform and deals.deal_id = moved.deal_id
    inner join client_partners
        on
            deals.client_id = client_partners.client_id
            and deals.executed_at >= client_partners.valid_from
            and deals.executed_at < client_partners.valid_to
    where client_partners.partner_id is not null
    union
    select
        accruals.partner_id,
        accruals.executed_at as from_at,
        accruals.executed_at as to_at
    from partners.fct_commission_accruals as accruals
    inner join moved on accruals.platform = moved.platform and accruals.deal_id = moved.deal_id
    union
    select
        zeros.partner_id,
        deals.executed_at as from_at,
        deals.executed_at as to_at
    from partners.fct_commission_zero as zeros
    inner join moved on zeros.platform = moved.platform and zeros.deal_id = moved.deal_id
    inner join deals on zeros.platform = deals.platform and zeros.deal_id = deals.deal_id
    {%- if order.capped_items %}
    union
    -- months and clients won use up the caps that deals do: where both meet, all of it is looked at
    select
        partner_id,
        {{ beginning() }} as from_at,
        {{ forever() }} as to_at
    from {{ ref('int_commission_periodic_shares') }}
    where has_caps
    union
    select
        lines.partner_id,
        {{ beginning() }} as from_at,
        {{ forever() }} as to_at
    from intermediate.int_commission_periodic as lines
    inner join ordering on lines.partner_id = ordering.partner_id and ordering.has_caps
    {%- endif %}
    {%- if order.deposits and _commission_loads(taken, 'psp_transactions') %}
    union
    select
        client_partners.partner_id,
        psp_rows.occurred_at as from_at,
        psp_rows.occurred_at as to_at
    from {{ ref('stg_psp_transactions') }} as psp_rows
    inner join client_partners
        on
            psp_rows.client_id = client_partners.client_id
            and psp_rows.occurred_at >= client_partners.valid_from
            and psp_rows.occurred_at < client_partners.valid_to
    where psp_rows._load_id > {{ taken }} and client_partners.partner_id is not null
    {%- endif %}
),

tier_blocks as (
    select distinct
        below.direct_id as partner_id,
        date_trunc('month', moved_at.from_at) as from_at,
        date_trunc('month', moved_at.to_at + to_days(ordering.back_days)) + interval 1 month as to_at
    from moved_at
    inner join families as above on moved_at.partner_id = above.direct_id
    inner join ordering on above.ancestor_id = ordering.partner_id and ordering.has_tier
    inner join families as below on ordering.partner_id = below.ancestor_id
),

cap_blocks as (
    select distinct
        below.direct_id as partner_id,
        date_trunc('month', blocks.from_at) as from_at,
        case when ordering.is_weekly then {{ forever() }} else date_trunc('month', blocks.to_at) + interval 1 month end as to_at
    from (select * from moved_at union select * from tier_blocks) as blocks
    inner join families as above on blocks.partner_id = above.direct_id
    inner join ordering on above.ancestor_id = ordering.partner_id and ordering.has_caps
    inner join families as below on ordering.partner_id = below.ancestor_id
),

changing_blocks as (select * from moved_at union select * from tier_blocks union select * from cap_blocks),

cap_context as (
    select distinct
        below.direct_id as partner_id,
        case when ordering.is_weekly then {{ beginning() }} else date_trunc('month', blocks.from_at) end as from_at,
        case when blocks.to_at = {{ forever() }} then blocks.to_at else date_trunc('month', blocks.to_at) + interval 1 month end as to_at
    from changing_blocks as blocks
    inner join families as above on blocks.partner_id = above.direct_id
    inner join ordering on above.ancestor_id = ordering.partner_id and ordering.has_caps
    inner join families as below on ordering.partner_id = below.ancestor_id
),

tier_context as (
    select distinct
        ordering.partner_id,
        case
            when blocks.from_at = {{ beginning() }} then blocks.from_at
            else date_trunc('month', blocks.from_at - to_days(ordering.back_days))
        end as from_at,
        case when blocks.to_at = {{ forever() }} then blocks.to_at else date_trunc('month', blocks.to_at) + interval 1 month end as to_at
    from (select * from changing_blocks union select * from cap_context) as blocks
    inner join families as above on blocks.partner_id = above.direct_id
    inner join ordering on above.ancestor_id = ordering.partner_id and ordering.has_tier
),

in_blocks as (
    select
        deals.platform,
        deals.deal_id,
        deals.client_id,
        deals.executed_at::date as day_at,
        blocks.is_context
    from (
        select *, false as is_context from tier_blocks
        union
        select *, false as is_context from cap_blocks
        union
        select *, true as is_context from cap_context
        union
        select *, true as is_context from tier_context
    ) as blocks
    inner join client_partners on blocks.partner_id = client_partners.partner_id
    inner join deals
        on
            client_partners.client_id = deals.client_id
            and deals.executed_at >= greatest(client_partners.valid_from, blocks.from_at)
            and deals.executed_at < least(client_partners.valid_to, blocks.to_at)
    where {{ entries }}
),

reached as (
    select
        platform,
        deal_id,
        bool_and(is_context) as is_context
    from (
        select
            *,
            false as is_context
        from moved
        union all
        select platform, deal_id, is_context from in_blocks
        {%- if order.hedged %}
        union all
        -- a day is netted as a whole
        select
            deals.platform,
            deals.deal_id,
            true as is_context
        from deals
        inner join (select distinct client_id, day_at from in_blocks) as days
            on deals.client_id = days.client_id and deals.executed_at::date = days.day_at
        where {{ entries }}
        {%- endif %}
    )
    group by platform, deal_id
),
{%- endif %}
{%- endmacro -%}

{#- Whether any plan makes one deal depend on others, and by what. -#}
{%- macro _commission_order() -%}
    {%- if not execute -%} {{ return({'ordered': false, 'hedged': false, 'deposits': false, 'capped_items': false}) }} {%- endif -%}
    {%- set found = run_query(
        "select count(*) filter (where has_tier or has_caps or is_hedged), count(*) filter (where is_hedged), "
        ~ "count(*) filter (where tier_kpi = 'deposits'), count(*) filter (where has_caps) from " ~ ref('int_commission_plans')
    ).rows[0] -%}
    {%- set has_items = commission_pays_by('cpa') or commission_pays_by('revenue_share') -%}
    {{ return({'ordered': found[0] > 0, 'hedged': found[1] > 0, 'deposits': found[2] > 0, 'capped_items': found[3] > 0 and has_items}) }}
{%- endmacro -%}
