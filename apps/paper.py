"""What our PDF files share: a sheet of A4, a free font with Latin, Greek, Cyrillic, Hebrew and Vietnamese letters, and text that fits."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

import fontpkg_open_sans
from fontTools.ttLib import TTFont
from fpdf import FPDF

FONT = "open-sans"
FONT_FILE = fontpkg_open_sans.ROOT / "files" / "OpenSans[wdth,wght].ttf"
WEIGHTS = {"": {"wght": 400.0, "wdth": 100.0}, "B": {"wght": 700.0, "wdth": 100.0}}


def paper(title: str, made_at: datetime | None = None) -> FPDF:
    """An open landscape document with its first page. With `made_at` (naive UTC) equal contents give equal bytes."""
    pdf = FPDF(orientation="landscape", format="A4")
    pdf.add_font(FONT, fname=FONT_FILE, variations=WEIGHTS)
    pdf.set_auto_page_break(True, margin=14)
    pdf.set_title(title)
    if made_at is not None:
        pdf.set_creation_date(made_at.replace(tzinfo=UTC))
    pdf.add_page()
    return pdf


def table(pdf: FPDF, head: Sequence[tuple[str, float]], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their heads (label and width in mm), the heads again on every page."""

    def heads() -> None:
        pdf.set_font(FONT, "B", 8)
        for label, width in head:
            pdf.cell(width, 5, fitting(pdf, label, width), border="B")
        pdf.ln(5)
        pdf.set_font(FONT, "", 8)

    heads()
    for row in rows:
        if pdf.will_page_break(5):
            pdf.add_page()
            heads()
        for text, (_, width) in zip(row, head, strict=True):
            pdf.cell(width, 5, fitting(pdf, text, width))
        pdf.ln(5)


def fitting(pdf: FPDF, text: str, width: float) -> str:
    """The text, or its beginning with dots where the column is too narrow; the tables beside the PDF have it whole."""
    text = shown(text)
    while text and pdf.get_string_width(text) > width - 1:
        text = text[:-4] + "..." if len(text) > 4 else ""
    return text


def shown(text: str) -> str:
    """What the font can show; any other letter becomes a question mark (the id beside a name is always plain)."""
    return "".join(letter if ord(letter) in _letters() else "?" for letter in text)


@cache
def _letters() -> frozenset[int]:
    with TTFont(FONT_FILE, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())
