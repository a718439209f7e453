"""The dossier on a small real build: who, which checks before, and the client's status on both clocks."""

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console
from typer.testing import CliRunner

from apps.approvals.chain import Actor
from apps.approvals.store import open_store, reading
from apps.approvals.verify import verify as walk_the_chain
from apps.cli.reading import app
from apps.dossier import DossierNotFound, dossier, render
from apps.dossier.timeline import walk
from apps.evidence import Pack, evidence_pack, verify
from tests.dbt.broker import Row, new_broker
from warehouse.reader import Reader
from warehouse.settings import Settings

ASKER = Actor("S9", role="compliance")
MONEY = {
    "request_kind": "withdrawal",
    "request_id": "W-1001",
    "client_id": "C1",
    "amount": "1200.50",
    "currency": "EUR",
}
TRANSFER = {
    "request_kind": "internal_transfer",
    "request_id": "T-1",
    "client_id": "C1",
    "amount": "50",
    "currency": "EUR",
    "from_account": "wallet",
    "to_account": "mt5:7",
}


def kyc(event_id: str, to_status: str, at: str) -> dict[str, str]:
    return {
        "provider": "p", "event_id": event_id, "client_id": "C1", "event": "status_changed", "to_status": to_status,
        "occurred_at": at, "actor_type": "staff", "actor_id": "S2",
    }  # fmt: skip


def check(name: str, at: str, result: str = "pass") -> dict[str, str]:
    return {
        "system": "desk", "check_id": f"{name}-{at}", "subject_type": "withdrawal", "subject_id": "W-1001", "check_name": name,
        "version": "3", "result": result, "inputs": '{"amount": "1200.50"}', "ran_at": at,
    }  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Approved on 10 March by Ann's own clerk; a suspension of 9 March became known on the 20th, a corrected check as well."""
    broker = new_broker(tmp_path_factory.mktemp("dossier"))
    broker.learn(
        "2026-03-12",
        clients=[{"client_id": "C1", "changed_at": "2026-01-01", "registered_at": "2026-01-01", "entity": "CY", "category": "retail",
                  "first_name": "Ann", "last_name": "Lee"}],
        staff=[{"staff_id": "S1", "changed_at": "2026-01-01", "role": "payments", "approval_limit_eur": "5000", "is_active": True}],
        kyc_events=[
            kyc("1", "APPROVED", "2026-01-03"),
            {"provider": "p", "event_id": "10", "client_id": "C1", "event": "check_completed", "check": "sanctions", "result": "clear",
             "occurred_at": "2026-01-02"},
            {"provider": "p", "event_id": "11", "client_id": "C1", "event": "document_received", "document_type": "passport",
             "document_country": "CY", "document_expires_on": "2026-03-10", "occurred_at": "2026-01-02"},
            {"provider": "p", "event_id": "2", "client_id": "C1", "event": "risk_rated", "risk_rating": "medium", "occurred_at": "2026-01-03"},
        ],
        cash_requests=[
            {"event_id": "1", "event": "requested", "occurred_at": "2026-03-10T10:00:00", "actor_type": "client",
             "actor_id": "C1", "method": "card", "destination_holder": "Ann Lee", "ip": "10.0.0.9", **MONEY},
            {"event_id": "2", "event": "approved", "occurred_at": "2026-03-10T11:00:00", "actor_type": "staff", "actor_id": "S1",
             "reason": "all_checks_passed", **MONEY},
            {"event_id": "3", "event": "paid", "occurred_at": "2026-03-11T09:00:00", "actor_type": "provider", **MONEY},
            {"event_id": "11", "event": "requested", "occurred_at": "2026-03-05T10:00:00", "actor_type": "client", "actor_id": "C1", **TRANSFER},
            {"event_id": "12", "event": "approved", "occurred_at": "2026-03-05T10:05:00", "actor_type": "staff", "actor_id": "S1", **TRANSFER},
        ],
        psp_transactions=[
            {"psp": "adyen", "event_id": f"e{number}", "psp_txn_id": "T1", "kind": "deposit", "status": status, "method": "card", "amount": "500",
             "currency": "EUR", "client_id": "C1", "client_reference": "D-1", "instrument_holder": "Ann Lee", "occurred_at": at}
            for number, (status, at) in enumerate((("pending", "2026-03-01T08:00:00"), ("completed", "2026-03-01T08:01:00")))
        ],
        risk_checks=[check("balance", "2026-03-10T10:01:00"), check("sanctions", "2026-03-10T10:02:00"), check("rts", "2026-03-10T11:00:00"),
                     check("velocity", "2026-03-10T11:00:01")],
    )  # fmt: skip
    broker.learn(
        "2026-03-20",
        kyc_events=[
            kyc("3", "SUSPENDED", "2026-03-09"),
            {
                "provider": "p",
                "event_id": "12",
                "client_id": "C1",
                "event": "check_completed",
                "check": "sanctions",
                "result": "consider",
                "occurred_at": "2026-03-09",
            },
        ],
        risk_checks=[check("sanctions", "2026-03-10T10:02:00", "fail")],
    )
    broker.build(
        "fct_withdrawals",
        "fct_control_failures",
        "fct_decisions",
        "fct_checks",
        "fct_client_ratings",
        "fct_audit_events",
    )
    broker.publish()
    return broker.settings


@pytest.fixture(scope="module")
def reader(settings: Settings) -> Iterator[Reader]:
    opened = Reader(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pack(settings: Settings, reader: Reader) -> Pack:
    return evidence_pack(settings, reader, "withdrawal", "W-1001", actor=ASKER)


def test_it_says_who_decided_in_which_role_and_when(reader: Reader) -> None:
    found = dossier(reader, "withdrawal", "W-1001")
    decision = found["decision"]
    assert (decision["decision"], decision["decided_by"], decision["role"]) == ("approved", "S1", "payments")
    assert (decision["decided_at"], decision["reason_code"]) == (datetime(2026, 3, 10, 11), "all_checks_passed")
    assert (found["subject"]["id"], found["subject"]["client_id"], str(found["subject"]["amount"])) == (
        "W-1001",
        "C1",
        "1200.50000000",
    )
    assert found["subject"]["paid_at"] == datetime(2026, 3, 11, 9)


def test_the_checks_are_split_at_the_decision_and_one_of_its_very_moment_counts_as_before(reader: Reader) -> None:
    found = dossier(reader, "withdrawal", "W-1001")
    assert [one["check_name"] for one in found["checks_before"]] == ["balance", "sanctions", "return_to_source"]
    assert [one["check_name"] for one in found["checks_after"]] == ["velocity"]


def test_a_late_event_shows_in_as_it_was_and_not_in_as_known_then(reader: Reader) -> None:
    status = dossier(reader, "withdrawal", "W-1001")["client_status"]
    assert (status["as_it_was"]["kyc_status"], status["as_known_then"]["kyc_status"]) == ("SUSPENDED", "APPROVED")
    assert (status["as_it_was"]["risk_rating"], status["as_it_was"]["category"]) == ("medium", "retail")


def test_with_known_at_the_answer_is_the_one_given_that_day(reader: Reader) -> None:
    then = dossier(reader, "withdrawal", "W-1001", known_at=datetime(2026, 3, 15))
    assert then["client_status"]["as_it_was"]["kyc_status"] == "APPROVED"
    assert [one["result"] for one in then["checks_before"]] == ["pass", "pass", "pass"]
    assert [one["result"] for one in dossier(reader, "withdrawal", "W-1001")["checks_before"]] == [
        "pass",
        "fail",
        "pass",
    ]


def test_as_of_leaves_out_what_happened_later(reader: Reader) -> None:
    found = dossier(reader, "withdrawal", "W-1001", as_of=datetime(2026, 3, 10, 10, 30))
    assert found["decision"] is None
    assert found["subject"]["paid_at"] is None
    assert [one["check_name"] for one in found["checks_before"]] == ["balance", "sanctions"]
    assert max(event["occurred_at"] for event in found["timeline"]) <= datetime(2026, 3, 10, 10, 30)


def test_control_failures_say_what_came_to_light_later(reader: Reader) -> None:
    failures = dossier(reader, "withdrawal", "W-1001")["control_failures"]
    assert [(one["control"], one["discovered_later"]) for one in failures] == [
        ("check_missing", True),
        ("stale_kyc", True),
    ]


def test_the_timeline_is_in_order_and_keeps_the_version_before_a_correction(reader: Reader) -> None:
    timeline = dossier(reader, "withdrawal", "W-1001")["timeline"]
    assert [event["occurred_at"] for event in timeline] == sorted(event["occurred_at"] for event in timeline)
    versions = [
        (event["version"], event["is_current"])
        for event in timeline
        if event["source_key"] == "desk:sanctions-2026-03-10T10:02:00"
    ]
    assert versions == [(1, False), (2, True)]


def test_an_unknown_id_says_what_was_searched_how_far_data_reach_and_what_is_near(reader: Reader) -> None:
    with pytest.raises(DossierNotFound, match=r"no withdrawal W-1010.*fct_withdrawals.*2026-03-11 09:00:00") as raised:
        dossier(reader, "withdrawal", "W-1010")
    assert raised.value.nearest == ["W-1001"]


def test_another_subject_is_refused_in_words(reader: Reader) -> None:
    with pytest.raises(ValueError, match="no dossier of a ticket; there is one of: withdrawal, deposit"):
        dossier(reader, "ticket", "K1")


def test_checks_of_the_client_at_the_decision_differ_by_what_was_known_then(reader: Reader) -> None:
    standing = dossier(reader, "withdrawal", "W-1001")["standing"]["at_decision"]
    results = {clock: standing[clock]["screening"][0]["result"] for clock in ("as_it_was", "as_known_then")}
    assert results == {"as_it_was": "consider", "as_known_then": "clear"}


def test_a_document_is_not_valid_on_the_day_it_expires(reader: Reader) -> None:
    at_decision = dossier(reader, "withdrawal", "W-1001")["standing"]["at_decision"]
    before = dossier(reader, "transfer", "T-1")["standing"]["at_decision"]
    assert [found["as_it_was"]["documents"][0]["is_valid"] for found in (at_decision, before)] == [False, True]


def test_the_approvers_limit_is_the_one_of_the_staff_record_known_then(reader: Reader) -> None:
    assert str(dossier(reader, "withdrawal", "W-1001")["decision"]["limit_eur"]) == "5000.00000000"


def test_request_checks_decision_and_payment_are_one_walk(reader: Reader) -> None:
    timeline = dossier(reader, "withdrawal", "W-1001")["timeline"]
    paid = next(event for event in timeline if event["event_type"] == "withdrawal.paid")
    assert [event["event_type"] for event in walk(timeline, paid["event_id"])] == [
        "withdrawal.requested",
        "risk_check.pass",
        "withdrawal.approved",
        "withdrawal.paid",
    ]


@pytest.mark.parametrize(
    ("subject", "subject_id", "said"),
    [
        ("deposit", "D-1", {"amount": Decimal(500), "psp": "adyen", "completed_at": datetime(2026, 3, 1, 8, 1)}),
        ("transfer", "T-1", {"amount": Decimal(50), "from_account": "wallet", "to_account": "mt5:7"}),
        ("kyc_case", "C1", {"status": "SUSPENDED", "requested_at": datetime(2026, 1, 1)}),
    ],
)
def test_there_is_a_dossier_of_every_other_subject(reader: Reader, subject: str, subject_id: str, said: Row) -> None:
    found = dossier(reader, subject, subject_id)
    assert {name: found["subject"][name] for name in said} == said
    assert found["client_status"]["as_it_was"]["category"] == "retail"
    assert found["timeline"]


def test_what_a_publish_does_not_hold_is_said_and_is_no_empty_answer(reader: Reader) -> None:
    found = dossier(reader, "withdrawal", "W-1001")
    assert found["standing"]["at_decision"]["as_it_was"].get("positions") == []
    assert "trading.fct_deals: not published yet" in found["not_shown"]["positions"]


def test_a_transfer_is_no_deposit(reader: Reader) -> None:
    with pytest.raises(DossierNotFound, match="Did you mean D-1"):
        dossier(reader, "deposit", "T-1")


def test_it_goes_out_as_json_and_as_tables(reader: Reader) -> None:
    found = dossier(reader, "withdrawal", "W-1001")
    assert {
        "subject",
        "decision",
        "checks_before",
        "checks_after",
        "client_status",
        "control_failures",
        "timeline",
        "publish",
        "answered_in_ms",
    } <= json.loads(json.dumps(found, default=str)).keys()
    written = StringIO()
    Console(file=written, width=200).print(render(found))
    for words in (
        "W-1001",
        "S1 (role payments, limit EUR 5,000.00)",
        "as known then",
        "check_missing",
        "withdrawal.approved",
    ):
        assert words in written.getvalue()


def test_a_pack_verifies_where_there_is_nothing_but_python(pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(pack.data)
    with zipfile.ZipFile(BytesIO(pack.data)) as archive:
        archive.extract("verify.py", tmp_path)
    command = [sys.executable, "-I", "-S", "verify.py", "pack.zip", pack.fingerprint.upper()]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "WHOLE: withdrawal W-1001" in ran.stdout


def test_a_pack_holds_the_answer_the_tables_and_the_texts_that_gave_them(pack: Pack) -> None:
    with zipfile.ZipFile(BytesIO(pack.data)) as archive:
        assert archive.read("report.pdf").startswith(b"%PDF")
        answer = json.loads(archive.read("answer.json"))
        asked = json.loads(archive.read("queries/parameters.json"))
        for label, said in asked.items():
            lines = archive.read(f"tables/{label}.csv").decode().splitlines()
            assert len(lines) == said["rows"] + 1
            assert "select" in archive.read(said["query"]).decode()
    assert answer["decision"]["decided_by"] == "S1"
    assert asked["subject"]["parameters"] == {"id": "W-1001"}


def test_the_same_question_on_the_same_publish_gives_the_same_bytes_under_one_seal(
    settings: Settings, reader: Reader, pack: Pack
) -> None:
    again = evidence_pack(settings, reader, "withdrawal", "W-1001", actor=Actor("S10", role="auditor"))
    assert again.data == pack.data
    with reading(open_store(settings)) as connection:
        kinds = connection.execute(sa.text("select type, actor_id from events order by seq")).all()
    assert [kind for kind, _ in kinds].count("evidence.sealed") == 1
    assert {actor for kind, actor in kinds if kind == "dossier.exported"} >= {"S9", "S10"}
    assert walk_the_chain(open_store(settings)).whole


def test_a_pack_is_bound_to_the_key_that_is_known_from_elsewhere(pack: Pack) -> None:
    with pytest.raises(verify.Broken, match=r"proof/key\.json: has the fingerprint"):
        verify.verify(pack.data, "0" * 64)


def flipped(pack: Pack, places: Iterable[int], seed: int) -> None:
    """Changes one byte at each of these places, one after the other: each change is found, and its place is named."""
    chance = random.Random(seed)
    names = [name for name, _ in verify.unpacked(pack.data)]
    for place in places:
        changed = bytearray(pack.data)
        changed[place] ^= chance.randrange(1, 256)
        with pytest.raises(verify.Broken) as raised:
            verify.verify(bytes(changed), pack.fingerprint)
        assert any(name in str(raised.value) for name in names) or "byte" in str(raised.value), place


def test_any_one_byte_changed_is_found_and_its_place_is_named(pack: Pack) -> None:
    chance = random.Random(6)
    flipped(pack, [chance.randrange(len(pack.data)) for _ in range(60)], seed=7)


@pytest.mark.soak
def test_every_one_byte_changed_is_found_and_its_place_is_named(pack: Pack) -> None:
    flipped(pack, range(len(pack.data)), seed=8)


@pytest.mark.parametrize(
    "member", ["answer.json", "manifest.json", "verify.py", "proof/seal.json", "proof/anchor.json"]
)
def test_a_member_changed_and_packed_anew_is_named(pack: Pack, member: str) -> None:
    changed = [
        (name, data.replace(b"1", b"2", 1) if name == member else data) for name, data in verify.unpacked(pack.data)
    ]
    with pytest.raises(verify.Broken, match=member):
        verify.verify(verify.packed(changed), pack.fingerprint)


def test_a_role_that_may_not_see_what_events_hold_gets_a_pack_without_it(settings: Settings) -> None:
    masked = Reader(settings, role="payments")
    data = evidence_pack(settings, masked, "withdrawal", "W-1001", actor=ASKER).data
    masked.close()
    members = dict(verify.unpacked(data))
    assert members["proof/events.jsonl"] == b""
    assert b"10.0.0.9" not in data


def test_the_command_line_writes_the_pack_and_both_asking_and_exporting_are_events(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(settings.root))
    out = tmp_path / "pack.zip"
    ran = CliRunner().invoke(app, ["dossier", "withdrawal", "W-1001", "--out", str(out), "--json"])
    said = json.loads(ran.stdout)
    assert (ran.exit_code, verify.verify(out.read_bytes(), said["fingerprint"])["id"]) == (0, "W-1001")
    assert CliRunner().invoke(app, ["dossier", "deposit", "D-2", "--json"]).exit_code == 1
    with reading(open_store(settings)) as connection:
        asked = connection.execute(
            sa.text("select type, subject_id from events where actor_id = 'operator' order by seq")
        ).all()
    assert asked == [("dossier.exported", "W-1001"), ("dossier.asked", "D-2")]
