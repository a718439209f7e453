-- What explains a bank line: a money request, a PSP deposit, a settlement (int_settlement_matches), or the client it names. An id counts as a whole
-- word of the reference.
with lines as (
    select
        bank_account || ':' || statement_id || ':' || line_no as line_key,
        *,
        booked_on::timestamp as occurred_at
    from {{ ref('stg_bank_statement_lines') }}
),

words as (select * from {{ ref('int_ledger_bank_words') }}),

psp_rows as (select * from {{ ref('int_ledger_psp_rows') }} where is_first_completed),

by_request as (
    select
        words.line_key,
        min(requests.request_id) as request_id
    from words
    inner join {{ ref('int_ledger_requests') }} as requests on words.word = requests.request_id
    where requests.request_kind in ('withdrawal', 'refund', 'deposit')
    group by words.line_key
),

deposit_words as (
    select psp, event_id, txn_id as word from psp_rows
    where kind = 'deposit'
    union
    select psp, event_id, client_reference from psp_rows
    where kind = 'deposit' and client_reference is not null
),

by_deposit as (
    select
        words.line_key,
        min(deposit_words.psp) as psp
    from words
    inner join deposit_words on words.word = deposit_words.word
    group by words.line_key
),

by_settlement as (
    select
        line_key,
        min(psp) as psp
    from {{ ref('int_settlement_matches') }}
    group by line_key
),

by_client as (
    select
        words.line_key,
        min(clients.client_id) as client_id
    from words
    inner join {{ ref('int_ledger_clients') }} as clients on words.word = clients.client_id
    group by words.line_key
)

select
    lines.*,
    accounts.entity,
    accounts.is_client_money,
    by_request.request_id,
    coalesce(by_deposit.psp, by_settlement.psp) as psp,
    coalesce(lines.client_id, by_client.client_id) as named_client_id,
    case
        when by_request.line_key is not null then 'request'
        when by_deposit.line_key is not null then 'psp_deposit'
        when by_settlement.line_key is not null then 'settlement'
        when lines.client_id is not null or by_client.line_key is not null then 'client'
    end as match
from lines
left join {{ ref('int_ledger_bank_accounts') }} as accounts
    on
        lines.bank_account = accounts.bank_account
        and lines.occurred_at >= accounts.valid_from
        and lines.occurred_at < accounts.valid_to
left join by_request on lines.line_key = by_request.line_key
left join by_deposit on lines.line_key = by_deposit.line_key
left join by_settlement on lines.line_key = by_settlement.line_key
left join by_client on lines.line_key = by_client.line_key
