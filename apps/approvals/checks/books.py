"""The books: breaks, client money, published figures, periods."""

from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Any

from apps.approvals.checks.registry import Context, Finding, Missing, check

BREAK = "select status, amount, currency from finance.rec_breaks where break_id = $1"

OPEN_BREAKS = """
select break_id from finance.rec_breaks
where status = 'open' and ($1::varchar is null or entity = $1) and first_seen_on <= $2 order by break_id
"""

CLIENT_MONEY = """
select requirement, resource, status, fund_by from finance.fct_client_money_daily where entity = $1 and currency = $2 and day = $3
"""

FIGURE = "select value from leadership.fct_kpi_daily where kpi = $1 and entity = $2 and day = $3"

LOSS_PERCENTAGE = """
select published_loss_pct as value, status from compliance.fct_loss_percentage
where $1 = 'loss_percentage' and entity = $2 and calculation_date = $3
"""

PERIOD = """
select arg_max(event_type, (occurred_at, recorded_at, event_id)) as last from compliance.fct_audit_events
where stream = 'period' and stream_id = $1
having count(*) > 0
"""

UNPOSTED = """
select reason, count(*) as events from finance.unposted_events
where (entity = $1 or entity is null) and occurred_at >= $2 and occurred_at < $3::date + interval 1 day and not list_contains($4::varchar[], reason)
group by reason order by reason
"""


@check("break_open")
def break_open(context: Context) -> Finding:
    """The break is still open, with the difference that was shown."""
    found = next(iter(context.ask(BREAK, context.subject.subject_id)), None)
    if found is None:
        raise Missing(f"there is no break {context.subject.subject_id}")
    shown = Decimal(str(context.fact("difference")))
    inputs = {"status": found["status"], "amount": found["amount"], "shown": shown}
    said = f"It is {found['status']} with {found['amount']:,.2f} {found['currency'] or ''}."
    return Finding(found["status"] == "open" and found["amount"] == shown, said, inputs)


@check("no_open_breaks")
def no_open_breaks(context: Context) -> Finding:
    """No break of the entity that began by the end of the day or period is open."""
    _, last = _span(context)
    found = [row["break_id"] for row in context.ask(OPEN_BREAKS, context.subject.entity, last)]
    said = f"{len(found)} breaks are open, {found[0]} among them." if found else f"No break up to {last} is open."
    return Finding(not found, said, {"breaks": found[:20], "open": len(found), "until": last})


@check("client_money_agrees")
def client_money_agrees(context: Context) -> Finding:
    """The signed figures are those of the day's calculation, no client netted against another, and what was short has been topped up."""
    if context.subject.currency is None or context.subject.entity is None:
        raise Missing("it names no entity or currency")
    day = _day(context.fact("day"))
    found = context.ask(CLIENT_MONEY, context.subject.entity, context.subject.currency, day)
    if not found:
        raise Missing(
            f"no client money of {context.subject.entity} in {context.subject.currency} was calculated on {day}"
        )
    books = found[0]
    stated = {name: Decimal(str(context.fact(name))) for name in ("requirement", "resource")}
    wrong = [name for name in stated if stated[name] != books[name]]
    inputs = {"day": day, "stated": stated, "books": {name: books[name] for name in (*stated, "status", "fund_by")}}
    if wrong:
        name = wrong[0]
        return Finding(
            False, f"{name.capitalize()} is stated as {stated[name]:,.2f}; the books say {books[name]:,.2f}.", inputs
        )
    short = stated["requirement"] - stated["resource"]
    said = f"{stated['resource']:,.2f} are held against {stated['requirement']:,.2f} owed."
    if short > 0 and books["status"] in ("funded", "balanced"):
        return Finding(True, f"{said} The {short:,.2f} missing were topped up by {books['fund_by']}.", inputs)
    if short > 0:
        said = f"{said} {short:,.2f} are missing, to be topped up by the close of {books['fund_by']}."
    return Finding(short <= 0, said, inputs)


@check("figure_agrees", version="2")
def figure_agrees(context: Context) -> Finding:
    """The figure to be published is the one of the marts; a loss percentage, as a fraction, whose accounts are all valued and tie."""
    kpi, day = str(context.fact("kpi")), _day(context.fact("day"))
    found = context.ask(LOSS_PERCENTAGE if kpi == "loss_percentage" else FIGURE, kpi, context.subject.entity, day)
    if found and found[0].get("status") == "incomplete":
        said = f"{kpi} of {context.subject.entity} on {day} is incomplete: some account is not valued or does not tie."
        return Finding(False, said, {"status": "incomplete"})
    if not found or found[0]["value"] is None:
        raise Missing(f"there is no {kpi} of {context.subject.entity} on {day}")
    stated, value = Decimal(str(context.fact("value"))), found[0]["value"]
    said = f"{kpi} of {context.subject.entity} on {day}: stated {stated:,f}, the marts say {value:,f}."
    return Finding(stated == value, said, {"stated": stated, "value": value})


@check("period_state")
def period_state(context: Context) -> Finding:
    """The period is open before it is closed, and closed before it is reopened."""
    name = f"{context.subject.entity}:{context.fact('period')}"
    found = context.ask(PERIOD, name)
    state = "closed" if found and found[0]["last"] == "period.closed" else "open"
    wanted = context.parameters.get("must_be") or (
        "open" if context.subject.subject_type == "period_close" else "closed"
    )
    return Finding(state == wanted, f"The period {name} is {state}.", {"state": state, "must_be": wanted})


@check("period_over")
def period_over(context: Context) -> Finding:
    """The data reach beyond the period's end."""
    _, last = _span(context)
    reach = context.reader.publish.loaded_at or context.reader.publish.published_at
    said = f"The period ends {last}; data are known until {reach:%Y-%m-%d %H:%M}."
    return Finding(reach.date() > last, said, {"ends": last, "known_until": reach})


@check("everything_posted")
def everything_posted(context: Context) -> Finding:
    """Every event of the entity in the period is posted, but for the reasons the policy allows."""
    first, last = _span(context)
    found = context.ask(UNPOSTED, context.subject.entity, first, last, list(context.parameters["allowed"]))
    said = ", ".join(f"{row['events']} {row['reason']}" for row in found)
    return Finding(
        not found, f"Not posted: {said}." if found else "Every event of the period is posted.", {"unposted": found}
    )


def _span(context: Context) -> tuple[date, date]:
    """The first and last day of the subject's period (`2026-10`), or its day twice."""
    facts: dict[str, Any] = dict(context.subject.facts)
    if facts.get("period"):
        text = str(facts["period"])
        if len(text) == 7:
            first = date.fromisoformat(f"{text}-01")
            return first, first.replace(day=monthrange(first.year, first.month)[1])
        return _day(text), _day(text)
    day = _day(context.fact("day"))
    return day, day


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise Missing(f"{value} is no day") from error
