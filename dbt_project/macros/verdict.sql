{#- A failed control as a struct, null when it held: `then` and `now` are conditions on what was known then and now, `detail` the words, made for
    failures only. -#}
{%- macro verdict(control, then, now, detail) -%}
    case when {{ then }} or {{ now }} then {'control': '{{ control }}', 'discovered_later': not {{ then }}, 'detail': {{ detail }}} end
{%- endmacro -%}

{#- How like the holder is to the nearest of these names (a list of sorted tokens), a fraction; null without a name or a holder. -#}
{%- macro likeness(names, holder) -%}
    list_max(list_transform(
        list_filter({{ names }}, name -> name is not null),
        name -> jaro_winkler_similarity(name, {{ sorted_tokens(holder) }})
    ))
{%- endmacro -%}
