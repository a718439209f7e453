-- Hedges at the LPs and balances brought in, as ledger events. Amounts signed as our account moves, a debit positive.
with trades as (select * from {{ ref('stg_lp_trades') }}),

openings as (select * from {{ ref('stg_opening_balances') }}),

-- an opening balance names its login only
platforms as (
    select
        login,
        min(platform) as platform
    from {{ ref('stg_trading_accounts') }}
    group by login
)

select
    'lp_trades' as source_feed,
    venue || ':' || trade_id as source_key,
    'lp_trade' as event_kind,
    'any' as condition,
    null::varchar as reason,
    null::varchar as client_id,
    null::varchar as entity,
    null::varchar as platform,
    null::bigint as login,
    null::varchar as psp,
    null::varchar as bank_account,
    null::varchar as partner_id,
    'A' as book,
    null::varchar as account_code,
    currency,
    null::decimal(38, 8) as amount,
    profit,
    swap,
    commission,
    null::decimal(38, 8) as recovered,
    null::decimal(38, 8) as loss,
    executed_at as occurred_at,
    _load_id as source_load_id,
    _row_number as source_row_number
from trades
where coalesce(profit, 0) <> 0 or coalesce(swap, 0) <> 0 or coalesce(commission, 0) <> 0
union all
select
    'opening_balances' as source_feed,
    concat_ws(
        ':', openings.entity, openings.account_code, openings.currency, openings.as_of, coalesce(openings.client_id, ''),
        coalesce(openings.login::varchar, ''), coalesce(openings.psp, ''), coalesce(openings.bank_account, '')
    ) as source_key,
    'opening_balance' as event_kind,
    'any' as condition,
    case
        when openings.account_code not in (select chart.account_code from {{ ref('ledger_accounts') }} as chart) then 'ledger_account_unknown'
    end as reason,
    openings.client_id,
    openings.entity,
    platforms.platform,
    openings.login,
    openings.psp,
    openings.bank_account,
    null as partner_id,
    null as book,
    openings.account_code,
    openings.currency,
    openings.amount,
    null as profit,
    null as swap,
    null as commission,
    null as recovered,
    null as loss,
    openings.as_of::timestamp as occurred_at,
    openings._load_id as source_load_id,
    openings._row_number as source_row_number
from openings
left join platforms on openings.login = platforms.login
