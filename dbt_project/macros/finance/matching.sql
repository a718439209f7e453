{#- One-to-one pairs out of scored candidates (a CTE with `score`), greedy and the same every time: a pair is chosen where each side is the other's best, ties by
    key; then again among those left, `turns` times. Gives the CTEs best_1, chosen_1 … chosen_<turns>, with a comma after the last; no key is chosen twice. -#}
{%- macro greedy_pairs(scored, left, right, turns) -%}
    {% for turn in range(1, turns + 1) -%}
best_{{ turn }} as (
    select * from {{ scored }}
    {%- if not loop.first %}
    where
        {{ left }} not in (select taken.{{ left }} from chosen_{{ turn - 1 }} as taken)
        and {{ right }} not in (select taken.{{ right }} from chosen_{{ turn - 1 }} as taken)
    {%- endif %}
    qualify
        row_number() over (partition by {{ left }} order by score desc, {{ right }}) = 1
        and row_number() over (partition by {{ right }} order by score desc, {{ left }}) = 1
),

chosen_{{ turn }} as (
    {% if not loop.first -%}
    select * from chosen_{{ turn - 1 }}
    union all
    {% endif -%}
    select * from best_{{ turn }}
),

    {% endfor -%}
{%- endmacro -%}
