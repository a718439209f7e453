{#- The folder is the schema: models/staging → staging, models/marts/finance → finance; what sets +schema keeps it. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name -%} {{ custom_schema_name }}
    {%- elif node.fqn[1] == 'marts' -%} {{ node.fqn[2] }}
    {%- else -%} {{ node.fqn[1] }}
    {%- endif -%}
{%- endmacro -%}
