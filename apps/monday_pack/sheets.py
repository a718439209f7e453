"""A pack as a PDF to read and as a workbook to count with. Knows no page."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from fpdf import FPDF

from apps import export
from apps.export import Manifest
from apps.metric_alerts.judging import plain
from apps.monday_pack.figures import Pack, span
from apps.paper import FONT, paper, shown, table

FIGURES = (
    ("Figure", 46.0),
    ("This period", 36.0),
    ("Change", 22.0),
    ("Exactly", 48.0),
    ("The period before", 48.0),
    ("Means", 76.0),
)
DRIVERS = (("Figure", 36.0), ("Entity", 20.0), ("Part", 60.0), ("Now", 50.0), ("Before", 50.0), ("Change", 50.0))
ALERTS = (("Alert", 62.0), ("State", 26.0), ("Severity", 20.0), ("For", 26.0), ("Found", 142.0))


def as_xlsx(pack: Pack, manifest: Manifest) -> bytes:
    """A workbook: figures, days, what changed, open alerts, and the manifest. Numbers stay numbers."""
    sheets = {"Figures": pack.figures, "Days": pack.days, "What changed": pack.drivers, "Alerts": pack.alerts}
    return export.as_book(sheets, manifest)


def as_pdf(pack: Pack, manifest: Manifest) -> bytes:
    """One or two sheets of A4: the figures with their changes and exact values, what moved them, open alerts, and what proves them."""
    pdf = paper(f"Daybook pack {span(pack.period.start, pack.period.until)}", manifest.exported_at)
    _line(pdf, f"The broker in eight numbers, {pack.period.label}", 15, "B")
    _line(pdf, f"{pack.entity or 'All entities'}, against {pack.period.previous_label}. Publish {pack.publish_id}.", 10)
    _line(pdf, _trust(pack), 9)
    pdf.ln(2)
    table(pdf, FIGURES, [
        [row["label"], row["shown"], row["change"] or "", _amount(row["value"], row["unit"]), _amount(row["before"], row["unit"]), row["definition"]]
        for row in pack.figures.iter_rows(named=True)
    ])  # fmt: skip
    _part(pdf, "What changed")
    table(pdf, DRIVERS, [
        [*(row[name].replace("_", " ") for name in ("figure", "entity", "part")), *(f"{row[name]:,.2f}" for name in ("now", "previous", "change"))]
        for row in pack.drivers.iter_rows(named=True)
    ])  # fmt: skip
    _part(pdf, "Open alerts on metrics")
    if pack.alerts.is_empty():
        _line(pdf, "None.", 9)
    else:
        table(pdf, ALERTS, [_texts(row) for row in pack.alerts.drop("fired_at").iter_rows()])
    pdf.ln(3)
    pdf.set_font(FONT, "", 8)
    said = [f"{name}: {value}" for name, value in manifest.lines(pack.figures) if not name.startswith("total ")]
    pdf.multi_cell(0, 4, shown("; ".join([*said, f"the same figures on screen: {pack.link}"])))
    return bytes(pdf.output())


def _trust(pack: Pack) -> str:
    checks = {**dict.fromkeys(("pass", "warn", "fail"), 0), **pack.checks}
    return (
        f"Events up to {_moment(pack.as_of)}, loaded {_moment(pack.loaded_at)}; "
        f"checks: {checks['pass']} passed, {checks['warn']} warned, {checks['fail'] + checks.get('error', 0)} failed."
    )


def _moment(at: datetime | None) -> str:
    return f"{at:%d %b %Y %H:%M} UTC" if at else "unknown"


def _part(pdf: FPDF, title: str) -> None:
    pdf.ln(3)
    _line(pdf, title, 11, "B")


def _line(pdf: FPDF, text: str, size: int, weight: Any = "") -> None:
    pdf.set_font(FONT, weight, size)
    pdf.cell(0, size * 0.55, shown(text), new_x="LMARGIN", new_y="NEXT")


def _amount(value: Decimal | None, unit: str) -> str:
    return "no data" if value is None else plain(value, "" if unit == "count" else unit).strip()


def _texts(row: Sequence[Any]) -> list[str]:
    return ["" if cell is None else str(cell) for cell in row]
