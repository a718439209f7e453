{#- The sum of `amount` is exactly zero for each `by`. On an increment only the keys that new runs wrote are summed. -#}
{%- test balances_to_zero(model, by, amount='amount') -%}
    {{ config(severity='error') }}
    {%- set from_run = _control('check_from_run_id') %}
    select {{ by | join(', ') }}, sum({{ amount }}) as imbalance
    from {{ model }}
    {%- if from_run %} where _run_id >= {{ from_run }} {%- endif %}
    group by {{ by | join(', ') }}
    having sum({{ amount }}) <> 0
{%- endtest -%}
