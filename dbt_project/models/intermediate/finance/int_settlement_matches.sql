-- Which bank lines paid which PSP settlements, one row a pair: by the batch id in the reference (also several batches in one line, or several lines
-- for one batch), then sums of consecutive settlements or lines, then amount, date and name with a score. Choices are greedy and the same whatever
-- the order of rows: a pair stands when each side is the other's best, ties going to the smaller key. After the references no line pays twice.
{%- set longest = 7 %}
with settlements as (
    select
        psp,
        event_id,
        psp || ':' || event_id as settlement_key,
        settlement_batch_id,
        bank_account,
        currency,
        amount,
        occurred_at::date as settled_on
    from {{ ref('int_ledger_psp_rows') }}
    where is_first_completed and kind = 'settlement' and amount > 0
),

lines as (
    select
        bank_account || ':' || statement_id || ':' || line_no as line_key,
        bank_account,
        currency,
        amount,
        booked_on,
        lower(concat_ws(' ', counterparty_name, counterparty_account)) as payer
    from {{ ref('stg_bank_statement_lines') }}
    where coalesce(kind, 'receipt') = 'receipt' and amount > 0 and return_of_line is null and client_id is null
),

words as (select * from {{ ref('int_ledger_bank_words') }}),

by_reference as (
    select
        words.line_key,
        settlements.settlement_key
    from words
    inner join settlements on words.word = settlements.settlement_batch_id
),

of_requests as (
    select distinct words.line_key
    from words
    inner join {{ ref('int_ledger_requests') }} as requests on words.word = requests.request_id
),

free_settlements as (
    select
        *,
        row_number() over (partition by bank_account, currency, psp order by settled_on, event_id) as place
    from settlements
    where bank_account is not null and settlement_key not in (select by_reference.settlement_key from by_reference)
),

free_lines as (
    select
        *,
        row_number() over (partition by bank_account, currency, payer order by booked_on, line_key) as place
    from lines
    where
        line_key not in (select by_reference.line_key from by_reference)
        and line_key not in (select of_requests.line_key from of_requests)
),

-- two to four settlements in a row that one line may have paid
settlement_runs as (
    {% for more in [1, 2, 3] -%}
    select
        bank_account,
        currency,
        psp,
        place,
        {{ more + 1 }} as members,
        sum(amount) over run_{{ more }} as amount,
        max(settled_on) over run_{{ more }} as last_on,
        count(*) over run_{{ more }} as found,
        min(settled_on) over run_{{ more }} as first_on
    from free_settlements
    window run_{{ more }} as (partition by bank_account, currency, psp order by place rows between current row and {{ more }} following)
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

run_pairs as (
    select
        settlement_runs.bank_account,
        settlement_runs.currency,
        settlement_runs.psp,
        settlement_runs.members,
        free_lines.line_key,
        unnest(range(settlement_runs.place, settlement_runs.place + settlement_runs.members)) as place,
        settlement_runs.place as first_place,
        free_lines.booked_on - settlement_runs.last_on as gap
    from settlement_runs
    inner join free_lines
        on
            settlement_runs.bank_account = free_lines.bank_account
            and settlement_runs.currency = free_lines.currency
            and settlement_runs.amount = free_lines.amount
    where
        settlement_runs.found = settlement_runs.members
        and settlement_runs.last_on - settlement_runs.first_on <= {{ longest }}
        and free_lines.booked_on between settlement_runs.last_on and settlement_runs.last_on + {{ longest }}
        and contains(free_lines.payer, lower(settlement_runs.psp))
),

run_ranks as (
    select
        *,
        dense_rank() over (partition by line_key order by gap, members, psp, first_place) as line_choice,
        dense_rank() over (partition by bank_account, currency, psp, place order by gap, members, line_key, first_place) as settlement_choice
    from run_pairs
),

by_batch_sum as (
    select
        ranks.line_key,
        free_settlements.settlement_key
    from run_ranks as ranks
    inner join (
        select line_key, psp, first_place, members from run_ranks
        group by line_key, psp, first_place, members
        having max(line_choice) = 1 and max(settlement_choice) = 1
    ) as chosen
        on
            ranks.line_key = chosen.line_key
            and ranks.psp = chosen.psp
            and ranks.first_place = chosen.first_place
            and ranks.members = chosen.members
    inner join free_settlements
        on
            ranks.bank_account = free_settlements.bank_account
            and ranks.currency = free_settlements.currency
            and ranks.psp = free_settlements.psp
            and ranks.place = free_settlements.place
),

-- two or three lines in a row that may have paid one settlement
line_runs as (
    {% for more in [1, 2] -%}
    select
        bank_account,
        currency,
        payer,
        place,
        {{ more + 1 }} as members,
        sum(amount) over run_{{ more }} as amount,
        min(booked_on) over run_{{ more }} as first_on,
        max(booked_on) over run_{{ more }} as last_on,
        count(*) over run_{{ more }} as found
    from free_lines
    where line_key not in (select by_batch_sum.line_key from by_batch_sum)
    window run_{{ more }} as (partition by bank_account, currency, payer order by place rows between current row and {{ more }} following)
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

line_pairs as (
    select
        line_runs.bank_account,
        line_runs.currency,
        line_runs.payer,
        line_runs.members,
        free_settlements.settlement_key,
        unnest(range(line_runs.place, line_runs.place + line_runs.members)) as place,
        line_runs.place as first_place,
        line_runs.last_on - free_settlements.settled_on as gap
    from line_runs
    inner join free_settlements
        on
            line_runs.bank_account = free_settlements.bank_account
            and line_runs.currency = free_settlements.currency
            and line_runs.amount = free_settlements.amount
    where
        line_runs.found = line_runs.members
        and line_runs.first_on >= free_settlements.settled_on
        and line_runs.last_on <= free_settlements.settled_on + {{ longest }}
        and contains(line_runs.payer, lower(free_settlements.psp))
        and free_settlements.settlement_key not in (select by_batch_sum.settlement_key from by_batch_sum)
),

line_ranks as (
    select
        *,
        dense_rank() over (partition by settlement_key order by gap, members, payer, first_place) as settlement_choice,
        dense_rank() over (partition by bank_account, currency, payer, place order by gap, members, settlement_key, first_place) as line_choice
    from line_pairs
),

by_line_sum as (
    select
        free_lines.line_key,
        ranks.settlement_key
    from line_ranks as ranks
    inner join (
        select settlement_key, payer, first_place, members from line_ranks
        group by settlement_key, payer, first_place, members
        having max(line_choice) = 1 and max(settlement_choice) = 1
    ) as chosen
        on
            ranks.settlement_key = chosen.settlement_key
            and ranks.payer = chosen.payer
            and ranks.first_place = chosen.first_place
            and ranks.members = chosen.members
    inner join free_lines
        on
            ranks.bank_account = free_lines.bank_account
            and ranks.currency = free_lines.currency
            and ranks.payer = free_lines.payer
            and ranks.place = free_lines.place
),

left_lines as (
    select * from free_lines
    where line_key not in (select by_batch_sum.line_key from by_batch_sum union all select by_line_sum.line_key from by_line_sum)
),

left_settlements as (
    select * from free_settlements
    where settlement_key not in (select by_batch_sum.settlement_key from by_batch_sum union all select by_line_sum.settlement_key from by_line_sum)
),

named_lines as (
    select
        left_lines.*,
        psps.psp
    from left_lines
    cross join (select distinct psp from left_settlements) as psps
    where contains(left_lines.payer, lower(psps.psp))
),

-- one settlement and one line: the same amount, or nearly it where the payer is the PSP by name
one_to_one as (
    select
        left_lines.line_key,
        left_settlements.settlement_key,
        true as is_exact,
        left_lines.booked_on - left_settlements.settled_on as gap,
        case
            when contains(left_lines.payer, lower(left_settlements.psp)) then 1
            else jaro_winkler_similarity(left_lines.payer, lower(left_settlements.psp))
        end as name_score
    from left_lines
    inner join left_settlements
        on
            left_lines.bank_account = left_settlements.bank_account
            and left_lines.currency = left_settlements.currency
            and left_lines.amount = left_settlements.amount
    where left_lines.booked_on between left_settlements.settled_on and left_settlements.settled_on + {{ longest }}
    union all
    select
        named_lines.line_key,
        left_settlements.settlement_key,
        false as is_exact,
        named_lines.booked_on - left_settlements.settled_on as gap,
        1 as name_score
    from named_lines
    inner join left_settlements
        on
            named_lines.bank_account = left_settlements.bank_account
            and named_lines.currency = left_settlements.currency
            and named_lines.psp = left_settlements.psp
    where
        named_lines.booked_on between left_settlements.settled_on and left_settlements.settled_on + {{ longest }}
        and named_lines.amount <> left_settlements.amount
        and abs(named_lines.amount - left_settlements.amount) <= 0.02 * left_settlements.amount
),

scored as (
    select
        line_key,
        settlement_key,
        is_exact,
        (case when is_exact then 0.5 else 0.25 end + 0.25 * (1 - gap / {{ longest + 1 }}.0) + 0.2 * name_score)::decimal(5, 4) as score
    from one_to_one
),

{{ greedy_pairs('scored', 'line_key', 'settlement_key', 3) }}
pairs as (
    select
        line_key,
        settlement_key,
        'reference' as match_rule,
        1.0::decimal(5, 4) as confidence
    from by_reference
    union
    select line_key, settlement_key, 'batch_sum', 0.9::decimal(5, 4) from by_batch_sum
    union
    select line_key, settlement_key, 'line_sum', 0.85::decimal(5, 4) from by_line_sum
    union
    select line_key, settlement_key, case when is_exact then 'amount_date_name' else 'near_amount_date_name' end, score from chosen_3
),

-- what belongs together: a line that pays several batches with all of them, else a batch with all its lines
grouped as (
    select
        *,
        case
            when count(*) over (partition by line_key) > 1 then 'line:' || line_key
            else 'settlement:' || settlement_key
        end as group_key
    from pairs
)

select
    grouped.line_key,
    settlements.psp,
    settlements.event_id,
    grouped.match_rule,
    grouped.confidence,
    grouped.group_key,
    settlements.amount as settled,
    lines.amount as received,
    lines.booked_on
from grouped
inner join settlements on grouped.settlement_key = settlements.settlement_key
inner join lines on grouped.line_key = lines.line_key
