"""The rules that hold for every feed (feeds.md), one test a rule."""

import datetime as dt
import gzip
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingestion.load import list_quarantine, show_quarantine
from tests.ingestion.landing import DEAL, Landing, as_csv, as_jsonl, deal, opened, payment
from warehouse.engine import WarehouseError, make_home
from warehouse.settings import Settings


def parquet(path: Path, rows: list[dict], **types: pl.DataType) -> bytes:
    pl.DataFrame(rows).cast(types).write_parquet(path)
    return path.read_bytes()


def test_every_format_of_a_canonical_feed_gives_the_same_rows(landing: Landing, tmp_path: Path) -> None:
    rows = [deal(deal_id="1"), deal(deal_id="2", profit="12345678901234567890.12345678")]
    contents = {
        "a.csv": as_csv(rows),
        "b.csv.gz": gzip.compress(as_csv(rows)),
        "c.jsonl": as_jsonl(rows),
        "d.jsonl.gz": gzip.compress(as_jsonl(rows)),
        "e.parquet": parquet(tmp_path / "x", rows, deal_id=pl.Int64, profit=pl.Decimal(38, 8), price=pl.Decimal(18, 5)),
    }
    first, *others = (landing.load(f"deals/{name}", content) for name, content in contents.items())
    assert (first.status, first.rows_loaded) == ("loaded", 2)
    assert [(o.status, o.rows_loaded, o.rows_duplicate) for o in others] == [("loaded", 0, 2)] * 4
    assert landing.one("select profit from raw.deals where deal_id = 2") == Decimal("12345678901234567890.12345678")


def test_a_time_with_an_offset_is_stored_in_utc_and_a_naive_time_is_utc(landing: Landing) -> None:
    landing.load(
        "deals/a.csv",
        as_csv(
            [
                deal(executed_at="2026-03-02T12:00:00.000001+02:00"),
                deal(deal_id="2", executed_at="2026-03-02 10:00:00.000001"),
            ]
        ),
    )
    moment = dt.datetime(2026, 3, 2, 10, 0, 0, 1)
    assert landing.rows("select executed_at from raw.deals") == [(moment,), (moment,)]


@pytest.mark.parametrize(
    "text", ["0.123456789", "1e31", "NaN", "Infinity", "1,000.00", "12 345", "0x10", "1_000", "=1+1"]
)
def test_an_amount_that_does_not_fit_exactly_is_quarantined_and_never_rounded(landing: Landing, text: str) -> None:
    outcome = landing.load("deals/a.csv", as_csv([deal(profit=text)]))
    assert (outcome.rows_read, outcome.rows_loaded, outcome.rows_quarantined) == (1, 0, 1)
    (row,) = list_quarantine(landing.connection)
    assert row.rules == ["profit: must be a decimal number with at most 30 digits before and 8 after the point"]
    assert row.row["profit"] == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-8", "0.00000001"), ("+.5", "0.5"), ("1.100000000000", "1.1"), ("-7.", "-7"), ("1E3", "1000")],
)
def test_an_amount_that_fits_exactly_loads_however_it_is_written(landing: Landing, text: str, value: str) -> None:
    landing.load("deals/a.csv", as_csv([deal(profit=text)]))
    assert landing.one("select profit from raw.deals") == Decimal(value)


def test_a_number_in_json_keeps_every_digit_it_was_written_with(landing: Landing) -> None:
    line = as_jsonl([deal(profit="X")]).replace(b'"X"', b"12345678901234567890.12345678")
    landing.load("deals/a.jsonl", line)
    assert landing.one("select profit from raw.deals") == Decimal("12345678901234567890.12345678")


def test_binary_floats_for_money_refuse_the_file(landing: Landing, tmp_path: Path) -> None:
    content = parquet(tmp_path / "x", [deal(profit=1.5)])
    outcome = landing.load("deals/a.parquet", content)
    assert outcome.status == "refused"
    assert "`profit` holds binary floats" in (outcome.reason or "")


def test_a_value_outside_a_closed_set_is_quarantined_and_other_text_is_open(landing: Landing) -> None:
    outcome = landing.load(
        "deals/a.csv", as_csv([deal(action="gift"), deal(deal_id="2", reason="whatever", symbol="Ünïcode")])
    )
    assert (outcome.rows_loaded, outcome.rows_quarantined) == (1, 1)
    assert list_quarantine(landing.connection)[0].rules[0].startswith("action: must be one of buy, sell, balance")


def test_an_empty_field_and_blanks_are_null_and_ids_are_trimmed_with_their_case_kept(landing: Landing) -> None:
    landing.load("psp_transactions/a.csv", as_csv([payment(event_id=" Ab1 ", client_id="  ", method="")]))
    assert landing.rows("select event_id, client_id, method from raw.psp_transactions") == [("Ab1", None, None)]


def test_the_same_key_and_content_again_is_a_duplicate(landing: Landing) -> None:
    landing.load("deals/a.csv", as_csv([DEAL]))
    outcome = landing.load("deals/b.csv", as_csv([DEAL, deal(deal_id="2")]))
    assert (outcome.rows_read, outcome.rows_loaded, outcome.rows_duplicate) == (2, 1, 1)


def test_the_same_key_with_other_content_is_a_new_version_and_the_earlier_one_stays(landing: Landing) -> None:
    early, late = dt.datetime(2026, 3, 3, tzinfo=dt.UTC), dt.datetime(2026, 3, 4, tzinfo=dt.UTC)
    landing.load("deals/a.csv", as_csv([DEAL]), recorded_at=early)
    landing.load("deals/b.csv", as_csv([deal(profit="9")]), recorded_at=late)
    assert landing.rows("select _version, profit, recorded_at from raw.deals order by _version") == [
        (1, Decimal("-3.20"), early.replace(tzinfo=None)),
        (2, Decimal(9), late.replace(tzinfo=None)),
    ]


def test_without_a_source_version_a_then_b_then_a_is_three_versions(landing: Landing) -> None:
    for number, profit in enumerate(["1", "2", "1", "1"]):
        landing.load(f"deals/{number}.csv", as_csv([deal(profit=profit, comment="")]) + b"\n" * number)
    assert landing.rows("select _version, profit::int from raw.deals order by 1") == [(1, 1), (2, 2), (3, 1)]


def test_inside_one_file_the_rows_order_decides_in_the_same_way(landing: Landing) -> None:
    rows = [deal(profit=profit) for profit in ["1", "1", "2", "1", "1"]]
    outcome = landing.load("deals/a.csv", as_csv(rows))
    assert (outcome.rows_loaded, outcome.rows_duplicate) == (3, 2)
    assert landing.rows("select _version, _row_number, profit::int from raw.deals order by 1") == [
        (1, 1, 1),
        (2, 3, 2),
        (3, 4, 1),
    ]


def test_with_a_source_version_a_row_is_a_duplicate_when_any_version_has_its_content_and_stamp(
    landing: Landing,
) -> None:
    sent = [("1", 1), ("2", 2), ("1", 1), ("1", 2), ("2", 2)]
    landing.load("deals/a.csv", as_csv([deal(profit=p, source_version=v) for p, v in sent[:2]]))
    outcome = landing.load("deals/b.csv", as_csv([deal(profit=p, source_version=v) for p, v in sent[2:]]))
    assert (outcome.rows_loaded, outcome.rows_duplicate) == (1, 2)
    assert landing.rows("select _version, source_version, profit::int from raw.deals order by 1") == [
        (1, 1, 1),
        (2, 2, 2),
        (3, 2, 1),
    ]


def test_rows_with_and_without_a_source_version_are_compared_apart(landing: Landing) -> None:
    landing.load(
        "deals/a.csv",
        as_csv([deal(source_version=""), deal(source_version=5), deal(source_version=""), deal(source_version=5)]),
    )
    assert landing.rows("select _version, source_version from raw.deals order by 1") == [(1, None), (2, 5)]


def test_a_key_whose_optional_parts_are_empty_is_still_one_key(landing: Landing) -> None:
    row = {"entity": "UK", "account_code": "1000", "currency": "GBP", "as_of": "2026-01-01", "amount": "5"}
    landing.load("opening_balances/a.csv", as_csv([row, row | {"login": "7"}]))
    outcome = landing.load("opening_balances/b.csv", as_csv([row | {"amount": "6"}, row | {"login": "7"}]))
    assert (outcome.rows_loaded, outcome.rows_duplicate) == (1, 1)
    assert landing.rows("select login, amount::int, _version from raw.opening_balances order by all") == [
        (7, 5, 1),
        (None, 5, 1),
        (None, 6, 2),
    ]


def test_batches_of_any_size_give_the_same_versions(landing: Landing, tmp_path: Path) -> None:
    rows = [deal(deal_id=str(n % 5), profit=str(n // 7)) for n in range(40)]
    landing.load("deals/a.csv", as_csv(rows))
    whole = landing.rows("select deal_id, profit, _version, _row_number from raw.deals order by all")
    settings = Settings(home=tmp_path / "cut", batch_rows=3)
    make_home(settings)
    cut = opened(settings)
    cut.load("deals/a.csv", as_csv(rows))
    assert cut.rows("select deal_id, profit, _version, _row_number from raw.deals order by all") == whole


def test_all_files_of_a_call_share_one_recorded_at_and_their_load_ids_rise_in_path_order(landing: Landing) -> None:
    for name in ("b", "c", "a"):
        landing.put(f"deals/{name}.csv", as_csv([deal(comment=name)]))
    landing.put("clients/z.csv", as_csv([{"client_id": "C1", "changed_at": "2026-01-01"}]))
    outcomes = landing.ingest()
    assert [(o.path, o.load_id) for o in outcomes] == [
        ("clients/z.csv", 1),
        ("deals/a.csv", 2),
        ("deals/b.csv", 3),
        ("deals/c.csv", 4),
    ]
    assert landing.one("select count(distinct recorded_at) from raw.loads") == 1
    assert landing.rows("select comment from raw.deals order by _version") == [("a",), ("b",), ("c",)]


def test_a_stated_recorded_at_is_marked_on_the_load_and_one_in_the_future_is_refused(landing: Landing) -> None:
    landing.load(
        "deals/a.csv", as_csv([DEAL]), recorded_at=dt.datetime(2026, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    )
    landing.load("deals/b.csv", as_csv([deal(deal_id="2")]))
    assert landing.rows(
        "select recorded_at_stated, recorded_at < '2026-01-02 02:00' from raw.loads order by load_id"
    ) == [(True, True), (False, False)]
    with pytest.raises(WarehouseError, match="lies in the future"):
        landing.ingest(recorded_at=dt.datetime(2999, 1, 1, tzinfo=dt.UTC))


def test_an_unknown_column_is_kept_in_extra_and_reported_once_per_file(landing: Landing) -> None:
    outcome = landing.load("deals/a.csv", as_csv([deal(desk="London"), deal(deal_id="2", desk="")]))
    assert outcome.remarks == ("The column `desk` is unknown to deals; it is kept in _extra.",)
    assert landing.rows("select _extra from raw.deals order by deal_id") == [('{"desk":"London"}',), (None,)]


@pytest.mark.parametrize("column", ["platform", "deal_id", "login", "executed_at", "action"])
def test_a_row_without_a_required_value_is_quarantined(landing: Landing, column: str) -> None:
    outcome = landing.load("deals/a.csv", as_csv([deal(**{column: ""}), deal(deal_id="2")]))
    assert (outcome.rows_loaded, outcome.rows_quarantined) == (1, 1)
    assert f"{column}: must not be empty" in list_quarantine(landing.connection)[0].rules


def test_a_bad_row_is_kept_whole_with_every_rule_it_broke_and_the_good_rows_load(landing: Landing) -> None:
    bad = payment(event_id="e2", kind="gift", amount="-5", currency="eur", occurred_at="yesterday", desk="x")
    outcome = landing.load("psp_transactions/a.csv", as_csv([payment(), bad, payment(event_id="e3")]))
    assert (outcome.rows_read, outcome.rows_loaded, outcome.rows_quarantined) == (3, 2, 1)
    (row,) = show_quarantine(landing.connection, f"{outcome.load_id}:2")
    assert row.row == bad
    assert [rule.split(":")[0] for rule in row.rules] == ["occurred_at", "kind", "amount", "currency"]
    assert (row.feed, row.path, row.status) == ("psp_transactions", "psp_transactions/a.csv", "open")


def test_a_full_card_number_is_quarantined_and_masked_wherever_the_row_holds_it(landing: Landing) -> None:
    row = payment(instrument_id="4111 1111 1111 1111", instrument_holder="card 4111111111111111 of Ann")
    landing.load("psp_transactions/a.csv", as_csv([row, payment(event_id="e2", instrument_id="tok_4111111111111111x")]))
    text = landing.one("select row from raw.quarantine")
    assert "4111111111111111" not in text.replace(" ", "")
    assert json.loads(text)["instrument_id"] == "411111******1111"
    assert landing.one("select instrument_id from raw.psp_transactions") == "tok_4111111111111111x"


def test_a_row_of_the_wrong_length_is_quarantined_with_its_number_and_its_line(landing: Landing) -> None:
    head, one = as_csv([DEAL]).splitlines(keepends=True)
    content = (
        head
        + one
        + b"mt5,2\n"
        + b"\n"
        + one.replace(b"mt5,1,", b"mt5,3,")
        + b"1,2,3,4,5,6,7,8,9,10,11,12,13\n"
        + one.replace(b"mt5,1,", b"mt5,5,")
    )
    outcome = landing.load("deals/a.csv", content)
    assert (outcome.rows_read, outcome.rows_loaded, outcome.rows_quarantined) == (5, 3, 2)
    assert landing.rows("select deal_id, _row_number from raw.deals order by 1") == [(1, 1), (3, 3), (5, 5)]
    assert [(q.row_number, q.rules, q.row) for q in list_quarantine(landing.connection)] == [
        (2, ["the row has 2 fields where the header has 11"], {"line": "mt5,2"}),
        (4, ["the row has 13 fields where the header has 11"], {"line": "1,2,3,4,5,6,7,8,9,10,11,12,13"}),
    ]


def test_a_malformed_json_line_is_quarantined_with_its_line_number(landing: Landing) -> None:
    content = (
        as_jsonl([DEAL])
        + b"\n{oops\n[1]\n"
        + b'{"platform": NaN}\n{"platform":"a","platform":"b"}\n"\\ud800"\n{"platform":"\\ud800"}\n'
    )
    outcome = landing.load("deals/a.jsonl", content)
    assert (outcome.rows_read, outcome.rows_loaded, outcome.rows_quarantined) == (7, 1, 6)
    assert [q.row_number for q in list_quarantine(landing.connection)] == [3, 4, 5, 6, 7, 8]
