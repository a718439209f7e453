-- What the scenarios found, before the cool-down: one row per scenario, group (or person) and moment at which the pattern was complete.
{% for model in [
    'int_a01_structuring', 'int_a02_in_and_out', 'int_a03_no_trade', 'int_a04_third_party', 'int_a05_velocity', 'int_a06_return_to_source',
    'int_a07_method_switch', 'int_a08_dormancy', 'int_a09_shared_attributes', 'int_a10_geography', 'int_a11_screening', 'int_a12_wealth',
    'int_a13_chargebacks', 'int_a14_matched_trading', 'int_a15_latency', 'int_a16_bonus', 'int_a17_self_referral', 'int_a18_churning',
    'int_a19_layering', 'int_a20_crypto', 'int_a21_takeover', 'int_a22_drift',
] -%}
select
    scenario,
    version,
    person_id,
    coalesce(group_key, 'person:' || person_id) as unit,
    client_ids,
    window_start,
    window_end,
    amount_eur::decimal(38, 8) as amount_eur,
    score::decimal(5, 4) as score,
    evidence,
    detail,
    evaluated_on,
    parameters,
    recorded_at
from {{ ref(model) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
