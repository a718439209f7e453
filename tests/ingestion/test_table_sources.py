"""A CRM in a database of its own, by YAML: a table lands as the CSV that its connector reads, what is new alone, resumed after a break."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from apps.pipeline import Source, load, raw_connection
from ingestion import connectors as registry
from ingestion import load as loader
from ingestion import sources
from ingestion.connectors.sql_connection import PullError
from ingestion.connectors.tabular import Tabular
from ingestion.connectors.tabular_spec import read_spec
from tests.ingestion.connectors.mt5_dump import execute
from warehouse.settings import Settings

CRM = """
name: acme_crm
feed: clients
delimiter: ';'
recognise: [id, updated_at]
columns:
  client_id: {from: id, prefix: ac-}
  changed_at: {from: updated_at, time_zone: Europe/Athens}
  first_name: name
  country_of_residence: country
also:
  - when_filled: merged_into
    feed: crm_events
    columns:
      system: {constant: acme}
      event_id: {join: [id, merged_into]}
      object_type: {constant: client}
      object_id: id
      event: {constant: merged}
      other_id: merged_into
      occurred_at: {from: updated_at, time_zone: Europe/Athens}
"""
LISTED = "- {name: crm, kind: acme_crm, table: people, key: id, stamp: updated_at, page_rows: 3}\n"


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    name = "t_" + re.sub(r"\W", "_", request.node.name)[:40].lower()
    execute(server, f"CREATE DATABASE {name}")
    url = sa.make_url(server).set(database=name).render_as_string(False)
    blob = "bytea" if "postgresql" in server else "blob"
    stamp = "timestamp" if "postgresql" in server else "datetime"
    execute(
        url,
        f"CREATE TABLE people (id int, name varchar(40), country varchar(2), merged_into int, updated_at {stamp}, photo {blob})",
        "INSERT INTO people VALUES "
        + ",".join(f"({n}, 'A;{n}\"', 'CY', NULL, '2026-03-01 10:{n:02}:00', NULL)" for n in range(1, 9)),
    )
    yield url
    execute(server, f"DROP DATABASE {name}" + (" WITH (FORCE)" if "postgresql" in server else ""))


@pytest.fixture
def crm(database: str, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with the database listed and its connector among those known."""
    (tmp_path / "acme_crm.yml").write_text(CRM, encoding="utf-8")
    known = {**registry.connectors(), "acme_crm": Tabular(read_spec(tmp_path / "acme_crm.yml"))}
    for module in (sources, loader):
        monkeypatch.setattr(module, "connectors", lambda: known)
    (home.root / "sources.yml").write_text(LISTED, encoding="utf-8")
    return Settings(home=home.home, source_urls={"crm": SecretStr(database)})


def held(settings: Settings, query: str) -> list[tuple]:
    with raw_connection(settings) as connection:
        return connection.execute(query).fetchall()


def test_a_table_of_a_crm_loads_by_its_yaml_and_then_only_what_changed(database: str, crm: Settings) -> None:
    outcomes = load(crm, Source(connector="acme_crm"))
    assert sum(one.rows_loaded for one in outcomes) == 8
    first = "select client_id, first_name, changed_at::varchar from raw.clients order by client_id limit 1"
    assert held(crm, first) == [("ac-1", 'A;1"', "2026-03-01 08:01:00")]
    assert load(crm, Source()) == []  # nothing changed: nothing lands
    execute(database, "UPDATE people SET merged_into = 2, updated_at = '2026-03-01 11:00:00' WHERE id = 5")
    execute(
        database, "INSERT INTO people VALUES (9, 'late', 'CY', NULL, '2026-03-01 10:55:00', NULL)"
    )  # committed after a newer stamp
    again = load(crm, Source())
    assert {(one.feed, one.rows_loaded, one.rows_duplicate) for one in again} == {
        ("clients", 2, 0),
        ("crm_events", 1, 0),
    }
    assert held(crm, "select object_id, event, other_id from raw.crm_events") == [("5", "merged", "2")]
    assert sources.state_of(crm, "crm").failures == 0


EVENTS = "select object_type, object_id, event, event_id from raw.crm_events where event <> 'merged' order by event_id"


def test_a_row_deleted_without_a_mark_becomes_an_event_and_another_when_it_is_back(
    database: str, crm: Settings
) -> None:
    load(crm, Source(connector="acme_crm"))
    execute(database, "DELETE FROM people WHERE id IN (3, 8)")
    (outcome,) = load(crm, Source())
    assert (outcome.feed, outcome.rows_loaded) == ("crm_events", 2)
    gone = [("people", "3", "deleted", "people:3:1"), ("people", "8", "deleted", "people:8:1")]
    assert held(crm, EVENTS) == gone
    assert held(crm, "select count(*) from raw.clients") == [(8,)]  # what was loaded of them stays
    assert load(crm, Source()) == []  # told once
    execute(database, "INSERT INTO people VALUES (3, 'A;3\"', 'CY', NULL, '2026-03-01 10:03:00', NULL)")
    load(crm, Source())
    assert held(crm, EVENTS) == [gone[0], ("people", "3", "restored", "people:3:2"), gone[1]]
    execute(database, "DELETE FROM people WHERE id = 3")
    load(crm, Source())
    assert held(crm, EVENTS)[2] == ("people", "3", "deleted", "people:3:3")


def test_a_row_edited_without_its_stamp_becomes_a_correction_within_a_round_of_bounded_sweeps(
    database: str, crm: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestion.connectors import table_sweep

    execute(
        database, "UPDATE people SET updated_at = '2026-02-20 10:00:00' WHERE id < 8"
    )  # older than a pull looks back
    load(crm, Source(connector="acme_crm"))
    execute(
        database,
        "UPDATE people SET country = 'MT' WHERE id = 7",
        "DELETE FROM people WHERE id = 2",
        "INSERT INTO people VALUES (9, 'unseen', 'CY', NULL, '2026-02-01 09:00:00', NULL)",  # with a stamp long past
    )
    real, read = table_sweep.sweep_table, []

    def of_three_rows(*arguments: object) -> object:
        found = real(*arguments, rows=3)  # type: ignore[arg-type]
        read.append(found.rows)
        return found

    monkeypatch.setattr(sources, "sweep_table", of_three_rows)
    outcomes = [one for _ in range(3) for one in load(crm, Source())]
    assert read == [3, 3, 2]
    assert [(one.feed, one.rows_loaded) for one in outcomes] == [("clients", 1), ("clients", 1), ("crm_events", 1)]
    corrected = "select client_id, country_of_residence, _version from raw.clients where _version > 1 or client_id = 'ac-9' order by 1"
    assert held(crm, corrected) == [("ac-7", "MT", 2), ("ac-9", "CY", 1)]
    assert held(crm, EVENTS) == [("people", "2", "deleted", "people:2:1")]


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_sweep_that_breaks_after_landing_lands_again_and_nothing_is_lost_or_told_twice(
    database: str, crm: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestion.connectors.known_rows import KnownRows

    load(crm, Source(connector="acme_crm"))
    execute(database, "DELETE FROM people WHERE id = 4", "UPDATE people SET country = 'MT' WHERE id = 5")
    one = sources.sources(crm)[0]

    def breaks(known: KnownRows) -> None:
        raise PullError("the disk is full")

    with raw_connection(crm) as connection:
        with monkeypatch.context() as broken, pytest.raises(PullError):
            broken.setattr(KnownRows, "keep", breaks)
            sources.swept(crm, one, connection)
        (crm.sources / "crm.json").unlink()  # do not wait
    for _ in range(2):
        load(crm, Source())
    assert held(crm, "select distinct object_id, event from raw.crm_events") == [("4", "deleted")]
    assert held(crm, "select count(distinct event_id) from raw.crm_events") == [(1,)]
    assert held(crm, "select max(_version) from raw.clients where client_id = 'ac-5'") == [(2,)]


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_table_without_a_stamp_comes_whole_when_it_is_another_than_before(database: str, crm: Settings) -> None:
    (crm.root / "sources.yml").write_text(LISTED.replace(", stamp: updated_at", ""), encoding="utf-8")
    assert sum(one.rows_loaded for one in load(crm, Source())) == 8
    assert load(crm, Source()) == []
    execute(database, "UPDATE people SET country = 'MT' WHERE id = 3")
    (outcome,) = load(crm, Source())
    assert (outcome.rows_read, outcome.rows_loaded, outcome.rows_duplicate) == (8, 1, 7)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_rows_with_one_stamp_more_than_a_page_and_rows_without_one_all_come_once(database: str, crm: Settings) -> None:
    execute(
        database,
        "UPDATE people SET updated_at = '2026-03-01 10:30:00' WHERE id < 7",
        "UPDATE people SET updated_at = NULL WHERE id = 8",
    )
    outcomes = load(crm, Source())
    assert (sum(one.rows_loaded for one in outcomes), sum(one.rows_quarantined for one in outcomes)) == (7, 1)
    assert load(crm, Source()) == []


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_break_between_two_pages_is_gone_on_from_and_repeats_nothing(
    database: str, crm: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestion.connectors import table_pull

    real, landed = table_pull.landed, []

    def breaks(*arguments: object) -> Path:
        if len(landed) == 1:
            raise PullError("the line broke")
        landed.append(real(*arguments))  # type: ignore[arg-type]
        return landed[-1]

    monkeypatch.setattr(table_pull, "landed", breaks)
    with pytest.raises(PullError):
        sources.pull(crm, sources.sources(crm)[0])
    monkeypatch.setattr(table_pull, "landed", real)
    (crm.sources / "crm.json").unlink()  # do not wait
    assert len(landed) == 1
    outcomes = load(crm, Source())
    assert (sum(one.rows_loaded for one in outcomes), sum(one.rows_duplicate for one in outcomes)) == (8, 0)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: crm, kind: acme_crm}\n", "a connector in YAML reads one table"),
        (LISTED.replace("key: id", "key: nr"), "people has no column nr; it has id, name"),
        (LISTED.replace("table: people", "table: folk"), "Check that the server runs"),
    ],
)
def test_a_table_that_is_wrongly_named_is_told(crm: Settings, text: str, said: str) -> None:
    (crm.root / "sources.yml").write_text(text, encoding="utf-8")
    with pytest.raises((PullError, sources.WarehouseError), match=said):
        sources.pull(crm, sources.sources(crm)[0])
