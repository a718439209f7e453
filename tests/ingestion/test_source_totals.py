"""What a source says that it holds: an SQL source is asked after each reading, a file states totals of its own rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from apps.pipeline import refresh
from ingestion import sources
from ingestion.connectors.mt_totals import wall_of
from ingestion.connectors.values import wall_to_utc
from tests.ingestion.connectors.mt5_dump import execute, load_dump, sql
from tests.ingestion.connectors.samples import sample
from tests.ingestion.connectors.test_mt_platforms import OPEN, TRADES, trade
from tests.ingestion.landing import Landing
from tests.ingestion.test_sources import live, rows
from warehouse.settings import Settings

TOTALS = """
    select day::varchar, row_count, amount, coalesce(rows_to_come, 0), coalesce(amount_to_come, 0) from raw.source_totals
    qualify row_number() over (partition by source, day order by counted_at desc) = 1 order by day
"""
LOADED = """
    select executed_at::date::varchar, count(*), sum(profit + swap + commission + coalesce(fee, 0)), 0, 0 from raw.deals
    where executed_at::date >= (select min(day) from raw.source_totals) group by 1 order by 1
"""


@pytest.fixture
def database(server: str) -> Iterator[str]:
    execute(server, "CREATE DATABASE counted")
    yield sa.make_url(server).set(database="counted").render_as_string(False)
    execute(server, "DROP DATABASE counted" + (" WITH (FORCE)" if "postgresql" in server else ""))


def test_a_database_counts_and_adds_up_its_last_days_as_they_were_loaded(database: str, home: Settings) -> None:
    load_dump(database)
    yearly = "CREATE TABLE mt5_deals_2019 AS SELECT * FROM mt5_deals WHERE `Deal` > 12"
    execute(database, sql(database, yearly))  # the same deals twice
    refresh(home, live(database))
    counted = rows(home, TOTALS)
    assert counted == rows(home, LOADED)
    assert sum(one[1] for one in counted) > 20
    assert [one for one in refresh(home, live(database)) if one.feed == "source_totals"] == []  # nothing new to say
    execute(
        database,
        sql(database, "UPDATE mt5_deals SET `Action`=13 WHERE `Deal`=33"),  # cancelled in place: it is no deal any more
        sql(database, "DELETE FROM mt5_deals WHERE `Deal`=32"),
        sql(database, "DELETE FROM mt5_deals_2019 WHERE `Deal` IN (32, 33)"),
    )
    refresh(home, live(database))
    now = rows(home, TOTALS)
    assert sum(one[1] for one in counted) - sum(one[1] for one in now) == 2
    held = rows(home, "select connector, rows_read, rows_loaded from raw.loads where feed = 'source_totals'")
    assert [(connector, read == loaded) for connector, read, loaded in held] == [("mt5_sql", True)] * 2


def test_an_mt4_database_counts_openings_and_closings_on_their_own_days(database: str, home: Settings) -> None:
    insert = TRADES.replace("`", '"') if "postgresql" in database else TRADES
    quote = '"' if "postgresql" in database else "`"
    numbers = {"TICKET", "LOGIN", "DIGITS", "CMD", "VOLUME", "REASON", "TIMESTAMP"}
    names = [name.strip("`\n") for name in TRADES.split("(")[1].split(")")[0].split(",")]
    columns = ", ".join(f"{quote}{n}{quote} {'bigint' if n in numbers else 'varchar(32)'}" for n in names)
    given = [
        trade(1, open="2026-03-01 23:30:00", close="2026-03-03 01:30:00"),  # both at two hours east of UTC
        trade(2, close=OPEN),
        trade(3, cmd=6, profit=500, commission=0, swaps=0, close="2026-03-02 10:00:00"),
        trade(4, cmd=2, profit=0),  # a pending order is no deal
    ]
    execute(database, f"CREATE TABLE {quote}MT4_TRADES{quote} ({columns})", insert.format(",".join(given)))
    refresh(home, sources.SqlSource("live4", "mt4_sql", "live4", database, time_zone="+120 us", page_rows=2))
    counted = [(day, number, amount) for day, number, amount, *_ in rows(home, TOTALS)]
    assert counted == [("2026-03-01", 1, Decimal(0)), ("2026-03-02", 3, Decimal("534.3"))]
    assert rows(home, "select count(*) from raw.deals") == [(4,)]


@pytest.mark.parametrize("zone", [0, 60, -300, "+120 us", "+120 eu", "Europe/Athens"])
def test_midnight_of_utc_is_found_on_the_servers_clock_on_every_day_of_the_year(zone: str | int) -> None:
    days = [datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(days=number) for number in range(365)]
    assert [wall_to_utc(wall_of(day, zone), zone) for day in days] == days


@pytest.mark.parametrize(
    ("connector", "path", "expected"),
    [
        ("paypal_report", "paypal/wmf-crm/STL-20260106.01.009.csv", [("HKD", None, "104"), ("USD", None, "18.01"), (None, 5, None)]),
        ("trustly", "trustly/smashpig/P11KFUN-3618-r-code-reversal.csv", [(None, 3, None)]),
        ("dlocal_settlement", "dlocal/wmf-crm/settlement_refund__Wikimedia_cross_border_report_20260207_083659.csv", [(None, 5, None)]),
        ("adyen_settlement", "adyen/oca/adyen_test.xlsx", [("USD", None, "23006.27")]),
        ("adyen_settlement", "adyen/wmf-crm/batch_1__settlement_detail_report_batch_1128.csv", [("CAD", None, "9.54"), ("USD", None, "59.75")]),
        ("mt5_report", "mt5/ReportHistory_wizard.xlsx", [(None, None, "0.33")]),
        ("mt4_statement", "mt4/lab2acs_Statement.htm", [(None, None, "4731.27")]),
        ("mt4_statement", "mt4/tianyeshiye_DetailedStatement.htm", [(None, None, "151396")]),
        ("mt4_raw_report", "mt4/kvb/KVB_MT4_RawReport_2026-10-04.csv", [(None, None, "38126.68")]),
    ],
)  # fmt: skip
def test_what_a_file_states_of_its_rows_is_kept_beside_them_and_counts_as_none_of_them(
    landing: Landing, connector: str, path: str, expected: list[tuple[str | None, int | None, str | None]]
) -> None:
    outcomes = landing.ingest(sample(*path.split("/")), connector=connector)
    found = landing.rows("select currency, row_count, amount from raw.source_totals order by currency")
    assert found == [(currency, number, Decimal(amount) if amount else None) for currency, number, amount in expected]
    assert {one.feed for one in outcomes} & {"source_totals"} == set()
    stated = landing.rows("select distinct feed, scope, _load_id from raw.source_totals")
    assert [(feed, scope[:5], load) for feed, scope, load in stated] == [
        (outcomes[0].feed, "file:", outcomes[0].load_id)
    ]


def test_a_batch_that_pays_nothing_out_states_no_total(landing: Landing) -> None:
    landing.ingest(sample("adyen", "oca", "settlement_detail_report_batch_238.csv"), connector="adyen_settlement")
    assert landing.one("select count(*) from raw.psp_transactions") > 0
    assert landing.one("select count(*) from raw.source_totals") == 0


def test_a_total_that_cannot_be_is_remarked_on_and_refuses_nothing(landing: Landing) -> None:
    given = sample("paypal", "wmf-crm", "STL-20260106.01.009.csv").read_bytes()
    outcome = landing.load("paypal_report/a.csv", given.replace(b"\nSF,USD,1801,", b"\nSF,USD," + b"9" * 40 + b","))
    assert (outcome.status, outcome.rows_quarantined) == ("loaded", 0)
    assert landing.one("select count(*) from raw.source_totals") == 2  # the count, and the other currency
