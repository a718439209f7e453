{{ config(materialized='view') }}

-- Deals as the ledger sees them: one dated before its account's first row is that account's all the same, since the platform moved the money.
with firsts as (
    select
        platform,
        login,
        min(valid_from) as first_from,
        arg_min(client_id, valid_from) as client_id,
        arg_min(entity, valid_from) as entity,
        arg_min(currency, valid_from) as currency,
        arg_min(book, valid_from) as book,
        arg_min(coalesce(is_demo, false), valid_from) as is_demo,
        arg_min(coalesce(is_test, false), valid_from) as is_test
    from {{ ref('int_accounts') }}
    group by platform, login
)

select * from {{ ref('fct_deals') }}
where currency is not null
union all
select deals.* replace (
    coalesce(firsts.client_id, deals.client_id) as client_id,
    coalesce(firsts.entity, deals.entity) as entity,
    firsts.currency as currency,
    coalesce(firsts.book, deals.book) as book,
    coalesce(firsts.is_demo, deals.is_demo) as is_demo,
    coalesce(firsts.is_test, deals.is_test) as is_test
)
from {{ ref('fct_deals') }} as deals
left join firsts on deals.platform = firsts.platform and deals.login = firsts.login and deals.executed_at < firsts.first_from
where deals.currency is null
