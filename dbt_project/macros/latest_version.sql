{#- The newest version of each natural key of raw.<feed>, within the step's horizon. Written after `from {{ source('raw', feed) }} as feed_rows`.
    Later is: source_version (null first), then load, then row (feeds: "which version is later"). Corrections are few, so the rows to leave out
    are found among the keys that have more than one version: an anti-join with a small side, where a window would sort the whole history. -#}
{%- macro latest_version(feed, key) -%}
    where feed_rows._load_id <= (select run.horizon_load_id from control.run as run)
    and not exists (
        select 1
        from (
            select {% for column in key %}versions.{{ column }}, {% endfor %}versions._load_id, versions._row_number
            from {{ source('raw', feed) }} as versions
            where
                versions._load_id <= (select run.horizon_load_id from control.run as run)
                and ({% for column in key %}versions.{{ column }}{{ ', ' if not loop.last }}{% endfor %}) in (
                    select {% if key | length > 1 %}({% endif %}{% for column in key %}corrected.{{ column }}{{ ', ' if not loop.last }}{% endfor %}{% if key | length > 1 %}){% endif %}
                    from {{ source('raw', feed) }} as corrected
                    where corrected._version > 1
                )
            qualify row_number() over (
                partition by {% for column in key %}versions.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
                order by versions.source_version desc nulls last, versions._load_id desc, versions._row_number desc
            ) > 1
        ) as superseded
        where
            {% for column in key -%}
            superseded.{{ column }} is not distinct from feed_rows.{{ column }} and {% endfor %}
            superseded._load_id = feed_rows._load_id and superseded._row_number = feed_rows._row_number
    )
{%- endmacro -%}
