"""What sources say that they hold against what was loaded: each cause of a difference by itself, on a small broker by hand."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from apps import pipeline
from ingestion.simulator import simulate
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


def payment(event_id: str, amount: str, kind: str = "deposit", currency: str = "EUR", status: str = "completed") -> Row:
    row = {
        "psp": "acme",
        "event_id": event_id,
        "kind": kind,
        "status": status,
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
        payment("5", "9", kind="gift", currency="USD", status="declined"),  # refused, and it moved nothing
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
        total("acme", 10, 2, "5", "psp_transactions", currency="USD"),
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
        ("acme", "2026-02-10", "USD", "explained", 1, 1, 0, 0, 0, 0),
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


def test_payouts_and_summaries_that_reports_state_agree_with_what_was_loaded_of_them(tmp_path: Path) -> None:
    broker = new_broker(tmp_path / "home")
    given = {
        "adyen_settlement": {
            "48.xlsx": sample("adyen", "oca", "adyen_test.xlsx"),
            "1128.csv": sample("adyen", "wmf-crm", "batch_1__settlement_detail_report_batch_1128.csv"),
            "1129.csv": sample("adyen", "wmf-crm", "batch_2__settlement_detail_report_batch_1129.csv"),
            "3.csv": sample("adyen", "wmf-crm", "refund__settlement_detail_report_batch_3.csv"),
        },
        "mt5_report": {"wizard.xlsx": sample("mt5", "ReportHistory_wizard.xlsx")},
        "mt4_statement": {
            "yen.htm": sample("mt4", "tianyeshiye_DetailedStatement.htm"),
            "usd.htm": sample("mt4", "lab2acs_Statement.htm"),
        },
    }
    for connector, files in given.items():
        folder = broker.settings.landing / connector
        folder.mkdir(parents=True)
        for name, path in files.items():
            (folder / name).write_bytes(path.read_bytes())
    whole = given["adyen_settlement"]["1128.csv"].read_bytes().splitlines(keepends=True)
    lost = next(line for line in whole if b",Refunded," in line)  # cut out on the way
    cut = b"".join(line for line in whole if line != lost).replace(b",1128", b",2128")
    (broker.settings.landing / "adyen_settlement" / "cut.csv").write_bytes(cut)
    (broker.settings.landing / "adyen_settlement" / "again.csv").write_bytes(b"".join(whole) + b"\n")
    pipeline.load(broker.settings, pipeline.Source())
    broker.build("rec_source_daily")
    found = {
        (scope.removeprefix("file:").split(" ")[0], currency): (status, stated, loaded)
        for scope, currency, status, stated, loaded in broker.rows(
            "select scope, currency, status, source_amount, raw_amount from quality.rec_source_daily"
        )
    }
    agreed = {
        ("48.xlsx", "USD"): "23006.27",
        ("1128.csv", "USD"): "59.75",
        ("1128.csv", "CAD"): "9.54",
        ("1129.csv", "USD"): "37.82",
        ("1129.csv", "EUR"): "28.51",
        ("wizard.xlsx", ""): "0.33",
        ("yen.htm", ""): "151396",
        ("usd.htm", ""): "4731.27",
    }
    assert {key: found[key] for key in agreed} == {
        key: ("agrees", Decimal(amount), Decimal(amount)) for key, amount in agreed.items()
    }
    assert found["again.csv", "USD"][0] == found["again.csv", "CAD"][0] == "explained"  # its rows were known before
    assert found["3.csv", "USD"] == ("differs", Decimal("4.03"), Decimal("-2.8"))  # a fixture that does not foot
    differing = [key for key, (status, *_) in found.items() if status == "differs" and key[0] == "cut.csv"]
    assert len(differing) == 1


CAUSES = """
    select feed, source, day::varchar, currency, 'late' as cause, late_rows as rows from quality.rec_source_daily where late_rows > 0
    union all
    select feed, source, day::varchar, currency, 'quarantined', quarantined_rows from quality.rec_source_daily where quarantined_rows > 0
    union all
    select feed, source, day::varchar, currency, 'deleted', -deleted_rows from quality.rec_source_daily where deleted_rows > 0
    union all
    select feed, source, day::varchar, currency, 'unexplained', unexplained_rows from quality.rec_source_daily where unexplained_rows <> 0
"""


def test_a_simulated_brokers_planted_differences_are_found_with_their_causes_and_nothing_else_differs(
    tmp_path: Path,
) -> None:
    broker = new_broker(tmp_path / "home")
    simulate(broker.settings.landing, truth=tmp_path / "truth", deals=3_000, seed=7, start=date(2026, 3, 2), days=60)
    facts = json.loads((tmp_path / "truth" / "first_run.json").read_text(encoding="utf-8"))
    feeds = ("deals", "psp_transactions", "kyc_events", "source_totals")
    for batch in facts["batches"]:
        paths = tuple(
            sorted(path for feed in feeds for path in (broker.settings.landing / feed).glob(batch["pattern"]))
        )
        moment = datetime.fromisoformat(batch["recorded_at"])
        assert {one.status for one in pipeline.load(broker.settings, pipeline.Source(paths, recorded_at=moment))} == {
            "loaded"
        }
    broker.build("rec_source_daily")
    lines = (tmp_path / "truth" / "source_differences.jsonl").read_text(encoding="utf-8").splitlines()
    planted = [json.loads(line) for line in lines]
    assert {row["cause"] for row in planted} == {"late", "quarantined", "deleted", "unexplained"}
    names = ("feed", "source", "day", "currency", "cause", "row_count")
    assert sorted(broker.rows(CAUSES)) == sorted(tuple(row[name] or "" for name in names) for row in planted)
    lost = sorted(Decimal(row["amount"]) for row in planted if row["cause"] == "unexplained")
    differing = "select unexplained_amount from quality.rec_source_daily where status = 'differs' order by 1"
    assert [amount for (amount,) in broker.rows(differing)] == lost
    agree = broker.rows(
        "select feed, count(*) from quality.rec_source_daily where status = 'agrees' group by 1 order by 1"
    )
    assert [(feed, number > 50) for feed, number in agree] == [(feed, True) for feed in sorted(feeds[:3])]
