"""What sources say that they hold against what was loaded: each cause of a difference by itself, on a small broker by hand."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from apps import pipeline
from tests.dbt.broker import Broker, Row, new_broker
from tests.ingestion.connectors.samples import sample

STATUS = """
    select source, day::varchar, currency, status, difference_rows, quarantined_rows, late_rows, deleted_rows, unexplained_rows,
        unexplained_amount
    from quality.rec_source_daily where feed = ? order by all
"""


def deal(platform: str, deal_id: int, day: int, profit: int = 10, **more: object) -> Row:
    at = f"2026-02-{day:02}T12:00:00"
    return {
        "platform": platform,
        "deal_id": deal_id,
        "login": 7,
        "executed_at": at,
        "action": "balance",
        "profit": profit,
        **more,
    }


def total(source: str, day: int, rows: int, amount: str | None, feed: str = "deals", **more: object) -> Row:
    counted = {
        "source": source,
        "feed": feed,
        "day": f"2026-02-{day:02}",
        "scope": "day",
        "counted_at": "2026-02-11T08:00:00",
    }
    return {**counted, "row_count": rows, **({"amount": amount} if amount else {}), **more}


def payment(event_id: str, amount: str, kind: str = "deposit", currency: str = "EUR") -> Row:
    row = {
        "psp": "acme",
        "event_id": event_id,
        "kind": kind,
        "status": "completed",
        "amount": amount,
        "currency": currency,
    }
    return row | {"occurred_at": "2026-02-10T12:00:00"}


def line(statement: str, number: int, amount: str) -> Row:
    row = {"bank_account": "B", "statement_id": statement, "line_no": number, "amount": amount, "currency": "EUR"}
    return row | {"booked_on": "2026-02-10"}


def statement(statement_id: str, opening: str, closing: str, day: int) -> Row:
    row = {"bank_account": "B", "statement_id": statement_id, "currency": "EUR", "opening_balance": opening}
    return row | {"closing_balance": closing, "closed_on": f"2026-02-{day:02}"}


def load(broker: Broker, recorded_at: str, **feeds: list[Row]) -> None:
    """As `Broker.learn`, with rows that are refused."""
    paths = []
    for feed, rows in feeds.items():
        path = broker.settings.landing / feed / f"{recorded_at[:10]}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        paths.append(path)
    moment = datetime.fromisoformat(recorded_at).replace(tzinfo=UTC)
    assert {
        one.status for one in pipeline.load(broker.settings, pipeline.Source(tuple(paths), recorded_at=moment))
    } == {"loaded"}


FIRST: dict[str, list[Row]] = dict(
    deals=[
        *(deal("same", number, 10) for number in range(1, 6)),
        *(deal("late", number, 11) for number in (1, 2)),
        *(deal("deleted", number, 10) for number in range(1, 6)),
        *(deal("waits", number, 10) for number in (1, 2)),
        deal("cents", 1, 10),
    ],
    psp_transactions=[
        payment("1", "60"),
        payment("2", "40"),
        payment("3", "7", kind="gift"),
        payment("4", "5", currency="USD"),
    ],
    kyc_events=[{"provider": "sumsub", "event_id": "1", "event": "note", "occurred_at": "2026-02-10T12:00:00"}],
    bank_statements=[statement("1", "0", "30", 10), statement("2", "30", "45", 11)],
    bank_statement_lines=[line("1", 1, "10"), line("1", 2, "20"), line("2", 1, "10")],
    source_totals=[
        total("same", 10, 5, "50"),
        total("late", 11, 4, "40"),
        total("deleted", 10, 4, "40"),
        total("waits", 10, 5, "53", rows_to_come=3, amount_to_come="33"),
        total("cents", 10, 1, "10.5"),
        total("nothing", 10, 2, "20"),
        total("acme", 10, 3, "107", "psp_transactions", currency="EUR"),
        total("acme", 10, 1, "5", "psp_transactions", currency="USD"),
        total("sumsub", 10, 2, None, "kyc_events"),
    ],
)  # fmt: skip
THEN: dict[str, list[Row]] = dict(
    deals=[
        *(deal("late", number, 11) for number in (3, 4)),
        deal("deleted", 5, 10, is_cancelled="true", source_version=2),
        deal(
            "same", 3, 10, profit=99, source_version=2
        ),  # corrected after the count: then it was as the source said
        deal("same", 6, 10),
        *(deal("waits", number, 10, profit=11) for number in (3, 4, 5)),
    ],
    bank_statement_lines=[line("2", 2, "5")],
)  # fmt: skip


def test_each_cause_of_a_difference_is_told_and_an_increment_is_a_rebuild(tmp_path: Path) -> None:
    broker = new_broker(tmp_path / "home")
    load(broker, "2026-02-11T08:00:00", **FIRST)
    broker.build("rec_source_daily")
    half = Decimal("0.50000000")
    assert broker.rows(STATUS, "deals") == [
        ("cents", "2026-02-10", "", "differs", 0, 0, 0, 0, 0, half),
        ("deleted", "2026-02-10", "", "differs", -1, 0, 0, 0, -1, -10),
        ("late", "2026-02-11", "", "differs", 2, 0, 0, 0, 2, 20),
        ("nothing", "2026-02-10", "", "differs", 2, 0, 0, 0, 2, 20),
        ("same", "2026-02-10", "", "agrees", 0, 0, 0, 0, 0, 0),
        ("waits", "2026-02-10", "", "explained", 3, 0, 3, 0, 0, 0),
    ]
    assert broker.rows(STATUS, "psp_transactions") == [
        ("acme", "2026-02-10", "EUR", "explained", 1, 1, 0, 0, 0, 0),
        ("acme", "2026-02-10", "USD", "agrees", 0, 0, 0, 0, 0, 0),
    ]
    assert broker.rows(STATUS, "kyc_events") == [("sumsub", "2026-02-10", "", "differs", 1, 0, 0, 0, 1, None)]
    assert broker.rows(STATUS, "bank_statement_lines") == [
        ("B", "2026-02-10", "EUR", "agrees", None, 0, 0, 0, None, 0),
        ("B", "2026-02-11", "EUR", "differs", None, 0, 0, 0, None, 5),
    ]
    load(broker, "2026-02-12T08:00:00", **THEN)
    broker.build("rec_source_daily")
    assert broker.rows(STATUS, "deals") == [
        ("cents", "2026-02-10", "", "differs", 0, 0, 0, 0, 0, half),
        ("deleted", "2026-02-10", "", "explained", -1, 0, 0, 1, 0, 0),
        ("late", "2026-02-11", "", "explained", 2, 0, 2, 0, 0, 0),
        ("nothing", "2026-02-10", "", "differs", 2, 0, 0, 0, 2, 20),
        ("same", "2026-02-10", "", "agrees", 0, 0, 0, 0, 0, 0),
        ("waits", "2026-02-10", "", "explained", 3, 0, 3, 0, 0, 0),
    ]
    assert broker.rows(STATUS, "bank_statement_lines")[1][3] == "agrees"
    whole = "select * exclude (_run_id) from quality.rec_source_daily order by all"
    incremental = broker.rows(whole)
    broker.rebuild("rec_source_daily")
    assert broker.rows(whole) == incremental


def test_a_files_own_totals_are_compared_with_what_came_of_that_file(tmp_path: Path) -> None:
    broker = new_broker(tmp_path / "home")
    original = sample("paypal", "wmf-crm", "STL-20260106.01.009.csv").read_bytes()
    folder = broker.settings.landing / "paypal_report"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(original)
    (folder / "b.csv").write_bytes(
        original.replace(b"\nRC,5,", b"\nRC,6,")
    )  # the same rows again, and one that is not there
    (folder / "c.csv").write_bytes(original.replace(b"T00", b"X00").replace(b",81X4", b",91X4"))
    pipeline.load(broker.settings, pipeline.Source())
    broker.build("rec_source_daily")
    found = broker.rows(
        "select scope[6:10], currency, status, source_rows, raw_rows, quarantined_rows, known_before_rows, unexplained_rows, unexplained_amount "
        "from quality.rec_source_daily order by all"
    )
    assert [one for one in found if one[0] == "a.csv"] == [
        ("a.csv", "", "agrees", 5, 5, 0, 0, 0, None),
        ("a.csv", "HKD", "agrees", None, 1, 0, 0, None, 0),
        ("a.csv", "USD", "agrees", None, 2, 0, 0, None, 0),
    ]
    count = next(one for one in found if one[:2] == ("b.csv", ""))
    assert count == ("b.csv", "", "differs", 6, 0, 0, 5, 1, None)
    assert {one[2] for one in found if one[0] == "b.csv" and one[1]} == {"explained"}
    third = next(one for one in found if one[:2] == ("c.csv", ""))
    assert (third[2], third[5] > 0, third[7]) == ("explained", True, 0)
    assert {one[2] for one in found if one[0] == "c.csv"} == {"explained"}  # refused rows do not say their currency
