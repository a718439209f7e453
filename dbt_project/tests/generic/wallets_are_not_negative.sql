{#- A wallet, or what is reserved of it, is never below zero (domain 8.3, invariant 2): a client would have spent what he did not have. -#}
{%- test wallets_are_not_negative(model) -%}
    select client_id, account_code, currency, max(day) as day, arg_max(closing, day) as closing
    from {{ model }}
    where account_code in ('2010', '2015')
    group by client_id, account_code, currency
    having arg_max(closing, day) > 0
{%- endtest -%}
