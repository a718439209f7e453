"""A small broker with one corrected deal, built once."""

import pytest

from tests.dbt.broker import Broker, new_broker
from tests.dbt.test_commissions import SYMBOL, chain, closing, partner, plan, rule, trader
from warehouse.reader import Reader


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Read only: a deal of ten lots, corrected to five a day later, in a chain of three."""
    home = new_broker(tmp_path_factory.mktemp("explain"))
    account, links = trader(1, "D8")
    home.learn(
        "2026-03-01",
        symbols=[SYMBOL],
        trading_accounts=[account],
        partner_links=[*links, *chain("D8", "D7", "D10")],
        partners=[partner(one, f"PL-{one}") for one in ("D8", "D7", "D10")],
        commission_plans=[
            plan("PL-D8", "difference"), plan("PL-D7", "difference"),
            plan("PL-D10", "difference", settings='{"caps": {"per_day": 15}}'),
        ],
        commission_rules=[rule("PL-D8", "8"), rule("PL-D7", "7"), rule("PL-D10", "10")],
        deals=[closing(1, 1)],
    )  # fmt: skip
    home.learn("2026-03-02", deals=[closing(1, 1, lots="5")])
    home.build(
        "fct_commission_accruals",
        "fct_commission_zero",
        "fct_account_daily",
        "int_fx_usd_days",
        "dim_partners",
        tests=False,
    )
    home.publish()
    return home


@pytest.fixture(scope="session")
def reader(home: Broker) -> Reader:
    return Reader(home.settings)
