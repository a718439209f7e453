with accounts as (select * from {{ ref('stg_trading_accounts') }}),

clients as (select * from {{ ref('stg_clients') }}),

client_tests as (
    select
        client_id,
        arg_max(coalesce(is_test, false), changed_at) as is_test,
        max(_load_id) as _load_id
    from clients
    group by client_id
)

select
    accounts.platform,
    accounts.login,
    accounts.changed_at as valid_from,
    lead(accounts.changed_at) over account as valid_to,
    accounts.client_id,
    accounts.entity,
    accounts.account_group,
    accounts.account_type,
    accounts.currency,
    accounts.leverage,
    accounts.book,
    accounts.status,
    coalesce(accounts.is_demo, false) as is_demo,
    coalesce(client_tests.is_test, false) as is_test,
    accounts.opened_at,
    accounts.recorded_at,
    -- a change of the client may change is_test, so it counts as a change of the row
    greatest(accounts._load_id, coalesce(client_tests._load_id, 0)) as _load_id
from accounts
left join client_tests on accounts.client_id = client_tests.client_id
window account as (partition by accounts.platform, accounts.login order by accounts.changed_at)
