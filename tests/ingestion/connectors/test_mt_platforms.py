"""MetaTrader 4 and the reports of both: what a round trip, a cent account, a comment and a clock mean. Synthetic rows, by formats.md."""

import csv
import html
import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.connectors.base import BadFile, Batch
from ingestion.connectors.mt4_raw_report import CONNECTOR as RAW_REPORT
from ingestion.connectors.mt4_sql import Mt4Sql
from ingestion.connectors.mt4_statement import CONNECTOR as STATEMENT
from ingestion.connectors.mt5_clock import zone_by_stamps
from ingestion.connectors.mt5_report import CONNECTOR as REPORT
from ingestion.connectors.mt5_webapi import Mt5WebApi
from ingestion.connectors.mt_comments import default_rules, purpose, rules_with
from ingestion.connectors.mt_text import spaced_number
from ingestion.connectors.tables import xlsx_rows
from ingestion.connectors.values import wall_to_utc
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.samples import sample

TRADES = """
INSERT INTO `MT4_TRADES` (`TICKET`,`LOGIN`,`SYMBOL`,`DIGITS`,`CMD`,`VOLUME`,`OPEN_TIME`,`OPEN_PRICE`,`SL`,`TP`,`CLOSE_TIME`,`CLOSE_PRICE`,
`REASON`,`COMMISSION`,`SWAPS`,`PROFIT`,`TAXES`,`COMMENT`,`TIMESTAMP`) VALUES
{};
"""
OPEN = "1970-01-01 00:00:00"


def trade(ticket: int, **changed: object) -> str:
    row = {
        "ticket": ticket, "login": 700, "symbol": "EURUSD", "digits": 5, "cmd": 0, "volume": 40, "open": "2026-03-02 10:00:00",
        "price": "1.1403699999999999", "sl": 0, "tp": 0, "close": "2026-03-02 12:00:00", "out": "1.15", "reason": 1, "commission": -3,
        "swaps": "-0.5", "profit": "37.800000000000004", "taxes": 0, "comment": "", "timestamp": 1772452800,
    } | changed  # fmt: skip
    return "(" + ",".join(f"'{value}'" if isinstance(value, str) else str(value) for value in row.values()) + ")"


def database(folder: Path, *rows: str, name: str = "mt4.sql") -> Path:
    (folder / name).write_text(TRADES.format(",\n".join(rows)), encoding="utf-8")
    return folder / name


def rows(batches: Iterable[Batch], feed: str = "deals") -> dict[str, dict]:
    """Rows by id; all of them good ones by the contract."""
    found = {}
    for batch in batches:
        if batch.feed == feed:
            assert list(judge(FEEDS[feed], batch).bad) == []
            found |= {row["deal_id" if feed == "deals" else f"{feed[:-1]}_id"]: row for row in batch.rows.to_dicts()}
    return found


def test_a_closed_round_trip_gives_an_opening_and_a_closing_deal(tmp_path: Path) -> None:
    deals = rows(Mt4Sql(time_zone="+120 us").read(database(tmp_path, trade(92))))
    opening, closing = deals["184"], deals["185"]
    assert (opening["action"], opening["entry"], opening["executed_at"], opening["price"]) == (
        "buy",
        "in",
        "2026-03-02T08:00:00",
        "1.14037",
    )
    assert (closing["action"], closing["entry"], closing["position_id"], closing["volume_lots"]) == (
        "sell",
        "out",
        "92",
        "0.4",
    )
    assert [closing[name] for name in ("profit", "swap", "commission", "fee")] == ["37.8", "-0.5", "-3", "0"]
    assert (closing["reason"], opening["source_version"], closing["source_version"]) == ("expert", None, "1772452800")


def test_an_open_trade_gives_its_opening_alone_and_closing_it_changes_nothing_of_that(tmp_path: Path) -> None:
    connector = Mt4Sql(time_zone=0)
    before = rows(connector.read(database(tmp_path, trade(92, close=OPEN, timestamp=1772452000))))
    after = rows(connector.read(database(tmp_path, trade(92, comment="[tp]"))))
    assert before.keys() == {"184"}
    assert before["184"] == after["184"]
    assert after["185"]["reason"] == "take_profit"


def test_a_partial_close_leaves_two_openings_that_sum_to_the_first_volume(tmp_path: Path) -> None:
    parts = [trade(92, volume=40, comment="to #93"), trade(93, volume=60, close=OPEN, comment="from #92")]
    deals = rows(Mt4Sql(time_zone=0).read(database(tmp_path, *parts)))
    assert sum(Decimal(row["volume_lots"]) for row in deals.values() if row["entry"] == "in") == 1
    assert (deals["186"]["comment"], deals["185"]["counter_ticket"]) == ("from #92", "93")


def test_a_close_by_names_the_ticket_it_was_closed_with(tmp_path: Path) -> None:
    deals = rows(Mt4Sql(time_zone=0).read(database(tmp_path, trade(92, comment="close hedge by #95"))))
    assert (deals["185"]["entry"], deals["185"]["counter_ticket"]) == ("out_by", "95")


def test_a_cancelled_pending_order_is_an_order_and_no_deal(tmp_path: Path) -> None:
    path = database(tmp_path, trade(92, cmd=2, profit=0), trade(93, cmd=5, close=OPEN))
    found = list(Mt4Sql(time_zone=0).read(path))
    assert rows(found) == {}
    orders = rows(found, "orders")
    assert [(one["side"], one["order_type"], one["state"]) for one in orders.values()] == [
        ("buy", "limit", "cancelled"),
        ("sell", "stop", "placed"),
    ]


def test_a_credit_stays_a_credit_whatever_its_comment_says(tmp_path: Path) -> None:
    deals = rows(Mt4Sql(time_zone=0).read(database(tmp_path, trade(92, cmd=7, comment="bonus 50"))))
    assert (deals["184"]["action"], deals["184"]["comment_rule"]) == ("credit", None)


def test_a_cent_accounts_amounts_are_hundredths_and_its_lots_are_lots(tmp_path: Path) -> None:
    deals = rows(Mt4Sql(time_zone=0, cent_logins=["700"]).read(database(tmp_path, trade(92))))
    assert (deals["185"]["profit"], deals["185"]["commission"], deals["185"]["volume_lots"]) == (
        "0.378",
        "-0.03",
        "0.4",
    )


def test_accounts_of_the_report_database_give_account_and_balances(tmp_path: Path) -> None:
    text = (
        "INSERT INTO MT4_USERS (LOGIN,`GROUP`,ENABLE,ENABLE_READONLY,REGDATE,LEVERAGE,AGENT_ACCOUNT,TIMESTAMP,BALANCE,CREDIT,EQUITY,"
        "MARGIN,MARGIN_LEVEL,MARGIN_FREE,CURRENCY) VALUES "
        "(700,'real-cent',1,0,'2026-01-05 10:00:00',500,12,1772452800,12345,0,12000,0,0,12000,'USC');"
    )
    (tmp_path / "mt4_users.sql").write_text(text, encoding="utf-8")
    account, snapshot = Mt4Sql(time_zone=0).read(tmp_path / "mt4_users.sql")
    (row,) = account.rows.to_dicts()
    assert (row["currency"], row["account_currency"], row["agent"], row["status"]) == ("USD", "USC", "12", "open")
    assert (row["changed_at"], snapshot.rows["balance"][0]) == ("2026-03-02T12:00:00", "123.45")


def resaved(tmp_path: Path, currency: str) -> Path:
    """The sample's rows as a spreadsheet saves them: commas, none in comments, a currency in the last column without a name."""
    lines = sample("mt4", "kvb", "KVB_MT4_RawReport_2026-10-04.csv").read_text(encoding="utf-8").splitlines()
    out = io.StringIO(newline="")
    out.write(lines[0] + "\n")
    writer = csv.writer(out)
    for number, line in enumerate(lines[1:]):
        cells = [cell.replace(",", "") for cell in line.split(";")]
        writer.writerow([*cells, "", "" if number == 0 or not cells[0] else currency])
    (tmp_path / "raw.csv").write_text(out.getvalue(), encoding="utf-8")
    return tmp_path / "raw.csv"


@pytest.mark.parametrize(("currency", "moved"), [("USD", "127.94"), ("USC", "1.2794")])
def test_a_raw_report_saved_with_commas_keeps_its_amounts_and_its_unnamed_currency(
    tmp_path: Path, currency: str, moved: str
) -> None:
    deals = rows(RAW_REPORT.read(resaved(tmp_path, currency)))
    total = sum(Decimal(row[name] or 0) for row in deals.values() for name in ("profit", "swap", "commission", "fee"))
    assert total == Decimal(moved)


def test_a_raw_reports_row_that_lost_its_first_cells_is_set_aside_not_taken_for_a_total(tmp_path: Path) -> None:
    lines = sample("mt4", "kvb", "KVB_MT4_RawReport_2026-10-04.csv").read_text(encoding="utf-8").splitlines()
    lines[4] = ";" * 22 + "lost"
    (tmp_path / "raw.csv").write_text("\n".join(lines), encoding="utf-8")
    batch = next(iter(RAW_REPORT.read(tmp_path / "raw.csv")))
    assert [one.row_number for one in batch.rejected] == [5]


def test_a_footer_that_does_not_sum_is_remarked_on_and_refuses_nothing() -> None:
    batch = next(iter(RAW_REPORT.read(sample("mt4", "kvb", "KVB_MT4_RawReport_2026-10-04.csv"))))
    assert "the rows' profit is 128.63, the report's total 38232.81: the file may be an excerpt" in batch.remarks


def test_a_statements_comment_may_hold_a_bracket_and_nbsp_sets_thousands_apart(tmp_path: Path) -> None:
    text = sample("mt4", "lab2acs_Statement.htm").read_text(encoding="utf-8")
    text = (
        text.replace('title="ADJUSTMENT"', 'title="a > b"')
        .replace("5 000.00", "5\u00a0000.00")
        .replace(">ADJUSTMENT<", "><")
    )
    (tmp_path / "s.htm").write_text(text, encoding="utf-8")
    deals = rows(STATEMENT.read(tmp_path / "s.htm"))
    assert (deals["465785928"]["comment"], deals["465785928"]["profit"]) == ("a > b", "5000")


def test_a_statement_of_a_period_says_what_it_opened_with(tmp_path: Path) -> None:
    text = sample("mt4", "lab2acs_Statement.htm").read_text(encoding="utf-8").replace("4 731.27", "5 731.27")
    (tmp_path / "s.htm").write_text(text, encoding="utf-8")
    assert "the period opens with a balance of 1000 USD" in next(iter(STATEMENT.read(tmp_path / "s.htm"))).remarks


def test_a_statement_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.htm").write_bytes(sample("mt4", "lab2acs_Statement.htm").read_bytes()[:15_000])
    with pytest.raises(BadFile, match="cut off before its summary"):
        list(STATEMENT.read(tmp_path / "s.htm"))


@pytest.mark.parametrize("section", ["Open Trades:", "Working Orders:"])
def test_a_statements_row_that_lost_its_cells_is_set_aside(tmp_path: Path, section: str) -> None:
    text = sample("mt4", "lab2acs_Statement.htm").read_text(encoding="utf-8")
    head, tail = text.split(section, 1)
    row, rest = tail.split("</tr>", 1)
    (tmp_path / "s.htm").write_text(f"{head}{section}{row}</tr><tr><td>77</td><td>2020.01.01 10:00</td></tr>{rest}")
    rejected = [one for batch in STATEMENT.read(tmp_path / "s.htm") for one in batch.rejected]
    assert len(rejected) == 1 and rejected[0].rules[0].startswith("Type: None is")


@pytest.mark.parametrize("ending", ["csv", "html"])
def test_a_trade_history_saved_otherwise_gives_the_deals_of_the_spreadsheet(tmp_path: Path, ending: str) -> None:
    original = sample("mt5", "ReportHistory_wizard.xlsx")
    grid = xlsx_rows(original)
    path = tmp_path / f"report.{ending}"
    if ending == "csv":
        text = "\n".join(";".join(cell or "" for cell in row) for row in grid)
    else:
        cells = ["".join(f"<td>{html.escape(cell or '')}</td>" for cell in row) for row in grid]
        text = "<html><table>" + "".join(f"<tr>{row}</tr>\n" for row in cells) + "</table></html>"
    path.write_text(text, encoding="utf-16" if ending == "html" else "utf-8-sig")
    assert REPORT.recognises(path, path.read_bytes()[:65536])
    for feed in ("deals", "orders", "positions"):
        assert rows(REPORT.read(path), feed) == rows(REPORT.read(original), feed)


def test_the_web_apis_seconds_are_the_servers_clock(tmp_path: Path) -> None:
    deals = rows(Mt5WebApi(time_zone="+120 us").read(sample("mt5", "webapi", "deal_get_page.json")))
    assert (
        deals["19090"]["executed_at"] == "2022-08-02T13:02:00.804000"
    )  # 16:02:00.804 on the server, three hours ahead in August
    (tmp_path / "deals.json").write_text(
        '{"retcode": "0 Done", "answer": [{"Deal": "1", "Login": "7", "Action": "0", "Entry": "255"}]}'
    )
    (batch,) = Mt5WebApi(time_zone=0).read(tmp_path / "deals.json")
    assert [one.rules for one in batch.rejected] == [("Time: is a null date",)]


@pytest.mark.parametrize(
    ("comment", "action", "rule"),
    [
        ("CRM-S-1333365,261003,Swap", "interest", "swap"),
        ("Financing", "interest", "financing"),
        ("8812-FY", "agent", "rebate"),
        ("ADJUSTMENT", "correction", "adjustment"),
        ("Negative balance protection", "so_compensation", "negative_balance"),
        ("Welcome Bonus", "bonus", "bonus"),
        ("Transfer to 7002", "balance", "transfer"),
        ("Deposit: 10352 JPY", "balance", "deposit"),
        ("Summary balance result 2013", "balance", "history_summary"),
        ("something else", "balance", None),
    ],
)
def test_a_comment_tells_what_a_balance_operation_was_for_and_the_row_names_the_rule(
    comment: str, action: str, rule: str | None
) -> None:
    meant = purpose(comment, default_rules())
    assert (meant.action, meant.rule) == (action, rule)


def test_a_brokers_own_rule_comes_first_and_a_wrong_one_is_named() -> None:
    meant = purpose(
        "ISL-44 swap", rules_with([{"rule": "islamic", "pattern": "^(?P<reference>ISL-\\d+)", "action": "charge"}])
    )
    assert (meant.rule, meant.action, meant.reference) == ("islamic", "charge", "ISL-44")
    with pytest.raises(ValueError, match="comment rule x: 'gift' is no deal action"):
        rules_with([{"rule": "x", "pattern": "a", "action": "gift"}])
    with pytest.raises(ValueError, match="comment rule x: '\\(' is no pattern"):
        rules_with([{"rule": "x", "pattern": "(", "action": "charge"}])


@pytest.mark.parametrize("zone", [60, "+120 us", "+120 eu", -300])
def test_the_clock_of_a_server_is_estimated_from_a_years_stamps(zone: str | int) -> None:
    walls = [datetime(2026, 1, 5, 12) + timedelta(hours=37 * place) for place in range(220)]
    deals = [
        {
            "TimeMsc": wall.isoformat(sep=" "),
            "Timestamp": str(int((wall_to_utc(wall, zone) - datetime(1601, 1, 1)).total_seconds()) * 10**7),
        }
        for wall in walls
    ]
    assert zone_by_stamps(deals) == zone


@pytest.mark.parametrize(
    ("text", "value"), [("4 182.94", "4182.94"), ("- 0.08", "-0.08"), ("1\u202f000", "1000"), ("", None)]
)
def test_numbers_as_a_terminal_writes_them(text: str, value: str | None) -> None:
    assert spaced_number(text, "Profit") == value


@pytest.mark.parametrize("text", ["5 0812.9", "30 (1000.00%)", "1.234,56", "-0- "])
def test_what_is_no_number_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        spaced_number(text, "Profit")
