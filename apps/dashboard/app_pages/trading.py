"""Trading: what is traded, what is open and hedged, who is near a stop-out, and what it all brings."""

from collections.abc import Callable

import polars as pl
import streamlit as st

from apps.dashboard.queries import trading as queries
from apps.dashboard.ui import charts, dictionary, filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.metric_tiles import metric_tiles
from apps.dashboard.ui.table import table_with_export
from apps.metrics.definitions import metric
from apps.metrics.query import Asked, together

MART = queries.TRADES
TABS = {
    "activity": "Activity", "exposure": "Exposure", "margin": "Near stop-out", "flow": "Toxic flow", "slippage": "Slippage",
    "profit": "Profitability", "rows": "Rows",
}  # fmt: skip
TILES = (
    "volume_usd", "revenue", "revenue_per_million", "active_clients", "book_b_ratio", "short_held_share", "slippage_usd", "net_exposure_usd",
)  # fmt: skip
LEVELS = {"1": "below 100 %", "1.2": "below 120 %", "1.5": "below 150 %", "3": "below 300 %"}
CUTS = {
    "symbol": "Symbol",
    "client": "Client",
    "partner": "Partner",
    "book": "Book",
    "symbol_group": "Symbol group",
    "country": "Country",
}
PROFIT = ("revenue", "volume_usd", "lots", "trades", "client_result", "revenue_per_million", "revenue_per_lot")
BOOKS = {"A": "book A", "B": "book B", "unknown": "no book"}


def show_activity(page: Page) -> None:
    """Volume and revenue by day and book."""
    days = page.read(queries.by_day, page.scope)
    if days.is_empty():
        states.nothing_matches("trades")
        return
    for name, title in (("volume_usd", "Volume by book, USD"), ("revenue_usd", "Revenue by book, USD")):
        left, right = st.columns([3, 2])
        with left:
            st.subheader(title, anchor=False)
            figure = charts.stacked_bars(
                days, series="book", value=name, complete_until=page.complete_until, unit="USD", names=BOOKS
            )
            st.plotly_chart(figure, alt=title, key=f"chart.{name}")
        with right:
            wide = (
                days.sort("book")
                .pivot(on="book", index="day", values=name)
                .sort("day", descending=True)
                .rename(dict(BOOKS), strict=False)
            )
            table_with_export(page, wide, f"{name}-by-day", mart=MART, what="days", height=320)


def show_exposure(page: Page) -> None:
    """What clients hold, what is hedged, and what is left with us, at the newest snapshot of the period."""
    if not states.available(page.frame, "Exposure", queries.EXPOSURE, "positions"):
        return
    now = page.read(queries.exposure, page.scope)
    if now.is_empty():
        states.nothing_matches("open positions")
        return
    st.caption(
        f"Snapshot of {now['captured_at'].max():%d %b %Y %H:%M} UTC. Positive: not hedged, and the broker loses when the price rises."
    )
    left, right = st.columns(2)
    with left:
        st.subheader("Not hedged, by symbol, USD", anchor=False)
        top = now.filter(pl.col("notional_usd").is_not_null()).head(12)
        labels = [f"{row['symbol']} · {row['book']}" for row in top.iter_rows(named=True)]
        figure = charts.ranked(labels, top["notional_usd"].cast(pl.Float64).to_list(), unit="USD", signed=True)
        st.plotly_chart(figure, alt="Net exposure by symbol and book", key="exposure")
    with right:
        st.subheader("Over time, USD in either direction", anchor=False)
        course = page.read(queries.exposure_course, page.scope)
        figure = charts.lines(
            course, series="book", value="notional_usd", complete_until=page.complete_until, unit="USD", names=BOOKS
        )
        st.plotly_chart(figure, alt="Net exposure by day and book", key="exposure-days")
    table_with_export(page, now, "exposure", mart=queries.EXPOSURE, what="symbols")


def show_margin(page: Page) -> None:
    """Accounts by margin level, and those nearest to their stop-out."""
    if not states.available(page.frame, "Margin levels", queries.ACCOUNTS, "account_snapshots"):
        return
    below = filters.choose(
        "below", "Margin level", LEVELS, "1.5", help=dictionary.column(page.frame, queries.ACCOUNTS, "margin_level")
    )
    st.subheader("Accounts with open positions, by margin level", anchor=False)
    classes = page.read(queries.margin_classes, page.scope)
    st.plotly_chart(
        charts.histogram(classes, label="class", value="accounts", unit="accounts"),
        alt="Accounts by margin level",
        key="margin",
    )
    st.subheader(f"Margin level {LEVELS[below]}, the nearest to its stop-out first", anchor=False)
    table_with_export(
        page, queries.margin(page.scope, float(below)), "near-stop-out", mart=queries.ACCOUNTS, what="accounts"
    )


def show_flow(page: Page) -> None:
    """Clients whose flow a dealer looks at twice."""
    st.caption(
        metric("short_held_share").description + f" Flagged: half of at least {queries.FLAGGED_CLOSINGS} closings."
    )
    rows = queries.flow(page.scope)
    chosen = table_with_export(page, rows, "toxic-flow", mart=MART, what="clients", select=True)
    if chosen and "clients" in page.frame.viewer.pages:
        from apps.dashboard.queries import common

        client_id = page.read(common.one, rows, chosen[0])["client_id"][0]
        parameters = filters.kept() | {"id": client_id, "part": "trading"}
        st.page_link(
            page.file.with_name("clients.py"), label=f"Open {states.plain(client_id)}", query_params=parameters
        )


def show_slippage(page: Page) -> None:
    """What the difference between the price asked for and the price filled was worth, by symbol."""
    if not states.available(page.frame, "Slippage", queries.SLIPPAGE, "orders"):
        return
    found = page.read(queries.slippage, page.scope)
    if found.is_empty():
        states.nothing_matches("filled orders")
        return
    left, right = st.columns(2)
    with left:
        st.subheader("By symbol, USD", anchor=False)
        top = found.head(12)
        labels = [f"{row['symbol']} · {row['book']}" for row in top.iter_rows(named=True)]
        st.plotly_chart(
            charts.ranked(labels, top["slippage_usd"].cast(pl.Float64).to_list(), unit="USD", signed=True),
            alt="Slippage by symbol",
            key="slippage",
        )
        st.caption("Positive: clients got a better price than they asked for.")
    with right:
        table_with_export(page, found, "slippage", mart=queries.SLIPPAGE, what="symbols")


def show_profit(page: Page) -> None:
    """Revenue, volume and revenue per million by what is chosen: the metrics, cut."""
    by = filters.choose("by", "By", CUTS, "symbol")
    only = (("entity", page.entity),) if page.entity else ()
    found = page.read(together, PROFIT, Asked((by,), page.scope.start, page.scope.until, only))
    if found.is_empty():
        states.nothing_matches("trades")
        return
    ranked = found.sort(pl.col("revenue").cast(pl.Float64).abs(), descending=True, nulls_last=True)
    left, right = st.columns([2, 3])
    with left:
        st.subheader(f"Revenue by {CUTS[by].lower()}, USD", anchor=False)
        top = ranked.head(12)
        labels = [str(value) if value else "—" for value in top[by].to_list()]
        st.plotly_chart(
            charts.ranked(labels, top["revenue"].cast(pl.Float64).to_list(), unit="USD", signed=True),
            alt=f"Revenue by {by}",
            key="profit",
        )
    with right:
        table_with_export(page, ranked, f"profit-by-{by}", mart=MART, what=f"{CUTS[by].lower()}s")


def show_rows(page: Page) -> None:
    """The rows behind the numbers, with all filters."""
    table_with_export(page, queries.rows(page.scope), "profitability-daily", mart=MART, what="account days")


PARTS: dict[str, Callable[[Page], None]] = {
    "activity": show_activity, "exposure": show_exposure, "margin": show_margin, "flow": show_flow, "slippage": show_slippage, "profit": show_profit,
    "rows": show_rows,
}  # fmt: skip
page = header(
    "trading", "Trading", "What is traded, what is open and hedged, who is near a stop-out, and what it brings.", names=("below", "by"), tabs=TABS,
)  # fmt: skip
if states.available(page.frame, "Trading", MART, "deals"):
    with states.panel():
        links = {
            "net_exposure_usd": {"tab": "exposure"},
            "short_held_share": {"tab": "flow"},
            "slippage_usd": {"tab": "slippage"},
        }
        metric_tiles(page, TILES, {name: links.get(name, {"tab": "rows"}) for name in TILES})
    opened, tabs = filters.open_tab(TABS, "trading")
    with tabs[list(TABS).index(opened)], states.panel():
        PARTS[opened](page)
