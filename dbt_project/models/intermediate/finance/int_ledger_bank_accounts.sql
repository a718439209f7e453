-- Whose money an account holds, over time: told by bank_accounts, else by the account's own statements.
with told as (
    select
        bank_account,
        case when lag(valid_from) over account is null then timestamp '1900-01-01' else valid_from end as valid_from,
        coalesce(lead(valid_from) over account, timestamp '9999-12-31') as valid_to,
        entity,
        currency,
        is_client_money
    from {{ ref('stg_bank_accounts') }}
    window account as (partition by bank_account order by valid_from)
),

by_statement as (
    select
        bank_account,
        timestamp '1900-01-01' as valid_from,
        timestamp '9999-12-31' as valid_to,
        null::varchar as entity,
        arg_max(currency, (closed_on, statement_id)) as currency,
        arg_max(is_client_money, (closed_on, statement_id)) as is_client_money
    from {{ ref('stg_bank_statements') }}
    where is_client_money is not null and bank_account not in (select told.bank_account from told)
    group by bank_account
)

select * from told
where is_client_money is not null
union all
select * from by_statement
