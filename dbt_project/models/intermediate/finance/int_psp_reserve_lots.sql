-- Rolling reserve: each amount a PSP held back, with its maturity and what of it has been released. A release that names the hold's transaction is of that
-- lot; the others use up what is left of the oldest lots first.
with movements as (
    select
        psp_rows.*,
        coalesce(settlements.bank_account, '') as bank_account_of_batch
    from {{ ref('int_ledger_psp_rows') }} as psp_rows
    left join (
        select
            psp,
            settlement_batch_id,
            currency,
            min(bank_account) as bank_account
        from {{ ref('int_ledger_psp_rows') }}
        where is_first_completed and kind = 'settlement' and settlement_batch_id is not null
        group by psp, settlement_batch_id, currency
    ) as settlements
        on
            psp_rows.psp = settlements.psp
            and psp_rows.settlement_batch_id = settlements.settlement_batch_id
            and psp_rows.currency = settlements.currency
    where psp_rows.is_first_completed and psp_rows.kind in ('reserve_hold', 'reserve_release')
),

-- a release that names no batch is of the one pool its PSP and currency have
pools as (
    select
        psp,
        currency,
        min(bank_account_of_batch) as only_pool
    from movements
    where kind = 'reserve_hold'
    group by psp, currency
    having count(distinct bank_account_of_batch) = 1
),

placed as (
    select
        movements.*,
        case when movements.settlement_batch_id is null then coalesce(pools.only_pool, movements.bank_account_of_batch) else movements.bank_account_of_batch end as pool
    from movements
    left join pools on movements.psp = pools.psp and movements.currency = pools.currency
),

releases as (
    select
        psp,
        currency,
        pool,
        sum(amount) as released
    from placed
    where kind = 'reserve_release'
    group by psp, currency, pool
),

terms as (
    select
        *,
        coalesce(valid_to, date '9999-12-31') as ends_on
    from {{ ref('psp_terms') }}
),

named as (
    select
        psp,
        currency,
        original_psp_txn_id as txn_id,
        sum(amount) as amount
    from placed
    where kind = 'reserve_release' and original_psp_txn_id is not null
    group by psp, currency, original_psp_txn_id
),

lots as (
    select
        placed.*,
        least(placed.amount, coalesce(named.amount, 0)) as own_release
    from placed
    left join named on placed.psp = named.psp and placed.currency = named.currency and placed.txn_id = named.txn_id
    where placed.kind = 'reserve_hold'
),

holds as (
    select
        *,
        sum(own_release) over (partition by psp, currency, pool) as named_releases,
        coalesce(sum(amount - own_release) over (
            partition by psp, currency, pool order by occurred_at, event_id rows between unbounded preceding and 1 preceding
        ), 0) as held_before
    from lots
)

select
    holds.psp,
    holds.event_id,
    holds.currency,
    nullif(holds.pool, '') as bank_account,
    holds.settlement_batch_id,
    holds.occurred_at::date as held_on,
    holds.occurred_at::date + terms.reserve_days as matures_on,
    holds.amount,
    (holds.own_release + least(
        holds.amount - holds.own_release, greatest(coalesce(releases.released, 0) - holds.named_releases - holds.held_before, 0)
    ))::decimal(38, 8) as released
from holds
left join releases on holds.psp = releases.psp and holds.currency = releases.currency and holds.pool = releases.pool
left join terms
    on
        holds.psp = terms.psp
        and holds.occurred_at::date >= terms.valid_from
        and holds.occurred_at::date < terms.ends_on
