"""Overview: one page of numbers that can be trusted, what changed, and why."""

import polars as pl
import streamlit as st

from apps.dashboard import trail
from apps.dashboard.kpis import HOW, Kpi, kpis, over
from apps.dashboard.overview_tabs.alerts import seen, show_alerts, tell
from apps.dashboard.queries import overview
from apps.dashboard.queries.common import Rows
from apps.dashboard.ui import charts, dictionary, filters, states, theme
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export
from apps.dashboard.ui.tiles import Tile, tiles
from apps.metric_alerts.standing import Alert
from apps.monday_pack.figures import Pack, pack
from apps.monday_pack.sending import MEDIA
from apps.monday_pack.sheets import as_pdf, as_xlsx

MART = overview.KPI
TABS = {
    "money": "Money",
    "revenue": "Revenue and volume",
    "drivers": "What changed",
    "rows": "Rows",
    "alerts": "Alerts",
}


def show_tiles(page: Page) -> None:
    """One tile a KPI that the publish holds; a KPI without data says so instead of showing a zero."""
    totals = {row["kpi"]: row for row in page.read(overview.totals, page.scope).iter_rows(named=True)}
    series = page.read(overview.by_day, page.scope, tuple(totals))
    shown = []
    for kpi in kpis():
        now, then = over(kpi, totals, "now"), over(kpi, totals, "then")
        course = series.filter(pl.col("kpi") == kpi.kpi).sort("day")["value"].drop_nulls().cast(pl.Float64).to_list()
        shown.append(
            Tile(
                kpi,
                now,
                then,
                course,
                definition(kpi),
                {"tab": "rows", "kpi": kpi.kpi} if kpi.kpi in totals else None,
            )
        )
    tiles(page, shown)


def definition(kpi: Kpi) -> str:
    """What the figure means, in the metric's words, and how it adds up over days."""
    return f"{dictionary.kpi(kpi.kpi) or ''} {HOW[kpi.how]}".strip()


def show_pack(page: Page, alerts: list[Alert]) -> None:
    """The same figures as files, with the publish they come from: what goes out on Mondays, for this period and entity."""
    manifest = page.manifest("pack")
    file = f"daybook-pack-{page.period.start:%Y%m%d}-publish-{manifest.publish_id}"

    def made() -> Pack:
        return pack(page.reader, page.period, page.entity, alerts)

    forms = {"pdf": lambda: as_pdf(made(), manifest), "xlsx": lambda: as_xlsx(made(), manifest)}
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="left"):
        st.caption("These figures, what moved them and the open alerts as a pack:", width="content")
        for form, make in forms.items():
            data = trail.exporting(page.frame, manifest, f"{file}.{form}", make)
            st.download_button(
                f"Pack {form.upper()}",
                data=data,
                file_name=f"{file}.{form}",
                key=f"pack.{form}",
                on_click="ignore",
                mime=MEDIA[form],
            )


def show_money(page: Page) -> None:
    """Deposits, withdrawals and net by day, beside their table."""
    flows = page.read(overview.by_day, page.scope, ("deposits", "withdrawals", "net_deposits"))
    if flows.is_empty():
        states.nothing_matches("daily flows")
        return
    wide = (
        flows.pivot(on="kpi", index="day", values="value")
        .sort("day")
        .select("day", "deposits", "withdrawals", "net_deposits")
    )
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Net deposits, USD", anchor=False)
        figure = charts.flows(wide, net="net_deposits", complete_until=page.complete_until, unit="USD")
        st.plotly_chart(figure, alt="Deposits, withdrawals and their net by day", key="net")
    with right:
        table_with_export(
            page, wide.sort("day", descending=True), "net-deposits", mart=MART, what="days", height=theme.HEIGHT
        )


def show_revenue(page: Page) -> None:
    """Revenue by kind and book, and volume by book, stacked by day."""
    by_name = {kpi.kpi: kpi for kpi in kpis()}
    for name, title in (("revenue", "Revenue by kind and book, USD"), ("volume_usd", "Volume by book, USD")):
        parts = by_name[name].of
        series = page.read(overview.by_day, page.scope, parts)
        st.subheader(title, anchor=False)
        if series.is_empty():
            states.nothing_matches("daily figures")
            continue
        left, right = st.columns([3, 2])
        with left:
            labels = {part: part_label(part) for part in parts}
            figure = charts.stacked_bars(
                series, series="kpi", value="value", complete_until=page.complete_until, unit="USD", names=labels
            )
            st.plotly_chart(figure, alt=title, key=f"chart.{name}")
        with right:
            wide = series.pivot(on="kpi", index="day", values="value").sort("day", descending=True)
            table_with_export(page, wide, f"{name}-by-day", mart=MART, what="days", height=theme.HEIGHT)


def part_label(name: str) -> str:
    """`revenue_swap_b` as people read it: swap, book B."""
    words = (
        name.removeprefix("revenue_").replace("book_a_volume_usd", "volume_a").replace("book_b_volume_usd", "volume_b")
    )
    kind, _, book = words.rpartition("_")
    return f"{kind.replace('_', ' ')}, book {book.upper()}" if book in ("a", "b") else words.replace("_", " ")


def show_drivers(page: Page) -> None:
    """Which entities and parts moved a figure against the same elapsed part of the period before."""
    by_name = {kpi.kpi: kpi for kpi in kpis() if kpi.how == "sum"}
    chosen = by_name[
        filters.choose("kpi", "Figure", {name: kpi.label for name, kpi in by_name.items()}, "net_deposits")
    ]
    drivers = page.read(overview.drivers, page.scope, chosen.kpi, chosen.of or (chosen.kpi,))
    if drivers.is_empty():
        states.nothing_matches("figures")
        return
    left, right = st.columns([3, 2])
    with left:
        st.subheader(f"What moved {chosen.label.lower()} against {page.period.previous_label}", anchor=False)
        top = drivers.head(8)
        labels = [f"{row['entity']} · {part_label(row['kpi'])}" for row in top.iter_rows(named=True)]
        figure = charts.ranked(labels, top["change"].cast(pl.Float64).to_list(), unit="change", signed=True)
        st.plotly_chart(figure, alt="Largest changes first", key="drivers")
    with right:
        table_with_export(page, drivers, "drivers", mart=MART, what="drivers", height=theme.HEIGHT)


def show_rows(page: Page) -> None:
    """The daily rows behind every tile, of one KPI or all."""
    names = {"all": "All figures"} | {
        name: name.replace("_", " ") for name in page.read(overview.names)["kpi"].to_list()
    }
    chosen = filters.choose("kpi", "Figure", names, "all")
    sql, parameters = overview.rows(page.scope, None if chosen == "all" else chosen)
    table_with_export(page, Rows(sql, parameters), "kpi-daily", mart=MART, what="daily figures")


page = header(
    "overview",
    "Overview",
    "The broker in eight numbers, against the same elapsed part of the period before.",
    names=("kpi", "state", "alert"),
    tabs=TABS,
)
if states.available(page.frame, "Daily figures", MART, "deals, psp_transactions, kyc_events"):
    alerts = seen(page)
    tell(page, alerts)
    with states.panel():
        show_tiles(page)
        show_pack(page, alerts)
    opened, tabs = filters.open_tab(TABS, "overview")
    parts = {"money": show_money, "revenue": show_revenue, "drivers": show_drivers, "rows": show_rows}
    with tabs[list(TABS).index(opened)], states.panel():
        if opened in parts:
            parts[opened](page)
        else:
            show_alerts(page, alerts)
