-- R4 Client money at a date: what is owed to each client, the entity's requirement and resource, open breaks, who signed it off.
with held as (
    select balances.client_id, balances.currency, balances.account_code, -arg_max(balances.closing, balances.day) as balance
    from finance.fct_client_balances_daily as balances
    inner join finance.dim_ledger_accounts as accounts on balances.account_code = accounts.account_code and accounts.is_client_money
    where balances.day <= $at::date
    group by all
),

clients as (
    select client_id, currency, sum(balance)::decimal(38, 8) as balance from held group by all having sum(balance) <> 0
),

equity as (
    select client_id, currency, sum(equity)::decimal(38, 8) as equity
    from (
        select
            client_id, currency, equity,
            row_number() over (partition by platform, login order by day desc) = 1 as is_newest
        from trading.fct_account_daily where day <= $at::date and equity is not null and not is_demo
    ) as snapshots
    where is_newest and client_id is not null
    group by all
),

breaks as (
    select entity, currency, count(*) as open_breaks, sum(amount)::decimal(38, 8) as open_break_amount
    from finance.rec_breaks
    where first_seen_on <= $at::date and (resolved_at is null or resolved_at::date > $at::date)
    group by all
),

signed as (
    select subject_id, arg_max(closed_by, closed_at) as signed_off_by, max(closed_at) as signed_off_at
    from compliance.fct_approvals where subject_type = 'client_money_sign_off' and outcome = 'approved' group by all
)

select
    people.entity, clients.client_id, clients.currency, clients.balance, equity.equity, money.requirement as entity_requirement,
    money.resource as entity_resource, money.difference as entity_difference, money.status as entity_status, breaks.open_breaks,
    breaks.open_break_amount, signed.signed_off_by, signed.signed_off_at
from clients
left join core.dim_clients as people on clients.client_id = people.client_id
left join equity on clients.client_id = equity.client_id and clients.currency = equity.currency
left join finance.fct_client_money_daily as money
    on people.entity = money.entity and clients.currency = money.currency and money.day = $at::date
left join breaks on people.entity = breaks.entity and clients.currency = breaks.currency
left join signed on signed.subject_id = concat_ws(':', people.entity, clients.currency, strftime($at::date, '%Y-%m-%d'))
where $entity::varchar is null or people.entity = $entity
order by people.entity, clients.client_id, clients.currency
