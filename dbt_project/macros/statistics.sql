{#- A bound of Wilson's score interval (95 %) of a proportion, as a double; `sign` is - for the lower and + for the upper one. Null without anything counted. -#}
{%- macro wilson(hits, n, sign) -%}
    {%- set z = '1.959963985' -%}
    (2 * {{ hits }} + {{ z }} ** 2 {{ sign }} {{ z }} * sqrt({{ z }} ** 2 + 4 * {{ hits }} * (1 - {{ hits }} / nullif({{ n }}, 0)::double)))
    / nullif(2 * ({{ n }} + {{ z }} ** 2) * ({{ n }} > 0)::integer, 0)
{%- endmacro -%}
