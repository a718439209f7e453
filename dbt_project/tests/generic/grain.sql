{#- One row per `columns`, none of them null. On an increment of a mart only the keys that new runs wrote are looked at, in the whole table. -#}
{%- test grain(model, columns) -%}
    {{ config(severity='error') }}
    {%- set from_run = _control('check_from_run_id') %}
    {%- set has_run = execute and from_run and '_run_id' in adapter.get_columns_in_relation(model) | map(attribute='name') | list %}
    select {{ columns | join(', ') }}, count(*) as rows_of_key
    from {{ model }}
    {%- if has_run %}
    where ({{ columns | join(', ') }}) in (select {{ '(' if columns | length > 1 }}{{ columns | join(', ') }}{{ ')' if columns | length > 1 }} from {{ model }} where _run_id >= {{ from_run }})
    {%- endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1 or {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{%- endtest -%}
