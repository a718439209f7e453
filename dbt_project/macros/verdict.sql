{#- A failed control as a struct, null when it held: `then` and `now` are conditions on what was known then and now, `detail` the words, made for
    failures only. -#}
{%- macro verdict(control, then, now, detail) -%}
    case when {{ then }} or {{ now }} then {'control': '{{ control }}', 'discovered_later': not {{ then }}, 'detail': {{ detail }}} end
{%- endmacro -%}
