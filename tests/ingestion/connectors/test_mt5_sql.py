"""The MT5 SQL export: pulled from a real MariaDB and a real PostgreSQL that hold the sample dump."""

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from ingestion.connectors import mt5_pull
from ingestion.connectors.base import BadFile, Batch
from ingestion.connectors.mt5_sql import CONNECTOR, Mt5Sql, PullError, pull
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from ingestion.load import ingest
from tests import servers
from tests.ingestion.connectors.damage import mutants
from tests.ingestion.connectors.mt5_dump import backslash, execute, load_dump, sql
from tests.ingestion.connectors.samples import sample
from warehouse.engine import connect
from warehouse.settings import Settings

BALANCES = {1005: 30_000, 1006: 49_663, 1007: 100_000, 1123: 100_000}


def rows_of(files: list[Path], feed: str, connector: Mt5Sql = CONNECTOR) -> list[dict[str, object]]:
    return [row for batch in batches(files, feed, connector) for row in batch.rows.to_dicts()]


def batches(files: list[Path], feed: str, connector: Mt5Sql = CONNECTOR) -> list[Batch]:
    return [batch for file in files for batch in connector.read(file) if batch.feed == feed]


def balances(deals: list[dict[str, object]]) -> dict[int, Decimal]:
    total: dict[int, Decimal] = defaultdict(Decimal)
    for deal in deals:
        total[int(str(deal["login"]))] += sum(
            Decimal(str(deal[name] or 0)) for name in ("profit", "swap", "commission")
        )
    return total


@pytest.fixture
def connection(home: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(home.build_file, home) as opened:
        yield opened


@pytest.fixture(params=["mariadb_server", "postgresql_server"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The sample dump in a database of its own, in each of the two servers."""
    url = sa.make_url(request.getfixturevalue(request.param))
    name = "mt5_" + re.sub(r"\W", "_", request.node.name)[:40].lower()
    execute(url.render_as_string(False), f"CREATE DATABASE {name}")
    own = url.set(database=name).render_as_string(False)
    try:
        load_dump(own)  # skips where the samples are not
        yield own
    finally:
        execute(url.render_as_string(False), f"DROP DATABASE {name}")


def test_the_dump_gives_its_33_deals_and_the_balances_its_accounts_state(database: str, tmp_path: Path) -> None:
    files = pull(database, tmp_path / "mt5_sql", platform="gana")
    deals, snapshots = rows_of(files, "deals"), rows_of(files, "account_snapshots")
    assert len(deals) == 33
    assert len(snapshots) == 27
    summed = balances(deals)
    stated = {int(str(row["login"])): Decimal(str(row["balance"])) for row in snapshots}
    for login, balance in BALANCES.items():
        assert summed[login] == stated[login] == balance
    assert stated[1003] == 0
    assert summed[1003] == 30_000  # deleted and re-created: its deal stayed


def test_a_deal_comes_in_utc_lots_and_exact_decimals(database: str, tmp_path: Path) -> None:
    deals = {row["deal_id"]: row for row in rows_of(pull(database, tmp_path / "mt5_sql", platform="gana"), "deals")}
    opened = deals["20"]
    assert opened["executed_at"] == "2019-01-16T06:40:10.513000"  # server clock 07:40:10.513, sixty minutes ahead
    assert (opened["price"], opened["volume_lots"], opened["entry"], opened["action"]) == ("1.14037", "1", "in", "buy")
    assert (opened["reason"], opened["symbol"], opened["position_id"]) == ("client", "EURUSD", "3")
    closed = deals["16"]
    assert (closed["profit"], closed["rate_profit"], closed["entry"]) == ("-14.07", "1.27886", "out")
    deposit = deals["3"]
    assert (deposit["action"], deposit["entry"], deposit["price"], deposit["volume_lots"]) == (
        "balance",
        None,
        None,
        None,
    )
    assert (deposit["symbol"], deposit["order_id"], deposit["comment"]) == (None, None, "Deposit")
    assert deposit["source_version"] == "131902002307223630"


def test_a_second_pull_of_an_unchanged_database_lands_no_deals(database: str, tmp_path: Path) -> None:
    landing = tmp_path / "mt5_sql"
    pull(database, landing, platform="gana", snapshots=False)
    assert pull(database, landing, platform="gana", snapshots=False) == []


def test_an_edit_in_place_comes_as_a_newer_version_of_the_same_deal(database: str, tmp_path: Path) -> None:
    landing = tmp_path / "mt5_sql"
    pull(database, landing, platform="gana", snapshots=False)
    execute(
        database,
        sql(database, "UPDATE mt5_deals SET `Action`=14, `Profit`=0, `Timestamp`=132000000000000000 WHERE `Deal`=21"),
    )
    changed = rows_of(pull(database, landing, platform="gana", snapshots=False), "deals")
    assert [(row["deal_id"], row["action"], row["is_cancelled"], row["profit"]) for row in changed] == [
        ("21", "sell", "true", "0")
    ]
    assert changed[0]["source_version"] == "132000000000000000"


def test_a_new_deal_lands_alone_and_once(database: str, tmp_path: Path) -> None:
    landing = tmp_path / "mt5_sql"
    pull(database, landing, platform="gana", snapshots=False)
    execute(
        database,
        sql(database, "CREATE TABLE more AS SELECT * FROM mt5_deals WHERE `Deal`=18"),
        sql(database, "UPDATE more SET `Deal`=900, `Timestamp`=131930000000000000"),
        sql(database, "INSERT INTO mt5_deals SELECT * FROM more"),
    )
    assert [row["deal_id"] for row in rows_of(pull(database, landing, platform="gana", snapshots=False), "deals")] == [
        "900"
    ]
    assert pull(database, landing, platform="gana", snapshots=False) == []


def test_yearly_tables_beside_the_total_one_give_each_deal_once(database: str, tmp_path: Path) -> None:
    execute(
        database,
        sql(database, "CREATE TABLE mt5_deals_2018 AS SELECT * FROM mt5_deals WHERE `Deal` <= 9"),
        sql(database, "CREATE TABLE mt5_deals_2019 AS SELECT * FROM mt5_deals WHERE `Deal` > 9"),
        sql(database, "DELETE FROM mt5_deals WHERE `Deal` = 12"),
    )
    files = pull(database, tmp_path / "mt5_sql", platform="gana", page_rows=4, snapshots=False)
    assert [int(str(row["deal_id"])) for row in rows_of(files, "deals")] == list(range(1, 34))


@pytest.mark.parametrize("at", [1, 2, 4, 6])
def test_a_pull_that_breaks_off_goes_on_and_nothing_is_missing(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    landing, whole_file, calls = tmp_path / "mt5_sql", mt5_pull.whole_file, []

    @contextmanager
    def breaks(target: Path, *, synced: bool) -> Iterator[Path]:
        with whole_file(target, synced=synced) as part:
            yield part
            calls.append(target)
            if len(calls) == at:
                raise KeyboardInterrupt

    monkeypatch.setattr(mt5_pull, "whole_file", breaks)
    with pytest.raises(KeyboardInterrupt):
        pull(database, landing, platform="gana", page_rows=5, snapshots=False)
    monkeypatch.setattr(mt5_pull, "whole_file", whole_file)
    pull(database, landing, platform="gana", page_rows=5, snapshots=False)
    landed = sorted(path for path in landing.glob("*.parquet"))
    assert sorted({int(str(row["deal_id"])) for row in rows_of(landed, "deals")}) == list(range(1, 34))
    assert pull(database, landing, platform="gana", page_rows=5, snapshots=False) == []


def test_users_take_currency_and_demo_from_their_group(database: str, tmp_path: Path) -> None:
    text, number = ("text", "bigint") if "postgresql" in database else ("varchar(64)", "bigint")
    execute(
        database,
        sql(database, f"CREATE TABLE mt5_groups (`Group` {text}, `Currency` {text})"),
        sql(
            database,
            r"INSERT INTO mt5_groups VALUES ('real\std','EUR'),('demo\std','USD')".replace("\\", backslash(database)),
        ),
        sql(
            database,
            f"CREATE TABLE mt5_users (`Login` {number}, `Timestamp` {number}, `Group` {text}, `Rights` {number}, "
            f"`Leverage` {number}, `Registration` {text}, `ClientID` {number})",
        ),
        sql(
            database,
            r"INSERT INTO mt5_users VALUES (7,131902002307223630,'real\std',483,100,'2018-12-25 09:00:00',42), "
            r"(8,131902002307223631,'demo\std',487,50,'0000-00-00 00:00:00',0)".replace("\\", backslash(database)),
        ),
    )
    first, second = rows_of(pull(database, tmp_path / "mt5_sql", platform="gana"), "trading_accounts")
    assert (first["currency"], first["is_demo"], first["status"], first["client_id"]) == ("EUR", "false", "open", "42")
    assert first["opened_at"] == "2018-12-25T08:00:00"
    assert first["changed_at"] == "2018-12-25T08:30:30.722363"
    assert (second["currency"], second["is_demo"], second["status"]) == ("USD", "true", "read_only")
    assert (second["opened_at"], second["client_id"]) == (None, None)


def test_positions_and_symbols_are_taken_with_the_time_of_the_pull(database: str, tmp_path: Path) -> None:
    text = "text" if "postgresql" in database else "varchar(64)"
    execute(
        database,
        sql(
            database,
            f"CREATE TABLE mt5_positions (`Position` bigint, `Login` bigint, `Symbol` {text}, `Action` bigint, `Digits` "
            f"bigint, `TimeCreate` {text}, `PriceOpen` {text}, `VolumeExt` bigint, `Profit` {text})",
        ),
        sql(
            database,
            "INSERT INTO mt5_positions VALUES (3,1006,'EURUSD',1,5,'2019-01-16 07:40:10','1.1403699999',25000000,'-3.5')",
        ),
        sql(
            database,
            f"CREATE TABLE mt5_symbols (`Symbol` {text}, `Path` {text}, `Digits` bigint, `CurrencyBase` {text})",
        ),
        sql(
            database,
            r"INSERT INTO mt5_symbols VALUES ('EURUSD','Forex\Majors\EURUSD',5,'EUR')".replace(
                "\\", backslash(database)
            ),
        ),
    )
    now = datetime(2019, 1, 17, 1, 50, tzinfo=UTC)
    files = pull(database, tmp_path / "mt5_sql", platform="gana", now=now)
    (position,), (symbol,) = rows_of(files, "positions"), rows_of(files, "symbols")
    assert (position["side"], position["volume_lots"], position["open_price"]) == ("sell", "0.25", "1.14037")
    assert (position["captured_at"], position["opened_at"]) == ("2019-01-17T01:50:00", "2019-01-16T06:40:10")
    assert (symbol["asset_class"], symbol["symbol_group"], symbol["pip_size"]) == ("fx", "Forex\\Majors", "0.0001")


def test_a_server_with_daylight_saving_says_that_its_rule_is_assumed(database: str, tmp_path: Path) -> None:
    files = pull(database, tmp_path / "mt5_sql", platform="gana", snapshots=False)
    (batch,) = batches(files, "deals")
    assert any("daylight saving" in remark for remark in batch.remarks)
    (told,) = batches(files, "deals", Mt5Sql(time_zone="+60 eu"))
    assert told.remarks == ()


def test_a_wrong_time_zone_is_found_by_the_rows_own_stamps(database: str, tmp_path: Path) -> None:
    files = pull(database, tmp_path / "mt5_sql", platform="gana", snapshots=False, zone=120)
    (batch,) = batches(files, "deals")
    assert batch.remarks == (
        "33 of 33 rows lie -60 minutes beside their own stamp with the clock assumed (120): check time_zone",
    )


def test_what_lands_keeps_the_source_text_and_no_half_file(database: str, tmp_path: Path) -> None:
    (file,) = pull(database, tmp_path / "mt5_sql", platform="gana", snapshots=False)
    landed = pl.read_parquet(file)
    assert landed.filter(pl.col("Deal") == "20")["Price"].to_list() == ["1.1403699999999999"]
    assert landed.filter(pl.col("Deal") == "20")["ApiData"].to_list() == ["[]"]
    assert [path.name for path in (tmp_path / "mt5_sql").iterdir()] == [file.name]
    assert json.loads((tmp_path / ".mt5_sql-gana.state.json").read_text())["mt5_deals"]["key"] == 33


def test_a_database_without_the_export_is_refused_in_a_sentence(mariadb_server: str, tmp_path: Path) -> None:
    with pytest.raises(PullError, match="holds no table of a MetaTrader 5 export"):
        pull(mariadb_server, tmp_path / "mt5_sql", platform="gana")


def test_an_unreachable_server_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"mysql://reader:secret@127.0.0.1:{servers.free_port()}/mt5"
    with pytest.raises(PullError, match="Check that the server runs") as caught:
        pull(url, tmp_path / "mt5_sql", platform="gana")
    assert "secret" not in str(caught.value)


def test_a_pull_and_an_edit_load_as_two_versions_of_one_deal(
    database: str, home: Settings, connection: duckdb.DuckDBPyConnection
) -> None:
    landing = home.landing / "mt5_sql"
    pull(database, landing, platform="gana")
    assert {outcome.rows_quarantined for outcome in ingest(connection, home)} == {0}
    edit = "UPDATE mt5_deals SET `Profit`=-8.5, `Timestamp`=132000000000000000 WHERE `Deal`=21"
    execute(database, sql(database, edit))
    pull(database, landing, platform="gana", snapshots=False)
    ingest(connection, home)
    versions = "select profit, source_version, _version from raw.deals where deal_id = 21 order by _version"
    assert connection.execute(versions).fetchall() == [
        (Decimal(-8), 131920944980492603, 1),
        (Decimal("-8.5"), 132000000000000000, 2),
    ]
    balances_in_raw = """
        select login, sum(profit + swap + commission) from raw.deals where _version = 1
        and login in (1005, 1006, 1007, 1123) group by login
    """
    assert dict(connection.execute(balances_in_raw).fetchall()) == BALANCES


def test_damaged_pulls_are_refused_or_set_rows_aside_and_nothing_else(mariadb_server: str, tmp_path: Path) -> None:
    execute(mariadb_server, "DROP DATABASE IF EXISTS whole", "CREATE DATABASE whole")
    url = sa.make_url(mariadb_server).set(database="whole").render_as_string(False)
    load_dump(url)
    (landed,) = pull(url, tmp_path / "mt5_sql", platform="gana", snapshots=False)
    original, damaged = landed.read_bytes(), tmp_path / "damaged.parquet"
    outcomes: Counter[str] = Counter()
    for mutant in mutants(original, seed=7):
        damaged.write_bytes(mutant)
        CONNECTOR.recognises(damaged, mutant[:65536])
        outcomes[outcome_of(damaged)] += 1
    table, rng = pq.read_table(landed), random.Random(8)
    for _ in range(100):
        columns = {name: table[name].to_pylist() for name in table.column_names}
        for _ in range(8):
            columns[rng.choice(table.column_names)][rng.randrange(33)] = rng.choice(ODD_TEXTS)
        pq.write_table(pa.table(columns, schema=table.schema), damaged)
        outcomes[outcome_of(damaged)] += 1
    assert outcomes["refused"] > 100
    assert outcomes["set aside"] > 30


ODD_TEXTS = [
    "",
    "9" * 400,
    "1e999",
    "-1",
    "NaN",
    "x",
    "0000-00-00",
    "9999-12-31 23:59:59",
    "0001-01-01",
    "\u0661",
    None,
    "1e-40",
]


def outcome_of(path: Path) -> str:
    try:
        found = list(CONNECTOR.read(path))
    except BadFile:
        return "refused"
    for batch in found:
        judge(FEEDS[batch.feed], batch)
    return "set aside" if any(batch.rejected for batch in found) else "read"


def test_null_dates_and_unknown_codes_are_set_aside_with_their_reason(mariadb_server: str, tmp_path: Path) -> None:
    execute(mariadb_server, "DROP DATABASE IF EXISTS nulls", "CREATE DATABASE nulls")
    url = sa.make_url(mariadb_server).set(database="nulls").render_as_string(False)
    load_dump(url)
    execute(
        url,
        "SET SESSION sql_mode=''",
        "UPDATE mt5_deals SET TimeMsc='0000-00-00', Time='0000-00-00' WHERE Deal=1",
        "UPDATE mt5_deals SET TimeMsc='0000-00-00' WHERE Deal=2",
        "UPDATE mt5_deals SET Action=77 WHERE Deal=3",
    )
    files = pull(url, tmp_path / "mt5_sql", platform="gana", snapshots=False)
    (batch,) = batches(files, "deals")
    assert [(row.row_number, row.rules[0]) for row in batch.rejected] == [
        (1, "Time: is a null date"),
        (3, "Action: '77' is no deal action of MetaTrader 5"),
    ]
    second = batch.rows.filter(pl.col("deal_id") == "2")
    assert second["executed_at"].to_list() == ["2018-12-25T07:31:45"]  # TimeMsc is null, Time is not


def test_a_dump_that_is_cut_off_is_refused_with_its_line(tmp_path: Path) -> None:
    whole = sample("mt5", "gana_mt5_sql_export_2019", "mt5_deals.sql").read_bytes()
    (tmp_path / "mt5_deals.sql").write_bytes(whole[:-300])
    with pytest.raises(BadFile, match=r"cannot be read at line \d+"):
        list(CONNECTOR.read(tmp_path / "mt5_deals.sql"))


def test_a_dump_without_a_clock_takes_the_zone_its_own_stamps_tell(tmp_path: Path) -> None:
    (batch,) = CONNECTOR.read(sample("mt5", "gana_mt5_sql_export_2019", "mt5_deals.sql"))
    assert batch.rows.filter(pl.col("deal_id") == "20")["executed_at"].to_list() == ["2019-01-16T06:40:10.513000"]
    assert "60 estimated from the rows' stamps" in batch.remarks[0]


def test_the_users_csv_gives_27_accounts(tmp_path: Path) -> None:
    path = sample("mt5", "gana_mt5_sql_export_2019", "mt5_users_no_pii.csv")
    (batch,) = Mt5Sql(platform="gana", time_zone=60).read(path)
    assert batch.feed == "trading_accounts"
    assert batch.rejected == ()
    assert batch.rows.height == len(path.read_text().strip().splitlines()) - 1
