"""SQL sources on real servers: what was edited or deleted unseen is found, a silent source is stale and stops nothing, a killed run goes on."""

import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from apps.pipeline import Source, load, raw_connection, refresh
from ingestion import sources
from ingestion.connectors.mt5_pull import PullError, pull
from ingestion.connectors.mt5_sql import CONNECTOR as MT5
from tests import servers
from tests.ingestion.connectors.mt5_dump import execute, load_dump, sql
from tests.ingestion.connectors.test_mt_platforms import OPEN, TRADES, trade
from warehouse.engine import WarehouseError
from warehouse.settings import PROJECT, Settings


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of one's own."""
    name = "s_" + re.sub(r"\W", "_", request.node.name)[:40].lower()
    execute(server, f"CREATE DATABASE {name}")
    yield sa.make_url(server).set(database=name).render_as_string(False)
    execute(server, f"DROP DATABASE {name}" + (" WITH (FORCE)" if "postgresql" in server else ""))


def live(url: str, **more: object) -> sources.SqlSource:
    return sources.SqlSource("live", "mt5_sql", "live", url, page_rows=7, **more)  # type: ignore[arg-type]


def rows(settings: Settings, query: str) -> list[tuple]:
    with raw_connection(settings) as connection:
        return connection.execute(query).fetchall()


LATEST = """
    select deal_id, profit, coalesce(is_cancelled, false) as cancelled from raw.deals
    qualify row_number() over (partition by deal_id order by source_version desc nulls last, _load_id desc, _row_number desc) = 1
"""


def test_an_edit_without_a_stamp_a_deletion_and_a_return_become_versions(database: str, home: Settings) -> None:
    load_dump(database)
    execute(database, sql(database, "CREATE TABLE kept AS SELECT * FROM mt5_deals WHERE `Deal`=33"))
    refresh(home, live(database))
    execute(
        database,
        sql(database, "UPDATE mt5_deals SET `Profit`=-9.25 WHERE `Deal`=21"),
        sql(database, "DELETE FROM mt5_deals WHERE `Deal` IN (5, 33)"),
    )
    outcomes = refresh(home, live(database))
    assert sum(one.rows_loaded for one in outcomes if one.feed == "deals") == 3
    found = {deal: (profit, cancelled) for deal, profit, cancelled in rows(home, LATEST)}
    assert found[21] == (Decimal("-9.25"), False)
    assert {deal for deal, (_, cancelled) in found.items() if cancelled} == {5, 33}
    assert found[5][0] == 30_000  # a tombstone bears the last known row
    assert len(found) == 33
    execute(database, sql(database, "INSERT INTO mt5_deals SELECT * FROM kept"))
    refresh(home, live(database))
    assert (33, Decimal(-183), False) in rows(home, LATEST)  # it is there again, though its stamp is the old one
    assert [one for one in refresh(home, live(database)) if one.feed == "deals"] == []


def test_an_mt4_database_gives_closings_partial_closes_and_deletions(database: str, home: Settings) -> None:
    live4 = sources.SqlSource("live4", "mt4_sql", "live4", database, time_zone="+120 us", page_rows=2)
    numbers = {"TICKET", "LOGIN", "DIGITS", "CMD", "VOLUME", "REASON", "TIMESTAMP"}
    insert = TRADES.replace("`", '"') if "postgresql" in database else TRADES
    names = re.findall(r"`(\w+)`", TRADES)[1:]
    quote = '"' if "postgresql" in database else "`"
    columns = ", ".join(f"{quote}{n}{quote} {'bigint' if n in numbers else 'varchar(32)'}" for n in names)
    stamped = [(1, 1772452000, OPEN), (2, 1772452000, "2026-03-02 12:00:00"), (3, 1772452000, "2026-03-02 12:00:00")]
    given = [trade(ticket, timestamp=stamp, close=close) for ticket, stamp, close in stamped]
    execute(database, f"CREATE TABLE {quote}MT4_TRADES{quote} ({columns})", insert.format(",".join(given)))
    outcomes = refresh(home, live4)
    assert sum(one.rows_loaded for one in outcomes if one.feed == "deals") == 5
    closed = "UPDATE `MT4_TRADES` SET `CLOSE_TIME`='2026-03-03 10:00:00', `TIMESTAMP`=1772532000 WHERE `TICKET`=1"
    execute(database, sql(database, closed), sql(database, "DELETE FROM `MT4_TRADES` WHERE `TICKET`=3"))
    refresh(home, live4)
    found = rows(
        home,
        "select deal_id, max(_version), bool_or(coalesce(is_cancelled, false)) from raw.deals group by 1 order by 1",
    )
    assert found == [(2, 1, False), (3, 1, False), (4, 1, False), (5, 1, False), (6, 2, True), (7, 2, True)]


def test_daily_reports_are_snapshots_at_the_end_of_the_servers_day_and_come_once(database: str, tmp_path: Path) -> None:
    load_dump(database)
    for table, years in (("mt5_daily", (2019,)), ("mt5_daily_2018", (2018,))):
        execute(
            database,
            sql(
                database,
                f"CREATE TABLE {table} (`Datetime` bigint, `Login` bigint, `Balance` double precision, `DailyProfit` double precision)",
            ),
            *(
                f"INSERT INTO {table} VALUES ({at}, {login}, {login}.5, -7)"
                for year in years
                for at, login in days(year)
            ),
        )
    landing = tmp_path / "mt5_sql"
    found = reports(database, landing)
    assert len({(row["login"], row["captured_at"]) for row in found}) == len(found) == 10
    last = max(found, key=lambda row: (row["captured_at"], row["login"]))
    assert (last["captured_at"], last["balance"], last["daily_flows"]) == (
        "2019-01-01T22:59:59",
        "1005.5",
        '{"DailyProfit": "-7"}',
    )
    execute(database, "INSERT INTO mt5_daily VALUES (1546473599, 1001, 2.5, 0)")
    again = reports(database, landing)
    assert [(row["login"], row["captured_at"], row["balance"]) for row in again] == [
        ("1001", "2019-01-02T22:59:59", "2.5")
    ]


def reports(database: str, landing: Path) -> list[dict[str, object]]:
    """The snapshots that a pull of two rows a page lands."""
    files = pull(database, landing, platform="gana", snapshots=False, page_rows=2)
    made = [batch.rows for file in files for batch in MT5.read(file) if batch.feed == "account_snapshots"]
    return [row for rows in made for row in rows.to_dicts()]


def days(year: int) -> list[tuple[int, int]]:
    """The last second of 1 January on the server's clock, which is an hour ahead, for five accounts."""
    end = int(datetime(year, 1, 1, 23, 59, 59, tzinfo=UTC).timestamp())
    return [(end, login) for login in range(1001, 1006)]


def test_a_source_that_breaks_off_again_and_again_gives_each_row_once(database: str, home: Settings) -> None:
    load_dump(database)
    postgresql = "postgresql" in database
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        if postgresql
        else "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND db = DATABASE()"
    )
    stop, rng, broke = threading.Event(), random.Random(5), 0
    engine = sa.create_engine(database, isolation_level="AUTOCOMMIT")

    def killing() -> None:
        while not stop.is_set():
            with engine.connect() as connection:
                for (found,) in connection.execute(sa.text(kill)).fetchall() if not postgresql else []:
                    connection.exec_driver_sql(f"KILL {found}")
                if postgresql:
                    connection.execute(sa.text(kill))
            time.sleep(rng.uniform(0, 0.02))

    thread = threading.Thread(target=killing)
    thread.start()
    try:
        for _ in range(12):
            try:
                sources.pull(home, live(database), snapshots=False)
            except PullError:
                broke += 1
    finally:
        stop.set()
        thread.join()
        engine.dispose()
    assert broke
    refresh(home, live(database))
    assert [deal for deal, _, _ in rows(home, LATEST + " order by deal_id")] == list(range(1, 34))
    assert rows(home, "select count(*) from raw.deals") == [(33,)]


WORKER = """
import sys
from apps.pipeline import refresh
from ingestion import sources
from warehouse.settings import Settings
print("ready", flush=True)
refresh(Settings(home=Path(sys.argv[1])), sources.SqlSource("live", "mt5_sql", "live", sys.argv[2], page_rows=2))
"""


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_killed_run_is_completed_by_the_next(database: str, home: Settings) -> None:
    load_dump(database)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home.root), database],
        cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert worker.stdout
    assert worker.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 30
    while (
        worker.poll() is None
        and time.monotonic() < deadline
        and len(list((home.landing / "mt5_sql").glob("*.parquet"))) < 3
    ):
        time.sleep(0.001)
    worker.kill()
    worker.communicate()
    refresh(home, live(database))
    assert rows(home, "select count(*), count(distinct deal_id), sum(_version) from raw.deals") == [(33, 33, 33)]


def test_a_silent_source_is_stale_waits_longer_each_time_and_stops_nothing_else(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.root / "sources.yml").write_text("- {name: dead, kind: mt5_sql}\n", encoding="utf-8")
    url = f"mysql://reader:secret@127.0.0.1:{servers.free_port()}/mt5"
    settings = Settings(home=home.home, source_urls={"dead": SecretStr(url)})
    (settings.landing / "deals").mkdir(parents=True)
    (settings.landing / "deals" / "a.csv").write_text(
        "platform,deal_id,login,executed_at,action\nm,1,7,2026-01-01,balance\n"
    )
    assert [one.status for one in load(settings, Source())] == ["loaded"]
    first = sources.state_of(settings, "dead")
    assert (first.failures, first.is_stale(datetime.now(UTC).replace(tzinfo=None))) == (1, True)
    assert "secret" not in str(first.error)
    assert not first.is_due(datetime.now(UTC).replace(tzinfo=None))
    with pytest.raises(PullError):
        sources.pull(settings, sources.sources(settings)[0])
    again = sources.state_of(settings, "dead")
    waits = [
        datetime.fromisoformat(str(one.next_attempt_at)) - datetime.fromisoformat(str(one.attempted_at))
        for one in (first, again)
    ]
    assert timedelta(seconds=24) <= waits[0] <= timedelta(seconds=30)
    assert timedelta(seconds=48) <= waits[1] <= timedelta(seconds=60)
    with pytest.raises(WarehouseError, match="Check that the server runs"):
        load(settings, Source(connector="mt5_sql"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: a, kind: oracle}", "no SQL source of the kind 'oracle'"),
        ("- {name: b, kind: mt5_sql}", "DAYBOOK_SOURCE_URLS does not hold its URL"),
        ("- {name: a, kind: mt5_sql, url: x}", "sources.yml cannot be used"),
        ("- {name: a, kind: mt5_sql, time_zone: Mars}", "time_zone: 'Mars' is no time zone"),
    ],
)
def test_a_mistake_in_the_list_of_sources_is_named(home: Settings, text: str, said: str) -> None:
    (home.root / "sources.yml").write_text(text, encoding="utf-8")
    with pytest.raises(WarehouseError, match=re.escape(said)):
        sources.sources(Settings(home=home.home, source_urls={"a": SecretStr("mysql://x/y")}))
