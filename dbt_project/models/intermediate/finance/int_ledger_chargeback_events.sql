-- Chargebacks lost and won: a lost one takes from the client what the wallet holds at that moment, the rest is the firm's; a won one undoes what stands.
with recursive psp_rows as (
    select * from {{ ref('int_ledger_psp_rows') }}
    where is_first_completed and kind in ('chargeback_lost', 'chargeback_reversal')
),

lost as (
    select
        *,
        row_number() over (partition by client_id, currency order by occurred_at, event_id) as turn
    from psp_rows
    where kind = 'chargeback_lost'
),

movements as (
    select
        events.client_id,
        events.currency,
        events.occurred_at,
        -- a credit of the wallet is money the client has
        -rules.sign * {{ component_of('events', 'rules', ledger_components()) }} as amount
    from {{ ref('int_ledger_plain_events') }} as events
    inner join {{ ref('posting_rules') }} as rules on events.rule_id = rules.rule_id
    where events.reason is null and rules.account_code = '2010' and rules.currency_of <> 'to_currency'
    union all
    select
        events.client_id,
        events.to_currency as currency,
        events.occurred_at,
        -rules.sign * {{ component_of('events', 'rules', ledger_components()) }} as amount
    from {{ ref('int_ledger_plain_events') }} as events
    inner join {{ ref('posting_rules') }} as rules on events.rule_id = rules.rule_id
    where events.reason is null and rules.account_code = '2010' and rules.currency_of = 'to_currency'
),

before_each as (
    select
        lost.psp,
        lost.event_id,
        lost.client_id,
        lost.currency,
        lost.turn,
        lost.amount,
        coalesce(sum(movements.amount), 0)::decimal(38, 8) as balance
    from lost
    left join movements
        on lost.client_id = movements.client_id and lost.currency = movements.currency and movements.occurred_at < lost.occurred_at
    group by all
),

-- several lost chargebacks of one client share what is there, the earliest first
taken as (
    select
        *,
        greatest(least(amount, balance), 0)::decimal(38, 8) as recovered,
        greatest(least(amount, balance), 0)::decimal(38, 8) as recovered_so_far
    from before_each
    where turn = 1
    union all
    select
        following.*,
        greatest(least(following.amount, following.balance - taken.recovered_so_far), 0)::decimal(38, 8) as recovered,
        (taken.recovered_so_far + greatest(least(following.amount, following.balance - taken.recovered_so_far), 0))::decimal(38, 8) as recovered_so_far
    from taken
    inner join before_each as following
        on taken.client_id = following.client_id and taken.currency = following.currency and following.turn = taken.turn + 1
),

debited as (
    select
        lost.psp,
        lost.event_id,
        lost.txn_id,
        lost.original_psp_txn_id,
        lost.occurred_at,
        taken.recovered
    from lost
    inner join taken on lost.psp = taken.psp and lost.event_id = taken.event_id
),

won as (
    select
        psp_rows.psp,
        psp_rows.event_id,
        arg_min(debited.recovered, (debited.occurred_at, debited.event_id)) as recovered
    from psp_rows
    inner join debited
        on
            psp_rows.psp = debited.psp
            and psp_rows.occurred_at >= debited.occurred_at
            and (
                psp_rows.txn_id = debited.txn_id
                or psp_rows.original_psp_txn_id = debited.txn_id
                or psp_rows.original_psp_txn_id = debited.original_psp_txn_id
            )
    where psp_rows.kind = 'chargeback_reversal'
    group by psp_rows.psp, psp_rows.event_id
),

split as (
    select psp, event_id, recovered from debited
    union all
    select psp, event_id, recovered from won
)

select
    'psp_transactions' as source_feed,
    psp_rows.psp || ':' || psp_rows.event_id as source_key,
    psp_rows.kind as event_kind,
    case
        when psp_rows.kind = 'chargeback_lost' then 'any'
        when split.recovered is null then 'before_debit'
        else 'after_split'
    end as condition,
    case when psp_rows.client_id is null then 'client_unknown' end as reason,
    psp_rows.client_id,
    null::varchar as entity,
    psp_rows.psp,
    psp_rows.currency,
    psp_rows.currency_of_fee as fee_currency,
    psp_rows.amount,
    psp_rows.fee,
    coalesce(split.recovered, 0) as recovered,
    psp_rows.amount - coalesce(split.recovered, 0) as loss,
    psp_rows.occurred_at,
    psp_rows._load_id as source_load_id,
    psp_rows._row_number as source_row_number
from psp_rows
left join split on psp_rows.psp = split.psp and psp_rows.event_id = split.event_id
