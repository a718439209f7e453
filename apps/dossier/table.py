"""The dossier on a terminal."""

from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

EMPTY = "—"
SECTIONS = {
    "rts": "Return to source: planned and actual", "references": "What provider and bank call it", "ledger": "Journal entries",
    "accruals": "Commission accruals", "withdrawals": "Withdrawals", "violations": "Rules of identification broken",
    "evidence_events": "Events it rests on",
}  # fmt: skip
STATES = {
    "balances": "Balances", "equity": "Equity and margin", "positions": "Open positions", "screening": "Checks of the client",
    "documents": "Documents", "alerts": "Alerts",
}  # fmt: skip


def render(found: dict[str, Any]) -> RenderableType:
    """The object of `dossier` as panels: the decision first, then the checks against it, the client then, failures, and the timeline."""
    return Group(
        _subject(found["subject"]),
        _decision(found["decision"]),
        _checks("Checks before the decision", found["checks_before"]),
        *([_checks("Checks after the decision", found["checks_after"])] if found["checks_after"] else []),
        _client(found["client_status"]),
        *_states(found["standing"]),
        *(_rows(title, found[name]) for name, title in SECTIONS.items() if found.get(name)),
        _failures(found["control_failures"]),
        _timeline(found["timeline"]),
        *(Text(f"{name} is not shown: {why}", style="yellow") for name, why in found["not_shown"].items()),
        Text(f"publish {found['publish']['id']}, answered in {found['answered_in_ms']} ms", style="dim"),
    )


def _subject(subject: dict[str, Any]) -> RenderableType:
    title = f"{subject['type']} {subject['id']}"
    if subject.get("amount") is None or subject["type"] not in ("withdrawal", "deposit", "transfer"):
        words = "\n".join(
            f"{name.replace('_', ' ')}: {_text(value)}"
            for name, value in subject.items()
            if value is not None and name not in ("type", "id")
        )
        return Panel(words, title=title, title_align="left")
    said = Text.assemble(
        (f"{subject['amount']:,.2f} {subject['currency']}", "bold"),
        f" by {_text(subject.get('method'))} for client {_text(subject['client_id'])}",
        f", requested {_text(subject['requested_at'])}, paid {_text(subject['paid_at'])}",
    )
    return Panel(said, title=title, title_align="left")


def _decision(decision: dict[str, Any] | None) -> RenderableType:
    if decision is None:
        return Panel("No decision yet.", title="Decision", title_align="left")
    colour = "green" if decision["decision"] == "approved" else "red"
    limit = decision.get("limit_eur")
    words = Text.assemble(
        (decision["decision"], f"bold {colour}"),
        f" by {_text(decision['decided_by'])} (role {_text(decision['role'])}{f', limit EUR {limit:,.2f}' if limit else ''})",
        f" at {_text(decision['decided_at'])}, reason {_text(decision['reason_code'])}",
    )
    return Panel(words, title="Decision", title_align="left")


def _checks(title: str, checks: list[dict[str, Any]]) -> RenderableType:
    return _table(title, ("check_name", "version", "result", "ran_at", "recorded_at", "inputs"), checks)


def _client(status: dict[str, Any]) -> RenderableType:
    rows = [{"clock": clock.replace("_", " "), **values} for clock, values in status.items()]
    return _table("The client at the decision", ("clock", "kyc_status", "risk_rating", "category", "at"), rows)


def _states(standing: dict[str, Any]) -> list[RenderableType]:
    """The client's state at the decision, as it was; what was known then differently is one row more."""
    shown: list[RenderableType] = []
    for name, title in STATES.items():
        was = standing["at_decision"]["as_it_was"].get(name, [])
        known = standing["at_decision"]["as_known_then"].get(name, [])
        rows = [{"clock": "as it was", **row} for row in was]
        if was != known:
            rows += [{"clock": "as known then", **row} for row in known]
        if rows:
            shown.append(_rows(f"{title} at the decision", rows))
    return shown


def _failures(failures: list[dict[str, Any]]) -> RenderableType:
    if not failures:
        return Text("No control failed.", style="green")
    return _table("Controls that failed", ("control", "discovered_later", "detail"), failures)


def _timeline(events: list[dict[str, Any]]) -> RenderableType:
    return _table("Timeline", ("occurred_at", "recorded_at", "event_type", "actor_id", "actor_role", "reason"), events)


def _rows(title: str, rows: list[dict[str, Any]]) -> RenderableType:
    return _table(title, tuple(rows[0]), rows)


def _table(title: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> Table:
    table = Table(*(name.replace("_", " ") for name in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_text(row[name]) for name in columns))
    if not rows:
        table.add_row("none", *([""] * (len(columns) - 1)))
    return table


def _text(value: Any) -> str:
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
