{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['psp', 'event_id'],
    meta={'owner': 'finance', 'control_totals': ['amount', 'fee_actual'], 'sorted_by': ['psp', 'occurred_at']}
) }}
{#- Without a load of these feeds a match cannot have changed, only the entry of a row whose entry was made anew (a chargeback's, when the wallet
    turns out to have held more). -#}
{%- set rematch = not is_incremental() or has_new_loads(['psp_transactions', 'bank_statement_lines', 'bank_accounts', 'cash_requests', 'clients']) %}
with made as (
    select * from {{ ref('int_ledger_money_entries') }}
    where source_feed in ('psp_transactions', 'cash_requests')
),

{% if not rematch -%}
touched as (
    select distinct source_key from made
    where _horizon_load_id > {{ high_water() }} and source_feed = 'psp_transactions'
),

{% endif -%}
matches as (
    select * from {{ ref('int_psp_matches') }}
    {%- if not rematch %}
    where psp || ':' || event_id in (select touched.source_key from touched)
    {%- endif %}
),

standing as (
    select
        entry_id,
        source_feed,
        source_key
    from made
    where sign = 1 and entry_id not in (select undone.reverses_entry_id from made as undone where undone.sign = -1)
),

-- an event can make two entries (a deposit that later failed has one of its own row); the row's own is the first by name
own_entries as (
    select
        source_key,
        min(entry_id) as entry_id
    from standing
    where source_feed = 'psp_transactions'
    group by source_key
),

-- a payout that the request's own `paid` posted
paid_entries as (
    select
        requests.request_id,
        min(standing.entry_id) as entry_id
    from {{ ref('stg_cash_requests') }} as requests
    inner join standing on requests.event_id = standing.source_key and standing.source_feed = 'cash_requests'
    where requests.event = 'paid'
    group by requests.request_id
),

found as (
    select
        matches.psp,
        matches.event_id,
        matches.kind,
        matches.status,
        matches.client_id,
        matches.entity,
        matches.currency,
        matches.amount,
        matches.occurred_at,
        matches.request_id,
        coalesce(
            own_entries.entry_id,
            case when matches.is_first_completed and matches.kind in ('withdrawal', 'refund') then paid_entries.entry_id end
        ) as entry_id,
        matches.settlement_batch_id,
        matches.bank_line_key,
        case when matches.kind = 'settlement' then matches.bank_rule else matches.request_rule end as match_rule,
        case when matches.kind = 'settlement' then matches.bank_confidence else matches.request_confidence end as confidence,
        case when matches.kind = 'settlement' then matches.bank_difference else matches.amount - matches.request_amount end::decimal(38, 8) as amount_difference,
        matches.fee_expected::decimal(38, 8) as fee_expected,
        matches.fee_actual::decimal(38, 8) as fee_actual,
        (matches.fee_actual - matches.fee_expected)::decimal(38, 8) as fee_variance,
        matches.settled_at,
        matches.received_on
    from matches
    left join own_entries on matches.psp || ':' || matches.event_id = own_entries.source_key
    left join paid_entries on matches.request_id = paid_entries.request_id
)

select
    *,
    {{ run_id() }} as _run_id
from found
{%- if is_incremental() %}
where (psp, event_id) not in (
    select (same.psp, same.event_id)
    from (select * from found intersect select * exclude (_run_id) from {{ this }}) as same
)
{%- endif %}
