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

    real, landed = table_pull._landed, []

    def breaks(*arguments: object) -> Path:
        if len(landed) == 1:
            raise PullError("the line broke")
        landed.append(real(*arguments))  # type: ignore[arg-type]
        return landed[-1]

    monkeypatch.setattr(table_pull, "_landed", breaks)
    with pytest.raises(PullError):
        sources.pull(crm, sources.sources(crm)[0])
    monkeypatch.setattr(table_pull, "_landed", real)
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
