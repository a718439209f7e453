-- What explains a bank line: a money request, a PSP deposit, a settlement, or the client it names. An id counts as a whole word of the reference; a
-- settlement that no reference names is found by account, amount and date, each settlement and each line once.
with lines as (
    select
        bank_account || ':' || statement_id || ':' || line_no as line_key,
        *,
        booked_on::timestamp as occurred_at
    from {{ ref('stg_bank_statement_lines') }}
),

words as (
    select distinct
        line_key,
        unnest(regexp_split_to_array(reference, '[\s,;()]+') || regexp_split_to_array(reference, '[\s,;()/:.]+')) as word
    from lines
    where reference is not null
),

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

by_batch as (
    select
        words.line_key,
        min(psp_rows.psp) as psp,
        min(psp_rows.event_id) as event_id
    from words
    inner join psp_rows on words.word = psp_rows.settlement_batch_id
    where psp_rows.kind = 'settlement'
    group by words.line_key
),

-- the n-th settlement of an amount into an account is paid by its n-th line of that amount
settlements as (
    select
        *,
        row_number() over (partition by bank_account, currency, amount order by occurred_at, psp, event_id) as turn
    from psp_rows
    where
        kind = 'settlement'
        and bank_account is not null
        and (psp, event_id) not in (select (by_batch.psp, by_batch.event_id) from by_batch)
),

candidates as (
    select
        *,
        row_number() over (partition by bank_account, currency, amount order by booked_on, line_key) as turn
    from lines
    where
        coalesce(kind, 'receipt') = 'receipt'
        and amount > 0
        and line_key not in (select by_batch.line_key from by_batch)
        and line_key not in (select by_request.line_key from by_request)
),

by_amount as (
    select
        candidates.line_key,
        settlements.psp
    from candidates
    inner join settlements
        on
            candidates.bank_account = settlements.bank_account
            and candidates.currency = settlements.currency
            and candidates.amount = settlements.amount
            and candidates.turn = settlements.turn
    where candidates.booked_on between settlements.occurred_at::date and settlements.occurred_at::date + 7
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
    coalesce(by_deposit.psp, by_batch.psp, by_amount.psp) as psp,
    coalesce(lines.client_id, by_client.client_id) as named_client_id,
    case
        when by_request.line_key is not null then 'request'
        when by_deposit.line_key is not null then 'psp_deposit'
        when by_batch.line_key is not null or by_amount.line_key is not null then 'settlement'
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
left join by_batch on lines.line_key = by_batch.line_key
left join by_amount on lines.line_key = by_amount.line_key
left join by_client on lines.line_key = by_client.line_key
