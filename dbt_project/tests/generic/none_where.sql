{#- No row satisfies `condition`: for facts about the broker that somebody has to look at, with severity warn. -#}
{%- test none_where(model, condition) -%}
    select * from {{ model }} where {{ condition }}
{%- endtest -%}
