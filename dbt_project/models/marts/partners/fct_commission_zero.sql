{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['platform', 'deal_id'],
    tags=['stepwise'],
    meta={'owner': 'partners', 'sorted_by': ['partner_id', 'deal_id']},
    pre_hook="{% if is_incremental() %}
        delete from {{ this }} as old
        using (select platform, deal_id from {{ ref('int_commission_deals') }} where not is_context) as deals
        where old.platform = deals.platform and old.deal_id = deals.deal_id
    {% endif %}"
) }}

with deals as (select * from {{ ref('int_commission_deals') }} where not is_context and not coalesce(is_staged, false)),

card as (select * from {{ ref('int_commission_card') }}),

slices as (select * from {{ ref('int_commission_slices') }}),

lines as (select * from {{ ref('int_commission_lines') }}),

reasons as (select * from {{ ref('commission_zero_reasons') }}),

-- of several reasons of one member the first by precedence; a paid line's member appears only with a reason that is still open
members as (
    select
        card.slice_id,
        card.partner_id,
        arg_min(card.reason, reasons.precedence) as reason,
        arg_min(card.detail, reasons.precedence) as detail,
        min(reasons.precedence) as precedence,
        coalesce(bool_or(reasons.is_open), false) as is_open,
        count(*) filter (where card.reason is null) as lines_to_pay
    from card
    left join reasons on card.reason = reasons.reason
    group by card.slice_id, card.partner_id
),

filtered as (
    select
        deals.platform,
        deals.deal_id,
        coalesce(members.partner_id, deals.next_partner_id) as partner_id,
        deals.reason,
        case
            when deals.reason = 'held_too_short'
                then 'held ' || (deals.held_us / 1000000)::decimal(18, 3) || ' s, the plan asks ' || slices.min_hold_seconds || ' s'
            when deals.reason = 'no_rate' then 'the symbol was not known at the time of the deal'
        end as detail
    from deals
    left join slices on deals.slice_id = slices.slice_id
    left join members on deals.slice_id = members.slice_id
    where deals.reason is not null
),

by_card as (
    select
        deals.platform,
        deals.deal_id,
        members.partner_id,
        members.reason,
        members.detail
    from deals
    inner join members on deals.slice_id = members.slice_id
    where deals.reason is null and (members.lines_to_pay = 0 or members.is_open)
),

unpaid_lines as (
    select
        lines.platform,
        lines.deal_id,
        lines.partner_id,
        lines.slice_id,
        arg_min(lines.reason, reasons.precedence) as reason,
        arg_min(lines.rule_id, reasons.precedence) as rule_id,
        min(reasons.precedence) as precedence,
        bool_or(reasons.is_open) as is_open,
        count(*) as unpaid
    from lines
    inner join reasons on lines.reason = reasons.reason
    group by lines.platform, lines.deal_id, lines.partner_id, lines.slice_id
),

by_amount as (
    select
        unpaid_lines.platform,
        unpaid_lines.deal_id,
        unpaid_lines.partner_id,
        case when members.precedence < unpaid_lines.precedence then members.reason else unpaid_lines.reason end as reason,
        case when members.precedence < unpaid_lines.precedence then members.detail else unpaid_lines.rule_id end as detail
    from unpaid_lines
    inner join members on unpaid_lines.slice_id = members.slice_id and unpaid_lines.partner_id = members.partner_id
    where not members.is_open and (unpaid_lines.unpaid = members.lines_to_pay or unpaid_lines.is_open)
),

-- of a staged deal every outcome stands by itself: a filter for all, the member's own reason, or a share with or without one
staged_outcomes as (
    select
        parts.platform,
        parts.deal_id,
        card.partner_id,
        case when card.deal_reason = 'unknown_plan' then card.reason else coalesce(parts.reason, card.own_reason) end as reason,
        case when parts.reason is null or card.deal_reason = 'unknown_plan' then card.own_detail else parts.detail end as detail
    from {{ ref('int_commission_parts') }} as parts
    inner join card on parts.slice_id = card.slice_id
    where parts.is_paying and not parts.is_context and (parts.reason is not null or card.scheme is null)
    union all
    select platform, deal_id, partner_id, reason, detail from {{ ref('int_commission_staged') }}
),

by_outcome as (
    select
        staged_outcomes.platform,
        staged_outcomes.deal_id,
        staged_outcomes.partner_id,
        arg_min(staged_outcomes.reason, reasons.precedence) as reason,
        arg_min(staged_outcomes.detail, reasons.precedence) as detail
    from staged_outcomes
    left join reasons on staged_outcomes.reason = reasons.reason
    group by staged_outcomes.platform, staged_outcomes.deal_id, staged_outcomes.partner_id
    having bool_or(reasons.is_open) or count(staged_outcomes.reason) = count(*)
),

zeros as (
    select * from by_outcome
    union all
    select * from filtered
    union all
    select * from by_card
    union all
    select * from by_amount
)

select
    platform,
    deal_id,
    partner_id,
    reason,
    detail,
    {{ run_id() }} as _run_id
from zeros
