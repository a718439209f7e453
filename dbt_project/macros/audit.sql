{#- A JSON object of the fields that are not null: name → SQL expression. Cheaper by half than to_json of a struct. -#}
{%- macro json_object_of(fields) -%}
    '{' || concat_ws(','{% for name, expression in fields.items() %}, '"{{ name }}":' || to_json({{ expression }}){% endfor %}) || '}'
{%- endmacro -%}

{#- The same for every column of raw.<feed> that its source fills, under an alias; exact numbers as text, so that no reader makes them floats. -#}
{%- macro json_row_of(feed, alias) -%}
    {%- set technical = ['source_version', '_extra', '_load_id', '_file_sha256', '_row_number', 'recorded_at', '_version', '_row_hash'] -%}
    {%- set fields = {} -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(source('raw', feed)) if column.name not in technical -%}
            {%- set read = alias ~ '."' ~ column.name ~ '"' -%}
            {%- do fields.update({column.name: read ~ '::varchar' if column.dtype.startswith('DECIMAL') else read}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ json_object_of(fields) }}
{%- endmacro -%}

{#- Audit events of a feed with one row per change of a thing: before is the row that held when this one arrived (the version it corrects, else
    the change before it), after is the row. `event_id`, `stream`, `stream_id`, `actor_type`, `actor_id`, `client_id`, `reason` are SQL
    expressions over `changes`. -#}
{%- macro audit_changes(feed, thing, key, changed_at, stream, stream_id, actor_type="'system'", actor_id='null', client_id='null', reason='null') -%}
    select
        '{{ feed }}:' || {% for part in key %}changes.{{ part }} || ':' || {% endfor %}'v' || changes._version as event_id,
        {{ stream }} as stream,
        {{ stream_id }} as stream_id,
        '{{ feed }}.' || case when changes._version > 1 then 'corrected' else 'changed' end as event_type,
        changes.{{ changed_at }} as occurred_at,
        changes.recorded_at,
        {{ actor_type }} as actor_type,
        {{ actor_id }}::varchar as actor_id,
        {{ client_id }}::varchar as client_id,
        {{ reason }}::varchar as reason,
        (
            select
                arg_max(
                    {{ json_row_of(feed, 'earlier') }},
                    (earlier.{{ changed_at }}, coalesce(earlier.source_version, -1), earlier._load_id, earlier._row_number)
                )
            from {{ source('raw', feed) }} as earlier
            where
                {% for part in thing %}earlier.{{ part }} = changes.{{ part }}
                and {% endfor -%}
                earlier.{{ changed_at }} <= changes.{{ changed_at }}
                and (earlier._load_id, earlier._row_number) < (changes._load_id, changes._row_number)
        ) as before,
        {{ json_row_of(feed, 'changes') }} as after,
        {{ stream_id }} as correlation_id,
        '{{ feed }}' as source_feed,
        concat_ws(':', {% for part in key %}changes.{{ part }}{{ ', ' if not loop.last }}{% endfor %}) as source_key,
        changes._version as version,
        changes._row_hash as row_hash,
        changes._load_id
    from {{ source('raw', feed) }} as changes
{%- endmacro -%}
