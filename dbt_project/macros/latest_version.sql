{#- The newest version of each natural key of raw.<feed>, within the step's horizon. Written after `from {{ source('raw', feed) }} as feed_rows`.
    Later is: source_version (null first), then load, then row (feeds: "which version is later"). Corrections are few, so the rows to leave out
    are found among the keys that have more than one version, where a window would sort the whole history; and they are left out by load, row number
    and content (one row of a file may be several of a feed) as one struct, which streams (a correlated `not exists` copies the history first).
    An empty part of a key is equal to itself. -#}
{%- macro latest_version(feed, key) -%}
    where feed_rows._load_id <= (select run.horizon_load_id from control.run as run)
    and {{ _not_superseded(feed, key) }}
{%- endmacro -%}

{#- The same of the rows that the calling model has not yet seen: among them too the newest version of a key decides. Without a correction among
    them nothing can be superseded, and the history is not looked at. -#}
{%- macro new_latest_version(feed, key) -%}
    where {{ new_rows('feed_rows') }}
    {%- set corrections %}select count(*) from raw.{{ feed }} as feed_rows where feed_rows._version > 1 and {{ new_rows('feed_rows') }}{% endset %}
    {%- if not execute or run_query(corrections).columns[0].values()[0] > 0 %}
    and {{ _not_superseded(feed, key) }}
    {%- endif %}
{%- endmacro -%}

{%- macro _not_superseded(feed, key) -%}
    (feed_rows._load_id, feed_rows._row_number, feed_rows._row_hash) not in (
        select (superseded._load_id, superseded._row_number, superseded._row_hash)
        from (
            select versions._load_id, versions._row_number, versions._row_hash
            from {{ source('raw', feed) }} as versions
            semi join (select {{ _columns('feed_versions', key) }} from {{ source('raw', feed) }} as feed_versions where feed_versions._version > 1) as corrected
                on
                    {% for column in key -%}
                    versions.{{ column }} is not distinct from corrected.{{ column }}
                    {{- ' and ' if not loop.last }}
                    {% endfor %}
            where versions._load_id <= (select run.horizon_load_id from control.run as run)
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
