"""Rules: the catalogue of monitoring scenarios, their parameters, and what they would have found with others."""

from decimal import Decimal

import polars as pl
import streamlit as st

from apps.dashboard import rehearsals
from apps.dashboard.queries import alerts
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

# the roles that may run rules again; to look is for all who may open the page
REPLAYS = ("compliance", "mlro")
KINDS = {"full": "evaluated", "proxy": "on a proxy", "not_evaluated": "not evaluated"}


def show_catalogue(page: Page, catalogue: pl.DataFrame) -> None:
    """Every scenario with how it is evaluated and what it found."""
    counts = {kind: catalogue.filter(pl.col("evaluation") == kind).height for kind in KINDS}
    for column, (kind, label) in zip(st.columns(len(KINDS)), KINDS.items(), strict=True):
        column.metric(f"Scenarios {label}", counts[kind], border=True)
    table_with_export(page, catalogue, "catalogue", mart=alerts.SCENARIOS, what="scenarios", height=840)


def show_rule(page: Page, row: dict) -> None:
    """One scenario: what it is evaluated on, its parameters, and a replay."""
    st.subheader(f"{row['scenario']} {row['title']}", anchor=False)
    if row["evaluation"] == "not_evaluated":
        st.warning(f"**Not evaluated.** These feeds never came: {states.plain(row['missing_feeds'])}.")
    elif row["evaluated_on"]:
        st.caption(f"Evaluated on: {states.plain(row['evaluated_on'])}")
    rows = alerts.parameters(row["scenario"])
    table_with_export(page, rows, "parameters", mart=alerts.PARAMETERS, what="parameters")
    show_replay(page, row["scenario"], page.read(alerts.parameters_of, row["scenario"]))


def show_replay(page: Page, scenario: str, parameters: pl.DataFrame) -> None:
    """Tries another value on all that is known, in a copy, and shows the difference in alerts."""
    st.subheader("Replay", anchor=False)
    st.caption(
        f"Run over all that is known, in a copy. The same at the command line: `daybook rules replay --set {scenario}.…=… --rules-at …`"
    )
    if page.frame.viewer.role not in REPLAYS:
        st.caption(f"Rules are run again by {' and '.join(REPLAYS)}.")
        return
    names = parameters["parameter"].to_list()
    now = dict(zip(names, parameters["value"].to_list(), strict=True))
    with st.form("replay", border=True):
        name = st.selectbox(
            "Parameter", names, format_func=lambda one: f"{one.replace('_', ' ')} (now {float(now[one]):g})"
        )
        value = st.text_input("Value to try", placeholder="a number")
        sent = st.form_submit_button("Run the rule again")
    if not sent:
        return
    try:
        Decimal(value)
    except ArithmeticError:
        states.refused(f"“{states.plain(value)}” is no number.")
        return
    with st.spinner("The rules run over all that is known …"):
        found = rehearsals.replayed(page.frame.settings, f"{scenario}.{name}={value}")
    if isinstance(found, str):
        states.refused(states.plain(found))
        return
    figures = next(one for one in found["scenarios"] if one["scenario"] == scenario)
    for column, (label, number) in zip(
        st.columns(4),
        (("Stand now", "stands"), ("Would stand", "would_stand"), ("Raised too", "added"), ("Not raised", "gone")),
        strict=True,
    ):
        column.metric(label, figures[number], border=True)
    for title, rows in (("Would be raised too", found["added"]), ("Would not be raised", found["gone"])):
        if rows:
            st.markdown(f"**{title}**")
            shown = pl.DataFrame(rows, infer_schema_length=None).select(
                "scenario", "client_id", "window_start", "window_end", "amount_eur", "score", "detail"
            )
            table_with_export(page, shown, title.lower().replace(" ", "-"), mart=alerts.ALERTS, what="alerts")


page = header("rules", "Rules", "What monitoring looks for, by which numbers, and what others would find.", names=("scenario",))  # fmt: skip
if states.available(page.frame, "Scenarios", alerts.SCENARIOS, "any"):
    with states.panel():
        catalogue = page.read(alerts.scenarios)
        names = {row["scenario"]: f"{row['scenario']} {row['title']}" for row in catalogue.iter_rows(named=True)}
        scenario = filters.choose("scenario", "Scenario", {"all": "All scenarios"} | names, "all")
        if scenario == "all":
            show_catalogue(page, catalogue)
        else:
            show_rule(page, catalogue.filter(pl.col("scenario") == scenario).row(0, named=True))
