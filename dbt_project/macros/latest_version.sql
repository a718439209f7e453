{#- The newest version of each natural key of raw.<feed>, within the step's horizon. Written after `from {{ source('raw', feed) }} as feed_rows`.
    Later is: source_version (null first), then load, then row (feeds: "which version is later"). Corrections are few, so the rows to leave out
    are found among the keys that have more than one version, where a window would sort the whole history; and they are left out by one
    struct, which streams (a correlated `not exists` copies the history first) and takes an empty part of a key as equal to itself. -#}
{%- macro latest_version(feed, key) -%}
    where feed_rows._load_id <= (select run.horizon_load_id from control.run as run)
    and ({{ _columns('feed_rows', key) }}, feed_rows._load_id, feed_rows._row_number) not in (
        select ({{ _columns('superseded', key) }}, superseded._load_id, superseded._row_number)
        from (
            select {{ _columns('versions', key) }}, versions._load_id, versions._row_number
            from {{ source('raw', feed) }} as versions
            where
                versions._load_id <= (select run.horizon_load_id from control.run as run)
                and ({{ _columns('versions', key) }}) in (
                    select ({{ _columns('corrected', key) }})
                    from {{ source('raw', feed) }} as corrected
                    where corrected._version > 1
                )
            qualify row_number() over (
                partition by {{ _columns('versions', key) }}
                order by versions.source_version desc nulls last, versions._load_id desc, versions._row_number desc
            ) > 1
        ) as superseded
    )
{%- endmacro -%}

{%- macro _columns(alias, columns) -%}
    {%- for column in columns -%} {{ alias }}.{{ column }}{{ ', ' if not loop.last }} {%- endfor -%}
{%- endmacro -%}
