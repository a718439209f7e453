{#- Intervals of `relation` (keys, reason, valid_from, valid_to) that overlap or touch made one; its reason is that of the earliest. -#}
{%- macro merged_intervals(relation, keys) -%}
    select
        {{ keys | join(', ') }},
        arg_min(reason, (valid_from, reason)) as reason,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from (
        select
            *,
            sum(begins) over (partition by {{ keys | join(', ') }} order by valid_from, valid_to, reason rows unbounded preceding) as island
        from (
            select
                *,
                case
                    when valid_from <= max(valid_to) over (
                        partition by {{ keys | join(', ') }} order by valid_from, valid_to, reason rows between unbounded preceding and 1 preceding
                    ) then 0 else 1
                end as begins
            from {{ relation }}
            where valid_from < valid_to
        )
    )
    group by {{ keys | join(', ') }}, island
{%- endmacro -%}
