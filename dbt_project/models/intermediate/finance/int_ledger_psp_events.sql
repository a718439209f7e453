-- PSP rows as ledger events (payouts that a request announced are in int_ledger_request_events). Amounts positive, in their own currencies.
with psp_rows as (select * from {{ ref('int_ledger_psp_rows') }}),

bank_accounts as (select * from {{ ref('int_ledger_bank_accounts') }}),

has_requests as (
    select count(*) > 0 as answer from {{ ref('int_ledger_requests') }}
    where request_kind = 'withdrawal'
),

batch_rows as (
    select * from psp_rows
    where (is_first_completed or is_deposit_reversal) and settlement_batch_id is not null
),

batches as (
    select
        psp,
        settlement_batch_id,
        currency,
        -- the settlement's own row is among the effects, so what remains is the difference
        sum(effect) as difference,
        arg_max(event_id, (occurred_at, event_id)) filter (where kind = 'settlement') as last_settlement
    from batch_rows
    group by psp, settlement_batch_id, currency
    having count(*) filter (where kind <> 'settlement') > 0
),

-- whose PSP account it is: a row without a client is of the entity whose bank its batch was settled to, or all batches of that PSP and currency are
settled_to as (
    select distinct
        psp_rows.psp,
        psp_rows.settlement_batch_id,
        psp_rows.currency,
        bank_accounts.entity
    from psp_rows
    inner join bank_accounts
        on
            psp_rows.bank_account = bank_accounts.bank_account
            and psp_rows.occurred_at >= bank_accounts.valid_from
            and psp_rows.occurred_at < bank_accounts.valid_to
    where psp_rows.kind = 'settlement' and psp_rows.is_first_completed and bank_accounts.entity is not null
),

batch_entities as (
    select
        psp,
        settlement_batch_id,
        currency,
        min(entity) as entity
    from settled_to
    where settlement_batch_id is not null
    group by psp, settlement_batch_id, currency
    having count(distinct entity) = 1
),

only_entities as (
    select
        psp,
        currency,
        min(entity) as entity
    from settled_to
    group by psp, currency
    having count(distinct entity) = 1
),

events as (
    select
        psp_rows.*,
        case
            when is_deposit_reversal then 'deposit_reversed'
            when status <> 'completed' then 'status_' || status
            else psp_rows.kind
        end as event_kind,
        case
            when status <> 'completed' then 'any'
            when psp_rows.kind in ('withdrawal', 'refund')
                then case when psp_rows.kind = 'withdrawal' and has_requests.answer then 'unmatched' else 'without_requests' end
            when psp_rows.kind = 'reserve_release' then case when psp_rows.settlement_batch_id is null then 'alone' else 'in_batch' end
            when psp_rows.kind = 'settlement' then case when bank_accounts.is_client_money then 'client_bank' else 'firm_bank' end
            else 'any'
        end as condition,
        coalesce(
            bank_accounts.entity, case when psp_rows.client_id is null then coalesce(batch_entities.entity, only_entities.entity) end
        ) as bank_entity,
        coalesce(batches.difference, 0) as difference
    from psp_rows
    cross join has_requests
    left join bank_accounts
        on
            psp_rows.bank_account = bank_accounts.bank_account
            and psp_rows.occurred_at >= bank_accounts.valid_from
            and psp_rows.occurred_at < bank_accounts.valid_to
    left join batch_entities
        on
            psp_rows.psp = batch_entities.psp
            and psp_rows.settlement_batch_id = batch_entities.settlement_batch_id
            and psp_rows.currency = batch_entities.currency
    left join only_entities on psp_rows.psp = only_entities.psp and psp_rows.currency = only_entities.currency
    left join batches
        on
            psp_rows.psp = batches.psp
            and psp_rows.settlement_batch_id = batches.settlement_batch_id
            and psp_rows.currency = batches.currency
            and psp_rows.event_id = batches.last_settlement
    where
        (psp_rows.request_id is null or psp_rows.status <> 'completed')
        -- what was lost or won back depends on the wallet: int_ledger_chargeback_events
        and not (psp_rows.kind in ('chargeback_lost', 'chargeback_reversal') and psp_rows.is_first_completed)
)

select
    'psp_transactions' as source_feed,
    psp || ':' || event_id as source_key,
    event_kind,
    condition,
    case
        when event_kind like 'status_%' then null
        when status = 'completed' and not is_first_completed then 'duplicate'
        when condition = 'unmatched' then 'unmatched'
        when client_id is null and event_kind in ('deposit', 'deposit_reversed', 'withdrawal', 'refund') then 'client_unknown'
    end as reason,
    client_id,
    bank_entity as entity,
    psp,
    bank_account,
    currency,
    currency_of_fee as fee_currency,
    case when kind = 'adjustment' and coalesce(direction, 'in') = 'out' then -amount else amount end as amount,
    -- a fee that the failed row repeats was posted with the deposit
    case when event_kind = 'deposit_reversed' then 0 else fee end as fee,
    case when event_kind = 'deposit' and fee_borne_by = 'client' then fee else 0 end as client_fee,
    difference,
    occurred_at,
    _load_id as source_load_id,
    _row_number as source_row_number
from events
