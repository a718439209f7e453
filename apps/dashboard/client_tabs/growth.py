"""Funnel, cohorts, segments and triggers: how clients come, stay and go, and what messages do about it."""

import polars as pl
import streamlit as st

from apps.dashboard.queries import clients as queries
from apps.dashboard.ui import charts, dictionary, filters, states, theme
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.metric_tiles import metric_tiles
from apps.dashboard.ui.table import table_with_export

STARTS = {"registered": "since registration", "approved": "since approval"}
SHADES = {"retention_share": "Share that traded", "value_per_client": "Net revenue per client so far, USD"}
VALUES, RISKS = ("high", "medium", "low"), ("low", "medium", "high", "unrated")
BECAME = {
    "delivered": theme.BLUE, "waiting": theme.SKY, "hold_out": theme.GREEN, "cool_down": theme.YELLOW, "no_consent": theme.ORANGE,
    "compliance": theme.VERMILION, "stale": theme.GREY,
}  # fmt: skip


def show_funnel(page: Page) -> None:
    """How far those came who began in the period, and how long the first deposit took."""
    metric_tiles(page, ("leads", "new_clients", "first_deposits", "hours_to_fund"))
    if not states.available(page.frame, "The funnel", queries.LEADS, "leads"):
        return
    counts = page.read(queries.funnel, page.scope)
    if not counts["clients"].sum():
        states.nothing_matches("leads and clients")
        return
    left, right = st.columns([3, 2])
    with left:
        st.subheader("From lead to first trade", anchor=False)
        figure = charts.funnel(counts["step"].to_list(), counts["clients"].to_list())
        st.plotly_chart(figure, alt="How many of those who began in the period took each step", key="funnel")
    with right:
        st.caption(
            "Of the leads created and, without a lead, the clients registered in the period; the young ones are still on their way."
        )
        table_with_export(page, counts, "funnel", mart=queries.FUNNEL, what="steps")
    _time_to_fund(page)


def _time_to_fund(page: Page) -> None:
    if not states.available(page.frame, "Time to fund", queries.TIME_TO_FUND, "clients"):
        return
    counted_from = filters.choose("since", "Count", STARTS, "registered")
    course = page.read(queries.time_to_fund, page.scope, counted_from)
    left, right = st.columns(2)
    with left:
        st.subheader(f"Share funded, days {STARTS[counted_from]}", anchor=False)
        if course.is_empty():
            states.nothing_matches("clients")
        else:
            st.plotly_chart(
                charts.steps(course, x="day", value="funded_share", unit="funded", x_title="days"),
                alt="Estimated share funded by day; who has not paid in counts until now", key="time-to-fund",
            )  # fmt: skip
            half, most = (_day(course, share) for share in (0.5, 0.9))
            st.caption(
                f"Half within **{half}**, nine in ten within **{most}**, by Kaplan and Meier: who has not paid in yet counts until today."
            )
    with right:
        st.subheader("Days to the first deposit", anchor=False)
        days = page.read(queries.funding_days, page.scope)
        st.plotly_chart(
            charts.histogram(days, label="class", value="clients", unit="clients first funded"),
            alt="Clients by days to fund",
            key="funding-days",
        )
    table_with_export(page, course, "time-to-fund", mart=queries.TIME_TO_FUND, what="days", height=240)


def _day(course: pl.DataFrame, share: float) -> str:
    days = course.filter(pl.col("funded_share").cast(pl.Float64) >= share)["day"]
    return f"{days[0]} days" if len(days) else "not yet"


def show_cohorts(page: Page) -> None:
    """Retention of cohorts of first deposits, month by month, and matured conversion from step to step."""
    if not states.available(page.frame, "Cohorts", queries.RETENTION, "psp_transactions"):
        return
    shade = filters.choose("shade", "Shade by", SHADES, "retention_share")
    cohorts = page.read(queries.retention, page.scope)
    if cohorts.is_empty():
        states.nothing_matches("complete months")
    else:
        st.subheader(f"Cohorts of first deposits: {SHADES[shade].lower()}", anchor=False)
        named = cohorts.with_columns(pl.col("cohort_month").dt.strftime("%Y-%m")).sort("cohort_month", "month_no")
        order = named.with_columns(pl.col("month_no")).sort("month_no", "cohort_month")
        figure = charts.heat(
            order, x="month_no", y="cohort_month", value=shade, unit="", percent=shade == "retention_share", x_title="months since the first deposit"
        )  # fmt: skip
        st.plotly_chart(figure, alt=f"{SHADES[shade]} by cohort and month", key="cohorts")
        table_with_export(page, cohorts, "retention", mart=queries.RETENTION, what="months of cohorts", height=260)
    _activity(page)
    st.subheader("From step to step, matured cohorts", anchor=False)
    if states.available(page.frame, "Conversion", queries.COHORTS, "leads"):
        table_with_export(
            page, page.read(queries.steps, page.scope), "cohort-steps", mart=queries.COHORTS, what="matured cohorts"
        )


def _activity(page: Page) -> None:
    """Who stayed, came, came back and went, by complete month."""
    if not states.available(page.frame, "Activity by month", queries.ACTIVITY, "deals"):
        return
    months = page.read(queries.activity, page.scope)
    st.subheader("Active clients by month", anchor=False)
    if months.is_empty():
        states.nothing_matches("complete months")
        return
    left, right = st.columns([3, 2])
    kinds = {"stayed": theme.BLUE, "new_clients": theme.GREEN, "reactivated_clients": theme.SKY}
    long = months.unpivot(on=list(kinds), index="month", variable_name="kind", value_name="clients")
    with left:
        figure = charts.stacked_categories(long, category="month", series="kind", value="clients", colours=kinds)
        st.plotly_chart(figure, alt="Active clients by month: stayed, new, reactivated", key="activity")
    with right:
        table_with_export(page, months, "activity-monthly", mart=queries.ACTIVITY, what="months", height=theme.HEIGHT)


def show_segments(page: Page) -> None:
    """Value × risk, the flags and activity windows, and who is in the chosen one."""
    if not states.available(page.frame, "Segments", queries.SEGMENTS, "clients"):
        return
    counts = page.read(queries.segments, page.scope)
    if counts.is_empty():
        states.nothing_matches("segments")
        return
    held = dict(counts.rows())
    cells = [(value, risk, held.get(f"value_{value}_risk_{risk}", 0)) for value in VALUES for risk in RISKS]
    matrix = pl.DataFrame(cells, schema=["value", "risk", "clients"], orient="row")
    single = counts.filter(~pl.col("segment").str.contains("_risk_|^value_|^risk_(low|medium|high|unrated)"))
    left, right = st.columns(2)
    with left:
        st.subheader("Value × risk", anchor=False)
        figure = charts.heat(matrix, x="risk", y="value", value="clients", unit="clients", x_title="risk")
        st.plotly_chart(figure, alt="Clients by value (net deposits) and risk rating", key="value-risk")
    with right:
        st.subheader("Activity and flags", anchor=False)
        labels = [name.replace("_", " ") for name in single["segment"].to_list()]
        st.plotly_chart(
            charts.ranked(labels, single["clients"].to_list(), unit="clients"), alt="Clients by segment", key="segments"
        )
    options = {"all": "All segments"} | {name: name.replace("_", " ") for name in counts["segment"].sort().to_list()}
    chosen = filters.choose(
        "segment", "Segment", options, "all", help=dictionary.column(page.frame, queries.SEGMENTS, "segment")
    )
    rows = queries.in_segment(page.scope, None if chosen == "all" else chosen)
    table_with_export(page, rows, "segments", mart=queries.SEGMENTS, what="clients in segments")


def show_triggers(page: Page) -> None:
    """What fired and what became of it, what messages bring against the hold-out, and the rows."""
    if page.frame.granted(queries.EFFECT):
        _effect(page)
    if not states.available(page.frame, "Triggers", queries.TRIGGERS, "deals"):
        return
    fired = page.read(queries.fired, page.scope)
    st.subheader("Fired in the period", anchor=False)
    if fired.is_empty():
        states.nothing_matches("triggers")
        return
    figure = charts.stacked_categories(fired, category="rule", series="became", value="triggers", colours=BECAME)
    st.plotly_chart(figure, alt="Triggers by rule and what became of them", key="fired")
    options = {"all": "All rules"} | {name: name.replace("_", " ") for name in fired["rule"].unique().sort().to_list()}
    rule = filters.choose("rule", "Rule", options, "all")
    table_with_export(
        page,
        queries.trigger_rows(page.scope, None if rule == "all" else rule),
        "triggers",
        mart=queries.TRIGGERS,
        what="triggers",
    )


def _effect(page: Page) -> None:
    st.subheader("What messages bring, against the hold-out", anchor=False)
    effects = page.read(queries.effects)
    known = effects.filter(pl.col("effect").is_not_null())
    if known.is_empty():
        st.caption("No rule has both clients written to and clients held out whose time is over.")
    else:
        numbers = {name: known[name].cast(pl.Float64).to_list() for name in ("effect", "effect_lower", "effect_upper")}
        figure = charts.intervals(
            [f"{row['rule'].replace('_', ' ')} v{row['rule_version']}" for row in known.iter_rows(named=True)],
            numbers["effect"], numbers["effect_lower"], numbers["effect_upper"], unit="difference of the shares that did what was hoped for",
        )  # fmt: skip
        st.plotly_chart(figure, alt="Effect of each rule with its 95 % interval", key="effects")
        st.caption(
            "Newcombe’s interval for the difference of two proportions, 95 %. One that crosses zero may be chance."
        )
    if not effects.is_empty():
        table_with_export(page, effects, "effects", mart=queries.EFFECT, what="rules")
