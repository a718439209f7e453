with lots as (select * from {{ ref('int_psp_reserve_lots') }})

select
    lots.psp,
    lots.event_id,
    lots.settlement_batch_id,
    lots.bank_account,
    accounts.entity,
    lots.currency,
    lots.held_on,
    lots.matures_on,
    lots.amount::decimal(38, 8) as amount,
    lots.released::decimal(38, 8) as released,
    (lots.amount - lots.released)::decimal(38, 8) as remaining,
    {{ run_id() }} as _run_id
from lots
left join {{ ref('int_ledger_bank_accounts') }} as accounts
    on
        lots.bank_account = accounts.bank_account
        and lots.held_on >= accounts.valid_from
        and lots.held_on < accounts.valid_to
