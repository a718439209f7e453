-- A06: a withdrawal went otherwise than the return-to-source plan, without an override. The plan is laid over what was really sent, so that a fee or
-- a part still to come is no breach; profit may go to any instrument that is known as the client's.
with legs as (select * from {{ ref('fct_rts_legs') }}),

overridden as (
    select distinct subject_id as request_id
    from {{ ref('int_approval_events') }}
    where subject_type = 'withdrawal' and decision = 'overridden'
),

totals as (
    select request_id, sum(actual) as sent
    from legs
    group by request_id
    having sum(actual) > 0
),

expected as (
    select
        legs.*,
        greatest(least(legs.planned, totals.sent - (sum(legs.planned) over before - legs.planned)), 0) as due
    from legs
    inner join totals on legs.request_id = totals.request_id
    window before as (partition by legs.request_id order by legs.leg_no rows unbounded preceding)
),

-- what returns must be what was due; a card gets no more; the profit is what is left, wherever of the client's it went
breaches as (
    select
        request_id,
        sum(case
            when leg_kind = 'return' and actual < due then due - actual
            when leg_kind = 'return' and actual > due and method = 'card' then actual - due
            when leg_kind = 'unplanned' and not is_accepted then actual
            else 0
        end) as amount,
        any_value(currency) as currency,
        string_agg(
            coalesce(method, 'unknown') || coalesce(' …' || right(instrument_id, 4), '') || ' ' || due::decimal(38, 2) || ' due, ' || actual::decimal(38, 2) || ' sent',
            '; ' order by leg_no
        ) as detail
    from expected
    group by request_id
),

payouts as (
    select
        request_id,
        any_value(client_id) as client_id,
        any_value(person_id) as person_id,
        any_value(entity) as entity,
        max(occurred_at) as sent_at,
        list(flow_key order by occurred_at, flow_key) as keys,
        sum(amount_eur) as sent_eur,
        sum(amount) as sent,
        max(recorded_at) as known_at
    from {{ ref('int_money_flows') }}
    where flow = 'payout' and request_id is not null
    group by request_id
)

select
    'A06' as scenario,
    rules.version,
    payouts.person_id,
    null::varchar as group_key,
    [payouts.client_id] as client_ids,
    requests.asked_at as window_start,
    payouts.sent_at as window_end,
    (payouts.sent_eur * least((breaches.amount / nullif(payouts.sent, 0)), 1)::decimal(18, 8))::decimal(38, 8) as amount_eur,
    least(0.5 + 0.5 * (breaches.amount / nullif(payouts.sent, 0)), 1) as score,
    ['cash_requests:' || requests.asked_event_id] || payouts.keys as evidence,
    breaches.detail,
    null::varchar as evaluated_on,
    rules.parameters,
    payouts.known_at as recorded_at
from breaches
inner join payouts on breaches.request_id = payouts.request_id
inner join {{ ref('int_money_requests') }} as requests on breaches.request_id = requests.request_id
{{ rules_in_force('A06', 'payouts', 'requests.asked_at') }}
where
    breaches.amount > rules.parameters['tolerance']
    and breaches.request_id not in (select overridden.request_id from overridden)
