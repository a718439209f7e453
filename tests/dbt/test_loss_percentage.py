"""The retail loss percentage, computed by hand: who counts, what each account made, the check identity, the bridge and the sign-off."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from apps import pipeline
from tests.dbt.broker import Broker, Row, new_broker
from tests.ingestion.connectors.sealed import decided, exported

FIRST, SECOND, THIRD = "2026-07-02", "2026-07-03", "2026-07-04"
START, END = "2025-06-30T23:59:59", "2026-06-30T23:59:59"
MODELS = ("fct_loss_percentage", "fct_negative_balances")
NUMBERS = count(1)


class Books:
    """Deals and snapshots of accounts, each of a client of its own."""

    def __init__(self) -> None:
        self.feeds: dict[str, list[Row]] = {
            name: [] for name in ("clients", "trading_accounts", "deals", "account_snapshots", "kyc_events")
        }
        self.logins: dict[str, int] = {}

    def account(self, name: str, entity: str, category: str = "retail", **more: Any) -> None:
        self.logins[name] = len(self.logins) + 1
        at = {"changed_at": "2025-01-01", "client_id": name}
        self.feeds["clients"].append(
            {
                **at,
                "registered_at": "2025-01-01",
                "entity": entity,
                "category": category,
                "is_test": more.pop("test", False),
            }
        )
        self.feeds["trading_accounts"].append({**at, "platform": "mt5", "login": self.logins[name], "currency": "EUR", "entity": entity,
                                               "status": "open", "opened_at": "2025-01-01", **more})  # fmt: skip

    def deal(self, name: str, at: str, action: str, **more: Any) -> None:
        trade = {"symbol": "X", "volume_lots": "1", "price": "1"} if action in ("buy", "sell") else {}
        row = {
            "platform": "mt5",
            "deal_id": next(NUMBERS),
            "login": self.logins[name],
            "executed_at": at,
            "action": action,
        }
        self.feeds["deals"].append(row | trade | more)

    def position(self, name: str, opened: str, closed: str | None, profit: str = "0", commission: str = "0") -> None:
        position = f"P{next(NUMBERS)}"
        self.deal(name, opened, "buy", entry="in", position_id=position)
        if closed:
            self.deal(name, closed, "sell", entry="out", position_id=position, profit=profit, commission=commission)

    def snapshot(self, name: str, at: str, balance: str, floating: str, credit: str = "0") -> None:
        equity = Decimal(balance) + Decimal(floating) + Decimal(credit)
        self.feeds["account_snapshots"].append({"platform": "mt5", "login": self.logins[name], "captured_at": at, "balance": balance,
                                                "credit": credit, "equity": str(equity), "floating_pnl": floating})  # fmt: skip


def five_accounts(books: Books) -> None:
    """CY: two of five lose."""
    for name in ("carried_in", "lost", "even", "sinking", "rising"):
        books.account(name, "CY")
        books.deal(name, "2025-05-01", "balance", profit="1000")
    books.position("carried_in", "2025-05-01", "2025-08-01", "-60")
    books.snapshot("carried_in", START, "1000", "-100")
    books.snapshot("carried_in", END, "940", "0")
    books.position("lost", "2025-09-01", "2025-09-02", "-50", "-2")
    books.position("even", "2025-09-01", "2025-09-02", "7", "-7")
    books.position("sinking", "2025-09-01", "2025-09-02", "10")
    books.position("sinking", "2026-05-01", None)
    books.snapshot("sinking", END, "1010", "-30")
    books.position("rising", "2026-05-01", None)
    books.snapshot("rising", END, "1000", "5")


def those_who_do_not_count(books: Books) -> None:
    for name, more in {"idle": {}, "demo": {"is_demo": True}, "tested": {"test": True}, "employee": {}, "lp": {"account_type": "LP"},
                       "professional": {"category": "professional"}, "before": {}}.items():  # fmt: skip
        books.account(name, "CY", **more)
    books.deal("idle", "2026-01-01", "balance", profit="50")
    books.deal("idle", "2026-02-01", "charge", profit="-50")
    books.position("before", "2025-05-01", "2025-05-02", "-5")
    for name in ("demo", "tested", "employee", "lp", "professional"):
        books.position(name, "2025-09-01", "2025-09-02", "-5")


def special_cases(books: Books) -> None:
    books.account("became_professional", "UK")
    books.feeds["kyc_events"].append({"provider": "p", "event_id": "k", "client_id": "became_professional", "event": "category_changed",
                                      "category": "professional", "occurred_at": "2026-01-01"})  # fmt: skip
    books.deal("became_professional", "2025-08-01", "balance", profit="500")
    books.position("became_professional", "2025-09-01", "2026-02-01", "-100")
    books.snapshot("became_professional", "2025-12-31T23:59:59", "500", "10")
    books.account("written_off", "UK")
    books.deal("written_off", "2025-08-01", "balance", profit="100")
    books.deal("written_off", "2025-08-01", "credit", profit="20")
    books.position("written_off", "2025-09-01", "2025-09-02", "-250")
    books.deal("written_off", "2025-09-02", "so_compensation", profit="150")
    books.snapshot("written_off", END, "0", "0", "20")
    books.account("owing", "UK", "professional")
    books.snapshot("owing", END, "-7", "0", "10")
    books.account("not_valued", "AU")
    books.position("not_valued", "2026-05-01", None)
    books.account("not_tying", "SC")
    books.position("not_tying", "2026-05-01", "2026-05-02", "3")
    books.snapshot("not_tying", END, "3.01", "0")
    books.snapshot("not_tying", "2025-05-01", "0", "0")


def learn_store(broker: Broker, recorded_at: str, *bodies: dict[str, Any]) -> None:
    path = broker.settings.landing / "operations" / "events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(exported(*bodies))
    at = datetime.fromisoformat(recorded_at).replace(tzinfo=UTC)
    assert {one.status for one in pipeline.load(broker.settings, pipeline.Source((path,), recorded_at=at))} == {
        "loaded"
    }


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = new_broker(tmp_path_factory.mktemp("loss"))
    books = Books()
    five_accounts(books)
    those_who_do_not_count(books)
    special_cases(books)
    staff = {
        "staff_id": "S1",
        "changed_at": "2025-01-01",
        "role": "support",
        "is_active": True,
        "client_id": "employee",
    }
    made.learn(FIRST, staff=[staff], **books.feeds)
    signed = decided(
        "published_figure", subject_id="loss_percentage:CY:2026-07-01", event_id="signed", facts={"value": "0.4"}
    )
    signed_uk = decided(
        "published_figure", subject_id="loss_percentage:UK:2026-07-01", event_id="signed_uk", facts={"value": "0.4"}
    )
    learn_store(made, SECOND, signed, signed_uk)
    made.build(*MODELS, tests=False)
    yield made


def account(broker: Broker, name: str, *columns: str) -> tuple[Any, ...]:
    [found] = broker.rows(
        f"select {', '.join(columns)} from compliance.fct_loss_accounts where client_id = ? and calculation_date = '2026-07-01'",
        name,
    )
    return found


def figure(broker: Broker, entity: str, *columns: str, on: str = "2026-07-01") -> tuple[Any, ...]:
    [found] = broker.rows(
        f"select {', '.join(columns)} from compliance.fct_loss_percentage where entity = ? and calculation_date = ?",
        entity,
        on,
    )
    return found


@pytest.mark.parametrize(
    ("name", "result", "is_losing", "is_losing_lifetime"),
    [
        ("carried_in", 40, False, True),
        ("lost", -52, True, True),
        ("even", 0, False, False),
        ("sinking", -20, True, True),
        ("rising", 5, False, False),
    ],
)
def test_a_result_is_what_was_realised_and_how_the_open_positions_worth_changed(
    broker: Broker, name: str, result: int, is_losing: bool, is_losing_lifetime: bool
) -> None:
    assert account(broker, name, "reason", "result", "is_losing", "is_losing_lifetime") == (
        "counted",
        result,
        is_losing,
        is_losing_lifetime,
    )


def test_two_of_five_accounts_are_forty_percent_and_both_variants_are_kept(broker: Broker) -> None:
    shown = figure(
        broker, "CY", "accounts", "losing_accounts", "loss_pct", "published_loss_pct", "loss_pct_lifetime", "status"
    )
    assert shown == (5, 2, Decimal("0.4"), Decimal("0.4"), Decimal("0.6"), "signed_off")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("idle", "no_open_position"), ("before", "no_open_position"), ("demo", "demo"), ("tested", "test"), ("employee", "employee"), ("lp", "lp"),
     ("professional", "not_retail")],
)  # fmt: skip
def test_an_account_that_does_not_count_says_why(broker: Broker, name: str, reason: str) -> None:
    assert account(broker, name, "is_counted", "reason", "is_losing") == (False, reason, None)


def test_of_a_client_who_became_professional_the_retail_time_is_measured(broker: Broker) -> None:
    assert account(broker, "became_professional", "reason", "result", "is_losing", "identity_difference") == (
        "counted",
        10,
        False,
        0,
    )


def test_what_was_given_back_and_what_is_still_owed_are_negative_balance_incidents(broker: Broker) -> None:
    shown = broker.rows(
        "select client_id, day::varchar, own_equity, written_off, is_left_negative from compliance.fct_negative_balances order by day"
    )
    assert shown == [("written_off", "2025-09-02", None, 150, False), ("owing", "2026-06-30", -7, 0, True)]


def test_what_protection_gives_back_leaves_the_loss_a_loss(broker: Broker) -> None:
    assert account(broker, "written_off", "result", "write_offs", "credit_change", "is_losing") == (-250, 150, 20, True)


def test_every_counted_result_ties_to_the_accounts_equity_to_the_cent_and_the_planted_one_does_not(
    broker: Broker,
) -> None:
    off = broker.rows(
        "select distinct client_id, identity_difference from compliance.fct_loss_accounts where is_counted and identity_difference <> 0"
    )
    assert off == [("not_tying", Decimal("0.01"))]
    assert figure(broker, "SC", "accounts_not_tying", "status") == (1, "incomplete")


def test_a_position_that_nothing_values_is_never_taken_for_no_loss(broker: Broker) -> None:
    assert account(broker, "not_valued", "is_counted", "result", "is_losing", "is_valued") == (True, None, None, False)
    assert figure(broker, "AU", "accounts_without_valuation", "status", "is_disclosed") == (1, "incomplete", False)


def test_the_bridge_leads_from_the_quarter_before(broker: Broker) -> None:
    columns = (
        "previous_loss_pct",
        "entered",
        "left_population",
        "turned_losing",
        "turned_winning",
        "next_due_on::varchar",
        "next_alert_on::varchar",
    )
    # in April five of its own: `before` still counted, carried_in lost from its opening on, sinking had only won
    assert figure(broker, "CY", *columns) == (Decimal("0.6"), 1, 1, 1, 1, "2026-10-01", "2026-09-17")


def test_a_figure_that_is_no_longer_what_was_signed_is_restated(broker: Broker) -> None:
    assert figure(broker, "UK", "loss_pct", "signed_off_loss_pct", "status") == (
        Decimal("0.5"),
        Decimal("0.4"),
        "restated",
    )


def test_a_late_deal_restates_its_quarter_and_increments_give_what_one_pass_gives(broker: Broker) -> None:
    books = Books()
    books.logins = {"rising": 5}
    books.position("rising", "2026-06-10", "2026-06-11", "-8")
    before = broker.rows(
        "select * exclude (_run_id) from compliance.fct_loss_accounts where calculation_date < '2026-07-01' order by all"
    )
    broker.learn(THIRD, deals=books.feeds["deals"])
    broker.build(*MODELS, tests=False)
    assert figure(broker, "CY", "losing_accounts", "status") == (3, "restated")
    dumps = [
        f"select * exclude (_run_id) from compliance.{mart} order by all"
        for mart in ("fct_loss_accounts", "fct_loss_percentage")
    ]
    increments = [broker.rows(dump) for dump in dumps]
    assert [row for row in increments[0] if str(row[1]) < "2026-07-01"] == before
    broker.rebuild(*MODELS)
    assert [broker.rows(dump) for dump in dumps] == increments
    broker.check(*MODELS, "fct_loss_accounts")
