"""A correction of one PSP row: which rows of which marts it changes, to the cent, and that no other does."""

import shutil
from decimal import Decimal

import pytest

from tests.dbt.books_rows import first_feeds, late_feeds
from tests.dbt.broker import Broker, new_broker
from tests.dbt.ledger_rows import psp
from tests.dbt.test_reconciliations import MODELS
from warehouse.dbt import Dbt
from warehouse.settings import Settings

TECHNICAL = ("_run_id", "_horizon_load_id")
BUILT = """
select table_schema || '.' || table_name from information_schema.tables where table_schema in ('finance', 'leadership') and table_type = 'BASE TABLE'
"""


CHANGED = {
    *(f"finance.{mart}" for mart in (
        "fct_client_balances_daily", "fct_client_money_daily", "fct_journal_entries", "fct_posting_coverage", "fct_postings",
        "fct_psp_settlement_daily", "fct_trial_balance", "rec_breaks", "rec_psp_matches",
    )),
    "leadership.fct_kpi_daily", "leadership.fct_restatements",
}  # fmt: skip
"""The deposit's money, what its PSP owes, what must be segregated for its client, the day's key figures and what was said of them before."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """The broker of test_reconciliations.py; read only."""
    broker = new_broker(tmp_path_factory.mktemp("before"))
    broker.learn("2026-02-09 12:00:00", **first_feeds())
    broker.learn("2026-02-20 12:00:00", **late_feeds())
    broker.build(*MODELS, tests=False)
    return broker


@pytest.fixture(scope="module")
def after(before: Broker, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """The same once the PSP says that one deposit of 30 was one of 31, on the same day so that nothing else has aged."""
    root = tmp_path_factory.mktemp("after") / "home"
    shutil.copytree(before.settings.root, root)
    settings = Settings(home=root)
    broker = Broker(settings, Dbt(settings), files=before.files)
    row = psp("late4", 15, "deposit", "31", psp="other", client_id="C4", client_reference="Dlate4", source_version=2)
    broker.learn("2026-02-20 18:00:00", psp_transactions=[row])
    broker.build(*MODELS, tests=False)
    return broker


def changed(before: Broker, after: Broker, mart: str) -> set[tuple[object, ...]]:
    """Rows that only one of the two has, apart from who wrote them."""
    columns = {row[0] for row in after.rows(f"describe {mart}")}
    kept = f"* exclude ({', '.join(columns.intersection(TECHNICAL))})" if columns.intersection(TECHNICAL) else "*"
    one, other = (set(broker.rows(f"select {kept} from {mart}")) for broker in (before, after))
    return one ^ other


def test_only_these_marts_change(before: Broker, after: Broker) -> None:
    marts = [row[0] for row in after.rows(BUILT)]
    assert {mart for mart in marts if changed(before, after, mart)} ^ CHANGED == set()


def test_it_reverses_its_entry_and_makes_one(after: Broker) -> None:
    made = after.rows(
        """
        select entry_id, account_code, amount from finance.fct_journal_entries join finance.fct_postings using (entry_id, recorded_at)
        where recorded_at = '2026-02-20 18:00:00' order by all
        """
    )
    first = "psp_transactions:other:late4:deposit"
    assert made == [
        (f"{first}:v1:reversal", "1030", Decimal(-30)),
        (f"{first}:v1:reversal", "2010", Decimal(30)),
        (f"{first}:v2", "1030", Decimal(31)),
        (f"{first}:v2", "2010", Decimal(-31)),
    ]


def test_it_restates_two_accounts_and_two_key_figures_of_its_day(after: Broker) -> None:
    restated = after.rows(
        """
        select kpi, entity, as_of::varchar, published_value, restated_value, caused_by from leadership.fct_restatements
        where restated_at = '2026-02-20 18:00:00' order by all
        """
    )
    cause = "psp_transactions:other:late4"
    figures = {"deposits": (30, 31), "ledger_1030": (30, 31), "ledger_2010": (-30, -31), "net_deposits": (30, 31)}
    assert restated == [
        (kpi, "AU", "2026-01-15", Decimal(was), Decimal(now), cause) for kpi, (was, now) in sorted(figures.items())
    ]


def test_its_request_now_differs_the_shortfall_grows_by_it_and_no_other_break_comes_or_goes(
    before: Broker, after: Broker
) -> None:
    found = "select class, reference, amount, status from finance.rec_breaks"
    came = set(after.rows(found)) ^ set(before.rows(found))
    shortfall = {("shortfall_not_funded", "AU:USD", Decimal(amount), "open") for amount in (-30, -31)}
    assert came == {("amount_differs", "other:late4", Decimal(1), "open")} | shortfall


def test_balances_change_of_its_client_and_its_two_accounts_alone(before: Broker, after: Broker) -> None:
    balances, trial = "finance.fct_client_balances_daily", "finance.fct_trial_balance"
    assert {row[:2] for row in changed(before, after, balances)} == {("C4", "2010")}
    assert {row[1:3] for row in changed(before, after, trial)} == {("AU", "1030"), ("AU", "2010")}
