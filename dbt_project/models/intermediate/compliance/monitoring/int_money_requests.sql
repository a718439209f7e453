-- A request for money with its terms, stated by its first event or by the first that names them, and when it was asked for and paid.
with events as (select * from {{ ref('stg_cash_requests') }}),

requests as (
    select
        request_id,
        arg_min(request_kind, (occurred_at, event_id)) as request_kind,
        arg_min(client_id, (occurred_at, event_id)) as client_id,
        arg_min(amount, (occurred_at, event_id)) as amount,
        arg_min(currency, (occurred_at, event_id)) as currency,
        arg_min(to_amount, (occurred_at, event_id)) as to_amount,
        arg_min(to_currency, (occurred_at, event_id)) as to_currency,
        arg_min(from_account, (occurred_at, event_id)) as from_account,
        arg_min(to_account, (occurred_at, event_id)) as to_account,
        arg_min(method, (occurred_at, event_id)) as method,
        arg_min(instrument_id, (occurred_at, event_id)) as instrument_id,
        arg_min(destination_holder, (occurred_at, event_id)) as destination_holder,
        arg_min(device_id, (occurred_at, event_id)) filter (where actor_type = 'client' or event = 'requested') as device_id,
        coalesce(min(occurred_at) filter (where event = 'requested'), min(occurred_at)) as asked_at,
        coalesce(arg_min(event_id, (occurred_at, event_id)) filter (where event = 'requested'), arg_min(event_id, (occurred_at, event_id))) as asked_event_id,
        min(occurred_at) filter (where event = 'paid') as paid_at,
        arg_min(event_id, (occurred_at, event_id)) filter (where event = 'paid') as paid_event_id,
        max(occurred_at) filter (where event = 'returned') as returned_at,
        bool_or(event = 'requested') as is_asked,
        min(recorded_at) as recorded_at,
        min(recorded_at) filter (where event = 'paid') as paid_recorded_at
    from events
    group by request_id
),

-- `platform:login`; where the platform is not named, the login alone
accounts as (
    select platform || ':' || login as account, any_value(client_id) as client_id from {{ ref('int_accounts') }}
    where valid_to is null
    group by platform, login
    union
    select 'platform:' || login, min(client_id) from {{ ref('int_accounts') }}
    where valid_to is null
    group by login
    having count(distinct client_id) = 1
)

select
    requests.* replace (coalesce(requests.client_id, senders.client_id) as client_id),
    receivers.client_id as to_client_id
from requests
left join accounts as senders on requests.from_account = senders.account
left join accounts as receivers on requests.to_account = receivers.account
