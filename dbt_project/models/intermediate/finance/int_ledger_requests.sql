-- A money request's terms: stated by its first event, as later ones need not repeat them.
with requests as (select * from {{ ref('stg_cash_requests') }})

select
    request_id,
    arg_min(request_kind, (occurred_at, event_id)) as request_kind,
    arg_min(client_id, (occurred_at, event_id)) as client_id,
    arg_min(amount, (occurred_at, event_id)) as amount,
    arg_min(currency, (occurred_at, event_id)) as currency,
    coalesce(max(fee_amount), 0)::decimal(38, 8) as client_fee,
    arg_min(to_amount, (occurred_at, event_id)) as to_amount,
    arg_min(to_currency, (occurred_at, event_id)) as to_currency,
    arg_min(from_account, (occurred_at, event_id)) as from_account,
    arg_min(to_account, (occurred_at, event_id)) as to_account,
    arg_max(psp, (occurred_at, event_id)) as psp,
    min(occurred_at) as first_at,
    min(case when event = 'paid' then occurred_at end) as paid_at
from requests
group by request_id
