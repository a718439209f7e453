"""The readable part of an evidence pack: the dossier as a PDF."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fpdf import FPDF

from apps.paper import FONT, paper, shown, table

WIDTH = 277.0
"""Millimetres between the margins."""
EVENTS = 400
"""Events printed; tables/ has all of them."""
STATES = ("balances", "equity", "positions", "screening", "documents", "alerts")
CLOCKS = (("as_it_was", "as it was"), ("as_known_then", "as known then"))


def as_pdf(answer: dict[str, Any], made_at: datetime, footing: Sequence[str]) -> bytes:
    """The dossier, the decision first. Equal answers of one publish give equal bytes."""
    subject, decision = answer["subject"], answer["decision"]
    pdf = paper(f"Evidence: {subject['type']} {subject['id']}", made_at)
    _title(pdf, f"{subject['type'].replace('_', ' ').capitalize()} {subject['id']}")
    _pairs(pdf, {name: value for name, value in subject.items() if name not in ("type", "id")})
    _title(pdf, "Decision", 12)
    _pairs(pdf, decision) if decision else _line(pdf, "Nobody has decided.")
    _rows(pdf, "Decisions, step by step", answer["decisions"])
    _rows(pdf, "Checks before the decision", answer["checks_before"], empty="No check ran before.")
    _rows(pdf, "Checks after the decision", answer["checks_after"])
    _rows(pdf, "Controls that failed", answer["control_failures"], empty="No control failed.")
    for point in ("at_request", "at_decision"):
        _standing(pdf, point, answer["standing"][point])
    for name, rows in answer.items():
        if name not in ("decisions", "checks_before", "checks_after", "control_failures", "timeline") and _is_rows(
            rows
        ):
            _rows(pdf, name.replace("_", " ").capitalize(), rows)
    events = [
        {name: event[name] for name in ("occurred_at", "recorded_at", "event_type", "actor_id", "actor_role", "reason")}
        for event in answer["timeline"]
    ]
    _rows(pdf, "Timeline", events[:EVENTS])
    if len(events) > EVENTS:
        _line(pdf, f"The first {EVENTS} of {len(events):,} events are printed; tables/timeline.csv has all of them.")
    for name, why in answer["not_shown"].items():
        _line(pdf, f"{name} is not shown: {why}.")
    pdf.ln(3)
    for line in footing:
        _line(pdf, line, 8)
    return bytes(pdf.output())


def _standing(pdf: FPDF, point: str, standing: dict[str, Any]) -> None:
    """The client at one point, the two clocks beside each other where they agree and below each other where they do not."""
    _title(pdf, f"The client {point.replace('at_', 'at the ')}, {_text(standing['at'])}", 12)
    _rows(
        pdf,
        "",
        [
            {"clock": label} | {name: standing[clock].get(name) for name in ("kyc_status", "risk_rating", "category")}
            for clock, label in CLOCKS
        ],
    )
    for name in STATES:
        was, known = (standing[clock].get(name, []) for clock, _ in CLOCKS)
        if was == known:
            _rows(pdf, f"{name.capitalize()}, on both clocks", was)
        else:
            rows = [{"clock": label, **row} for clock, label in CLOCKS for row in standing[clock].get(name, [])]
            _rows(pdf, f"{name.capitalize()}, which differ", rows)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _title(pdf: FPDF, text: str, size: int = 15) -> None:
    pdf.ln(2)
    pdf.set_font(FONT, "B", size)
    pdf.multi_cell(0, 8, shown(text), new_x="LMARGIN", new_y="NEXT")


def _line(pdf: FPDF, text: str, size: int = 9) -> None:
    pdf.set_font(FONT, "", size)
    pdf.multi_cell(0, 5, shown(text), new_x="LMARGIN", new_y="NEXT")


def _pairs(pdf: FPDF, values: dict[str, Any]) -> None:
    said = [f"{name.replace('_', ' ')}: {_text(value)}" for name, value in values.items() if value is not None]
    _line(pdf, "; ".join(said))


def _rows(pdf: FPDF, title: str, rows: list[dict[str, Any]], empty: str = "") -> None:
    """A table of rows, its columns as wide as what stands in them asks for; columns without any value are left out."""
    if title and (rows or empty):
        pdf.ln(1)
        pdf.set_font(FONT, "B", 10)
        pdf.cell(0, 6, shown(title), new_x="LMARGIN", new_y="NEXT")
    if not rows:
        return _line(pdf, empty) if empty else None
    names = [name for name in rows[0] if any(row.get(name) is not None for row in rows)]
    shares = {name: min(max(len(name), *(len(_text(row.get(name))) for row in rows)) + 2, 44) for name in names}
    scale = min(WIDTH / sum(shares.values()), 3.2)
    head = [(name.replace("_", " "), shares[name] * scale) for name in names]
    return table(pdf, head, [[_text(row.get(name)) for name in names] for row in rows])


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
