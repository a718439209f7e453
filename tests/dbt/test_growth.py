"""Growth, trading and support on a broker of five clients: every figure worked out by hand, every metric asked of what is published."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from apps import pipeline
from apps.approvals.calendars import add_business_hours, calendars
from apps.approvals.outbox import deliver_due
from apps.approvals.store import open_store, reading
from apps.approvals.tables import outbox
from apps.cli.metrics import app as command_line
from apps.metrics.definitions import MetricError, metrics
from apps.metrics.query import Asked, query
from apps.triggers import enqueue
from tests.dbt.broker import Broker, new_broker
from tests.dbt.growth_broker import BROKER, FIRST, LATE, SECOND
from warehouse.reader import Reader
from warehouse.settings import PROJECT

MODELS = (
    "fct_exposure", "dim_segments", "fct_triggers", "fct_trigger_effect", "fct_lifecycle_events", "fct_leads", "fct_cohorts", "fct_time_to_fund",
    "fct_retention", "fct_activity_monthly", "fct_slippage_daily", "fct_hedges_daily", "fct_ticket_times", "dim_instruments",
    "fct_payments_daily",
)  # fmt: skip
WRITTEN = {"_run_id", "_horizon_load_id", "recorded_at"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    made = new_broker(tmp_path_factory.mktemp("growth"))
    made.learn(FIRST, **BROKER)
    made.build(*MODELS, tests=False)
    made.publish()
    return made


@pytest.fixture(scope="module")
def reader(broker: Broker) -> Iterator[Reader]:
    opened = Reader(broker.settings)
    yield opened
    opened.close()


def found(broker: Broker, sql: str) -> list[tuple[Any, ...]]:
    return [
        tuple(str(cell) if isinstance(cell, Decimal | datetime | date) else cell for cell in row)
        for row in broker.rows(sql)
    ]


def test_exposure_is_what_clients_hold_less_what_is_hedged(broker: Broker) -> None:
    rows = broker.rows(
        "select captured_at::date::varchar, book, client_lots, lp_lots, net_lots, notional_usd from trading.fct_exposure order by 1, 2"
    )
    # 3 lots bought by C1 are hedged with 2; when C1 is flat half a lot of the hedge stays; 100 000 EUR at 1.2
    assert rows == [
        ("2026-01-05", "A", 3, 2, 1, 120000),
        ("2026-01-05", "B", -1, 0, -1, -120000),
        ("2026-01-06", "A", 5000, 2, 4998, 599760000),
        ("2026-02-24", "A", 0, Decimal("0.5"), Decimal("-0.5"), -60000),
        ("2026-02-24", "B", 2, 0, 2, 240000),
    ]


@pytest.mark.parametrize(
    ("client_id", "segment", "reason", "span"),
    [
        ("C1", "value_none", "no money of their own with us", ("2026-01-02 00:00:00", "2026-01-04 00:00:00")),
        ("C1", "value_high", "net deposits from USD 25 000", ("2026-01-04 00:00:00", None)),
        ("C1", "high_value", "net deposits from USD 25 000", ("2026-01-04 00:00:00", None)),
        ("C1", "active_14", "traded within 14 days", ("2026-01-05 10:00:00", "2026-01-21 10:00:00")),
        ("C1", "dormant_14", "no trade for 14 days; own equity from USD 25", ("2026-01-21 10:00:00", None)),
        ("C1", "near_inactive", "no trade for 30 days", ("2026-02-06 10:00:00", None)),
        ("C1", "risk_flagged", "half of the closings of 30 days held for under a minute", ("2026-01-05 00:00:00", "2026-02-06 00:00:00")),
        ("C5", "value_low_risk_high", "net deposits below USD 2 500; rated high", ("2026-02-10 00:00:00", None)),
        ("C5", "risk_flagged", "rated high", ("2026-02-01 00:00:00", None)),
    ],
)  # fmt: skip
def test_a_client_is_in_a_segment_from_when_the_rule_holds_until_it_does_not(
    broker: Broker, client_id: str, segment: str, reason: str, span: tuple[str, str | None]
) -> None:
    rows = found(
        broker,
        f"select reason, valid_from, valid_to from growth.dim_segments where client_id = '{client_id}' and segment = '{segment}'",
    )
    assert rows == [(reason, *span)]


def test_a_test_client_is_in_no_segment_and_sets_off_no_trigger(broker: Broker) -> None:
    assert broker.rows("select count(*) from growth.dim_segments where client_id = 'C3'") == [(0,)]
    assert broker.rows("select count(*) from growth.fct_triggers where client_id = 'C3'") == [(0,)]


FIRED = {
    ("abandoned_onboarding", "C2"): ("2026-02-27 00:00:00", "hold_out"),
    ("document_expiring", "C1"): ("2026-02-23 00:00:00", None),
    ("failed_deposit", "C5"): ("2026-02-27 12:00:00", None),
    ("first_profit", "C1"): ("2026-01-05 10:00:30", "stale"),
    ("funded_no_trade", "C4"): ("2026-01-15 00:00:00", "stale"),
    ("funded_no_trade", "C5"): ("2026-02-17 00:00:00", "stale"),
    ("large_withdrawal_request", "C1"): ("2026-02-28 10:00:00", None),
    ("margin_level_low", "C5"): ("2026-02-28 23:00:00", None),
    ("no_order_14_days", "C1"): ("2026-01-21 10:00:00", "stale"),
    ("no_order_14_days", "C4"): ("2026-02-28 10:00:00", "no_consent"),
}


def test_each_rule_fires_when_its_window_is_over_and_says_why_it_is_not_sent(broker: Broker) -> None:
    rows = found(broker, "select rule, client_id, fired_at, suppressed_reason from growth.fct_triggers")
    assert {(rule, client_id): (at, reason) for rule, client_id, at, reason in rows} == FIRED
    assert len(rows) == len(FIRED)


def test_the_first_stage_is_the_lead_and_each_stage_has_its_reason(broker: Broker) -> None:
    rows = found(
        broker,
        "select stage, entered_at, reason from growth.fct_lifecycle_events where client_id = 'C1' order by entered_at",
    )
    assert rows == [
        ("lead", "2026-01-01 00:00:00", "the lead was created, from ads"),
        ("registered", "2026-01-02 00:00:00", "the client registered"),
        ("kyc_submitted", "2026-01-03 00:00:00", "the file was submitted"),
        ("kyc_approved", "2026-01-03 12:00:00", "the file was approved"),
        ("funded", "2026-01-04 00:00:00", "first completed deposit"),
        ("trading", "2026-01-05 10:00:00", "first trade"),
    ]


def test_a_cohort_counts_who_took_the_next_step_in_time_and_is_matured_when_all_have_had_it(broker: Broker) -> None:
    rows = broker.rows(
        "select horizon_days, cohort_size, reached, is_matured from growth.fct_cohorts "
        "where step = 'registered_to_funded' and cohort_month = date '2026-01-01' order by 1"
    )
    # C1 after 2 days, C4 after 6, C5 after 39; January and seven days are over on 1 March, January and thirty are not
    assert rows == [(7, 3, 2, True), (30, 3, 2, False), (90, 3, 3, False)]


def test_who_has_not_paid_in_yet_leaves_the_count_and_is_not_lost(broker: Broker) -> None:
    rows = broker.rows(
        "select day, at_risk, funded, censored, funded_share from growth.fct_time_to_fund "
        "where counted_from = 'registered' and entity = 'all' order by 1"
    )
    # 1 − 3/4; C2 has been there for five days; 1 − 3/4 × 1/2; and the last one
    assert rows == [
        (2, 4, 1, 0, Decimal("0.25")),
        (5, 3, 0, 1, Decimal("0.25")),
        (6, 2, 1, 0, Decimal("0.625")),
        (39, 1, 1, 0, Decimal(1)),
    ]


def test_a_cohort_is_followed_month_by_month(broker: Broker) -> None:
    rows = broker.rows(
        "select month_no, cohort_size, active_clients, net_revenue_usd, is_complete from growth.fct_retention "
        "where cohort_month = date '2026-01-01' order by 1"
    )
    # January: C1 brought 62.999984 and cost 30 in fees; February: C4 brought 215
    assert rows == [
        (0, 2, 1, Decimal("32.999984"), True),
        (1, 2, 1, Decimal(215), True),
        (2, 2, 0, Decimal(0), False),
    ]


def test_a_ticket_waits_in_the_business_hours_of_the_clients_entity(broker: Broker) -> None:
    rows = broker.rows(
        "select ticket_id, response_business_seconds, sla_met, is_first_contact_resolved from operations.fct_ticket_times order by 1"
    )
    assert rows == [("K1", 5400, True, True), ("K2", 21600, False, False)]
    friday, monday = datetime(2026, 2, 6, 15, 30), datetime(2026, 2, 9, 8)
    assert add_business_hours("CY", friday, 1.5) == monday


def test_business_hours_are_those_that_decisions_are_due_in() -> None:
    with (PROJECT / "dbt_project" / "seeds" / "operations" / "business_hours.csv").open(
        encoding="utf-8", newline=""
    ) as lines:
        rows = list(csv.DictReader(lines))
    assert {row["entity"] for row in rows} == {*calendars(), "any"} - {"default"}
    for row in rows:
        calendar = calendars()[row["entity"] if row["entity"] != "any" else "default"]
        day, zone = date.fromisoformat(row["valid_from"]), ZoneInfo(calendar["time_zone"])
        midnight = datetime.combine(day, time(), UTC)
        hours = (
            datetime.combine(day, time.fromisoformat(calendar[which]), zone) - midnight for which in ("opens", "closes")
        )
        assert [int(row["opens_minute"]), int(row["closes_minute"])] == [one.total_seconds() / 60 for one in hours], row


VALUES: dict[str, str | None] = {
    "leads": "4", "new_clients": "4", "new_clients_opened": "3", "first_deposits": "3", "first_deposit_amount": "33000",
    "first_day_deposit_amount": "33500", "redeposit_rate": "0.33333333", "lead_to_funded_flow": "0.75",
    # matured by 1 March: of January the steps within 7 days
    "cohort_conversion": "0.61904761", "lead_to_funded_30": None, "registered_to_funded_30": None,
    "hours_to_fund": "144", "hours_to_fund_p90": "777.6",
    "deposits": "33500", "withdrawals": "500", "net_deposits": "33000", "chargeback_losses": "0", "psp_fees": "30",
    "psp_cost": "0.00088235", "psp_approval_rate": "0.8", "chargeback_rate": "0", "net_operating_cash": "32970",
    "own_equity": "32422", "client_liability": "32422",
    # real deals only: 1 to 8
    "trades": "8", "lots": "9", "closed_lots": "3", "volume_usd": "1080000", "active_clients": "3",
    # A: spread 39.999984, commission 20, swap 3; B: result 200, commission 20
    "revenue": "282.999984", "revenue_spread_a": "39.999984", "revenue_trading_result_b": "200", "revenue_commission_a": "20",
    "revenue_commission_b": "20", "revenue_swap_a": "3", "revenue_swap_b": "0", "client_result": "-303", "broker_result_b": "220",
    "client_result_a": "-83", "hedge_result": "46", "broker_result_a": "129", "gross_trading_revenue": "349", "net_revenue": "252.999984",
    "revenue_per_lot": "31.44444266", "revenue_per_million": "262.03702222", "revenue_per_client": "94.333328",
    "book_a_volume_usd": "480000", "book_b_volume_usd": "600000", "book_b_ratio": "0.55555555", "short_held_share": "0.33333333",
    "won_share": "0.33333333", "hedge_ratio": "0.25", "net_exposure_usd": "300000", "slippage_usd": "-90",
    "commission_cost": None, "commission_cost_ratio": "0", "referred_revenue": None, "partner_cost_ratio": None,
    # of January's one client nobody traded in February; February brought two
    "churn_rate": "1", "net_active_flow": "2", "reactivated_clients": "0", "retention_rate": "0.6", "lifetime_value": "84.33332800",
    "triggers_fired": "10",
    "withdrawal_requests": "1", "withdrawal_hours": None, "withdrawal_decision_hours": None, "withdrawals_within_a_day": None,
    "kyc_approved": "3", "kyc_decided": "3", "kyc_approval_rate": "1", "kyc_hours": "24",
    # K1 after 64.5 hours, K2 after 6; in business hours 1.5 and 6
    "tickets_opened": "2", "complaints": "1", "complaints_per_thousand": "333.33333333", "first_response_hours": "35.25",
    "first_response_business_hours": "3.75", "ticket_sla": "0.5", "reopen_rate": "0.5", "first_contact_resolution": "1",
}  # fmt: skip


def test_every_metric_has_a_figure_worked_out_by_hand() -> None:
    assert set(VALUES) == set(metrics())


@pytest.mark.parametrize("name", list(VALUES))
def test_a_metric_is_what_it_says(reader: Reader, name: str) -> None:
    value = query(reader, name)["value"].to_list()
    expected = VALUES[name]
    assert value == [None if expected is None else Decimal(expected)], value


def test_a_metric_is_cut_by_dimensions_and_months_and_bounded_by_days(reader: Reader) -> None:
    rows = query(reader, "revenue", Asked(("month", "book"))).rows()
    assert rows == [
        (date(2026, 1, 1), "A", Decimal("62.999984")),
        (date(2026, 2, 1), "B", Decimal(220)),
    ]
    assert query(reader, "revenue", Asked((), date(2026, 2, 12), date(2026, 2, 14)))["value"].to_list() == [
        Decimal(210)
    ]
    by_client = dict(query(reader, "revenue_per_million", Asked(("client",))).rows())
    assert by_client == {"C1": Decimal("131.24996666"), "C4": Decimal("597.22222222"), "C5": Decimal("20.83333333")}


def test_an_unknown_metric_or_dimension_is_a_sentence(reader: Reader) -> None:
    with pytest.raises(MetricError, match=r"no metric revenues.*revenue"):
        query(reader, "revenues")
    with pytest.raises(MetricError, match="cannot be cut by shoe_size"):
        query(reader, "revenue", Asked(("shoe_size",)))
    with pytest.raises(MetricError, match="cannot be cut by month"):
        query(reader, "own_equity", Asked(("month",)))


def test_a_role_computes_a_metric_only_on_the_rows_it_may_read(broker: Broker) -> None:
    from warehouse.reader import Refused

    with pytest.raises(Refused):
        query(Reader(broker.settings, role="admin"), "revenue")


def test_the_command_line_lists_and_computes_metrics(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(broker.settings.root))
    listed = CliRunner().invoke(command_line, ["metrics", "list", "--json"])
    assert [one["name"] for one in json.loads(listed.stdout)] == list(metrics())
    asked = ["metrics", "query", "revenue", "--by", "book", "--from", "2026-02-01", "--to", "2026-03-01", "--json"]
    assert json.loads(CliRunner().invoke(command_line, asked).stdout) == [
        {"metric": "revenue", "unit": "USD", "book": "B", "value": "220.00000000"}
    ]
    narrowed = CliRunner().invoke(command_line, ["metrics", "query", "lots", "--only", "client=C5", "--json"])
    assert json.loads(narrowed.stdout) == [{"metric": "lots", "unit": "lots", "value": "2.00000000"}]
    assert CliRunner().invoke(command_line, ["metrics", "query", "lots", "--by", "shoe"]).exit_code == 2


def test_a_daily_figure_means_what_its_metric_means() -> None:
    with (PROJECT / "dbt_project" / "seeds" / "core" / "kpis.csv").open(encoding="utf-8", newline="") as lines:
        kpis = {row["kpi"]: (row["unit"], row["definition"]) for row in csv.DictReader(lines)}
    defined = {name: (one.unit, one.description) for name, one in metrics().items() if name in kpis}
    assert defined == kpis


def test_newcombes_interval_is_the_published_one(broker: Broker) -> None:
    broker.check("fct_trigger_effect,test_type:unit")


# from here on the broker learns more
@pytest.fixture(scope="module")
def later(broker: Broker) -> Broker:
    """What was due on 1 March goes out and comes back; nineteen days later more is known."""
    at = datetime(2026, 3, 1, 11)
    assert enqueue(broker.settings, at) == 4
    assert enqueue(broker.settings, at) == 0
    outcomes = deliver_due(open_store(broker.settings), broker.settings, at)
    assert {one.outcome for one in outcomes} == {"delivered"}
    with pipeline.raw_connection(broker.settings) as connection:
        from apps import operations

        operations.land(broker.settings, operations.loaded(connection))
    landed = tuple((broker.settings.landing / "operations").glob("*.jsonl"))
    pipeline.load(
        broker.settings, pipeline.Source(landed, recorded_at=datetime.fromisoformat(SECOND).replace(tzinfo=UTC))
    )
    broker.learn(SECOND, **LATE)
    broker.build("fct_triggers", "fct_profitability_daily", tests=False)
    return broker


def test_a_trigger_goes_out_once_to_destinations_that_name_triggers_and_its_delivery_comes_back(later: Broker) -> None:
    with reading(open_store(later.settings)) as connection:
        sent = connection.execute(
            sa.select(outbox.c.idempotency_key, outbox.c.kind, outbox.c.destination, outbox.c.payload)
        ).all()
    assert {row.destination for row in sent} == {"triggers"}
    assert len({row.idempotency_key for row in sent}) == 4
    one = next(row.payload for row in sent if row.kind == "trigger.failed_deposit")
    assert one["client_id"] == "C5" and one["facts"]["psp"] == "adyen"
    delivered = later.rows("select rule, client_id from growth.fct_triggers where delivered_at is not null order by 1")
    assert delivered == [
        ("document_expiring", "C1"), ("failed_deposit", "C5"), ("large_withdrawal_request", "C1"), ("margin_level_low", "C5"),
    ]  # fmt: skip


def test_what_fired_stays_as_it_was_decided_and_its_outcome_follows(later: Broker) -> None:
    rows = found(later, "select rule, client_id, fired_at, suppressed_reason, outcome from growth.fct_triggers")
    fired = {(rule, client_id, at, reason) for rule, client_id, at, reason, _ in rows}
    before = {(rule, client_id, at, reason) for (rule, client_id), (at, reason) in FIRED.items()}
    # C4 won something on 2 March and was silent again; C2 has money and does not trade
    assert fired - before == {
        ("first_profit", "C4", "2026-03-02 10:00:00", "stale"),
        ("no_order_14_days", "C4", "2026-03-16 10:00:00", "no_consent"),
        ("funded_no_trade", "C2", "2026-03-12 00:00:00", "stale"),
    }
    assert before < fired
    outcomes = {(rule, client_id): outcome for rule, client_id, _, _, outcome in rows}
    # C2 paid in on 5 March; C5 did not within three days
    assert outcomes["abandoned_onboarding", "C2"] == "converted"
    assert outcomes["failed_deposit", "C5"] == "not_converted"
    assert outcomes["document_expiring", "C1"] is None


def test_increments_and_a_rebuild_give_the_same_days(later: Broker) -> None:
    columns = [name for name, *_ in later.rows("describe trading.fct_profitability_daily") if name not in WRITTEN]
    kept = f"select {', '.join(columns)} from trading.fct_profitability_daily order by all"
    built = later.rows(kept)
    later.rebuild("fct_profitability_daily")
    assert later.rows(kept) == built
