{#- One row per `columns`, none of them null. On an increment of a mart only the keys that new runs wrote are looked at, in the whole table, which is
    joined column by column: so the row groups that hold none of them are not read, as they would be where rows are compared. -#}
{%- test grain(model, columns) -%}
    {{ config(severity='error') }}
    {%- set from_run = _control('check_from_run_id') %}
    {%- set has_run = execute and from_run and '_run_id' in adapter.get_columns_in_relation(model) | map(attribute='name') | list %}
    {%- set nameless %}{% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}{% endset %}
    {%- if has_run %}
    with written as (select distinct {{ columns | join(', ') }} from {{ model }} where _run_id >= {{ from_run }}),

    known as (
        select written.*
        from {{ model }} as model
        inner join written on {% for column in columns %}model.{{ column }} = written.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
        union all
        select * from written where {{ nameless }}
    )
    {%- else %}
    with known as (select {{ columns | join(', ') }} from {{ model }})
    {%- endif %}

    select {{ columns | join(', ') }}, count(*) as rows_of_key
    from known
    group by {{ columns | join(', ') }}
    having count(*) > 1 or {{ nameless }}
{%- endtest -%}
