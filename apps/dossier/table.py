"""The dossier on a terminal."""

from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

EMPTY = "—"


def render(found: dict[str, Any]) -> RenderableType:
    """The object of `dossier` as panels: the decision first, then the checks against it, the client then, failures, and the timeline."""
    return Group(
        _subject(found),
        _decision(found["decision"]),
        _checks("Checks before the decision", found["checks_before"]),
        *([_checks("Checks after the decision", found["checks_after"])] if found["checks_after"] else []),
        _client(found["client_status"]),
        _failures(found["control_failures"]),
        _timeline(found["timeline"]),
        Text(f"publish {found['publish']['id']}, answered in {found['answered_in_ms']} ms", style="dim"),
    )


def _subject(found: dict[str, Any]) -> RenderableType:
    subject = found["subject"]
    words = Text.assemble(
        (f"{subject['amount']:,.2f} {subject['currency']}", "bold"),
        f" by {_text(subject['method'])} for client {_text(subject['client_id'])}",
        f", requested {_text(subject['requested_at'])}, paid {_text(subject['paid_at'])}",
    )
    return Panel(words, title=f"{subject['type']} {subject['id']}", title_align="left")


def _decision(decision: dict[str, Any] | None) -> RenderableType:
    if decision is None:
        return Panel("No decision yet.", title="Decision", title_align="left")
    colour = "green" if decision["decision"] == "approved" else "red"
    words = Text.assemble(
        (decision["decision"], f"bold {colour}"),
        f" by {_text(decision['decided_by'])} (role {_text(decision['role'])})",
        f" at {_text(decision['decided_at'])}, reason {_text(decision['reason_code'])}",
    )
    return Panel(words, title="Decision", title_align="left")


def _checks(title: str, checks: list[dict[str, Any]]) -> RenderableType:
    return _table(title, ("check_name", "version", "result", "ran_at"), checks)


def _client(status: dict[str, Any]) -> RenderableType:
    rows = [
        {"clock": clock, **status[name]}
        for clock, name in (("as it was", "as_it_was"), ("as known then", "as_known_then"))
    ]
    return _table("The client at the decision", ("clock", "kyc_status", "risk_rating", "category", "at"), rows)


def _failures(failures: list[dict[str, Any]]) -> RenderableType:
    if not failures:
        return Text("No control failed.", style="green")
    return _table("Controls that failed", ("control", "discovered_later", "detail"), failures)


def _timeline(events: list[dict[str, Any]]) -> RenderableType:
    return _table("Timeline", ("occurred_at", "recorded_at", "event_type", "actor_id", "actor_role", "reason"), events)


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
