{{ config(meta={'owner': 'growth', 'sorted_by': ['rule']}) }}

with triggers as (select * from {{ ref('fct_triggers') }}),

-- a client counts once a rule and version, by the first firing whose window is over; as meant to be written to or not, whatever became of the message
clients as (
    select * from triggers
    where outcome is not null and (suppressed_reason is null or suppressed_reason = 'hold_out')
    qualify row_number() over (partition by rule, rule_version, client_id order by fired_at, trigger_id) = 1
),

counts as (
    select
        rule,
        rule_version,
        count(*) filter (where suppressed_reason is null) as treated,
        count(*) filter (where suppressed_reason is null and delivered_at is not null) as delivered,
        count(*) filter (where suppressed_reason is null and outcome = 'converted') as treated_converted,
        count(*) filter (where suppressed_reason = 'hold_out') as held_out,
        count(*) filter (where suppressed_reason = 'hold_out' and outcome = 'converted') as held_out_converted
    from clients
    group by rule, rule_version
),

proportions as (
    select
        *,
        treated_converted / nullif(treated, 0)::double as p,
        held_out_converted / nullif(held_out, 0)::double as q,
        {{ wilson('treated_converted', 'treated', '-') }} as p_lower,
        {{ wilson('treated_converted', 'treated', '+') }} as p_upper,
        {{ wilson('held_out_converted', 'held_out', '-') }} as q_lower,
        {{ wilson('held_out_converted', 'held_out', '+') }} as q_upper
    from counts
)

select
    rule,
    rule_version,
    treated,
    delivered,
    treated_converted,
    p::decimal(18, 8) as treated_rate,
    held_out,
    held_out_converted,
    q::decimal(18, 8) as held_out_rate,
    (p - q)::decimal(18, 8) as effect,
    (p - q - sqrt((p - p_lower) ** 2 + (q_upper - q) ** 2))::decimal(18, 8) as effect_lower,
    (p - q + sqrt((p_upper - p) ** 2 + (q - q_lower) ** 2))::decimal(18, 8) as effect_upper,
    {{ run_id() }} as _run_id
from proportions
