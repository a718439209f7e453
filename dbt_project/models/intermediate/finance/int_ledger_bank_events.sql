-- Bank lines as ledger events: only what no PSP and no request explains posts here. Amounts signed, + is money in.
with lines as (select * from {{ ref('int_ledger_bank_matches') }}),

accounts as (select * from {{ ref('int_ledger_bank_accounts') }}),

-- a line that named nobody when it came was an unidentified receipt, and stays one although a correction has allocated it since
first_versions as (
    select
        bank_account || ':' || statement_id || ':' || line_no as line_key,
        bool_or(client_id is null) as was_unnamed
    from {{ source('raw', 'bank_statement_lines') }}
    where _load_id <= {{ horizon_load_id() }}
    group by all
),

returned_lines as (
    select
        line_key,
        statement_id || '/' || line_no as short_key,
        bank_account,
        match,
        named_client_id
    from lines
),

placed as (
    select
        lines.*,
        coalesce(lines.kind, case when lines.amount < 0 then 'payment' else 'receipt' end) as line_kind,
        case when lines.is_client_money then 'client' else 'firm' end as side,
        case when counter.is_client_money then 'client' else 'firm' end as counter_side,
        counter.bank_account as known_counter,
        counter.currency <> lines.currency as is_conversion,
        first_versions.was_unnamed and lines.client_id is not null as was_allocated,
        returned_lines.line_key is not null as returns_a_line,
        returned_lines.named_client_id as returned_client_id
    from lines
    left join accounts as counter
        on
            lines.counter_account = counter.bank_account
            and lines.occurred_at >= counter.valid_from
            and lines.occurred_at < counter.valid_to
    left join first_versions on lines.line_key = first_versions.line_key
    left join returned_lines
        on lines.return_of_line in (returned_lines.line_key, returned_lines.short_key) and lines.bank_account = returned_lines.bank_account
),

classed as (
    select
        *,
        case
            when line_kind in ('bank_fee', 'interest', 'lp_funding') then line_kind
            -- the firm's own money changed into another currency: each side posts its own line, against the position in its currency
            when line_kind = 'own_transfer' and is_conversion then 'own_conversion'
            when line_kind = 'own_transfer' then case
                -- one transfer, two lines: the client-money side posts, and between two accounts of a kind the receiving side
                when (side = counter_side and amount > 0) or (side = 'client' and counter_side = 'firm') then 'own_transfer'
                else 'matched'
            end
            when match in ('request', 'settlement') then 'matched'
            when returns_a_line then 'returned'
            else line_kind
        end as event_kind
    from placed
),

events as (
    select
        *,
        case
            when event_kind in ('bank_fee', 'interest', 'lp_funding', 'own_conversion') then side
            when event_kind = 'own_transfer' then side || '/' || counter_side
            when event_kind = 'matched' then case when line_kind = 'own_transfer' then 'counterpart' else match end
            when event_kind = 'returned' then case when returned_client_id is null then 'unidentified' else 'client' end
            when event_kind = 'payment' then 'unmatched'
            when side = 'firm' then 'unmatched'
            when match = 'psp_deposit' then 'psp'
            when match = 'client' and not was_allocated then 'client'
            else 'unidentified'
        end as condition
    from classed
),

own_events as (
    select
        line_key as source_key,
        event_kind,
        condition,
        case
            when is_client_money is null then 'bank_account_unknown'
            when line_kind = 'own_transfer' and known_counter is null then 'counter_account_unknown'
            when condition = 'unmatched' then 'unmatched'
        end as reason,
        case
            when condition = 'client' and event_kind = 'receipt' then named_client_id
            when event_kind = 'returned' then returned_client_id
        end as client_id,
        entity,
        case when condition = 'psp' then psp end as psp,
        bank_account,
        case when event_kind = 'own_transfer' then known_counter end as counter_bank_account,
        currency,
        amount,
        occurred_at,
        _load_id as source_load_id,
        _row_number as source_row_number
    from events
    union all
    select
        line_key as source_key,
        'allocated' as event_kind,
        'any' as condition,
        null as reason,
        client_id,
        entity,
        null as psp,
        bank_account,
        null as counter_bank_account,
        currency,
        amount,
        occurred_at,
        _load_id as source_load_id,
        _row_number as source_row_number
    from events
    where was_allocated and event_kind = 'receipt' and condition = 'unidentified' and is_client_money
)

select
    'bank_statement_lines' as source_feed,
    *
from own_events
