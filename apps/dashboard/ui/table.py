"""A table with its export: what is shown, how many there are in all, and a file that holds every one of them."""

import re
from typing import Any

import polars as pl
import streamlit as st

from apps import export
from apps.dashboard import trail
from apps.dashboard.frame import SHOWN_ROWS
from apps.dashboard.queries import common
from apps.dashboard.queries.common import Rows
from apps.dashboard.ui import dictionary, states
from apps.dashboard.ui.header import Page
from apps.export import Manifest

ROW = 35
"""Pixels of a row, and of the head; three more are the frame."""
HEIGHT = 420
"""Pixels of a table with more rows than fit into them, unless the page says otherwise."""
IDENTIFIER = re.compile(r"(^|_)(id|key|login|sha256|reference|code)$|^_")
BY_NAME = (
    (IDENTIFIER, None),
    (re.compile(r"(approval_rate|_pct|_ratio|share)$"), "percent"),
    (re.compile(r"^(fx_rate|fx_rate_usd|price|rate|own_rate)$"), "%.5f"),
    (re.compile(r"lots$"), "%.2f"),
)
"""How a number looks that its type alone does not tell: the first pattern that its column's name matches. None: as text."""


def table_with_export(
    page: Page,
    rows: Rows | pl.DataFrame,
    name: str,
    *,
    mart: str,
    what: str = "rows",
    height: int | None = None,
    select: bool = False,
    manifest: Manifest | None = None,
) -> list[int]:
    """The table, its counts and its two downloads; gives the numbers of the rows chosen (with `select`).

    The files say of themselves what `manifest` says; without one, what the page's own filters are.
    """
    shown, total = _shown(page, rows)
    if total == 0:
        states.nothing_matches(what)
        return []
    selection: Any = st.dataframe(
        shown.with_columns(pl.col(pl.List).cast(pl.List(pl.Utf8)).list.join(", "))
        if any(isinstance(t, pl.List) for t in shown.dtypes)
        else shown,
        hide_index=True,
        column_config=columns(page, shown, mart),
        height="content" if (shown.height + 1) * ROW + 3 <= (height or HEIGHT) else height or HEIGHT,
        key=f"table.{page.name}.{name}",
        on_select="rerun" if select else "ignore",
        selection_mode="single-row",
        alt=f"{what}, {total} rows",
    )
    _downloads(page, rows, name, total, shown.height, manifest or page.manifest(name))
    return list(selection["selection"]["rows"]) if select else []


def columns(page: Page, frame: pl.DataFrame, mart: str) -> dict[str, Any]:
    """How each column looks: a definition for a tooltip, money to the cent, fractions as percentages, ids as text."""
    return {
        name: _column(name, dtype, dictionary.column(page.frame, mart, name)) for name, dtype in frame.schema.items()
    }


def _column(name: str, dtype: pl.DataType, help: str | None) -> Any:
    label = name.replace("_", " ")
    numeric = dtype.is_numeric()
    if isinstance(dtype, pl.Datetime):
        return st.column_config.DatetimeColumn(f"{label} (UTC)", help=help, format="YYYY-MM-DD HH:mm:ss")
    if dtype == pl.Date:
        return st.column_config.DateColumn(label, help=help, format="YYYY-MM-DD")
    if not numeric:
        return st.column_config.Column(label, help=help, width="small" if name.endswith(("sha256", "hash")) else None)
    by_type = "accounting" if isinstance(dtype, pl.Decimal) and dtype.scale else "localized"
    shape = next((shape for pattern, shape in BY_NAME if pattern.search(name)), by_type)
    return (
        st.column_config.TextColumn(label, help=help)
        if shape is None
        else st.column_config.NumberColumn(label, help=help, format=shape)
    )


def _shown(page: Page, rows: Rows | pl.DataFrame) -> tuple[pl.DataFrame, int]:
    if isinstance(rows, pl.DataFrame):
        return rows.head(SHOWN_ROWS), rows.height
    shown = page.read(common.first, rows, SHOWN_ROWS)
    return shown, shown.height if shown.height < SHOWN_ROWS else page.read(common.count, rows)["rows"][0]


def _downloads(page: Page, rows: Rows | pl.DataFrame, name: str, total: int, shown: int, manifest: Manifest) -> None:
    note = f"{total:,} row{'' if total == 1 else 's'}"
    if total > shown:
        note = f"The first {shown:,} of {total:,} rows; the files hold all {total:,}"
    file = f"daybook-{name}-{page.frame.last_day:%Y%m%d}-publish-{manifest.publish_id}"

    def whole() -> pl.DataFrame:
        return rows if isinstance(rows, pl.DataFrame) else common.whole(page.reader, rows)

    xlsx = trail.exporting(page.frame, manifest, f"{file}.xlsx", lambda: export.as_xlsx(whole(), manifest))
    packed = trail.exporting(page.frame, manifest, f"{file}.zip", lambda: export.as_csv(whole(), manifest, file))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="left"):
        st.caption(note, width="content")
        st.download_button(
            "XLSX", data=xlsx, file_name=f"{file}.xlsx", key=f"xlsx.{page.name}.{name}", on_click="ignore",
            mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", help="All rows, with a sheet that says what they are",
        )  # fmt: skip
        st.download_button(
            "CSV", data=packed, file_name=f"{file}.zip", key=f"csv.{page.name}.{name}", on_click="ignore",
            mime="application/zip", help="A ZIP: all rows as CSV, and a manifest with counts and control totals",
        )  # fmt: skip
