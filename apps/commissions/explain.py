"""One deal or one accrual as sentences and as a table: who earned what on it, by which rule, and why others earned nothing."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from warehouse.engine import WarehouseError
from warehouse.reader import Reader

ACCRUALS = "partners.fct_commission_accruals"
ZEROS = "partners.fct_commission_zero"
COLUMNS = (
    "accrual_id", "partner_id", "level", "scheme", "side", "distribution", "plan_id", "plan_version", "rule_id", "rule_version", "basis_amount",
    "basis_unit", "own_rate", "rate", "tier_from", "limited_by", "fx_rate", "fx_path", "amount", "currency", "amount_usd", "revision", "reason",
    "reverses_accrual_id", "accrued_at",
)  # fmt: skip
LIMITS = {
    "hedge": "only the part of its lots that made the larger side of the client's day counted",
    "credit": "the client's credit came off in proportion to its equity",
    "house_cap": "all levels together were scaled down to the house's limit on the deal",
    "cap": "the partner's cap left no more",
}


class NothingKnown(WarehouseError):
    """Neither a line nor a zero row has this id; the message says what was searched."""


@dataclass(frozen=True)
class Explanation:
    """What is known of a deal or an accrual. `sentences` are in the order of the chain and of writing, `lines` the rows behind them."""

    about: str
    sentences: list[str]
    lines: list[dict[str, Any]]
    zeros: list[dict[str, Any]]


def explain(reader: Reader, asked: str, partner_id: str | None = None) -> Explanation:
    """Explains a deal (`platform:deal` or its number) or an accrual id, for all members of the chain or for one partner.

    What an accrual id begins with will do: `revenue_share:RC:2026-01` is a month with all that it paid, `cpa:C34:1` a client won.

    Raises NothingKnown with what was searched when the publish holds neither lines nor zero rows of it.
    """
    parts = asked.split(":")
    if len(parts) > 2:
        which = "accrual_id = $1 or starts_with(accrual_id, $1 || ':')"
        lines = _lines(reader, which, [asked], partner_id)
        zeros: list[dict[str, Any]] = []
    else:
        # deals are numbered within 64 bits
        deal = int(parts[-1]) if parts[-1].isdecimal() and len(parts[-1]) < 19 else -1
        platform = parts[0] if len(parts) > 1 else None
        which, values = "deal_id = $1 and ($2::varchar is null or platform = $2)", [deal, platform]
        lines = _lines(reader, which, values, partner_id)
        zeros = _zeros(reader, which, values, partner_id)
    if not lines and not zeros:
        raise NothingKnown(
            f"Publish {reader.publish.publish_id} holds no commission line and no zero row of {asked!r}"
            f"{f' for {partner_id}' if partner_id else ''}. Either no partner was linked to the client at that time, or the deal "
            "closes no volume, is cancelled, or not yet loaded; a month or a client won may still wait for a rate, a rule or a plan. "
            "Ask for `platform:deal` or an accrual id."
        )
    return Explanation(
        asked, [_line_sentence(row) for row in lines] + [_zero_sentence(row) for row in zeros], lines, zeros
    )


def _lines(reader: Reader, which: str, values: list[Any], partner_id: str | None) -> list[dict[str, Any]]:
    rows = reader.query(
        f"""
        select platform, deal_id, client_id, executed_at, {", ".join(COLUMNS)} from {ACCRUALS}
        where ({which}) and (${len(values) + 1}::varchar is null or partner_id = ${len(values) + 1})
        order by platform, deal_id, level, scheme, side, accrued_at, revision, reverses_accrual_id is null
        """,
        [*values, partner_id],
    )
    return list(rows.iter_rows(named=True))


def _zeros(reader: Reader, which: str, values: list[Any], partner_id: str | None) -> list[dict[str, Any]]:
    rows = reader.query(
        f"""
        select platform, deal_id, partner_id, reason, detail from {ZEROS}
        where ({which}) and (${len(values) + 1}::varchar is null or partner_id = ${len(values) + 1}) order by all
        """,
        [*values, partner_id],
    )
    return list(rows.iter_rows(named=True))


def _line_sentence(row: dict[str, Any]) -> str:
    if row["reverses_accrual_id"]:
        return (
            f"{row['accrued_at']:%Y-%m-%d %H:%M}: the line {row['reverses_accrual_id']} of {number(-row['amount'])} "
            f"{row['currency']} was taken back, because a later row changed what it rests on."
        )
    said = (
        f"{row['partner_id']} (level {row['level']}, plan {row['plan_id']} version {row['plan_version']}) earned {number(row['amount'])} "
        f"{row['currency']} {_occasion(row)}"
        f"{' for the volume it opened' if row['side'] == 'open' else ''}: {_reckoning(row)}."
    )
    if row["tier_from"] is not None:
        said += f" Its tier stood at the step from {number(row['tier_from'])}, which gives the rate."
    said += "".join(f" Limited: {LIMITS[name]}." for name in (row["limited_by"] or "").split(", ") if name)
    if row["revision"] > 1:
        why = "the tier reached another step" if row["reason"] == "tier_reached" else "an earlier line was recomputed"
        said += f" Revision {row['revision']}: {why}."
    return said


def _occasion(row: dict[str, Any]) -> str:
    """What was paid for: a deal, a month of a partner's clients or a client won."""
    at = f"{row['executed_at']:%Y-%m-%d %H:%M:%S} UTC"
    if row["deal_id"] is not None:
        return f"on deal {row['platform']}:{row['deal_id']} of {row['client_id']}, executed {at}"
    if row["scheme"] == "cpa":
        return f"for client {row['client_id']}, won at {at}"
    # the id of a month's line has the direct partner before the month
    direct = row["accrual_id"].removeprefix("revenue_share:").partition(f":{row['executed_at']:%Y-%m}:")[0]
    return f"on what {direct}'s own clients brought the house in {row['executed_at']:%Y-%m}"


def _reckoning(row: dict[str, Any]) -> str:
    rule = f"rule {row['rule_id']} version {row['rule_version']} ({row['scheme']}, {row['distribution']})"
    if row["rate"] is None:
        return (
            f"it received {number(row['basis_amount'])} {row['basis_unit']} from below and keeps this of it, by {rule}"
        )
    said = f"{number(row['basis_amount'])} {row['basis_unit']} × {number(row['rate'])}, by {rule}"
    if row["distribution"] == "difference" and row["rate"] != row["own_rate"]:
        said += f", whose rate of {number(row['own_rate'])} is reduced by the highest rate paid below"
    if row["fx_rate"] != 1:
        said += f", at {number(row['fx_rate'])} ({row['fx_path'] + ' ' if row['fx_path'] else ''}exchange rate)"
    return said


def _zero_sentence(row: dict[str, Any]) -> str:
    meaning = REASONS.get(row["reason"], row["reason"])
    detail = f" ({row['detail']})" if row["detail"] else ""
    return f"{row['partner_id']} earned nothing on deal {row['platform']}:{row['deal_id']}: {meaning}{detail}."


REASONS = {
    "not_yet_computed": "its plan or rule asks for something that cannot be read, so nothing is paid until it can",
    "no_rate": "an exchange rate or the symbol was not known at the time of the deal; it accrues once it is",
    "rule_conflict": "two of its rules are equally specific; it accrues once one of them goes",
    "unknown_plan": "the plan named for it was not known or not valid then; it accrues once it is",
    "partner_inactive": "it was not active at the time",
    "held_too_short": "the position was held too short",
    "moved_too_little": "the price moved too little",
    "excluded_reason": "the plan never pays deals of this reason",
    "hedged": "the client traded the other side of the symbol that day, and only the larger side pays",
    "capped": "a cap left nothing",
    "rank_not_above": "its rank is not above the highest one paid below",
    "not_above_paid": "its rate is not above the highest one paid below",
    "no_profit": "the client made no profit on the deal",
    "beyond_max_levels": "the plan does not pay this far up the chain",
    "self": "the client is the partner",
    "no_partner": "the client had no partner yet; this one came later",
    "rounded_to_zero": "the amount rounds to zero",
    "no_base": "there was nothing to pay on",
    "no_market": "bid or ask of the deal or its opening is not known",
    "credit": "the client's equity was all credit",
    "no_rule": "no rule of its plan fits the deal",
}


def number(value: Decimal) -> str:
    """The exact figure without the zeros behind it, and never in exponents."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
