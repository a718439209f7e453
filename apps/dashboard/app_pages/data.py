"""Data: what came in, what was set aside and why, what the checks say, and what the pipeline last did."""

from collections.abc import Callable

import polars as pl
import streamlit as st

from apps.dashboard import frame as frames
from apps.dashboard.data_tabs.models import show_models
from apps.dashboard.data_tabs.sources import show_sources
from apps.dashboard.kpis import Kpi
from apps.dashboard.queries import data
from apps.dashboard.ui import charts, dictionary, figures, filters, states, theme
from apps.dashboard.ui.header import Page, header, moment
from apps.dashboard.ui.table import table_with_export
from apps.dashboard.ui.tiles import Tile, tiles

TABS = {
    "loads": "Loads", "sources": "Sources", "quarantine": "Quarantine", "checks": "Checks", "freshness": "Freshness and runs",
    "models": "Models",
}  # fmt: skip
OUTCOMES = {"all": "All", "failed": "Failed", "warned": "Warned", "passed": "Passed"}
COLOURS = {
    "loaded": theme.BLUE,
    "duplicate": theme.SKY,
    "quarantined": theme.VERMILION,
    "passed": theme.BLUE,
    "warned": theme.ORANGE,
    "failed": theme.VERMILION,
}
RUNS = 30
FIGURES = (
    ("files", "Files", "loads"),
    ("rows_read", "Rows read", "loads"),
    ("rows_loaded", "Loaded", "loads"),
    ("rows_duplicate", "Duplicate", "loads"),
    ("rows_quarantined", "Quarantined", "quarantine"),
)


def show_tiles(page: Page) -> None:
    """What arrived in the period, and that every row of it is accounted for."""
    if not states.available(page.frame, "Loads", data.LOADS, "any"):
        return
    total = page.read(data.totals, page.scope.start, page.scope.until).row(0, named=True)
    before = page.read(data.totals, page.scope.previous_start, page.scope.previous_until).row(0, named=True)
    shown = []
    for name, label, tab in FIGURES:
        kpi = Kpi(name, label, "count", "sum", "down" if tab == "quarantine" else "neither", 0)
        then = before[name] if before["files"] else None
        help = dictionary.column(page.frame, data.LOADS, name) or "Files that were loaded or refused."
        shown.append(Tile(kpi, total[name] or 0, then, [], help, {"tab": tab}))
    tiles(page, shown)
    if total["uneven"]:
        st.error(
            f"**{total['uneven']} files do not add up**: rows read ≠ loaded + duplicate + quarantined. The rows are below."
        )
    elif total["files"]:
        st.caption("In every file: rows read = loaded + duplicate + quarantined.")


def choose_feed(page: Page) -> str | None:
    """One feed, or None for all."""
    names = page.read(data.feed_names)["feed"].to_list()
    chosen = filters.choose("feed", "Feed", {"all": "All feeds"} | {name: name for name in names}, "all")
    return None if chosen == "all" else chosen


def show_loads(page: Page) -> None:
    """Rows by the day they were recorded, and the files."""
    if not states.available(page.frame, "Loads", data.LOADS, "any"):
        return
    days = page.read(data.by_day, page.scope)
    if days.is_empty():
        states.nothing_matches("loads")
        return
    st.subheader("Rows by the day they were recorded", anchor=False)
    figure = charts.stacked_bars(
        days, series="outcome", value="rows", complete_until=page.complete_until, unit="rows", colours=COLOURS
    )
    st.plotly_chart(figure, alt="Rows loaded, duplicate and quarantined by day", key="loads")
    feed = choose_feed(page)
    table_with_export(page, data.loads(page.scope, feed), "loads", mart=data.LOADS, what="files")


def show_quarantine(page: Page) -> None:
    """Rows set aside, by feed and rule, with the rows themselves."""
    if not page.frame.loaded(data.QUARANTINE) and page.frame.loaded(data.LOADS):
        st.success("**No row is in quarantine.** Every row of every file was taken or was a duplicate.")
        return
    if not states.available(page.frame, "Quarantined rows", data.QUARANTINE, "any"):
        return
    broken = page.read(data.rules, page.scope)
    if broken.is_empty():
        states.nothing_matches("quarantined rows")
        return
    st.subheader("Rows set aside by day and rule", anchor=False)
    days = page.read(data.rules_by_day, page.scope)
    names = figures.brief(days["rule"].unique().to_list())
    figure = charts.stacked_bars(
        days, series="rule", value="rows", complete_until=page.complete_until, unit="rows", names=names
    )
    st.plotly_chart(figure, alt="Rows set aside by day and rule", key="rules-by-day")
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Rules that rows broke", anchor=False)
        top = broken.head(10)
        labels = list(figures.brief([f"{row['feed']} · {row['rule']}" for row in top.iter_rows(named=True)]).values())
        st.plotly_chart(
            charts.ranked(labels, top["rows"].to_list(), unit="rows"), alt="Quarantined rows by rule", key="rules"
        )
    with right:
        feed = choose_feed(page)
        rules = broken["rule"].unique(maintain_order=True).to_list()
        rule = filters.choose("rule", "Rule", {"all": "All rules"} | {name: name for name in rules}, "all")
        table_with_export(page, broken, "rules", mart=data.QUARANTINE, what="rules", height=220)
    rows = data.quarantined(page.scope, feed, None if rule == "all" else rule)
    table_with_export(page, rows, "quarantine", mart=data.QUARANTINE, what="quarantined rows")
    st.caption(
        "`daybook quarantine show` prints a row with its rules. "
        "After a mapping was corrected, `daybook quarantine replay --connector NAME` reads them again."
    )


def show_checks(page: Page) -> None:
    """Checks over the last runs, and each check's newest result."""
    if not states.available(page.frame, "Check results", data.CHECKS, "checks"):
        return
    runs = page.read(data.check_runs, RUNS)
    wide = runs.pivot(on="outcome", index="run_id", values="checks").fill_null(0)
    left, right = st.columns([3, 2])
    with left:
        st.subheader(f"Checks of the last {RUNS} runs", anchor=False)
        st.plotly_chart(
            charts.stacked_categories(runs, category="run_id", series="outcome", value="checks", colours=COLOURS),
            alt="Checks by run",
            key="runs",
        )
    with right:
        outcome = filters.choose("outcome", "Result", OUTCOMES, "all")
        table_with_export(
            page, wide.sort("run_id", descending=True), "check-runs", mart=data.CHECKS, what="runs", height=220
        )
    st.subheader("Each check’s newest result", anchor=False)
    table_with_export(
        page, data.checks(None if outcome == "all" else outcome), "checks", mart=data.CHECKS, what="checks"
    )


def show_run_times(page: Page, runs: list[dict]) -> None:
    """How long the last builds took, the newest first; red ones are told apart in the table."""
    if len(runs) > 1:
        times = pl.DataFrame(runs[-RUNS:])
        st.bar_chart(times, x="run_id", y="seconds", height=160, x_label="run", y_label="build, s")
        table_with_export(page, times.reverse(), "run-times", mart="", what="runs", height=180)


def show_freshness(page: Page) -> None:
    """How far each feed is behind the newest load, what the pipeline last did, and which publish is seen."""
    publish = page.frame.publish
    run = frames.last_run(page.frame.settings)
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Feeds, the one furthest behind first", anchor=False)
        if states.available(page.frame, "Loads", data.LOADS, "any"):
            table_with_export(page, page.read(data.feeds), "feeds", mart=data.LOADS, what="feeds")
    with right:
        st.subheader("The pipeline", anchor=False)
        st.text(
            f"Last run: {run.get('run_id', '—')}, {run.get('status', 'unknown')}, finished {run.get('finished_at', '—')}."
        )
        show_run_times(page, run.get("runs", []))
        if publish is not None:
            st.text(
                f"Seen: publish {publish.publish_id} of run {publish.run_id}, published {moment(publish.published_at)}."
            )
            sizes = pl.DataFrame([{"mart": name, "rows": int(total["rows"])} for name, total in publish.tables.items()])
            table_with_export(page, sizes.sort("mart"), "marts", mart="", what="marts", height=320)
        st.caption(
            "`daybook publish list` shows earlier publishes, `daybook publish rollback N` points every page at one."
        )


PARTS: dict[str, Callable[[Page], None]] = {
    "loads": show_loads, "sources": show_sources, "quarantine": show_quarantine, "checks": show_checks, "freshness": show_freshness,
    "models": show_models,
}  # fmt: skip
page = header(
    "data", "Data", "Loads by when they were recorded, what sources hold against it, rows set aside, checks, and how fresh each feed is.",
    names=("feed", "rule", "outcome", "source", "status", "mart"), tabs=TABS, of_files=True,
)  # fmt: skip
with states.panel():
    show_tiles(page)
opened, tabs = filters.open_tab(TABS, "data")
with tabs[list(TABS).index(opened)], states.panel():
    PARTS[opened](page)
