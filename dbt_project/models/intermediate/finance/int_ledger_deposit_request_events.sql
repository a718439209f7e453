-- Deposits that a request announced and no PSP carries: its `paid` posts the wire, from the bank account whose line names the request.
with requests as (select * from {{ ref('int_ledger_requests') }} where request_kind = 'deposit'),

events as (
    select
        *,
        row_number() over (partition by request_id, event order by occurred_at, event_id) as place
    from {{ ref('stg_cash_requests') }}
    where request_id in (select requests.request_id from requests)
),

psp_deposits as (
    select distinct client_reference as request_id from {{ ref('int_ledger_psp_rows') }}
    where kind = 'deposit' and client_reference is not null
),

banks as (
    select
        request_id,
        arg_min(bank_account, (booked_on, line_key)) as bank_account
    from {{ ref('int_ledger_bank_matches') }}
    where match = 'request' and amount > 0
    group by request_id
)

select
    'cash_requests' as source_feed,
    events.event_id as source_key,
    case when events.event = 'paid' and requests.psp is null and psp_deposits.request_id is null then 'deposit_paid' else 'deposit_request' end as event_kind,
    'any' as condition,
    case when events.event = 'paid' and events.place > 1 then 'duplicate' end as reason,
    requests.client_id,
    null::varchar as entity,
    banks.bank_account,
    requests.currency,
    requests.amount,
    events.occurred_at,
    events._load_id as source_load_id,
    events._row_number as source_row_number
from events
inner join requests on events.request_id = requests.request_id
left join psp_deposits on events.request_id = psp_deposits.request_id
left join banks on events.request_id = banks.request_id
