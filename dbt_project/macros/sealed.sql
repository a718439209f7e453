{#- The seal of an audit event that our own operational store made and that came back through `feed`: columns for the select, and the join that gives
    them. A row that another system sent, or corrected, bears none. -#}
{%- macro seal_columns() -%}
    sealed.actor_role,
    sealed.rule_version,
    sealed.approval_id,
    sealed.seq,
    sealed.hash
{%- endmacro -%}

{%- macro join_seal(feed, alias) -%}
    left join {{ source('raw', 'operational_events') }} as sealed
        on
            {{ alias }}.event_id = sealed.event_id
            and sealed.carried_by = '{{ feed }}'
            and {{ alias }}._version = sealed._version
{%- endmacro -%}
