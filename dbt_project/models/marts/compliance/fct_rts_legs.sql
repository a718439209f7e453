{{ config(meta={'owner': 'compliance', 'sorted_by': ['request_id']}) }}

-- Return to source: where a withdrawal must go (planned), beside where the PSPs sent it (actual). All in the currency of the request.
with requests as (
    select
        requests.request_id,
        requests.asked_at,
        requests.amount,
        requests.currency,
        persons.person_id,
        parameters.parameters['card_window_days']::integer as card_window_days
    from {{ ref('int_money_requests') }} as requests
    inner join {{ ref('int_persons') }} as persons on requests.client_id = persons.client_id
    inner join {{ ref('int_scenario_parameters') }} as parameters
        on persons.entity = parameters.entity and parameters.scenario = 'A06'
        and requests.asked_at >= parameters.valid_from and requests.asked_at < parameters.valid_to
    where requests.request_kind = 'withdrawal' and requests.is_asked
),

rates as (select * from {{ ref('int_fx_usd') }}),

rated as (
    select requests.*, rates.rate_to_usd
    from requests
    asof left join rates
        on requests.currency = rates.currency and requests.asked_at >= rates.valid_from
),

flows as (select * from {{ ref('int_money_flows') }}),

-- a refund or chargeback that names no instrument is one of the deposit it undoes
origins as (
    select psp, txn_id, any_value(instrument_id) as instrument_id, any_value(method) as method
    from flows
    where flow = 'deposit' and txn_id is not null
    group by psp, txn_id
),

moves as (
    select
        flows.person_id,
        flows.flow,
        flows.request_id,
        flows.occurred_at,
        flows.amount,
        flows.currency,
        flows.amount_usd,
        coalesce(flows.instrument_id, origins.instrument_id) as instrument_id,
        coalesce(flows.method, origins.method, 'unknown') as method,
        -- money without a named instrument is told apart by its method alone
        coalesce(flows.instrument_id, origins.instrument_id, '?' || coalesce(flows.method, origins.method, 'unknown')) as source
    from flows
    left join origins on flows.psp = origins.psp and flows.original_psp_txn_id = origins.txn_id
    where
        flows.flow <> 'out'
        -- a wire out is no row of a PSP: its request tells where it went
        or (flows.request_id is not null and flows.request_id not in (select sent.request_id from flows as sent where sent.flow = 'payout' and sent.request_id is not null))
),

moved as (
    select
        rated.request_id,
        rated.asked_at,
        rated.card_window_days,
        moves.* exclude (request_id, amount),
        moves.request_id = rated.request_id as is_own,
        case
            when moves.currency = rated.currency then moves.amount
            else {{ divide('moves.amount_usd', 'rated.rate_to_usd', 8) }}
        end as amount
    from rated
    inner join moves on rated.person_id = moves.person_id
),

sources as (
    select
        request_id,
        source,
        any_value(instrument_id) as instrument_id,
        arg_min(method, occurred_at) filter (where flow = 'deposit') as method,
        min(occurred_at) filter (where flow = 'deposit') as first_deposit_at,
        max(occurred_at) filter (where flow = 'deposit') as last_deposit_at,
        any_value(asked_at) as asked_at,
        any_value(card_window_days) as card_window_days,
        sum(case when flow in ('deposit', 'chargeback_reversal') then amount else -amount end) as remaining
    from moved
    where occurred_at < asked_at
    group by request_id, source
    having count(*) filter (where flow = 'deposit') > 0
),

ranked as (
    select
        *,
        case method when 'card' then 1 when 'ewallet' then 2 when 'local' then 3 when 'crypto' then 4 when 'bank_wire' then 5 else 6 end as method_rank
    from sources
),

refundable as (
    select
        ranked.*,
        rated.amount,
        sum(ranked.remaining) over (
            partition by ranked.request_id order by ranked.method_rank, ranked.first_deposit_at, ranked.source rows unbounded preceding
        ) - ranked.remaining as before
    from ranked
    inner join rated on ranked.request_id = rated.request_id
    where
        ranked.remaining > 0
        and (ranked.method <> 'card' or ranked.last_deposit_at >= ranked.asked_at - to_days(ranked.card_window_days))
),

returns as (
    select
        request_id,
        source,
        instrument_id,
        method,
        'return' as leg_kind,
        row_number() over (partition by request_id order by method_rank, first_deposit_at, source) as place,
        least(remaining, amount - before) as planned
    from refundable
    where before < amount
),

ownership as (
    select
        persons.person_id,
        proofs.instrument_id,
        proofs.occurred_at,
        proofs.result = 'clear' as is_own
    from {{ ref('stg_kyc_events') }} as proofs
    inner join {{ ref('int_persons') }} as persons on proofs.client_id = persons.client_id
    where proofs.check = 'instrument_ownership' and proofs.instrument_id is not null
),

-- what a person has shown to own by the request, by its last proof
proven as (
    select
        rated.request_id,
        ownership.instrument_id,
        max(ownership.occurred_at) as proven_at
    from rated
    inner join ownership on rated.person_id = ownership.person_id and ownership.occurred_at <= rated.asked_at
    group by rated.request_id, ownership.instrument_id
    having arg_max(ownership.is_own, ownership.occurred_at)
),

methods as (
    select instrument_id, arg_max(method, occurred_at) as method from moves
    where instrument_id is not null
    group by instrument_id
),

-- profit goes to a bank account proven to be the client's, else to one they paid from, else to what they paid by last; never to a card
profit_targets as (
    select
        request_id,
        instrument_id,
        method
    from (
        select proven.request_id, proven.instrument_id, coalesce(methods.method, 'bank_wire') as method, 1 as choice, proven.proven_at as used_at
        from proven
        left join methods on proven.instrument_id = methods.instrument_id
        where coalesce(methods.method, 'bank_wire') = 'bank_wire'
        union all
        select request_id, instrument_id, method, if(method = 'bank_wire', 2, 3), last_deposit_at from ranked
        where method <> 'card'
    )
    qualify row_number() over (partition by request_id order by choice, used_at desc, instrument_id) = 1
),

profits as (
    select
        rated.request_id,
        coalesce(any_value(profit_targets.instrument_id), '?' || coalesce(any_value(profit_targets.method), 'profit')) as source,
        any_value(profit_targets.instrument_id) as instrument_id,
        any_value(profit_targets.method) as method,
        'profit' as leg_kind,
        count(returns.request_id) + 1 as place,
        any_value(rated.amount) - coalesce(sum(returns.planned), 0) as planned
    from rated
    left join returns on rated.request_id = returns.request_id
    left join profit_targets on rated.request_id = profit_targets.request_id
    group by rated.request_id
    having any_value(rated.amount) > coalesce(sum(returns.planned), 0)
),

plan as (
    select * from returns
    union all
    select * from profits
),

sent as (
    select
        request_id,
        source,
        any_value(instrument_id) as instrument_id,
        any_value(method) as method,
        min(occurred_at) as sent_at,
        sum(amount) as actual
    from moved
    where is_own and flow = 'payout'
    group by request_id, source
),

-- what reached an instrument fills its legs in their order; the last of them takes what is too much
matched as (
    select
        plan.request_id,
        plan.instrument_id,
        plan.method,
        plan.leg_kind,
        plan.place,
        plan.planned,
        greatest(coalesce(sent.actual, 0) - (sum(plan.planned) over legs - plan.planned), 0) as reached,
        plan.place = max(plan.place) over (partition by plan.request_id, plan.source) as is_last,
        true as is_accepted
    from plan
    left join sent on plan.request_id = sent.request_id and plan.source = sent.source
    window legs as (partition by plan.request_id, plan.source order by plan.place rows unbounded preceding)
),

unplanned as (
    select
        sent.request_id,
        sent.instrument_id,
        sent.method,
        'unplanned' as leg_kind,
        1000 + row_number() over (partition by sent.request_id order by sent.sent_at, sent.source) as place,
        0 as planned,
        sent.actual as reached,
        true as is_last,
        -- profit may as well go to another instrument that is the client's
        sent.method <> 'card' and (proven.instrument_id is not null or ranked.source is not null) as is_accepted
    from sent
    left join proven on sent.request_id = proven.request_id and sent.instrument_id = proven.instrument_id
    left join ranked on sent.request_id = ranked.request_id and sent.source = ranked.source
    where (sent.request_id, sent.source) not in (select (plan.request_id, plan.source) from plan)
),

legs as (
    select * from matched
    union all
    select * from unplanned
)

select
    legs.request_id,
    row_number() over (partition by legs.request_id order by legs.place)::integer as leg_no,
    legs.instrument_id,
    legs.planned::decimal(38, 8) as planned,
    (case when legs.is_last then legs.reached else least(legs.reached, legs.planned) end)::decimal(38, 8) as actual,
    rated.currency,
    legs.method,
    legs.leg_kind,
    legs.is_accepted,
    rated.asked_at,
    {{ run_id() }} as _run_id
from legs
inner join rated on legs.request_id = rated.request_id
order by legs.request_id, leg_no
