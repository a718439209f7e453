-- The newest snapshot of each of the client's trading accounts at each point, on both clocks.
{moments},

known as (
    select
        moments.point, moments.clock, accounts.currency, snapshots.*,
        row_number() over (
            partition by moments.point, moments.clock, snapshots.platform, snapshots.login
            order by snapshots.captured_at desc, snapshots.version desc
        ) = 1 as is_newest
    from core.dim_accounts as accounts
    inner join trading.fct_account_snapshots as snapshots on accounts.platform = snapshots.platform and accounts.login = snapshots.login, moments
    where accounts.client_id = $client_id and snapshots.captured_at <= moments.moment and snapshots.recorded_at <= moments.knowledge
)

select point, clock, platform, login, currency, balance, credit, equity, margin, free_margin, margin_level, floating_pnl, captured_at
from known where is_newest
order by all
