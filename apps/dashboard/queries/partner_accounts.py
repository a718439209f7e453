"""What the account of a partner asks: statements and their lines, payouts, what changed between two months and why, clients that stand out."""

import polars as pl

from apps.dashboard.queries.common import Rows
from warehouse.reader import Reader

STATEMENTS = "partners.fct_partner_statement"
PAYOUTS = "partners.fct_payouts"
FLAGS = "partners.fct_commission_flags"
ACCRUALS = "partners.fct_commission_accruals"
DEALS = "trading.fct_deals"
PARTNERS = "core.dim_partners"
OF_ENTITY = f"($1::varchar is null or partner_id in (select partner_id from {PARTNERS} where entity = $1))"
SHORT_SECONDS = 120
CHURNED_LOTS = 20
"""A client who turned at least so many lots in the month, most of them held under two minutes, is flagged as churning."""


def months(reader: Reader) -> pl.DataFrame:
    """period: months with a statement, the newest first."""
    return reader.query(f"select distinct period from {STATEMENTS} order by 1 desc")


def currencies(reader: Reader) -> pl.DataFrame:
    """currency: in which partners have an account, the commonest first."""
    return reader.query(f"select currency from {STATEMENTS} group by 1 order by count(*) desc, 1")


def statements(reader: Reader, entity: str | None, partner: str | None, period: str) -> pl.DataFrame:
    """The statements of one month, the largest first."""
    return reader.query(
        f"""
        select partner_id, names.name, currency, opening, accrued, adjustments, paid, closing, held, open_accruals, payable, held_back, to_take_back,
            approved, lots, clients_active, effective_pct_of_revenue
        from {STATEMENTS} left join (select partner_id, name from {PARTNERS}) as names using (partner_id)
        where {OF_ENTITY} and ($2::varchar is null or partner_id = $2) and period = $3 order by abs(closing) desc, partner_id
        """,
        [entity, partner, period],
    )


def lines(partner: str, period: str, currency: str) -> Rows:
    """The lines of one statement, in the order of their deals, with everything that made them."""
    return Rows(
        f"""
        select executed_at, platform, deal_id, client_id, level, scheme, distribution, plan_id, plan_version, rule_id, rule_version, basis_amount,
            basis_unit, own_rate, rate, tier_from, limited_by, fx_rate, fx_path, amount, currency, status, reason, revision, accrual_id,
            reverses_accrual_id, approval_id, payout_id
        from {ACCRUALS} where partner_id = $1 and strftime(executed_at, '%Y-%m') = $2 and currency = $3
        order by executed_at, deal_id, scheme, revision, accrual_id
        """,
        (partner, period, currency),
    )


def payouts(entity: str | None, partner: str | None) -> Rows:
    """Payouts, what waits first, then the newest."""
    return Rows(
        f"""
        select payout_id, partner_id, period, amount, currency, status, approved_by, approved_at, paid_at, entry_id from {PAYOUTS}
        where {OF_ENTITY} and ($2::varchar is null or partner_id = $2)
        order by status <> 'approved', coalesce(paid_at, approved_at) desc, payout_id
        """,
        (entity, partner),
    )


def flags(entity: str | None, partner: str | None) -> Rows:
    """Clients whose commission is held, with the evidence; the dearest first."""
    return Rows(
        f"""
        select partner_id, client_id, flag, since, evidence, amount, currency, amount_usd from {FLAGS}
        where {OF_ENTITY} and ($2::varchar is null or partner_id = $2) order by amount_usd desc nulls last, partner_id, client_id, flag
        """,
        (entity, partner),
    )


NETS = f"""
nets as (
    select strftime(accruals.executed_at, '%Y-%m') as period, accruals.partner_id, accruals.client_id, accruals.level, accruals.platform,
        accruals.deal_id, sum(accruals.amount_usd) as cost
    from {ACCRUALS} as accruals
    where accruals.executed_at >= ($3 || '-01')::timestamp and accruals.executed_at < ($2 || '-01')::timestamp + interval 1 month
        and strftime(accruals.executed_at, '%Y-%m') in ($2, $3)
    group by all having sum(accruals.amount_usd) <> 0
),
cells as (
    select nets.period, nets.partner_id, nets.client_id, nets.level, coalesce(deals.symbol_group, 'no deal') as symbol_group,
        sum(nets.cost) as cost, sum(coalesce(deals.volume_lots, 0)) as lots,
        sum(coalesce(deals.volume_lots, 0)) filter (where deals.holding_seconds < {SHORT_SECONDS}) as short_lots
    from nets left join {DEALS} as deals on nets.platform = deals.platform and nets.deal_id = deals.deal_id
    group by all
)
"""


def review(reader: Reader, entity: str | None, period: str, before: str) -> pl.DataFrame:
    """By partner, USD: cost of both months and the change, explained by tree, volume, mix and rate, which add up to it exactly.

    Tree: clients who traded in both months and stand under the partner, or at that level, in one of them. Of all others: volume at the average
    rate before, mix of symbol groups at their rates before, and rate for the rest.
    """
    return reader.query(
        f"""
        with {NETS},
        active as (select client_id from nets group by client_id having count(distinct period) = 2),
        pairs as (
            select partner_id, nets.client_id, level, count(distinct period) = 1 and bool_or(active.client_id is not null) as moved
            from nets left join active on nets.client_id = active.client_id group by partner_id, nets.client_id, level
        ),
        marked as (select cells.*, pairs.moved from cells join pairs on cells.partner_id = pairs.partner_id
            and cells.client_id is not distinct from pairs.client_id and cells.level = pairs.level),
        groups as (
            select partner_id, symbol_group, coalesce(sum(cost) filter (period = $3 and not moved), 0) as cost0,
                coalesce(sum(cost) filter (period = $2 and not moved), 0) as cost1,
                coalesce(sum(lots) filter (period = $3 and not moved), 0) as lots0,
                coalesce(sum(lots) filter (period = $2 and not moved), 0) as lots1
            from marked group by all
        ),
        sums as (select partner_id, sum(cost0) as cost0, sum(lots0) as lots0, sum(lots1) as lots1 from groups group by 1),
        effects as (
            select groups.partner_id,
                round((any_value(sums.lots1) - any_value(sums.lots0)) * any_value(sums.cost0) / nullif(any_value(sums.lots0), 0), 2) as volume,
                round(sum(groups.lots1 * coalesce(groups.cost0 / nullif(groups.lots0, 0), sums.cost0 / nullif(sums.lots0, 0)))
                    - any_value(sums.lots1) * any_value(sums.cost0) / nullif(any_value(sums.lots0), 0), 2) as mix
            from groups join sums using (partner_id) group by groups.partner_id
        ),
        totals as (
            select partner_id, coalesce(sum(cost) filter (period = $3), 0) as cost_before, coalesce(sum(cost) filter (period = $2), 0) as cost,
                coalesce(sum(cost) filter (period = $2 and moved), 0) - coalesce(sum(cost) filter (period = $3 and moved), 0) as tree,
                coalesce(sum(short_lots) filter (period = $2), 0) / nullif(sum(lots) filter (period = $2), 0) as short_holding_share
            from marked group by partner_id
        ),
        revenue as (
            select partner_id, case when sum(revenue_usd) > 0 then sum(accrued_usd) / sum(revenue_usd) end as effective_pct,
                sum(adjustments) as adjustments
            from {STATEMENTS} where period = $2 group by 1
        )
        select totals.partner_id, partners.name, cost_before, cost, cost - cost_before as change_usd, tree as tree_usd,
            coalesce(volume, cost - cost_before - tree)::decimal(38, 2) as volume_usd, coalesce(mix, 0)::decimal(38, 2) as mix_usd,
            cost - cost_before - tree - coalesce(volume, cost - cost_before - tree)::decimal(38, 2) - coalesce(mix, 0)::decimal(38, 2) as rate_usd,
            effective_pct, short_holding_share, adjustments
        from totals left join effects using (partner_id) left join revenue using (partner_id) left join {PARTNERS} as partners using (partner_id)
        where $1::varchar is null or partners.entity = $1
        order by cost desc, partner_id
        """,
        [entity, period, before],
    )


def churning(reader: Reader, entity: str | None, period: str, before: str) -> pl.DataFrame:
    """partner_id, client_id, lots, short_holding_share, cost in USD of clients who turned many lots in positions of less than two minutes."""
    return reader.query(
        f"""
        with {NETS}
        select partner_id, client_id, max(lots) as lots, max(short_lots) / nullif(max(lots), 0) as short_holding_share, sum(cost) as cost_usd
        from (
            select partner_id, client_id, level, sum(lots) as lots, sum(short_lots) as short_lots, sum(cost) as cost
            from cells where period = $2 group by all
        ) where {OF_ENTITY}
        group by partner_id, client_id having max(lots) >= {CHURNED_LOTS} and max(short_lots) * 2 > max(lots)
        order by cost_usd desc, partner_id, client_id
        """,
        [entity, period, before],
    )


def corrections(reader: Reader, entity: str | None, period: str) -> pl.DataFrame:
    """Per line of the month that was computed anew (of a deal's side, a month, a client won): what was first booked, taken back and booked
    since, and the difference."""
    return reader.query(
        f"""
        select platform, deal_id, client_id, partner_id, scheme, side, currency,
            sum(amount) filter (revision = 1 and reverses_accrual_id is null) as first_line,
            sum(amount) filter (reverses_accrual_id is not null) as reversals,
            coalesce(sum(amount) filter (revision > 1 and reverses_accrual_id is null), 0) as new_lines,
            sum(amount) - coalesce(sum(amount) filter (revision = 1 and reverses_accrual_id is null), 0) as difference,
            max(accrued_at) as last_computed_at
        from {ACCRUALS} where {OF_ENTITY} and strftime(executed_at, '%Y-%m') = $2
        group by regexp_replace(accrual_id, ':r[0-9]+(:reversal)?$', ''), platform, deal_id, client_id, partner_id, scheme, side, currency
        having count(*) > 1 order by abs(difference) desc, deal_id, partner_id
        """,
        [entity, period],
    )
