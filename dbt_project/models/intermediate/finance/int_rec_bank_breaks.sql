-- Breaks between ledger and bank as the latest state shows them, apart from what remains of the balances (rec_bank_daily). Each stands from
-- the day on which it is one. `amount` is ledger less bank.
with lines as (
    select
        *,
        statement_id || '/' || line_no as short_key
    from {{ ref('int_ledger_bank_matches') }}
),

events as (select * from {{ ref('int_ledger_bank_events') }}),

requests as (select * from {{ ref('int_ledger_requests') }}),

clients as (select * from {{ ref('int_ledger_clients') }}),

accounts as (select * from {{ ref('int_ledger_bank_accounts') }}),

statements as (
    select
        *,
        lag(closing_balance) over (partition by bank_account order by opened_on, closed_on, statement_id) as closed_before
    from {{ ref('stg_bank_statements') }}
),

sums as (
    select
        bank_account,
        statement_id,
        sum(amount) as amount
    from lines
    group by bank_account, statement_id
),

checked as (
    select
        statements.bank_account,
        statements.statement_id,
        statements.opened_on,
        statements.currency,
        statements.opening_balance - coalesce(statements.closed_before, statements.opening_balance) as gap,
        statements.closing_balance - statements.opening_balance - coalesce(sums.amount, 0) as excess
    from statements
    left join sums on statements.bank_account = sums.bank_account and statements.statement_id = sums.statement_id
),

-- a wrong opening that the closing takes back is one break, not two
continuity as (
    select
        case when gap <> 0 then 'statement_gap' else 'statement_does_not_foot' end as class,
        bank_account || ':' || statement_id as reference,
        opened_on as first_seen_on,
        case when gap <> 0 then -gap else -excess end as amount,
        currency,
        null::varchar as client_id,
        bank_account
    from checked
    where gap <> 0 or excess <> 0
    union all
    select
        'statement_does_not_foot' as class,
        bank_account || ':' || statement_id as reference,
        opened_on as first_seen_on,
        -(excess + gap) as amount,
        currency,
        null as client_id,
        bank_account
    from checked
    where gap <> 0 and excess <> 0 and gap + excess <> 0
),

openings as (
    select
        'opening_differs' as class,
        openings.bank_account as reference,
        firsts.opened_on as first_seen_on,
        openings.amount - firsts.opening_balance as amount,
        openings.currency,
        null::varchar as client_id,
        openings.bank_account
    from (
        select
            bank_account,
            currency,
            max(as_of) as as_of,
            sum(amount) as amount
        from {{ ref('stg_opening_balances') }}
        where bank_account is not null
        group by bank_account, currency
    ) as openings
    inner join (
        select
            bank_account,
            min(opened_on) as opened_on,
            arg_min(opening_balance, (opened_on, closed_on, statement_id)) as opening_balance
        from statements
        group by bank_account
    ) as firsts
        on openings.bank_account = firsts.bank_account
    where openings.as_of <= firsts.opened_on and openings.amount <> firsts.opening_balance
),

returned as (
    select
        bank_account,
        return_of_line
    from lines
    where return_of_line is not null
),

unidentified as (
    select
        'unidentified_receipt' as class,
        lines.line_key as reference,
        lines.booked_on as first_seen_on,
        lines.amount,
        lines.currency,
        null::varchar as client_id,
        lines.bank_account
    from events
    inner join lines on events.source_key = lines.line_key
    where
        events.event_kind = 'receipt'
        and events.condition = 'unidentified'
        and events.reason is null
        and lines.client_id is null
        and (lines.bank_account, lines.line_key) not in (select (returned.bank_account, returned.return_of_line) from returned)
        and (lines.bank_account, lines.short_key) not in (select (returned.bank_account, returned.return_of_line) from returned)
),

unposted as (
    select
        'line_not_posted' as class,
        lines.line_key as reference,
        lines.booked_on as first_seen_on,
        -lines.amount as amount,
        lines.currency,
        null::varchar as client_id,
        lines.bank_account
    from events
    inner join lines on events.source_key = lines.line_key
    where events.reason in ('unmatched', 'bank_account_unknown', 'counter_account_unknown')
),

-- the n-th transfer of an amount from one own account to another is the n-th line of that amount there
transfers as (
    select
        *,
        row_number() over (partition by bank_account, counter_account, currency, amount order by booked_on, line_key) as turn
    from lines
    where kind = 'own_transfer' and counter_account is not null
),

lone_transfers as (
    select
        case when events.event_kind = 'own_transfer' then 'entry_without_line' else 'line_not_posted' end as class,
        case when events.event_kind = 'own_transfer' then transfers.counter_account || ':' else '' end || transfers.line_key as reference,
        transfers.booked_on as first_seen_on,
        -transfers.amount as amount,
        transfers.currency,
        null::varchar as client_id,
        case when events.event_kind = 'own_transfer' then transfers.counter_account else transfers.bank_account end as bank_account
    from transfers
    inner join events on transfers.line_key = events.source_key
    left join transfers as other
        on
            transfers.bank_account = other.counter_account
            and transfers.counter_account = other.bank_account
            and transfers.currency = other.currency
            and transfers.amount = -other.amount
            and transfers.turn = other.turn
    where other.line_key is null and events.reason is null and events.event_kind in ('own_transfer', 'matched')
),

by_request as (
    select
        request_id,
        amount < 0 as is_payment,
        min(line_key) as line_key,
        min(booked_on) as booked_on,
        sum(amount) as amount,
        min(currency) as currency,
        min(bank_account) as bank_account
    from lines
    where match = 'request' and coalesce(kind, 'receipt') in ('receipt', 'payment')
    group by request_id, amount < 0
),

paid_differently as (
    select
        'line_amount_differs' as class,
        by_request.line_key as reference,
        by_request.booked_on as first_seen_on,
        case
            when by_request.is_payment then -(requests.amount - requests.client_fee)
            when requests.request_kind = 'deposit' then requests.amount
            else requests.amount - requests.client_fee
        end - by_request.amount as amount,
        by_request.currency,
        requests.client_id,
        by_request.bank_account
    from by_request
    inner join requests on by_request.request_id = requests.request_id
    where
        requests.currency = by_request.currency
        and abs(by_request.amount) <> case when requests.request_kind = 'deposit' then requests.amount else requests.amount - requests.client_fee end
),

psp_rows as (select distinct client_reference as request_id from {{ ref('int_ledger_psp_rows') }} where client_reference is not null),

-- paid by request, through no PSP, and in no statement
unseen as (
    select
        'entry_without_line' as class,
        requests.request_id as reference,
        requests.paid_at::date as since,
        case when requests.request_kind = 'deposit' then requests.amount else -(requests.amount - requests.client_fee) end as amount,
        requests.currency,
        requests.client_id,
        clients.entity
    from requests
    left join clients
        on
            requests.client_id = clients.client_id
            and requests.first_at >= clients.valid_from
            and requests.first_at < clients.valid_to
    where
        requests.request_kind in ('deposit', 'withdrawal', 'refund')
        and requests.paid_at is not null
        and requests.psp is null
        and requests.request_id not in (select psp_rows.request_id from psp_rows)
        and requests.request_id not in (select by_request.request_id from by_request)
        and exists (select 1 from lines)
),

classes as (select * from {{ ref('break_classes') }} where reconciliation = 'bank'),

calendars as (select distinct entity from {{ ref('entities') }}),

business_days as (select * from {{ ref('int_business_days') }}),

falling_due as (
    select
        unseen.class,
        unseen.reference,
        min(due.day) as first_seen_on,
        unseen.amount,
        unseen.currency,
        unseen.client_id,
        unseen.entity
    from unseen
    inner join classes on unseen.class = classes.class
    left join calendars on unseen.entity = calendars.entity
    inner join business_days as since_day on coalesce(calendars.entity, 'any') = since_day.entity and unseen.since = since_day.day
    inner join business_days as due
        on since_day.entity = due.entity and since_day.business_day_number + classes.tolerance_business_days + 1 = due.business_day_number
    group by all
),

of_accounts as (
    select * from continuity
    union all
    select * from openings
    union all
    select * from unidentified
    union all
    select * from unposted
    union all
    select * from lone_transfers
    union all
    select * from paid_differently
)

select
    of_accounts.* exclude (bank_account),
    accounts.entity
from of_accounts
left join accounts
    on
        of_accounts.bank_account = accounts.bank_account
        and of_accounts.first_seen_on >= accounts.valid_from
        and of_accounts.first_seen_on < accounts.valid_to
union all by name
select * from falling_due
