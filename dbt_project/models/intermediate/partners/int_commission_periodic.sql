{{ config(materialized='incremental', incremental_strategy='append', tags=['stepwise']) }}
-- Lines of revenue shares and acquisitions as they were written: what should stand is compared with what does; a line that a late row changes is
-- reversed and followed by a new revision. What waits for a rate, a rule or a plan stands here with its reason and nothing to pay.
with fx as (select * from {{ ref('int_commission_fx') }} where to_currency = 'USD'),

caps as (select * from {{ ref('int_commission_caps') }} where platform = '~'),

shares as (
    select
        shares.* exclude (amount, reason),
        case when caps.side is not null then caps.left_amount else shares.amount end as amount,
        caps.paid_amount < caps.asked_amount as is_capped,
        case
            when shares.reason is not null then shares.reason
            when shares.has_caps and caps.side is null then 'no_rate'
            when caps.paid_amount = 0 then 'capped'
        end as reason
    from {{ ref('int_commission_periodic_shares') }} as shares
    left join caps on shares.item = caps.side and shares.partner_id = caps.partner_id
),

rounded as (
    select
        *,
        case when reason is null then
            {{ round_line('null::decimal(38, 8)', 'amount::decimal(38, 16)', 'rounding_digits', 'rounding_mode') }}
        else 0 end as line_amount
    from shares
    where reason is null or reason in (select reasons.reason from {{ ref('commission_zero_reasons') }} as reasons where reasons.is_open)
),

expected as (
    select
        rounded.item || ':' || rounded.partner_id as line_key,
        rounded.client_id,
        rounded.partner_id,
        rounded.level,
        rounded.plan_id,
        rounded.plan_version,
        rounded.rule_id,
        rounded.rule_version,
        rounded.scheme,
        rounded.distribution,
        rounded.base::decimal(38, 8) as basis_amount,
        case rounded.scheme when 'cpa' then 'clients' else rounded.currency end as basis_unit,
        rounded.own_rate,
        rounded.rate,
        rounded.exchange as fx_rate,
        rounded.line_amount as amount,
        rounded.currency,
        case when rounded.currency = 'USD' then 1 else fx.rate end::decimal(24, 12) as fx_rate_usd,
        case
            when rounded.currency = 'USD' then rounded.line_amount else {{ round_non_negative('(rounded.line_amount * fx.rate)', 8) }}
        end as amount_usd,
        rounded.tier_from,
        case when rounded.is_capped then 'cap' end as limited_by,
        rounded.happened_at as executed_at,
        rounded.reason as waits_for
    from rounded
    asof left join fx on rounded.currency = fx.from_currency and rounded.happened_at >= fx.valid_from
    where rounded.line_amount > 0 or rounded.reason is not null
),

{% if is_incremental() -%}
written as (select * from {{ this }}),

standing as (
    select * from written
    where
        not is_reversal
        and (line_key, revision) not in (select (undone.line_key, undone.revision) from written as undone where undone.is_reversal)
),

unchanged as (
    select expected.line_key
    from expected
    inner join standing on expected.line_key = standing.line_key
    where
        {% for column in [
            'client_id', 'executed_at', 'level', 'plan_id', 'plan_version', 'rule_id', 'rule_version', 'distribution', 'basis_amount', 'own_rate',
            'rate', 'fx_rate', 'tier_from', 'limited_by', 'amount', 'currency', 'amount_usd', 'waits_for'
        ] -%}
        expected.{{ column }} is not distinct from standing.{{ column }}{{ ' and ' if not loop.last }}
        {% endfor %}
),

revisions as (
    select
        line_key,
        max(revision) as revision
    from written
    group by line_key
),

-- by the same rule at another step of the partner's tier
repriced as (
    select standing.line_key
    from standing
    inner join expected
        on
            standing.line_key = expected.line_key
            and standing.rule_id = expected.rule_id
            and standing.rule_version = expected.rule_version
            and standing.plan_version = expected.plan_version
    where standing.tier_from is distinct from expected.tier_from
),
{%- endif %}

made as (
    select
        expected.*,
        false as is_reversal,
        {{ 'coalesce(revisions.revision, 0) + 1' if is_incremental() else '1' }} as revision,
        {% if is_incremental() -%}
        case
            when revisions.revision is null then null
            when expected.line_key in (select repriced.line_key from repriced) then 'tier_reached'
            else 'recomputed'
        end
        {%- else %}null{% endif %}::varchar as reason
    from expected
    {% if is_incremental() -%}
    left join revisions on expected.line_key = revisions.line_key
    where expected.line_key not in (select unchanged.line_key from unchanged)
    union all by name
    select
        standing.* exclude (_horizon_load_id)
        replace (
            true as is_reversal, -standing.amount as amount, -standing.basis_amount as basis_amount, -standing.amount_usd as amount_usd,
            'superseded' as reason
        )
    from standing
    where standing.line_key not in (select unchanged.line_key from unchanged)
    {%- endif %}
)

select
    *,
    {{ horizon_load_id() }} as _horizon_load_id
from made
