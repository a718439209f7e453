{#- Every version of every key of raw.<feed> with the span in which it was what we knew: from its recorded_at until `superseded_at` (null: still).
    A version that a better one met on arrival was never known and is left out. Corrections are few, so only keys with several versions are sorted. -#}
{%- macro known_versions(feed, key) -%}
(
    select
        feed_rows.*,
        succession.superseded_at
    from {{ source('raw', feed) }} as feed_rows
    left join (
        select
            {% for column in key %}versions.{{ column }}, {% endfor %}versions._load_id,
            versions._row_number,
            min(versions.recorded_at) over (
                partition by {% for column in key %}versions.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
                order by versions.source_version nulls first, versions._load_id, versions._row_number
                rows between 1 following and unbounded following
            ) as superseded_at
        from {{ source('raw', feed) }} as versions
        where
            versions._load_id <= (select run.horizon_load_id from control.run as run)
            and ({% for column in key %}versions.{{ column }}{{ ', ' if not loop.last }}{% endfor %}) in (
                select {{ '(' if key | length > 1 }}{% for column in key %}corrected.{{ column }}{{ ', ' if not loop.last }}{% endfor %}{{ ')' if key | length > 1 }}
                from {{ source('raw', feed) }} as corrected
                where corrected._version > 1
            )
    ) as succession
        on
            {% for column in key -%}
            feed_rows.{{ column }} = succession.{{ column }} and {% endfor %}
            feed_rows._load_id = succession._load_id and feed_rows._row_number = succession._row_number
    where
        feed_rows._load_id <= (select run.horizon_load_id from control.run as run)
        and (succession.superseded_at is null or succession.superseded_at > feed_rows.recorded_at)
)
{%- endmacro -%}

{#- Intervals on two clocks from points. `points` names a relation with the columns of `by`, `value`, the `carried` columns, and occurred_at,
    event_id, tie_break (who decides after event_id), is_start (gives way to any other point at or before it), recorded_at and superseded_at
    (the span in which the point was known). Gives by, value, carried, event_id, valid_from, valid_to, value_since (from when the value
    held without a break), recorded_at, superseded_at: for any moment t and knowledge k exactly one row has valid_from <= t < valid_to
    and recorded_at <= k < superseded_at (null is open). At one occurred_at the later recorded_at, then event_id, decides. -#}
{%- macro two_clock_intervals(points, by, value, carried=[]) -%}
    {%- set keys = by | join(', ') -%}
    {%- set held = by + [value] + carried + ['event_id', 'tie_break', 'learned_at', 'valid_from', 'valid_to', 'value_since'] -%}
    with moments as (
        select {{ keys }}, recorded_at as known_from from {{ points }}
        union
        select {{ keys }}, superseded_at as known_from from {{ points }} where superseded_at is not null
    ),

    spans as (
        select
            *,
            lead(known_from) over (partition by {{ keys }} order by known_from) as known_to,
            row_number() over (partition by {{ keys }} order by known_from) as moment_no
        from moments
    ),

    known as (
        select
            spans.*,
            points.{{ value }},
            {% for column in carried %}points.{{ column }},
            {% endfor -%}
            points.event_id,
            points.tie_break,
            points.recorded_at as learned_at,
            points.occurred_at as valid_from
        from spans
        inner join {{ points }} as points
            on
                {% for column in by %}spans.{{ column }} = points.{{ column }}
                and {% endfor -%}
                spans.known_from >= points.recorded_at
                and (points.superseded_at is null or spans.known_from < points.superseded_at)
        qualify
            not points.is_start
            or coalesce(
                points.occurred_at < min(case when not points.is_start then points.occurred_at end)
                    over (partition by {% for column in by %}spans.{{ column }}, {% endfor %}spans.moment_no),
                true
            )
    ),

    bounded as (
        select
            *,
            lead(valid_from) over (
                partition by {{ keys }}, moment_no order by valid_from, learned_at, event_id nulls first, tie_break nulls first
            ) as valid_to
        from known
    ),

    changes as (
        select
            *,
            case
                when {{ value }} is distinct from lag({{ value }}) over (partition by {{ keys }}, moment_no order by valid_from)
                    then valid_from
            end as change_at
        from bounded
        -- of several at one moment only the deciding one holds
        where valid_to is null or valid_to > valid_from
    ),

    runs as (
        select
            *,
            max(change_at) over (partition by {{ keys }}, moment_no order by valid_from rows unbounded preceding) as value_since
        from changes
    ),

    islands as (
        select
            *,
            moment_no - row_number() over (partition by {{ held | join(', ') }} order by moment_no) as island
        from runs
    )

    select
        {{ keys }},
        {{ value }},
        {% for column in carried %}{{ column }},
        {% endfor -%}
        event_id,
        valid_from,
        valid_to,
        value_since,
        min(known_from) as recorded_at,
        case when count(known_to) = count(*) then max(known_to) end as superseded_at
    from islands
    group by {{ held | join(', ') }}, island
{%- endmacro -%}

{#- What answers (t, k) on two clocks; a condition on an interval relation's alias. Without `known_at`: by today's knowledge. Open ends are
    compared as a far day: with `or ... is null` a left join cannot hash and compares each row with each. -#}
{%- macro held_at(alias, at, known_at=none) -%}
    {{ alias }}.valid_from <= {{ at }}
    and {{ at }} < coalesce({{ alias }}.valid_to, timestamp '9999-12-31')
    and {% if known_at -%}
        {{ alias }}.recorded_at <= {{ known_at }}
        and {{ known_at }} < coalesce({{ alias }}.superseded_at, timestamp '9999-12-31')
    {%- else -%}
        {{ alias }}.superseded_at is null
    {%- endif -%}
{%- endmacro -%}

{#- The values of `column` that the calling model's new rows of raw.<feed> touch: their own, and those of the versions they correct. -#}
{%- macro touched_by(feed, column, key) -%}
    select fresh.{{ column }} from {{ source('raw', feed) }} as fresh where {{ new_rows('fresh') }} and fresh.{{ column }} is not null
    union
    select earlier.{{ column }}
    from {{ source('raw', feed) }} as earlier
    where
        earlier.{{ column }} is not null
        and ({% for part in key %}earlier.{{ part }}{{ ', ' if not loop.last }}{% endfor %}) in (
            select {{ '(' if key | length > 1 }}{% for part in key %}corrections.{{ part }}{{ ', ' if not loop.last }}{% endfor %}{{ ')' if key | length > 1 }}
            from {{ source('raw', feed) }} as corrections
            where {{ new_rows('corrections') }} and corrections._version > 1
        )
{%- endmacro -%}
