{{ config(materialized='view') }}

-- Every name that is ever compared with another, once: of clients, of who pays and is paid, of listed persons.
with names as (
    select concat_ws(' ', first_name, last_name) as name from {{ ref('stg_clients') }}
    union
    select company_name from {{ ref('stg_clients') }}
    union
    select instrument_holder from {{ ref('stg_psp_transactions') }}
    union
    select destination_holder from {{ ref('stg_cash_requests') }}
    union
    select counterparty_name from {{ ref('stg_bank_statement_lines') }}
    union
    select name from {{ ref('int_listed_names') }}
)

select name from names where name is not null and trim(name) <> ''
