{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags=['stepwise'],
    meta={'owner': 'partners', 'control_totals': ['amount', 'amount_usd'], 'sorted_by': ['partner_id', 'executed_at']}
) }}
-- depends_on: {{ ref('int_commission_deals') }}
-- a line without a tier or a limit, as nearly all are, comes straight from the card
with expected as (
    select
        * exclude (slice_id, reason),
        'close' as side,
        null::decimal(28, 8) as tier_from,
        null::varchar as limited_by
    from {{ ref('int_commission_lines') }}
    where amount <> 0
    union all by name
    select * exclude (slice_id, reason, detail) from {{ ref('int_commission_staged') }} where amount <> 0
),

{% if is_incremental() -%}
deals as (select distinct platform, deal_id from {{ ref('int_commission_deals') }} where not is_context),

-- all that was ever written for the deals looked at; a rerun finds here what it wrote itself, and adds nothing
written as (
    select accruals.*
    from {{ this }} as accruals
    inner join deals on accruals.platform = deals.platform and accruals.deal_id = deals.deal_id
),

standing as (
    select *
    from written
    where
        reverses_accrual_id is null
        and accrual_id not in (select reversals.reverses_accrual_id from written as reversals where reversals.reverses_accrual_id is not null)
),

revisions as (
    select
        platform,
        deal_id,
        partner_id,
        scheme,
        side,
        max(revision) as revision
    from written
    group by platform, deal_id, partner_id, scheme, side
),

unchanged as (
    select
        expected.platform,
        expected.deal_id,
        expected.partner_id,
        expected.scheme,
        expected.side
    from expected
    inner join standing
        on
            expected.platform = standing.platform
            and expected.deal_id = standing.deal_id
            and expected.partner_id = standing.partner_id
            and expected.scheme = standing.scheme
            and expected.side = standing.side
    where
        {% for column in [
            'client_id', 'executed_at', 'level', 'plan_id', 'plan_version', 'rule_id', 'rule_version', 'distribution', 'basis_amount', 'basis_unit',
            'own_rate', 'rate', 'fx_rate', 'fx_path', 'tier_from', 'limited_by', 'amount', 'currency', 'amount_usd'
        ] -%}
        expected.{{ column }} is not distinct from standing.{{ column }}{{ ' and ' if not loop.last }}
        {% endfor %}
),

reversals as (
    select
        standing.accrual_id || ':reversal' as accrual_id,
        standing.* exclude (accrual_id, amount, basis_amount, amount_usd, reverses_accrual_id, reason),
        -standing.basis_amount as basis_amount,
        -standing.amount as amount,
        -standing.amount_usd as amount_usd,
        standing.accrual_id as reverses_accrual_id,
        'superseded' as reason
    from standing
    left join unchanged
        on
            standing.platform = unchanged.platform
            and standing.deal_id = unchanged.deal_id
            and standing.partner_id = unchanged.partner_id
            and standing.scheme = unchanged.scheme
            and standing.side = unchanged.side
    where unchanged.deal_id is null
),

accruals as (
    select
        expected.*,
        coalesce(revisions.revision, 0) + 1 as revision,
        case
            when revisions.revision is null then null
            -- the same deal by the same rule at another step of the partner's tier
            when
                standing.tier_from is distinct from expected.tier_from
                and (standing.rule_id, standing.rule_version, standing.plan_version) = (expected.rule_id, expected.rule_version, expected.plan_version)
                then 'tier_reached'
            else 'recomputed'
        end as reason
    from expected
    left join unchanged
        on
            expected.platform = unchanged.platform
            and expected.deal_id = unchanged.deal_id
            and expected.partner_id = unchanged.partner_id
            and expected.scheme = unchanged.scheme
            and expected.side = unchanged.side
    left join standing
        on
            expected.platform = standing.platform
            and expected.deal_id = standing.deal_id
            and expected.partner_id = standing.partner_id
            and expected.scheme = standing.scheme
            and expected.side = standing.side
    left join revisions
        on
            expected.platform = revisions.platform
            and expected.deal_id = revisions.deal_id
            and expected.partner_id = revisions.partner_id
            and expected.scheme = revisions.scheme
            and expected.side = revisions.side
    where unchanged.deal_id is null
),
{%- else -%}
accruals as (
    select
        *,
        1 as revision,
        null::varchar as reason
    from expected
),
{%- endif %}

written_now as (
    select
        platform || ':' || deal_id || ':' || scheme || ':' || partner_id || case when side = 'open' then ':open' else '' end || ':r' || revision as accrual_id,
        *,
        null::varchar as reverses_accrual_id
    from accruals
    {% if is_incremental() -%}
    union all by name
    select * exclude (accrued_at, status, approval_id, payout_id, _horizon_load_id, _run_id) from reversals
    {%- endif %}
    union all by name
    -- months and acquisitions keep their own history
    select
        line_key || ':r' || revision || case when is_reversal then ':reversal' else '' end as accrual_id,
        * exclude (line_key, is_reversal, waits_for, _horizon_load_id),
        case when is_reversal then line_key || ':r' || revision end as reverses_accrual_id
    from {{ ref('int_commission_periodic') }}
    where _horizon_load_id > {{ high_water() }} and amount <> 0
)

select
    accrual_id::varchar as accrual_id,
    revision::integer as revision,
    platform,
    deal_id,
    client_id,
    partner_id,
    level::integer as level,
    plan_id,
    plan_version::integer as plan_version,
    rule_id,
    rule_version::integer as rule_version,
    scheme,
    distribution,
    side,
    basis_amount,
    basis_unit,
    own_rate,
    rate,
    fx_rate,
    fx_path,
    amount::decimal(38, 8) as amount,
    currency,
    amount_usd::decimal(38, 8) as amount_usd,
    fx_rate_usd,
    tier_from,
    limited_by,
    executed_at,
    {{ known_at() }} as accrued_at,
    'accrued' as status,
    reverses_accrual_id,
    reason::varchar as reason,
    null::varchar as approval_id,
    null::varchar as payout_id,
    {{ horizon_load_id() }} as _horizon_load_id,
    {{ run_id() }} as _run_id
from written_now
