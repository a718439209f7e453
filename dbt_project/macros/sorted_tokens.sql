{#- A name made comparable: accents and case off, everything but letters and digits a separator, words in alphabetical order; null when nothing
    is left. Scripts other than Latin are kept as they are. -#}
{%- macro sorted_tokens(name) -%}
    nullif(
        array_to_string(
            list_sort(list_filter(regexp_split_to_array(lower(strip_accents({{ name }})), '[^\p{L}\p{N}]+'), word -> word <> '')), ' '
        ),
        ''
    )
{%- endmacro -%}
