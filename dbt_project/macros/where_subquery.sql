{#- What dbt's own tests look at. Those that judge a row by itself look on an increment only at rows that new runs wrote; a test that compares
    rows with one another (grain, balances) chooses for itself. -#}
{%- macro get_where_subquery(relation) -%}
    {%- set by_row = model.test_metadata is defined and model.test_metadata and model.test_metadata.name in ['not_null', 'accepted_values', 'relationships'] -%}
    {%- set from_run = _control('check_from_run_id') if execute and by_row else 0 -%}
    {%- if from_run and '_run_id' in adapter.get_columns_in_relation(relation) | map(attribute='name') -%}
        {%- set where = config.get('where', '') -%}
        {{ return('(select * from ' ~ relation ~ ' where _run_id >= ' ~ from_run ~ (' and ' ~ where if where else '') ~ ') as new_rows') }}
    {%- else -%}
        {{ return(dbt.default__get_where_subquery(relation)) }}
    {%- endif -%}
{%- endmacro -%}
