"""Loss percentage: the share of retail accounts that lost money on CFDs, what changed since the quarter before, and every account behind it."""

from datetime import date

import polars as pl
import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.queries import loss_percentage as queries
from apps.dashboard.ui import charts, filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

MART = queries.FIGURES
WHICH = {
    "counted": "That count",
    "losing": "That lose",
    "doubtful": "Not valued or not tying",
    "out": "That do not count",
    "all": "All",
}
SAID = {
    "incomplete": "not to be published: an account cannot be valued or does not tie",
    "calculated": "calculated, not signed off",
    "proposed": "waits for its sign-off",
    "signed_off": "signed off",
    "restated": "no longer the figure that was signed off",
}
SHORT = "The entity has no twelve months of its own: the standard wording is printed instead."


def percent(value: object) -> str:
    """A fraction as the published percentage.

    >>> percent(0.7643), percent(None)
    ('76.43 %', '—')
    """
    return "—" if value is None else f"{float(str(value)) * 100:.2f} %"


def show_newest(page: Page, entity: str | None) -> None:
    """The newest figure of each entity with its standing and when the next is due."""
    found = page.read(queries.newest, entity)
    for start in range(0, min(found.height, 8), 4):
        for column, row in zip(st.columns(4), found[start : start + 4].iter_rows(named=True), strict=False):
            with column, st.container(border=True, height="stretch", gap="xxsmall"):
                change = None
                if row["loss_pct"] is not None and row["previous_loss_pct"] is not None:
                    change = f"{(row['loss_pct'] - row['previous_loss_pct']) * 100:+.2f} points"
                st.metric(
                    f"{row['entity']}, {row['calculation_date']:%d %b %Y}", percent(row["published_loss_pct"]), delta=change,
                    delta_color="inverse", help="Losing accounts by accounts that count, in the twelve months before the day.",
                )  # fmt: skip
                st.caption(f"{row['losing_accounts']:,} of {row['accounts']:,} accounts · {SAID[row['status']]}")
                kind = "for publication" if row["is_disclosed"] else "for the management only"
                st.caption(
                    f"{kind} · next due {row['next_due_on']:%d %b %Y}, called for from {row['next_alert_on']:%d %b %Y}"
                )
                if row["has_short_history"]:
                    st.caption(SHORT)


def show_figures(page: Page, entity: str | None) -> None:
    """The course over the quarters, every figure with its bridge, and the way to the sign-off."""
    course = page.read(queries.course, entity)
    if course["day"].n_unique() > 1:
        figure = charts.lines(
            course.with_columns(pl.col("share").cast(pl.Float64) * 100), series="series", value="share",
            complete_until=page.complete_until, unit="%",
        )  # fmt: skip
        st.plotly_chart(figure, alt="Loss percentage by calculation date", key="course")
    table_with_export(page, queries.figures(entity), "loss-figures", mart=MART, what="figures", height=320)
    st.caption(
        "Entered and left: accounts in one of two neighbouring populations. Turned: in both, and on the other side of zero. "
        "The lifetime variant is kept beside the figure and never published."
    )
    if "approvals" in page.frame.viewer.pages:
        st.page_link(
            navigation.page_file("approvals"), label="Propose a figure for its sign-off by two people",
            query_params=filters.kept() | {"tab": "propose"},
        )  # fmt: skip


def show_accounts(page: Page, entity: str | None) -> None:
    """The accounts of one date with each component of their result and the check identity."""
    if not states.available(page.frame, "The accounts", queries.ACCOUNTS, "deals"):
        return
    days = {str(day): f"{day:%d %b %Y}" for day in page.read(queries.dates)["day"].to_list()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        day = date.fromisoformat(filters.choose("date", "Calculation date", days, next(iter(days))))
        which = filters.choose("which", "Accounts", WHICH, "counted")
    reasons = page.read(queries.reasons, entity, day)
    st.caption(
        " · ".join(f"{row['accounts']:,} {row['reason'].replace('_', ' ')}" for row in reasons.iter_rows(named=True))
    )
    table_with_export(
        page, queries.accounts(entity, day, which), "loss-accounts", mart=queries.ACCOUNTS, what="accounts", height=480
    )


page = header(
    "loss_percentage",
    "Loss percentage",
    "The share of retail accounts that lost money on CFDs in the twelve months before each quarter.",
    names=("date", "which"),
    live=True,
)
if states.available(page.frame, "The loss percentage", MART, "deals, once a quarter has passed"):
    with states.panel():
        chosen = filters.entity(page.frame)
        if page.read(queries.newest, chosen).is_empty():
            states.nothing_matches("figures")
        else:
            show_newest(page, chosen)
            show_figures(page, chosen)
            st.subheader("Accounts", anchor=False)
            show_accounts(page, chosen)
