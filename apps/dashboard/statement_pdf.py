"""A partner's statement as PDF: the account of the month, then its lines. Knows no page."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
from fpdf import FPDF

from apps.export import Manifest
from apps.paper import FONT, fitting, paper, shown

PDF_LINES = 1_000
"""Lines printed; a month with more says how many there are, and that the workbook holds them all."""
ACCOUNT = (
    ("opening", "Owed at the start"), ("accrued", "Commission of the month's deals"), ("adjustments", "Adjustments and clawbacks"), ("paid", "Paid"),
    ("closing", "Owed at the end"), ("open_accruals", "of it accrued, not approved"), ("held", "of that held"),
    ("payable", "of it approved, to be paid"),
    ("held_back", "of it held back"), ("to_take_back", "to be taken off the next payout"),
)  # fmt: skip
COLUMNS = (
    ("executed_at", "Executed (UTC)", 32), ("deal_id", "Deal", 24), ("client_id", "Client", 24), ("level", "Level", 11), ("rule_id", "Rule", 40),
    ("rule_version", "Ver.", 10), ("basis_amount", "Basis", 24), ("basis_unit", "Unit", 20), ("rate", "Rate", 22), ("limited_by", "Limited by", 22),
    ("fx_rate", "FX rate", 20), ("amount", "Amount", 28),
)  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One partner, month and currency: the account as fct_partner_statement has it, and its lines."""

    partner_id: str
    name: str | None
    period: str
    currency: str
    account: dict[str, Any]
    lines: pl.DataFrame


def as_pdf(statement: Statement, manifest: Manifest) -> bytes:
    """The statement as a PDF file. The lines add up to what the account says was accrued, and the sheet says so."""
    pdf = paper(f"Commission statement {statement.partner_id} {statement.period}")
    pdf.set_font(FONT, "B", 15)
    pdf.cell(0, 9, shown(f"Commission statement {statement.period}"), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, "", 10)
    pdf.cell(
        0,
        6,
        shown(f"{statement.name or ''} ({statement.partner_id}), in {statement.currency}"),
        new_x="LMARGIN",
        new_y="NEXT",
    )
    pdf.ln(3)
    for name, label in ACCOUNT:
        pdf.set_font(FONT, "B" if name in ("opening", "closing") else "", 10)
        pdf.cell(75, 6, shown(("   " if label.startswith("of ") else "") + label))
        pdf.cell(40, 6, _money(statement.account[name]), align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)
    pdf.set_font(FONT, "", 9)
    pdf.multi_cell(0, 5, shown(_footing(statement)), new_x="LMARGIN", new_y="NEXT")
    _table(pdf, statement.lines.head(PDF_LINES))
    pdf.ln(3)
    pdf.set_font(FONT, "", 8)
    said = "; ".join(
        f"{name}: {value}" for name, value in manifest.lines(statement.lines) if not name.startswith("total ")
    )
    pdf.multi_cell(0, 4, shown(said))
    return bytes(pdf.output())


def _footing(statement: Statement) -> str:
    lines = statement.lines
    total = sum(lines["amount"].to_list(), Decimal(0)) if lines.height else Decimal(0)
    shown = (
        ""
        if lines.height <= PDF_LINES
        else f" The first {PDF_LINES:,} are printed; the workbook of the same statement holds all of them."
    )
    agree = (
        "what the account says was accrued"
        if total == statement.account["accrued"]
        else f"NOT the {statement.account['accrued']} accrued"
    )
    return f"{lines.height:,} lines, {total:,.8f} {statement.currency} together: {agree}.{shown}"


def _table(pdf: FPDF, lines: pl.DataFrame) -> None:
    def head() -> None:
        pdf.set_font(FONT, "B", 8)
        for _, label, width in COLUMNS:
            pdf.cell(width, 5, label, border="B")
        pdf.ln(5)
        pdf.set_font(FONT, "", 8)

    head()
    for row in lines.iter_rows(named=True):
        if pdf.will_page_break(5):
            pdf.add_page()
            head()
        for name, _, width in COLUMNS:
            pdf.cell(
                width,
                5,
                fitting(pdf, _plain(name, row[name]), width),
                align="R" if isinstance(row[name], Decimal) else "L",
            )
        pdf.ln(5)


def _plain(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "executed_at":
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return (
        f"{value.normalize():f}"
        if isinstance(value, Decimal) and name != "amount"
        else _money(value)
        if name == "amount"
        else str(value)
    )


def _money(value: Decimal) -> str:
    whole = f"{value:,.8f}".rstrip("0")
    places = len(whole.split(".")[1])
    return whole + "0" * max(0, 2 - places)


def file_name(parts: Sequence[str]) -> str:
    """A file name of parts that come from data: nothing but letters, digits, dots and dashes."""
    return "-".join("".join(letter if letter.isalnum() or letter in "._" else "_" for letter in part) for part in parts)
