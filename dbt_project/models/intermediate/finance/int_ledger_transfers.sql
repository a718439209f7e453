-- Each balance deal with the transfer request it executes: by the request id it carries, else by login, amount and nearest time (each once).
with deals as (select * from {{ ref('int_ledger_deals') }} where action = 'balance'),

requests as (
    select
        *,
        coalesce(to_amount, amount) as arriving,
        case when from_account like '%:%' then try_cast(regexp_extract(from_account, '[^:]*$') as bigint) end as from_login,
        case when to_account like '%:%' then try_cast(regexp_extract(to_account, '[^:]*$') as bigint) end as to_login
    from {{ ref('int_ledger_requests') }}
    where request_kind = 'internal_transfer'
),

by_reference as (
    select
        deals.platform,
        deals.deal_id,
        requests.request_id
    from deals
    inner join requests on deals.reference = requests.request_id
    where not deals.is_cancelled
),

open_deals as (
    select * from deals
    where
        not is_cancelled
        and (platform, deal_id) not in (select (by_reference.platform, by_reference.deal_id) from by_reference)
),

-- a request's side on a platform, as the deal that would execute it
open_sides as (
    select request_id, 'from' as side, from_login as login, -amount as profit, coalesce(paid_at, first_at) as expected_at from requests
    where from_login is not null and paid_at is not null
    union all
    select request_id, 'to' as side, to_login as login, arriving as profit, coalesce(paid_at, first_at) as expected_at from requests
    where to_login is not null and paid_at is not null
),

pairs as (
    select
        open_deals.platform,
        open_deals.deal_id,
        open_sides.request_id,
        row_number() over (
            partition by open_deals.platform, open_deals.deal_id
            order by abs(epoch_us(open_deals.executed_at) - epoch_us(open_sides.expected_at)), open_sides.request_id
        ) as request_rank,
        row_number() over (
            partition by open_sides.request_id, open_sides.side
            order by abs(epoch_us(open_deals.executed_at) - epoch_us(open_sides.expected_at)), open_deals.platform, open_deals.deal_id
        ) as deal_rank
    from open_deals
    inner join open_sides on open_deals.login = open_sides.login and open_deals.profit = open_sides.profit
    where
        open_deals.executed_at between open_sides.expected_at - interval 3 day and open_sides.expected_at + interval 3 day
        and not exists (
            select 1 from by_reference
            inner join deals as executed on by_reference.platform = executed.platform and by_reference.deal_id = executed.deal_id
            where by_reference.request_id = open_sides.request_id and executed.login = open_sides.login
        )
),

matches as (
    select * from by_reference
    union all
    select platform, deal_id, request_id from pairs
    where request_rank = 1 and deal_rank = 1
)

select
    deals.*,
    requests.request_id,
    requests.currency as from_currency,
    requests.to_currency,
    requests.amount as from_amount,
    requests.to_amount,
    requests.to_account,
    case
        when requests.to_currency is null or requests.to_currency = requests.currency then 'same_currency'
        when deals.profit > 0 then 'converted_to_trading'
        when requests.to_account = 'wallet' then 'converted_to_wallet'
        -- from one trading account to another: the deal that takes the money out leaves it in the wallet, in its own currency
        else 'same_currency'
    end as condition
from deals
left join matches on deals.platform = matches.platform and deals.deal_id = matches.deal_id
left join requests on matches.request_id = requests.request_id
