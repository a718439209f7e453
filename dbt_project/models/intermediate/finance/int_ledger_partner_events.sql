{{ config(materialized='view') }}

-- What happens to partners' commission, as ledger events: lines as they accrue, decisions as they are taken. An approval or a payout without an amount
-- is of all that is payable, or of what was accrued for the line or period and known when the decision was: what accrues later waits for a decision of
-- its own. It is cut to the currency's minor unit, the remainder stays accrued. Amounts positive, adjustments signed. A payout in another currency is
-- converted at the rate in force then; what left more or less than that is `margin`, a gain positive.
with accruals as (select * from {{ ref('int_partner_accrual_days') }}),

partners as (
    select
        partner_id,
        case when lag(changed_at) over partner is null then timestamp '1900-01-01' else changed_at end as valid_from,
        coalesce(lead(changed_at) over partner, timestamp '9999-12-31') as valid_to,
        entity,
        plan_id,
        coalesce(payout_method, 'external') as payout_method
    from {{ ref('stg_partners') }}
    window partner as (partition by partner_id order by changed_at)
),

plans as (
    select
        plan_id,
        case when lag(valid_from) over plan is null then timestamp '1900-01-01' else valid_from end as valid_from,
        coalesce(lead(valid_from) over plan, timestamp '9999-12-31') as valid_to,
        coalesce(try_cast(settings ->> 'holdback_pct' as decimal(9, 6)), 0) as holdback_pct
    from {{ ref('stg_commission_plans') }}
    window plan as (partition by plan_id order by valid_from, version)
),

asked as (
    select * from {{ ref('int_commission_decisions') }}
    where event = 'approved' and amount is null
),

accrued_by_then as (
    select
        asked.event_id,
        sum(accruals.amount) as amount
    from asked
    inner join accruals
        on
            asked.partner_id = accruals.partner_id
            and asked.currency = accruals.currency
            and asked.period = strftime(accruals.day, '%Y-%m')
            and asked.recorded_at >= accruals.accrued_at
    where asked.accrual_id is null
    group by asked.event_id
    union all
    select
        asked.event_id,
        lines.amount
    from asked
    inner join {{ ref('fct_commission_accruals') }} as lines on asked.accrual_id = lines.accrual_id
),

-- an approval of all takes what the approvals of the same line or period before it have left
approvals as (
    select
        decided.event_id,
        decided.amount,
        accrued_by_then.amount as accrued,
        count(*) filter (where decided.amount is null) over earlier as turn,
        max(case when decided.amount is null then coalesce(accrued_by_then.amount, 0) end) over earlier as taken_before,
        decided.partner_id,
        decided.currency,
        coalesce(decided.accrual_id, decided.period) as subject,
        decided.occurred_at
    from {{ ref('int_commission_decisions') }} as decided
    left join accrued_by_then on decided.event_id = accrued_by_then.event_id
    where decided.event = 'approved'
    window
        earlier as (
            partition by decided.partner_id, decided.currency, coalesce(decided.accrual_id, decided.period)
            order by decided.occurred_at, decided.event_id rows between unbounded preceding and 1 preceding
        )
),

left_to_approve as (
    select
        event_id,
        coalesce(accrued, 0) - coalesce(taken_before, 0) - coalesce(sum(amount) over (
            partition by partner_id, currency, subject, turn order by occurred_at, event_id rows between unbounded preceding and 1 preceding
        ), 0) as amount
    from approvals
),

decisions as (
    select
        decided.*,
        partners.entity,
        case when lower(partners.payout_method) = 'wallet' then 'wallet' else 'external' end as payout_method,
        coalesce(units.minor_digits, 2) as minor_digits,
        coalesce(plans.holdback_pct, 0) as holdback_pct,
        partners.partner_id is null as is_unknown,
        case
            when decided.event = 'approved' and decided.amount is null
                then {{ cut_to_minor_unit('greatest(coalesce(left_to_approve.amount, 0), 0)', 'coalesce(units.minor_digits, 2)') }}
            when decided.event = 'clawed_back' then abs(decided.amount)
            else decided.amount
        end as moved
    from {{ ref('int_commission_decisions') }} as decided
    left join partners
        on
            decided.partner_id = partners.partner_id
            and decided.occurred_at >= partners.valid_from
            and decided.occurred_at < partners.valid_to
    left join plans
        on
            partners.plan_id = plans.plan_id
            and decided.occurred_at >= plans.valid_from
            and decided.occurred_at < plans.valid_to
    left join left_to_approve on decided.event_id = left_to_approve.event_id
    left join {{ ref('currency_units') }} as units on decided.currency = units.currency
),

held_back as (
    select
        *,
        case
            when event = 'approved' then {{ to_minor_unit('(moved::decimal(28, 8) * holdback_pct)::decimal(38, 8)', 'minor_digits') }}
            else 0
        end as holdback
    from decisions
),

-- what is approved, payable and clawed back of each partner up to and with each decision
running as (
    select
        *,
        coalesce(bool_or(event = 'approved') over earlier_of_period, false) as was_approved,
        coalesce(sum(case when event = 'approved' then moved - holdback when event = 'released' then moved end) over so_far, 0) as payable,
        coalesce(sum(case when event = 'paid' then moved when event in ('failed', 'returned') then -moved end) over so_far, 0) as paid,
        coalesce(count(*) filter (where event = 'paid' and moved is null) over earlier, 0) as open_payouts_before,
        coalesce(bool_or(event = 'paid') over earlier, false) as was_paid
    from held_back
    window
        so_far as (partition by partner_id, currency order by occurred_at, event_id),
        earlier as (partition by partner_id, currency order by occurred_at, event_id rows between unbounded preceding and 1 preceding),
        earlier_of_period as (
            partition by partner_id, currency, coalesce(accrual_id, period) order by occurred_at, event_id
            rows between unbounded preceding and 1 preceding
        )
),

clawed as (
    select
        *,
        coalesce(sum(case when event = 'clawed_back' and was_approved then moved end) over so_far, 0) as clawed_back
    from running
    window so_far as (partition by partner_id, currency order by occurred_at, event_id)
),

-- a payout without an amount pays what is payable then, each of them what came since the one before; what was clawed back is taken off first
offsets as (
    select
        *,
        greatest(least(clawed_back, payable - case when moved is null then 0 else paid end), 0) as offset_so_far,
        coalesce(max(case when event = 'paid' and moved is null then payable end) over earlier, 0) as payable_paid_before
    from clawed
    window earlier as (partition by partner_id, currency order by occurred_at, event_id rows between unbounded preceding and 1 preceding)
),

taken as (
    select
        *,
        greatest(
            offset_so_far - coalesce(max(case when event = 'paid' then offset_so_far end) over earlier, 0), 0
        ) as taken_off
    from offsets
    window earlier as (partition by partner_id, currency order by occurred_at, event_id rows between unbounded preceding and 1 preceding)
),

settled as (
    select
        taken.*,
        (case
            when event = 'paid' and moved is null then greatest(payable - payable_paid_before - paid, 0)
            when event = 'paid' then moved + taken_off
            else moved
        end)::decimal(38, 8) as settled_amount
    from taken
),

rates as (select currency, valid_from, rate_to_usd from {{ ref('int_fx_usd') }}),

in_usd as (
    select
        settled.event_id,
        settled.paid_currency,
        settled.paid_amount,
        settled.occurred_at,
        ((settled.settled_amount - settled.taken_off)::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8) as usd
    from settled
    asof inner join rates on settled.currency = rates.currency and settled.occurred_at >= rates.valid_from
    where settled.paid_currency is not null
),

at_mid as (
    select
        in_usd.event_id,
        {{ divide('in_usd.usd', 'rates.rate_to_usd') }} as exact,
        coalesce(units.minor_digits, 2) as minor_digits
    from in_usd
    asof inner join rates on in_usd.paid_currency = rates.currency and in_usd.occurred_at >= rates.valid_from
    left join {{ ref('currency_units') }} as units on in_usd.paid_currency = units.currency
),

paid_at as (
    select
        event_id,
        {{ to_minor_unit('exact', 'minor_digits') }} as mid_amount
    from at_mid
),

priced as (
    select
        settled.*,
        paid_at.mid_amount,
        paid_at.mid_amount - settled.paid_amount as margin
    from settled
    left join paid_at on settled.event_id = paid_at.event_id
)

select
    'commission_accruals' as source_feed,
    concat_ws(':', accruals.partner_id, accruals.currency, accruals.day, epoch_ms(accruals.accrued_at)) as source_key,
    'accrued' as event_kind,
    'any' as condition,
    null::varchar as reason,
    coalesce(partners.entity, 'unassigned') as entity,
    accruals.partner_id,
    accruals.currency,
    accruals.amount,
    null::decimal(38, 8) as net_amount,
    null::decimal(38, 8) as difference,
    null::varchar as to_currency,
    null::decimal(38, 8) as to_amount,
    null::decimal(38, 8) as mid_amount,
    null::decimal(38, 8) as margin,
    accruals.day::timestamp as occurred_at,
    null::bigint as source_load_id,
    null::bigint as source_row_number
from accruals
left join partners
    on accruals.partner_id = partners.partner_id and accruals.day >= partners.valid_from and accruals.day < partners.valid_to
where accruals.amount <> 0
union all
select
    'commission_decisions' as source_feed,
    event_id as source_key,
    event as event_kind,
    case
        when event = 'clawed_back' then case when was_approved then 'after_approval' else 'before_approval' end
        when paid_currency is not null then payout_method || case when margin < 0 then '_converted_loss' else '_converted' end
        when event in ('paid', 'failed', 'returned') then payout_method
        when event = 'released' and moved is null then 'no_amount'
        else 'any'
    end as condition,
    case
        when is_unknown then 'partner_unknown'
        when event in ('failed', 'returned') and not was_paid then 'nothing_paid'
        when moved is null and event not in ('held', 'released', 'paid') then 'amount_unknown'
        -- an approval or a payout of all there is, where there is nothing
        when moved = 0 or (event = 'paid' and moved is null and payable - payable_paid_before - paid <= 0) then 'nothing_due'
        when paid_currency is not null and mid_amount is null then 'rate_unknown'
    end as reason,
    coalesce(entity, 'unassigned') as entity,
    partner_id,
    currency,
    settled_amount as amount,
    (case when event = 'paid' then settled_amount - taken_off else moved - holdback end)::decimal(38, 8) as net_amount,
    (case when event = 'paid' then taken_off else holdback end)::decimal(38, 8) as difference,
    paid_currency as to_currency,
    paid_amount::decimal(38, 8) as to_amount,
    mid_amount::decimal(38, 8) as mid_amount,
    margin::decimal(38, 8) as margin,
    occurred_at,
    _load_id as source_load_id,
    _row_number as source_row_number
from priced
