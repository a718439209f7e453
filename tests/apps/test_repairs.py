"""A quarantined row's way back: edited, approved by somebody else, validated anew, loaded, linked; and read again after a mapping fix."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
import typer
from typer.testing import CliRunner

from apps import repairs
from apps.approvals.chain import new_id, now
from apps.approvals.decisions import decide
from apps.approvals.desk import open_desk
from apps.approvals.orders import Answer, Order
from apps.approvals.proposing import ProposalRefused, propose
from apps.approvals.store import open_store, reading, writing
from apps.approvals.subject import find
from apps.cli import quarantine
from ingestion import load
from ingestion.connectors import connectors
from ingestion.connectors.tabular import Tabular
from ingestion.connectors.tabular_spec import read_spec
from ingestion.raw import ensure_raw
from tests.apps.approvals.hand_made import MARTS
from tests.apps.dashboard.hand_made import make
from tests.ingestion.landing import Landing, as_csv, opened, payment
from warehouse.engine import WarehouseError
from warehouse.reader import Reader
from warehouse.settings import Settings

BAD = payment(event_id="e1", kind="present", amount="12.50", note="as it came")
WHY = "the provider's manual says that a present is a deposit"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published broker whose first load put one of two rows into quarantine; published now, so that commands may decide on it."""
    row = "select 1::bigint as load_id, 1::bigint as row_number, 'open' as status, '{}' as row"
    home = tmp_path_factory.mktemp("repairs") / "home"
    settings = make(Settings(home=home), MARTS | {"quality.fct_quarantine": row}, loaded_at=now())
    landing = opened(settings)
    landing.connection.execute("drop schema raw cascade")
    ensure_raw(landing.connection)
    landing.load("psp_transactions/a.csv", as_csv([BAD, payment(event_id="e2")]))
    landing.connection.close()
    open_store(settings).dispose()
    return home


@pytest.fixture
def broker(template: Path, tmp_path: Path) -> Iterator[Landing]:
    shutil.copytree(template, tmp_path / "home")
    landing = opened(Settings(home=tmp_path / "home"))
    yield landing
    landing.connection.close()


def proposed(broker: Landing, maker: str = "s-data", **changes: str | None) -> str:
    edited = repairs.edit(broker.connection, 1, 1, changes)
    assert edited.broken == []
    reader = Reader(broker.settings)
    with writing(open_store(broker.settings)) as store:
        stated = repairs.payload(edited, changes, WHY)
        return propose(store, reader, repairs.SUBJECT, maker, stated, now=now()).subject_id


def approve(broker: Landing, subject_id: str, by: str) -> Answer:
    desk = open_desk(broker.settings)
    with reading(desk.engine) as store:
        seen = find(desk.reader(), store, repairs.SUBJECT, subject_id)
    said = {"seen": seen.shown(), "facts_hash": seen.facts_hash, "reason_code": "repair_correct"}
    return decide(desk, Order("approve", repairs.SUBJECT, subject_id, by, new_id(), **said))


def run(broker: Landing) -> None:
    """What `daybook run` does with repairs."""
    repairs.land(broker.settings, broker.connection)
    broker.ingest()
    repairs.link(broker.settings, broker.connection)


def test_an_approved_repair_is_loaded_and_linked_to_the_row_it_mends(broker: Landing) -> None:
    subject_id = proposed(broker, kind="deposit")
    run(broker)
    assert broker.one("select count(*) from raw.psp_transactions") == 1
    assert approve(broker, subject_id, "s-fin1").status == "done"
    run(broker)
    assert broker.rows("select status, replayed_as from raw.quarantine") == [("repaired", "2:1")]
    ((kind, amount, extra, load_id, row),) = broker.rows(
        "select kind, amount::varchar, _extra, _load_id, _row_number from raw.psp_transactions where event_id = 'e1'"
    )
    assert (kind, amount, load_id, row) == ("deposit", "12.50000000", 2, 1)
    assert '"repairs":"1:1"' in extra
    assert '"note":"as it came"' in extra
    run(broker)
    assert broker.one("select count(*) from raw.loads") == 2


def test_whoever_proposed_a_repair_does_not_approve_it_and_nothing_is_loaded(broker: Landing) -> None:
    subject_id = proposed(broker, kind="deposit")
    answer = approve(broker, subject_id, "s-data")
    assert (answer.status, answer.code) == ("refused", "not_entitled")
    run(broker)
    assert broker.rows("select status from raw.quarantine") == [("open",)]


def test_support_may_not_propose_a_repair(broker: Landing) -> None:
    with pytest.raises(ProposalRefused, match="it is proposed by data"):
        proposed(broker, maker="s-sup", kind="deposit")


def test_a_file_that_bears_a_repairs_name_without_an_approval_repairs_nothing(broker: Landing) -> None:
    broker.put("psp_transactions/repair-1-1-forged.jsonl", b'{"psp": "acme"}\n')
    run(broker)
    assert broker.rows("select status, replayed_as from raw.quarantine where load_id = 1") == [("open", None)]


def test_an_edit_that_still_breaks_a_rule_says_which_and_an_unknown_column_is_named(broker: Landing) -> None:
    edited = repairs.edit(broker.connection, 1, 1, {"kind": "gift"})
    assert "kind: must be one of" in edited.broken[0]
    assert repairs.edit(broker.connection, 1, 1, {"kind": "deposit", "amount": None}).broken == [
        "amount: must not be empty"
    ]
    with pytest.raises(WarehouseError, match="colour is no column of psp_transactions"):
        repairs.edit(broker.connection, 1, 1, {"colour": "red"})
    with pytest.raises(WarehouseError, match="is not open in quarantine"):
        repairs.edit(broker.connection, 1, 2, {})


def test_a_repair_that_was_killed_before_it_was_linked_is_linked_by_the_next_run(broker: Landing) -> None:
    approve(broker, proposed(broker, kind="deposit"), "s-fin1")
    repairs.land(broker.settings, broker.connection)
    broker.ingest()
    run(broker)
    assert broker.rows("select status, replayed_as from raw.quarantine") == [("repaired", "2:1")]
    assert broker.one("select count(*) from raw.psp_transactions where event_id = 'e1'") == 1


MAPPING = """
name: acme_report
feed: psp_transactions
recognise: [Id, Kind]
columns:
  psp: {{constant: acme}}
  event_id: Id
  kind: {{from: Kind, map: {{{known}}}}}
  status: {{constant: completed}}
  currency: {{constant: EUR}}
  amount: Amount
  occurred_at: {{from: At, time_zone: UTC}}
"""
FILE = b"Id,Kind,Amount,At\n1,Pay,10,2026-03-01\n2,Gift,11,2026-03-01\n3,Present,12,2026-03-01\n4,Gift,x,2026-03-01\n"


def with_mapping(monkeypatch: pytest.MonkeyPatch, folder: Path, known: str) -> None:
    path = folder / "acme_report.yml"
    path.write_text(MAPPING.format(known=known))
    every = MappingProxyType({**connectors(), "acme_report": Tabular(read_spec(path))})
    for module in (load, repairs):
        monkeypatch.setattr(module, "connectors", lambda: every)


def test_rows_are_read_again_after_the_mapping_was_corrected(
    broker: Landing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_mapping(monkeypatch, tmp_path, "Pay: deposit")
    outcome = broker.load("acme_report/march.csv", FILE)
    assert (outcome.rows_loaded, outcome.rows_quarantined) == (1, 3)
    with_mapping(monkeypatch, tmp_path, "Pay: deposit, Gift: deposit")
    (replayed,) = repairs.replay(broker.settings, broker.connection, connector="acme_report")
    assert (replayed.tried, replayed.loaded) == (3, 1)
    assert broker.rows("select row_number, status, replayed_as from raw.quarantine where load_id = 2 order by 1") == [
        (2, "replayed", "3:1"),
        (3, "open", None),
        (4, "open", None),
    ]
    assert broker.one("select amount::varchar from raw.psp_transactions where event_id = '2'") == "11.00000000"
    (again,) = repairs.replay(broker.settings, broker.connection, connector="acme_report")
    assert (again.loaded, again.said) == (0, "every row still breaks a rule")


def test_the_command_reads_every_load_of_a_connector_again_after_its_mapping_was_corrected(
    broker: Landing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_mapping(monkeypatch, tmp_path, "Pay: deposit")
    for day in (1, 2, 3):
        lines = "".join(f"{day}{number},Gift,{number},2026-03-0{day}\n" for number in range(1, 51))
        broker.load(f"acme_report/{day}.csv", f"Id,Kind,Amount,At\n{day},Pay,10,2026-03-01\n{lines}".encode())
    broker.connection.close()
    monkeypatch.setenv("DAYBOOK_HOME", str(broker.settings.root))
    with_mapping(monkeypatch, tmp_path, "Pay: deposit, Gift: deposit")
    commands = typer.Typer()
    commands.add_typer(quarantine.quarantine, name="quarantine")
    result = CliRunner().invoke(commands, ["quarantine", "replay", "--connector", "acme_report", "--json"])
    replayed = json.loads(result.stdout)["replayed"]
    assert (result.exit_code, [(one["tried"], one["loaded"]) for one in replayed]) == (0, [(50, 50)] * 3)
    assert json.loads(CliRunner().invoke(commands, ["quarantine", "replay", "--json"]).stdout)["replayed"] == [
        {"load_id": 1, "feed": "psp_transactions", "tried": 1, "loaded": 0, "said": "every row still breaks a rule"}
    ]
    again = opened(broker.settings)
    assert again.one("select count(*) from raw.psp_transactions where psp = 'acme' and event_id <> 'e2'") == 153
    linked = again.rows("select distinct status, replayed_as is not null from raw.quarantine where load_id > 1")
    assert linked == [("replayed", True)]
    again.connection.close()


def test_rules_are_counted_by_day_with_what_is_still_open(broker: Landing) -> None:
    approve(broker, proposed(broker, kind="deposit"), "s-fin1")
    run(broker)
    ((_, feed, rule, rows, still_open),) = repairs.by_rule(broker.connection)
    assert (feed, rows, still_open) == ("psp_transactions", 1, 0)
    assert rule.startswith("kind: must be one of")


def test_the_commands_repair_approve_and_replay(broker: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.connection.close()
    monkeypatch.setenv("DAYBOOK_HOME", str(broker.settings.root))
    commands = typer.Typer()
    commands.add_typer(quarantine.quarantine, name="quarantine")

    def daybook(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(commands, ["quarantine", *words])
        return result.exit_code, result.output

    given = ("repair", "1", "1", "--by", "s-data", "--reason", WHY)
    assert daybook(*given, "--set", "kind")[0] == 2
    assert "still breaks: kind" in " ".join(daybook(*given, "--set", "kind=gift")[1].split())
    assert daybook(*given, "--set", "kind=deposit")[0] == 0
    code, said = daybook("approve", "1:1", "--by", "s-data")
    assert (code, "You asked for this yourself" in " ".join(said.split())) == (1, True)
    assert daybook("approve", "1:1", "--by", "s-com1")[0] == 0
    code, said = daybook("replay", "--json")
    assert (code, json.loads(said)["repaired"]) == (0, 1)
    assert json.loads(daybook("list", "--json")[1])[0]["status"] == "repaired"
