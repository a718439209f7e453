select
    account_code,
    name,
    kind,
    is_client_money,
    is_client_balance,
    {{ run_id() }} as _run_id
from {{ ref('ledger_accounts') }}
