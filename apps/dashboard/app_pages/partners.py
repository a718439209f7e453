"""Partners: what commissions were accrued, each line with its deal, rule and version, and why the others paid nothing."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import streamlit as st

from apps.dashboard.kpis import Kpi
from apps.dashboard.partner_tabs.payouts import show_payouts
from apps.dashboard.partner_tabs.review import show_review
from apps.dashboard.partner_tabs.statements import show_statements
from apps.dashboard.partner_tabs.what_if import show_what_if
from apps.dashboard.queries import common, partners
from apps.dashboard.ui import charts, dictionary, figures, filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export
from apps.dashboard.ui.tiles import Tile, tiles

MART = partners.ACCRUALS
TABS = {
    "accruals": "By partner", "tree": "Tree", "lines": "Accrual lines", "zeros": "Paid nothing", "statements": "Statements", "payouts": "Payouts",
    "review": "Finance review", "what_if": "What if",
}  # fmt: skip
KINDS = {"all": "All lines", "reversal": "Reversals", "revision": "Revisions"}


def choose_partner(page: Page) -> str | None:
    """One partner, or None for all."""
    names = {
        row["partner_id"]: f"{row['partner_id']} · {row['name']}"
        for row in page.read(partners.names).iter_rows(named=True)
    }
    chosen = filters.choose("partner", "Partner", {"all": "All partners"} | names, "all")
    return None if chosen == "all" else chosen


def show_tiles(page: Page, partner: str | None) -> None:
    """Cost, lines, partners and what was taken back."""
    totals = {row["is_now"]: row for row in page.read(partners.totals, page.scope, partner).iter_rows(named=True)}
    days = page.read(partners.by_day, page.scope, partner).group_by("day").agg(pl.col("net").sum()).sort("day")
    now, then = totals.get(True, {}), totals.get(False, {})
    course = days["net"].cast(pl.Float64).to_list()
    usd = dictionary.column(page.frame, MART, "amount_usd")
    taken_back = "Reversals: lines booked against earlier ones that late or corrected rows had made wrong."
    shown = [
        Tile(
            Kpi("net", "Commission, net", "USD", "sum", "neither", 1),
            now.get("net"),
            then.get("net"),
            course,
            usd,
            {"tab": "lines"},
        ),
        count_tile("lines", "Accrual lines", "Lines that are no reversals.", now, then, {"tab": "lines"}),
        count_tile("partners", "Partners paid", "Partners with at least one line.", now, then, {"tab": "accruals"}),
        Tile(
            Kpi("reversed", "Taken back", "USD", "sum", "up", 4),
            now.get("reversed"),
            then.get("reversed"),
            [],
            taken_back,
            {"tab": "lines", "kind": "reversal"},
        ),
    ]
    tiles(page, shown)


def count_tile(name: str, label: str, words: str, now: dict, then: dict, link: dict[str, str]) -> Tile:
    """A tile that counts."""
    return Tile(Kpi(name, label, "count", "sum", "neither", 0), now.get(name), then.get(name), [], words, link)


def show_accruals(page: Page, partner: str | None) -> None:
    """Cost by day and level of the tree, and by partner."""
    ranking = page.read(partners.by_partner, page.scope, partner)
    if ranking.is_empty():
        states.nothing_matches("accruals")
        return
    left, right = st.columns(2)
    with left:
        st.subheader("By day of the deal and level, USD", anchor=False)
        days = page.read(partners.by_day, page.scope, partner)
        figure = charts.stacked_bars(days, series="level", value="net", complete_until=page.complete_until, unit="USD")
        st.plotly_chart(figure, alt="Commission by day and level", key="levels")
    with right:
        st.subheader("Most expensive partners, USD", anchor=False)
        top = ranking.head(8)
        figure = charts.ranked(top["partner_id"].to_list(), top["net_usd"].cast(pl.Float64).to_list(), unit="USD")
        st.plotly_chart(figure, alt="Commission by partner", key="ranking")
    for row in table_with_export(page, ranking, "by-partner", mart=MART, what="partners", select=True):
        chosen = ranking["partner_id"][row]
        st.page_link(
            page.file, label=f"Lines of {states.plain(chosen)}", query_params=filters.link(partner=chosen, tab="lines")
        )


def show_tree(page: Page, partner: str | None) -> None:
    """Who stands under whom at the end of the period, and what each earned in it."""
    if not states.available(page.frame, "The partner tree", partners.TREE, "partner_links"):
        return
    at = min(page.period.until, page.frame.last_day + timedelta(days=1))
    nodes = page.read(partners.tree, page.scope, at)
    if partner is not None:
        nodes = nodes.filter(pl.col("partner_id").is_in(list(_below(nodes, partner))))
    if nodes.is_empty():
        states.nothing_matches("partners")
        return
    st.subheader(f"The tree at the end of {at - timedelta(days=1)}", anchor=False)
    known = set(nodes["partner_id"])
    ids = nodes["partner_id"].to_list()
    parents = [parent if parent in known else None for parent in nodes["parent_id"]]
    # an area cannot be negative: a partner with nothing (or a net reversal) keeps a sliver so that it is seen
    total = max(float(nodes["net_usd"].clip(lower_bound=0).sum()), 1.0)
    sizes = [max(float(value), total / 400) for value in nodes["net_usd"]]
    labels = [f"{name or ''} ({partner_id})" for name, partner_id in zip(nodes["name"], ids, strict=True)]
    st.plotly_chart(
        charts.tree(ids, labels, parents, sizes, unit="USD"),
        alt="Partner tree; height is commission of the period",
        key="tree",
    )
    st.caption(
        "Height: net commission of the period, its own and that of those below. The exact figures stand in the table."
    )
    table_with_export(page, nodes, "partner-tree", mart=partners.TREE, what="partners")


def _below(nodes: pl.DataFrame, partner: str) -> set[str]:
    children: dict[str, list[str]] = {}
    for child, parent in nodes.select("partner_id", "parent_id").iter_rows():
        children.setdefault(parent, []).append(child)
    found, waiting = set(), [partner]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += children.get(one, [])
    return found


def show_lines(page: Page, partner: str | None) -> None:
    """Every line: deal, rule, version, basis, rate. Choosing one explains it in a sentence."""
    kind = filters.choose("kind", "Lines", KINDS, "all")
    rows = partners.lines(page.scope, partner, kind)
    chosen = table_with_export(page, rows, "accrual-lines", mart=MART, what="accrual lines", select=True)
    if chosen:
        line = page.read(common.one, rows, chosen[0]).row(0, named=True)
        st.text(explained(line))


def explained(line: dict) -> str:
    """The line as a sentence, from the row alone."""
    basis = f"{figures.number(line['basis_amount'], 4)} {line['basis_unit']}"
    money = f"{line['currency']} {figures.number(line['amount'], 8)} (USD {figures.number(line['amount_usd'], 8)})"
    why = f" Reason: {line['reason']}." if line["reason"] else ""
    against = f" It takes back {line['reverses_accrual_id']}." if line["reverses_accrual_id"] else ""
    rule = f"rule {line['rule_id']} version {line['rule_version']} of plan {line['plan_id']} version {line['plan_version']}"
    deal = f"deal {line['deal_id']} on {line['platform']} of client {line['client_id']}, executed {line['executed_at']:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"{line['line'].capitalize()} {line['accrual_id']}: {money} to partner {line['partner_id']} at level {line['level']}, for {deal}. "
        f"{basis} × rate {figures.number(line['rate'], 8)} by {rule} ({line['scheme']}, distribution {line['distribution']}), "
        f"exchange rate {line['fx_rate']}. Accrued {line['accrued_at']:%Y-%m-%d %H:%M} UTC; {line['status']}.{against}{why}"
    )


def show_zeros(page: Page, partner: str | None) -> None:
    """Deals that could have paid and did not, each with its reason."""
    if not states.available(page.frame, "Deals that paid nothing", partners.ZEROS, "deals"):
        return
    if not states.available(page.frame, "The deals", partners.DEALS, "deals"):
        return
    reasons = page.read(partners.zero_reasons, page.scope, partner)
    if reasons.is_empty():
        states.nothing_matches("deals that paid nothing")
        return
    left, right = st.columns([3, 2])
    left.plotly_chart(
        charts.ranked(reasons["reason"].to_list(), reasons["deals"].to_list(), unit="deals"),
        alt="Deals that paid nothing, by reason",
        key="reasons",
    )
    with right:
        reason = filters.choose(
            "reason",
            "Reason",
            {"all": "All reasons"} | {name: name.replace("_", " ") for name in reasons["reason"]},
            "all",
        )
        table_with_export(page, reasons, "zero-reasons", mart=partners.ZEROS, what="reasons")
    rows = partners.zeros(page.scope, partner, None if reason == "all" else reason)
    table_with_export(page, rows, "paid-nothing", mart=partners.ZEROS, what="deals")


PARTS: dict[str, Callable[[Page, str | None], None]] = {
    "accruals": show_accruals, "tree": show_tree, "lines": show_lines, "zeros": show_zeros, "statements": show_statements,
    "payouts": show_payouts, "review": show_review, "what_if": show_what_if,
}  # fmt: skip
page = header(
    "partners", "Partners", "Commission accruals by the time of the deal: every line names its deal, its rule and the rule’s version.",
    names=("partner", "kind", "reason", "month", "currency"), tabs=TABS,
)  # fmt: skip
if states.available(page.frame, "Accruals", MART, "deals, partner_links, commission_rules"):
    partner = choose_partner(page)
    with states.panel():
        show_tiles(page, partner)
    opened, tabs = filters.open_tab(TABS, "partners")
    with tabs[list(TABS).index(opened)], states.panel():
        PARTS[opened](page, partner)
