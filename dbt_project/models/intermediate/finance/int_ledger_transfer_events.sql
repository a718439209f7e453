-- Transfers as ledger events: wallet and trading account at the platform's balance deal, wallet to wallet at the request's `paid`. In two currencies
-- the client's margin is what the mid rate in force at that moment gives, less what arrived, rounded to the minor unit of to_currency.
with transfers as (select * from {{ ref('int_ledger_transfers') }}),

requests as (select * from {{ ref('int_ledger_requests') }} where request_kind = 'internal_transfer'),

request_events as (
    select
        *,
        row_number() over (partition by request_id, event order by occurred_at, event_id) as place
    from {{ ref('stg_cash_requests') }}
    where request_id in (select requests.request_id from requests)
),

executed as (
    select distinct request_id from transfers
    where request_id is not null and not is_cancelled
),

moves as (
    select
        'deals' as source_feed,
        platform || ':' || deal_id as source_key,
        'balance' as event_kind,
        condition,
        case
            when is_demo then 'demo'
            when is_test then 'test'
            when currency is null then 'account_unknown'
            when condition = 'converted_to_wallet' and to_amount is null then 'terms_unknown'
        end as reason,
        client_id,
        entity,
        platform,
        login,
        book,
        case when condition = 'converted_to_trading' then from_currency else currency end as currency,
        case when condition = 'converted_to_trading' then currency when condition = 'converted_to_wallet' then to_currency end as to_currency,
        case when condition = 'converted_to_trading' then from_amount when condition = 'converted_to_wallet' then -profit else profit end as amount,
        case when condition = 'converted_to_trading' then profit when condition = 'converted_to_wallet' then to_amount end as to_amount,
        swap,
        commission,
        fee,
        executed_at as occurred_at,
        _load_id as source_load_id,
        _row_number as source_row_number
    from transfers
    where not is_cancelled and (profit <> 0 or swap <> 0 or commission <> 0 or fee <> 0)
    union all
    select
        'cash_requests' as source_feed,
        request_events.event_id as source_key,
        case
            when request_events.event <> 'paid' then 'transfer_announced'
            when executed.request_id is not null then 'transfer_executed'
            when requests.from_account = 'wallet' and requests.to_account = 'wallet' then 'transfer_paid'
            else 'transfer_executed'
        end as event_kind,
        case
            when request_events.event = 'paid' and requests.from_account = 'wallet' and requests.to_account = 'wallet' then 'wallet_to_wallet'
            else 'any'
        end as condition,
        case
            when request_events.event <> 'paid' then null
            when request_events.place > 1 then 'duplicate'
            when executed.request_id is null and not coalesce(requests.from_account = 'wallet' and requests.to_account = 'wallet', false) then 'unmatched'
            when executed.request_id is null and requests.to_amount is null then 'terms_unknown'
        end as reason,
        requests.client_id,
        null as entity,
        null as platform,
        null as login,
        null as book,
        requests.currency,
        requests.to_currency,
        requests.amount,
        requests.to_amount,
        0 as swap,
        0 as commission,
        0 as fee,
        request_events.occurred_at,
        request_events._load_id as source_load_id,
        request_events._row_number as source_row_number
    from request_events
    inner join requests on request_events.request_id = requests.request_id
    left join executed on request_events.request_id = executed.request_id
),

quotes as (
    select base_currency, quote_currency, quoted_at, rate, false as is_inverse from {{ ref('stg_fx_rates') }}
    where rate > 0
    union all
    select quote_currency, base_currency, quoted_at, rate, true from {{ ref('stg_fx_rates') }}
    where
        rate > 0
        -- a pair that is quoted both ways is read as quoted
        and (quote_currency, base_currency) not in (select distinct (other.base_currency, other.quote_currency) from {{ ref('stg_fx_rates') }} as other)
),

conversions as (
    select
        source_feed,
        source_key,
        currency,
        to_currency,
        'USD' as usd,
        amount,
        occurred_at
    from moves
    where to_currency is not null and event_kind in ('balance', 'transfer_paid') and to_amount is not null
),

direct as (
    select
        conversions.source_feed,
        conversions.source_key,
        {{ at_rate('conversions.amount', 'quotes.rate', 'quotes.is_inverse') }} as mid
    from conversions
    asof inner join quotes
        on
            conversions.currency = quotes.base_currency
            and conversions.to_currency = quotes.quote_currency
            and conversions.occurred_at >= quotes.quoted_at
),

into_usd as (
    select
        conversions.*,
        {{ at_rate('conversions.amount', 'quotes.rate', 'quotes.is_inverse') }} as usd_amount
    from conversions
    asof inner join quotes
        on
            conversions.currency = quotes.base_currency
            and conversions.usd = quotes.quote_currency
            and conversions.occurred_at >= quotes.quoted_at
),

across as (
    select
        into_usd.source_feed,
        into_usd.source_key,
        {{ at_rate('into_usd.usd_amount', 'quotes.rate', 'quotes.is_inverse') }} as mid
    from into_usd
    asof inner join quotes
        on
            into_usd.usd = quotes.base_currency
            and into_usd.to_currency = quotes.quote_currency
            and into_usd.occurred_at >= quotes.quoted_at
),

priced as (
    select
        moves.*,
        coalesce(direct.mid, across.mid) - moves.to_amount as exact_margin,
        coalesce(units.minor_digits, 2) as minor_digits
    from moves
    left join direct on moves.source_feed = direct.source_feed and moves.source_key = direct.source_key
    left join across on moves.source_feed = across.source_feed and moves.source_key = across.source_key
    left join {{ ref('currency_units') }} as units on moves.to_currency = units.currency
),

rounded as (
    select
        *,
        {{ to_minor_unit('exact_margin', 'minor_digits') }} as margin
    from priced
)

select
    source_feed,
    source_key,
    event_kind,
    condition,
    case
        when reason is not null then reason
        when to_currency is not null and event_kind in ('balance', 'transfer_paid') and margin is null then 'rate_unknown'
    end as reason,
    client_id,
    entity,
    platform,
    login,
    book,
    currency,
    case when event_kind in ('balance', 'transfer_paid') then to_currency end as to_currency,
    currency as fee_currency,
    amount,
    to_amount,
    to_amount + margin as mid_amount,
    margin,
    swap,
    commission,
    fee,
    occurred_at,
    source_load_id,
    source_row_number
from rounded
