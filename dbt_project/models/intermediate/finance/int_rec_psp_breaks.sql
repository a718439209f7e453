-- Breaks of the PSP reconciliation as the latest state shows them, each from the day on which it is one: what is only waited for becomes a break
-- when its tolerance has passed (rec_breaks looks at the day). `amount` is ledger less the other side; `reference` the other side's key.
with matches as (select * from {{ ref('int_psp_matches') }}),

classes as (select * from {{ ref('break_classes') }} where reconciliation = 'psp'),

business_days as (select * from {{ ref('int_business_days') }}),

calendars as (select distinct entity from {{ ref('entities') }}),

clients as (select * from {{ ref('int_ledger_clients') }}),

requests as (select * from {{ ref('int_ledger_requests') }} where request_kind in ('deposit', 'withdrawal', 'refund')),

has_kind as (select distinct request_kind from requests),

-- a deposit we were told is paid, through a PSP, and no completed PSP row is matched to it
unreported as (
    select
        'request_without_psp' as class,
        requests.request_id as reference,
        requests.paid_at::date as first_seen_on,
        requests.amount,
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
        requests.request_kind = 'deposit'
        and requests.paid_at is not null
        and requests.psp is not null
        and requests.request_id not in (
            select matches.request_id from matches
            where matches.request_id is not null and matches.is_first_completed and matches.kind = 'deposit'
        )
),

unasked as (
    select
        'psp_without_request' as class,
        psp || ':' || event_id as reference,
        occurred_at::date as first_seen_on,
        case when kind = 'deposit' then amount else -amount end as amount,
        currency,
        client_id,
        entity
    from matches
    where
        is_first_completed
        and request_id is null
        and kind in ('deposit', 'withdrawal', 'refund')
        and kind in (select has_kind.request_kind from has_kind)
),

doubled as (
    select
        'duplicate_at_psp' as class,
        psp || ':' || event_id as reference,
        occurred_at::date as first_seen_on,
        case when kind = 'deposit' then -amount else amount end as amount,
        currency,
        client_id,
        entity
    from matches
    where is_duplicate
),

differing as (
    select
        'amount_differs' as class,
        psp || ':' || event_id as reference,
        occurred_at::date as first_seen_on,
        amount - request_amount as amount,
        currency,
        client_id,
        entity
    from matches
    where
        is_first_completed
        and kind in ('deposit', 'withdrawal', 'refund')
        and request_currency = currency
        and amount <> request_amount
),

overcharged as (
    select
        'fee_differs' as class,
        psp || ':' || event_id as reference,
        occurred_at::date as first_seen_on,
        fee_actual - fee_expected as amount,
        fee_currency as currency,
        client_id,
        entity
    from matches
    where is_first_completed and fee_currency = currency and abs(fee_actual - fee_expected) > fee_tolerance
),

settled_wrongly as (
    select
        'settlement_differs' as class,
        settlement_batch_id as reference,
        settled_at::date as first_seen_on,
        batch_difference as amount,
        currency,
        null::varchar as client_id,
        entity
    from matches
    where batch_difference <> 0
),

received_wrongly as (
    select
        'bank_receipt_differs' as class,
        string_agg(settlement_batch_id, ',' order by settlement_batch_id) as reference,
        max(received_on) as first_seen_on,
        min(bank_difference) as amount,
        min(currency) as currency,
        null::varchar as client_id,
        min(entity) as entity
    from matches
    where bank_difference <> 0
    group by bank_group_key
),

-- from here on what should have happened by now: the day it falls due, and its entity's calendar
waiting as (
    select
        'bank_not_received' as class,
        coalesce(settlement_batch_id, psp || ':' || event_id) as reference,
        occurred_at::date as since,
        amount,
        currency,
        null::varchar as client_id,
        entity
    from matches
    where is_first_completed and kind = 'settlement' and bank_line_key is null
    union all
    select
        'reserve_overdue' as class,
        lots.psp || ':' || lots.event_id as reference,
        lots.matures_on as since,
        lots.amount - lots.released as amount,
        lots.currency,
        null as client_id,
        accounts.entity
    from {{ ref('int_psp_reserve_lots') }} as lots
    inner join (
        select
            psp,
            currency,
            bank_account,
            max(settled_at)::date as settled_on
        from matches
        where settled_at is not null
        group by psp, currency, bank_account
    ) as newest
        on lots.psp = newest.psp and lots.currency = newest.currency and lots.bank_account = newest.bank_account
    left join {{ ref('int_ledger_bank_accounts') }} as accounts
        on
            lots.bank_account = accounts.bank_account
            and lots.held_on >= accounts.valid_from
            and lots.held_on < accounts.valid_to
    where lots.released < lots.amount and newest.settled_on >= lots.matures_on
    union all
    select
        'request_without_psp' as class,
        reference,
        first_seen_on as since,
        amount,
        currency,
        client_id,
        entity
    from unreported
    union all
    select
        'not_settled' as class,
        matches.psp || ':' || matches.event_id as reference,
        matches.occurred_at::date as since,
        matches.effect as amount,
        matches.currency,
        matches.client_id,
        matches.entity
    from matches
    inner join (
        -- the latest day of which anything was settled
        select
            psp,
            currency,
            entity,
            max(occurred_at)::date as settled_up_to
        from matches
        where settlement_event_id is not null and kind in ('deposit', 'withdrawal', 'refund')
        group by psp, currency, entity
    ) as settled
        on matches.psp = settled.psp and matches.currency = settled.currency and matches.entity = settled.entity
    where
        matches.is_first_completed
        and matches.settlement_event_id is null
        and matches.kind in ('deposit', 'withdrawal', 'refund', 'chargeback', 'chargeback_reversal')
        and matches.occurred_at::date < settled.settled_up_to
),

tolerated as (
    select
        waiting.*,
        coalesce(terms.settlement_business_days, classes.tolerance_business_days) as tolerance,
        since_day.business_day_number as since_number,
        coalesce(calendars.entity, 'any') as calendar
    from waiting
    inner join classes on waiting.class = classes.class
    left join {{ ref('psp_terms') }} as terms
        on waiting.class = 'not_settled' and split_part(waiting.reference, ':', 1) = terms.psp and terms.valid_to is null
    left join calendars on waiting.entity = calendars.entity
    inner join business_days as since_day on coalesce(calendars.entity, 'any') = since_day.entity and waiting.since = since_day.day
),

falling_due as (
    select
        tolerated.class,
        tolerated.reference,
        min(due.day) as first_seen_on,
        tolerated.amount,
        tolerated.currency,
        tolerated.client_id,
        tolerated.entity
    from tolerated
    inner join business_days as due on tolerated.calendar = due.entity and tolerated.since_number + tolerated.tolerance + 1 = due.business_day_number
    group by all
)

select * from unasked
union all by name
select * from doubled
union all by name
select * from differing
union all by name
select * from overcharged
union all by name
select * from settled_wrongly
union all by name
select * from received_wrongly
union all by name
select * from falling_due
