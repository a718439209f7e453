"""The Partners questions: what was accrued, to whom, from which deal by which rule, what was taken back, and why some deals paid nothing."""

from datetime import date

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

ACCRUALS = "partners.fct_commission_accruals"
ZEROS = "partners.fct_commission_zero"
TREE = "partners.dim_partner_tree"
PARTNERS = "core.dim_partners"
DEALS = "trading.fct_deals"

EXECUTED = "executed_at >= $1 and executed_at < $2"
OF_ENTITY = f"($3::varchar is null or partner_id in (select partner_id from {PARTNERS} where entity = $3))"
OF_PARTNER = "($4::varchar is null or partner_id = $4)"
SELECTED = f"{EXECUTED} and {OF_ENTITY} and {OF_PARTNER}"


def names(reader: Reader) -> pl.DataFrame:
    """partner_id and name of every partner."""
    return reader.query(f"select partner_id, name from {PARTNERS} order by partner_id")


def totals(reader: Reader, scope: Scope, partner: str | None) -> pl.DataFrame:
    """Two rows at most, `is_now` true and false: net USD, lines, partners, and what reversals took back."""
    return reader.query(
        f"""
        select executed_at >= $1 as is_now, sum(amount_usd) as net, count(*) filter (reverses_accrual_id is null) as lines,
            count(distinct partner_id) as partners, sum(amount_usd) filter (reverses_accrual_id is not null) as reversed,
            count(*) filter (reverses_accrual_id is not null) as reversals
        from {ACCRUALS}
        where ((executed_at >= $1 and executed_at < $2) or (executed_at >= $5 and executed_at < $6)) and {OF_ENTITY} and {OF_PARTNER}
        group by 1
        """,
        [*scope.now, partner, scope.previous_start, scope.previous_until],
    )


def by_day(reader: Reader, scope: Scope, partner: str | None) -> pl.DataFrame:
    """day, level (as text), net USD: by the day of the deal."""
    return reader.query(
        f"""
        select executed_at::date as day, 'level ' || level as level, sum(amount_usd) as net
        from {ACCRUALS} where {SELECTED} group by all order by day, level
        """,
        [*scope.now, partner],
    )


def by_partner(reader: Reader, scope: Scope, partner: str | None) -> pl.DataFrame:
    """partner_id, name, lines, reversals, net USD, and the change against the period before; the most expensive first."""
    return reader.query(
        f"""
        with sums as (
            select partner_id, count(*) filter (executed_at >= $1) as lines,
                count(*) filter (executed_at >= $1 and reverses_accrual_id is not null) as reversals,
                coalesce(sum(amount_usd) filter (executed_at >= $1), 0) as net_usd,
                coalesce(sum(amount_usd) filter (executed_at < $1), 0) as previous_usd
            from {ACCRUALS}
            where ((executed_at >= $1 and executed_at < $2) or (executed_at >= $5 and executed_at < $6)) and {OF_ENTITY} and {OF_PARTNER}
            group by partner_id
        )
        select sums.partner_id, partners.name, lines, reversals, net_usd, net_usd - previous_usd as change_usd
        from sums left join {PARTNERS} as partners using (partner_id) order by net_usd desc, partner_id
        """,
        [*scope.now, partner, scope.previous_start, scope.previous_until],
    )


def tree(reader: Reader, scope: Scope, at: date) -> pl.DataFrame:
    """partner_id, name, parent_id (null at the top), net USD of the period: the tree as it was at the start of the day `at`."""
    return reader.query(
        f"""
        with at_day as (select * from {TREE} where valid_from <= $4 and (valid_to is null or valid_to > $4)),
        parents as (select partner_id, ancestor_id as parent_id from at_day where level = 1),
        nets as (select partner_id, sum(amount_usd) as net from {ACCRUALS} where {EXECUTED} group by partner_id)
        select members.partner_id, partners.name, parents.parent_id, coalesce(nets.net, 0) as net_usd
        from (select distinct partner_id from at_day) as members
        left join parents using (partner_id)
        left join {PARTNERS} as partners using (partner_id)
        left join nets using (partner_id)
        where $3::varchar is null or partners.entity = $3
        order by members.partner_id
        """,
        [*scope.now, at],
    )


def lines(scope: Scope, partner: str | None, kind: str) -> Rows:
    """Accrual lines, the newest first; `kind` is all, reversal (what took an earlier line back) or revision (what followed one)."""
    kinds = {"all": "true", "reversal": "reverses_accrual_id is not null", "revision": "revision > 1"}
    return Rows(
        f"""
        select case when reverses_accrual_id is not null then 'reversal' when revision > 1 then 'revision' else 'accrual' end as line,
            executed_at, partner_id, level, platform, deal_id, client_id, basis_amount, basis_unit, rate, fx_rate, amount, currency, amount_usd,
            scheme, distribution, plan_id, plan_version, rule_id, rule_version, status, reason, accrued_at, revision, accrual_id,
            reverses_accrual_id
        from {ACCRUALS} where {SELECTED} and {kinds[kind]}
        order by executed_at desc, deal_id, level, accrual_id
        """,
        (*scope.now, partner),
    )


def zero_reasons(reader: Reader, scope: Scope, partner: str | None) -> pl.DataFrame:
    """reason, deals: why deals that could have paid a partner paid nothing, the commonest first."""
    return reader.query(
        f"select reason, count(*) as deals from ({_zeros()}) group by 1 order by 2 desc, 1", [*scope.now, partner]
    )


def zeros(scope: Scope, partner: str | None, reason: str | None) -> Rows:
    """The deals that paid nothing, with the reason."""
    return Rows(
        f"select * from ({_zeros()}) where $5::varchar is null or reason = $5 order by executed_at desc, deal_id",
        (*scope.now, partner, reason),
    )


def _zeros() -> str:
    return f"""
        select deals.executed_at, zeros.partner_id, zeros.platform, zeros.deal_id, deals.client_id, deals.symbol, deals.volume_lots,
            zeros.reason, zeros.detail
        from {ZEROS} as zeros inner join {DEALS} as deals using (platform, deal_id)
        where deals.{EXECUTED.replace("and ", "and deals.")}
            and {OF_ENTITY.replace("partner_id in", "zeros.partner_id in")} and {OF_PARTNER.replace("partner_id =", "zeros.partner_id =")}
    """
