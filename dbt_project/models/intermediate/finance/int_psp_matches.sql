-- Each PSP row with what it is matched to: our request (by its id, else by client, amount and date, else by the holder's name), its settlement, the
-- bank line that paid the settlement, and the fee its contract asks for. Never one request or one PSP row twice.
{%- set days = 3 %}
with psp_rows as (select * from {{ ref('int_ledger_psp_rows') }}),

requests as (
    select
        *,
        case when request_kind = 'deposit' then amount else amount - client_fee end as moved,
        coalesce(paid_at, first_at) as moved_at
    from {{ ref('int_ledger_requests') }}
    where request_kind in ('deposit', 'withdrawal', 'refund')
),

by_id as (
    select
        psp_rows.psp,
        psp_rows.event_id,
        requests.request_id
    from psp_rows
    inner join requests on psp_rows.client_reference = requests.request_id
),

free_rows as (
    select
        *,
        psp || ':' || event_id as row_key
    from psp_rows
    where
        is_first_completed
        and kind in ('deposit', 'withdrawal', 'refund')
        and (psp, event_id) not in (select (by_id.psp, by_id.event_id) from by_id)
),

free_requests as (
    select * from requests
    where paid_at is not null and request_id not in (select by_id.request_id from by_id)
),

names as (
    select
        client_id,
        lower(coalesce(company_name, concat_ws(' ', first_name, last_name))) as name
    from {{ ref('int_clients') }}
    qualify row_number() over (partition by client_id order by valid_from desc) = 1
),

scored as (
    select
        free_rows.row_key,
        free_requests.request_id,
        case when free_rows.client_id is not null then 'amount_date_client' else 'amount_date_name' end as match_rule,
        (
            case when free_rows.client_id is not null then 0.6 else 0.3 + 0.2 * jaro_winkler_similarity(lower(free_rows.instrument_holder), names.name) end
            + 0.3 * (1 - abs(epoch(free_rows.occurred_at) - epoch(free_requests.moved_at)) / {{ days * 86400 }})
        )::decimal(5, 4) as score
    from free_rows
    inner join free_requests
        on
            free_rows.kind = free_requests.request_kind
            and free_rows.currency = free_requests.currency
            and free_rows.amount = free_requests.moved
    left join names on free_requests.client_id = names.client_id
    where
        abs(epoch(free_rows.occurred_at) - epoch(free_requests.moved_at)) <= {{ days * 86400 }}
        and (
            free_rows.client_id = free_requests.client_id
            or (free_rows.client_id is null and jaro_winkler_similarity(lower(free_rows.instrument_holder), names.name) >= 0.85)
        )
),

{{ greedy_pairs('scored', 'row_key', 'request_id', 2) }}
request_matches as (
    select
        psp,
        event_id,
        request_id,
        'request_id' as match_rule,
        1.0::decimal(5, 4) as confidence
    from by_id
    union all
    select
        free_rows.psp,
        free_rows.event_id,
        chosen_2.request_id,
        chosen_2.match_rule,
        chosen_2.score as confidence
    from chosen_2
    inner join free_rows on chosen_2.row_key = free_rows.row_key
),

settlements as (
    select
        psp,
        settlement_batch_id,
        currency,
        arg_max(event_id, (occurred_at, event_id)) as event_id,
        arg_max(bank_account, (occurred_at, event_id)) as bank_account,
        max(occurred_at) as settled_at
    from psp_rows
    where is_first_completed and kind = 'settlement' and settlement_batch_id is not null
    group by psp, settlement_batch_id, currency
),

batches as (
    select
        psp,
        settlement_batch_id,
        currency,
        sum(effect) as difference
    from psp_rows
    where settlement_batch_id is not null
    group by psp, settlement_batch_id, currency
    having count(*) filter (where kind <> 'settlement') > 0
),

bank_pairs as (select * from {{ ref('int_settlement_matches') }}),

bank_groups as (
    select
        group_key,
        sum(settled) filter (where settlement_turn = 1) - sum(received) filter (where line_turn = 1) as difference
    from (
        select
            *,
            row_number() over (partition by group_key, psp, event_id order by line_key) as settlement_turn,
            row_number() over (partition by group_key, line_key order by psp, event_id) as line_turn
        from bank_pairs
    )
    group by group_key
),

bank_matches as (
    select
        bank_pairs.psp,
        bank_pairs.event_id,
        arg_min(bank_pairs.line_key, (bank_pairs.booked_on, bank_pairs.line_key)) as line_key,
        min(bank_pairs.group_key) as group_key,
        min(bank_pairs.match_rule) as match_rule,
        min(bank_pairs.confidence) as confidence,
        max(bank_pairs.booked_on) as received_on,
        min(bank_groups.difference) as difference
    from bank_pairs
    inner join bank_groups on bank_pairs.group_key = bank_groups.group_key
    group by bank_pairs.psp, bank_pairs.event_id
),

fees as (
    select
        *,
        coalesce(valid_to, date '9999-12-31') as ends_on
    from {{ ref('psp_fees') }}
),

expected_fees as (
    select
        psp_rows.psp,
        psp_rows.event_id,
        arg_max(fees.fraction, fees.currency = psp_rows.currency) as fraction,
        arg_max(fees.fixed, fees.currency = psp_rows.currency) as fixed,
        arg_max(fees.tolerance_minor_units, fees.currency = psp_rows.currency) as tolerance_minor_units
    from psp_rows
    inner join fees on psp_rows.psp = fees.psp and psp_rows.kind = fees.kind
    where
        psp_rows.is_first_completed
        and fees.currency in ('any', psp_rows.currency)
        and psp_rows.occurred_at::date >= fees.valid_from
        and psp_rows.occurred_at::date < fees.ends_on
    group by psp_rows.psp, psp_rows.event_id
),

priced as (
    select
        expected_fees.psp,
        expected_fees.event_id,
        coalesce(units.minor_digits, 2) as minor_digits,
        (psp_rows.amount::decimal(28, 4) * expected_fees.fraction::decimal(9, 6))::decimal(38, 8) + expected_fees.fixed as exact_fee,
        expected_fees.tolerance_minor_units
    from expected_fees
    inner join psp_rows on expected_fees.psp = psp_rows.psp and expected_fees.event_id = psp_rows.event_id
    left join {{ ref('currency_units') }} as units on psp_rows.currency = units.currency
),

clients as (select * from {{ ref('int_ledger_clients') }}),

accounts as (select * from {{ ref('int_ledger_bank_accounts') }})

select
    psp_rows.psp,
    psp_rows.event_id,
    psp_rows.txn_id,
    psp_rows.kind,
    psp_rows.status,
    psp_rows.client_id,
    coalesce(clients.entity, accounts.entity) as entity,
    psp_rows.currency,
    psp_rows.amount,
    psp_rows.effect,
    psp_rows.occurred_at,
    psp_rows.is_first_completed,
    psp_rows.status = 'completed' and not psp_rows.is_first_completed as is_duplicate,
    request_matches.request_id,
    request_matches.match_rule as request_rule,
    request_matches.confidence as request_confidence,
    requests.moved as request_amount,
    requests.currency as request_currency,
    psp_rows.settlement_batch_id,
    settlements.event_id as settlement_event_id,
    settlements.bank_account,
    settlements.settled_at,
    case when psp_rows.event_id = settlements.event_id then batches.difference end as batch_difference,
    bank_matches.line_key as bank_line_key,
    bank_matches.group_key as bank_group_key,
    bank_matches.match_rule as bank_rule,
    bank_matches.confidence as bank_confidence,
    bank_matches.received_on,
    case when psp_rows.event_id = settlements.event_id then bank_matches.difference end as bank_difference,
    {{ to_minor_unit('priced.exact_fee', 'priced.minor_digits') }} as fee_expected,
    psp_rows.fee as fee_actual,
    psp_rows.currency_of_fee as fee_currency,
    priced.tolerance_minor_units * {{ minor_unit('priced.minor_digits') }} as fee_tolerance,
    psp_rows._load_id,
    psp_rows._row_number
from psp_rows
left join clients
    on
        psp_rows.client_id = clients.client_id
        and psp_rows.occurred_at >= clients.valid_from
        and psp_rows.occurred_at < clients.valid_to
left join request_matches on psp_rows.psp = request_matches.psp and psp_rows.event_id = request_matches.event_id
left join requests on request_matches.request_id = requests.request_id
left join settlements
    on
        psp_rows.psp = settlements.psp
        and psp_rows.settlement_batch_id = settlements.settlement_batch_id
        and psp_rows.currency = settlements.currency
left join batches
    on
        psp_rows.psp = batches.psp
        and psp_rows.settlement_batch_id = batches.settlement_batch_id
        and psp_rows.currency = batches.currency
left join bank_matches on settlements.psp = bank_matches.psp and settlements.event_id = bank_matches.event_id
left join accounts
    on
        settlements.bank_account = accounts.bank_account
        and settlements.settled_at >= accounts.valid_from
        and settlements.settled_at < accounts.valid_to
left join priced on psp_rows.psp = priced.psp and psp_rows.event_id = priced.event_id
