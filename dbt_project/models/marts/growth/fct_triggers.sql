{{ config(meta={
    'owner': 'growth',
    'sorted_by': ['fired_at'],
    'takes_of': {'operational_events': "type = 'outbox.delivered' and subject_type = 'trigger'"}
}) }}

with firings as (select * from {{ ref('int_trigger_firings') }}),

rules as (select * from {{ ref('trigger_rules') }}),

clients as (select * from {{ ref('int_clients') }} where valid_to is null),

deliveries as (
    select
        subject_id as trigger_id,
        min(occurred_at) as delivered_at
    from {{ ref('stg_operational_events') }}
    where type = 'outbox.delivered' and subject_type = 'trigger'
    group by subject_id
),

hoped as (
    select client_id, 'trade' as outcome, first_trade_at as occurred_at from {{ ref('fct_account_daily') }}
    where deals > 0 and not is_demo and client_id is not null
    union all
    select client_id, 'trade' as outcome, last_trade_at as occurred_at from {{ ref('fct_account_daily') }}
    where deals > 0 and not is_demo and client_id is not null
    union all
    select client_id, 'deposit' as outcome, occurred_at from {{ ref('int_payment_events') }}
    where flow = 'deposit' and client_id is not null
    union all
    select client_id, 'document' as outcome, occurred_at from {{ ref('stg_kyc_events') }}
    where event = 'document_received' and client_id is not null
),

outcomes as (
    select
        firings.trigger_id,
        min(hoped.occurred_at) as outcome_at
    from firings
    inner join rules on firings.rule = rules.rule and firings.rule_version = rules.version
    inner join hoped
        on
            firings.client_id = hoped.client_id
            and rules.outcome = hoped.outcome
            and hoped.occurred_at > firings.fired_at
            and hoped.occurred_at <= firings.fired_at + to_days(rules.outcome_days)
    where hoped.occurred_at <= {{ known_at() }}
    group by firings.trigger_id
)

select
    firings.trigger_id,
    firings.rule,
    firings.rule_version,
    firings.client_id,
    firings.fired_at,
    firings.payload,
    firings.suppressed_reason,
    deliveries.delivered_at,
    case
        when outcomes.outcome_at is not null then 'converted'
        when firings.fired_at + to_days(rules.outcome_days) <= {{ known_at() }} then 'not_converted'
    end as outcome,
    outcomes.outcome_at,
    rules.outcome as hoped_for,
    rules.purpose,
    clients.entity,
    firings.is_held_out,
    firings.fired_at + to_days(rules.fresh_days) as send_before,
    firings.recorded_at,
    {{ run_id() }} as _run_id
from firings
inner join rules on firings.rule = rules.rule and firings.rule_version = rules.version
left join clients on firings.client_id = clients.client_id
left join deliveries on firings.trigger_id = deliveries.trigger_id
left join outcomes on firings.trigger_id = outcomes.trigger_id
