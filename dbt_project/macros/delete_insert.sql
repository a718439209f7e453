{#- How `delete+insert` deletes: by the distinct keys of the new rows. The adapter's own statement joins row with row, so that a key of n old and m new
    rows costs n times m: a login with ten thousand deals, a day with a hundred thousand accounts. -#}
{%- macro duckdb__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key %}
    {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) %}
    delete from {{ target }} as old
    using (select distinct {{ keys | join(', ') }} from {{ source }}) as fresh
    where {% for key in keys %}old.{{ key }} = fresh.{{ key }}{{ ' and ' if not loop.last }}{% endfor %};

    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ source }}
{%- endmacro -%}
