{#- The sum of `amount` is exactly zero for each `by`. On an increment only the groups that new runs touched are summed; where a group is always
    written by one run (an entry's lines), `written_at_once` saves the look at older rows. -#}
{%- test balances_to_zero(model, by, amount='amount', written_at_once=false) -%}
    {{ config(severity='error') }}
    {%- set from_run = _control('check_from_run_id') %}
    {%- set group = '(' ~ by | join(', ') ~ ')' %}
    select {{ by | join(', ') }}, sum({{ amount }}) as imbalance
    from {{ model }}
    {%- if from_run and written_at_once %}
    where _run_id >= {{ from_run }}
    {%- elif from_run %}
    where {{ group }} in (select {{ group if by | length > 1 else by[0] }} from {{ model }} where _run_id >= {{ from_run }})
    {%- endif %}
    group by {{ by | join(', ') }}
    having sum({{ amount }}) <> 0
{%- endtest -%}
