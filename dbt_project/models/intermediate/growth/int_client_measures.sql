-- What segments look at: each measure of a client over the time it held.
with clients as (select * from {{ ref('int_clients') }} where valid_to is null and not is_test),

account_days as (
    select * from {{ ref('fct_account_daily') }}
    where not is_demo and not is_test and client_id is not null
),

accounts as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('int_accounts') }}),

flow_days as (select * from {{ ref('fct_profitability_daily') }} where not is_demo and not is_test and client_id is not null),

rates as (select * from {{ ref('int_fx_usd_days') }}),

payments as (select * from {{ ref('int_payment_events') }} where not is_test and client_id is not null),

ratings as (
    select * from {{ ref('fct_client_ratings') }}
    where attribute = 'risk_rating' and superseded_at is null
),

money_moves as (
    select client_id, registered_at as occurred_at, 0::decimal(38, 8) as amount_usd from clients
    where registered_at is not null
    union all
    select
        payments.client_id,
        payments.occurred_at,
        (
            case
                when payments.flow in ('deposit', 'withdrawal_returned', 'chargeback_reversal') then payments.amount
                when payments.flow in ('deposit_reversed', 'withdrawal', 'refund', 'chargeback') then -payments.amount
                else 0
            end::decimal(28, 8) * coalesce(rates.rate_to_usd, 0)
        )::decimal(38, 8) as amount_usd
    from payments
    left join rates on payments.currency = rates.currency and payments.occurred_at::date = rates.day
),

money_steps as (
    select client_id, occurred_at, sum(amount_usd) as amount_usd from money_moves
    group by client_id, occurred_at
),

snapshots as (
    select
        account_days.platform,
        account_days.login,
        account_days.client_id,
        account_days.captured_at,
        account_days.margin_level,
        ((coalesce(account_days.equity, 0) - coalesce(account_days.credit, 0))::decimal(28, 8) * coalesce(rates.rate_to_usd, 0))::decimal(38, 8) as own_equity_usd,
        accounts.leverage,
        lead(account_days.captured_at, 1, timestamp '9999-12-31') over account as next_captured_at
    from account_days
    left join rates on account_days.currency = rates.currency and account_days.day = rates.day
    left join accounts
        on
            account_days.platform = accounts.platform
            and account_days.login = accounts.login
            and account_days.captured_at >= accounts.valid_from
            and account_days.captured_at < accounts.valid_to
    where account_days.captured_at is not null
    window account as (partition by account_days.platform, account_days.login, account_days.client_id order by account_days.captured_at)
),

-- the sum over a client's accounts moves by what the snapshot of one of them changes
equity_changes as (
    select
        client_id,
        captured_at as occurred_at,
        own_equity_usd - lag(own_equity_usd, 1, 0) over (partition by platform, login, client_id order by captured_at) as amount_usd
    from snapshots
),

equity_steps as (
    select client_id, occurred_at, sum(amount_usd) as amount_usd from equity_changes
    group by client_id, occurred_at
),

trade_days as (
    select
        client_id,
        day,
        min(first_trade_at) as first_trade_at,
        max(last_trade_at) as last_trade_at
    from account_days
    where deals > 0
    group by client_id, day
),

closing_days as (
    select
        client_id,
        day,
        sum(closings) as closings,
        sum(short_held_closings) as short_held_closings
    from flow_days
    where closings > 0
    group by client_id, day
),

closing_windows as (
    select
        client_id,
        day,
        sum(closings) over last_30_days as closings,
        sum(short_held_closings) over last_30_days as short_held_closings,
        lead(day, 1, day + 30) over (partition by client_id order by day) as next_day
    from closing_days
    window last_30_days as (partition by client_id order by day range between interval 29 days preceding and current row)
)

select
    client_id,
    'net_deposits_usd' as measure,
    (sum(amount_usd) over money)::decimal(38, 8) as value,
    occurred_at as valid_from,
    lead(occurred_at, 1, timestamp '9999-12-31') over money as valid_to,
    occurred_at as counted_from
from money_steps
window money as (partition by client_id order by occurred_at)
union all
select
    client_id,
    'own_equity_usd' as measure,
    (sum(amount_usd) over equity)::decimal(38, 8) as value,
    occurred_at as valid_from,
    lead(occurred_at, 1, timestamp '9999-12-31') over equity as valid_to,
    occurred_at as counted_from
from equity_steps
window equity as (partition by client_id order by occurred_at)
union all
select
    client_id,
    'margin_level' as measure,
    margin_level::decimal(38, 8) as value,
    captured_at as valid_from,
    next_captured_at as valid_to,
    captured_at as counted_from
from snapshots
where margin_level is not null
union all
select
    client_id,
    'exposure_multiple' as measure,
    {{ divide('leverage', 'margin_level', 8) }} as value,
    captured_at as valid_from,
    next_captured_at as valid_to,
    captured_at as counted_from
from snapshots
where margin_level > 0 and leverage is not null
union all
select
    client_id,
    'risk_rating' as measure,
    case value when 'low' then 1 when 'medium' then 2 when 'high' then 3 else 0 end::decimal(38, 8) as value,
    valid_from,
    coalesce(valid_to, timestamp '9999-12-31') as valid_to,
    valid_from as counted_from
from ratings
union all
select
    clients.client_id,
    'risk_rating' as measure,
    0::decimal(38, 8) as value,
    clients.registered_at as valid_from,
    coalesce(firsts.rated_at, timestamp '9999-12-31') as valid_to,
    clients.registered_at as counted_from
from clients
left join (select client_id, min(valid_from) as rated_at from ratings group by client_id) as firsts on clients.client_id = firsts.client_id
where clients.registered_at is not null
union all
select
    client_id,
    'short_held_share' as measure,
    {{ divide('short_held_closings', 'closings', 8) }} as value,
    day::timestamp as valid_from,
    least(next_day, day + 30)::timestamp as valid_to,
    day::timestamp as counted_from
from closing_windows
union all
-- days count from the last trade of a day; the day's own trades are no gap
select
    client_id,
    'days_without_trade' as measure,
    null::decimal(38, 8) as value,
    first_trade_at as valid_from,
    lead(first_trade_at, 1, timestamp '9999-12-31') over (partition by client_id order by first_trade_at) as valid_to,
    last_trade_at as counted_from
from trade_days
