"""Requests R2 to R10: who may ask what, what stands in the manifest, and that no restricted record leaves by another door."""

import hashlib
import io
import json
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from apps.cli.audit import app
from apps.dossier.questions import question
from apps.dossier.requests import RequestRefused, offered, requests, respond
from apps.export import as_csv, as_xlsx
from tests.apps.dashboard.hand_made import make
from warehouse.reader import Reader, access, may_read
from warehouse.settings import Settings

SPAN = {"from": datetime(2026, 1, 1), "until": datetime(2027, 1, 1)}
EVENT = """event_id, stream, stream_id, event_type, occurred_at::timestamp as occurred_at,
    occurred_at::timestamp as recorded_at, 'staff' as actor_type, 'x' as source_feed, actor_id, client_id,
    null::varchar as reason, after, 1 as version, null::bigint as seq"""
MARTS = {
    "compliance.fct_audit_events": f"""
        select {EVENT} from (values
            ('e1', 'staff', 'S1', 'staff.changed', '2026-01-01', 'hr', null, '{{"role":"payments","approval_limit_eur":"5000","client_id":"C9"}}'),
            ('e2', 'staff', 'S1', 'staff.changed', '2026-06-01', 'hr', null, '{{"role":"payments","approval_limit_eur":"9000"}}'),
            ('e3', 'kyc', 'C1', 'kyc.check_completed', '2026-02-01', 'p', 'C1', '{{"check":"sanctions","result":"clear"}}'),
            ('e5', 'kyc', 'C1', 'kyc.note', '2026-02-01', 'S2', 'C1', '{{"detail":"suspects the source"}}'),
            ('e6', 'approval', 'alert:C1:A02', 'approval.claimed', '2026-02-01', 'S2', 'C1', '{{"note":"suspects"}}'),
            ('e7', 'kyc', 'C1', 'kyc.status_changed', '2026-02-03', 'S2', 'C1', '{{"status":"EDD","detail":"suspects"}}'),
            ('e4', 'ticket', 'K1', 'ticket.created', '2026-02-02', 'C1', 'C1', '{{"topic":"delay"}}')
        ) as t (event_id, stream, stream_id, event_type, occurred_at, actor_id, client_id, after)""",
    "compliance.fct_decisions": """
        select decision_id, subject_type, subject_id, client_id, decision, decided_at::timestamp as decided_at,
            decided_at::timestamp as recorded_at, 'staff' as actor_type, actor_id, null::varchar as actor_role,
            null::decimal(38, 8) as actor_limit_eur,
            amount::decimal(38, 8) as amount_eur, null::varchar as on_behalf_of, 'ok' as reason_code, 'p1' as policy_version, 1 as round
        from (values ('d1', 'withdrawal', 'W1', 'C1', 'approved', '2026-03-01', 'S1', 100),
            ('d2', 'withdrawal', 'W2', 'C9', 'approved', '2026-07-01', 'S1', 40),
            ('d3', 'alert', 'C1:A02', 'C1', 'approved', '2026-03-02', 'S2', null)
        ) as t (decision_id, subject_type, subject_id, client_id, decision, decided_at, actor_id, amount)""",
    "compliance.fct_approvals": """
        select 'withdrawal' as subject_type, 'W1' as subject_id, 1 as round, 'client:C1' as maker_person""",
    "compliance.fct_control_failures": "select 'd2' as decision_id, 'self_approval' as control",
    "core.dim_clients": """
        select client_id, 'CY' as entity, partner_id from (values ('C1', 'P1'), ('C9', null)) as t (client_id, partner_id)""",
    "trading.fct_deals": """
        select 'mt5' as platform, 7::bigint as deal_id, 'C1' as client_id, timestamp '2026-02-04' as executed_at, 'buy' as action, 'EURUSD' as symbol,
            1::decimal(18, 8) as volume_lots, 1.1::decimal(18, 8) as price, 5::decimal(38, 8) as profit, 'USD' as currency, false as is_cancelled""",
    "core.dim_partners": "select 'P1' as partner_id, 'C9' as client_id",
    "operations.fct_tickets": """
        select 'K1' as ticket_id, 'C1' as client_id, 'delay' as topic, 'email' as channel, 'high' as priority, timestamp '2026-02-01' as opened_at,
            null::timestamp as first_response_at, null::bigint as first_response_seconds, timestamp '2026-05-01' as closed_at, false as reopened,
            null::boolean as sla_met, true as is_complaint""",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make(Settings(home=tmp_path_factory.mktemp("requests")), MARTS)


@pytest.fixture(scope="module")
def readers(settings: Settings) -> dict[str, Reader]:
    """Of every role that sees any decision at all: what is restricted stands among them."""
    return {
        role: Reader(settings, role=role) for role in access()["roles"] if may_read(role, "compliance.fct_decisions")
    }


def test_the_authority_is_the_one_in_force_at_the_decision_and_segregation_is_tested(
    readers: dict[str, Reader],
) -> None:
    rows = respond(readers["auditor"], "R2", SPAN, "me").rows.rows_by_key("decision_id", named=True, unique=True)
    assert [rows[one]["authority_limit_eur"] for one in ("d1", "d2")] == [Decimal(5000), Decimal(9000)]
    assert [rows[one]["maker_is_not_checker"] for one in ("d1", "d2")] == [True, False]
    assert (rows["d1"]["maker"], rows["d1"]["approver_is_not_introducer"]) == ("client:C1", False)


def test_what_an_alert_came_to_stands_in_no_request_but_the_mlros(readers: dict[str, Reader]) -> None:
    for role, reader in readers.items():
        for asked in offered(reader):
            given = {name: value for name, value in SPAN.items() if name in asked.needs} | {
                name: {"client_id": "C1", "at": datetime(2026, 11, 1)}[name]
                for name in asked.needs
                if name in ("client_id", "at")
            }
            said = json.dumps(respond(reader, asked.name, given, "me").rows.to_dicts(), default=str)
            assert ("C1:A02" in said) == (asked.name == "R10"), (role, asked.name)
    assert [role for role, reader in readers.items() if "R10" in {one.name for one in offered(reader)}] == ["mlro"]


def test_a_request_that_is_not_ones_own_is_refused_whatever_marts_one_sees(settings: Settings) -> None:
    operator = Reader(settings)
    with pytest.raises(RequestRefused, match="R10 is for mlro alone, not for the role operator"):
        respond(operator, "R10", SPAN, "me")
    operator.close()


def test_the_data_subject_gets_what_they_gave_and_did_and_nothing_of_what_is_suspected(
    readers: dict[str, Reader],
) -> None:
    found = respond(readers["compliance"], "DSAR", {"client_id": "C1"}, "me").rows
    assert set(found["what"]) == {"kyc.status_changed", "ticket.created", "deal.buy"}
    assert "suspects" not in json.dumps(found.to_dicts(), default=str)
    with pytest.raises(RequestRefused, match="alone, not for the role payments"):
        respond(readers["payments"], "DSAR", {"client_id": "C1"}, "me")


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("R11", {}, "There is no request R11; there are R2"),
        ("R2", {"from": SPAN["from"]}, "needs until"),
        ("R2", {**SPAN, "entity": "CY"}, "does not take entity"),
        ("R3", {**SPAN, "client_id": "C1"}, "R3 reads core.dim_accounts: not published yet"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_in_words(
    readers: dict[str, Reader], name: str, given: dict[str, object], words: str
) -> None:
    with pytest.raises(RequestRefused, match=words):
        respond(readers["auditor"], name, given, "me")


def test_the_clock_of_a_complaint_is_its_entitys(readers: dict[str, Reader]) -> None:
    (row,) = respond(readers["auditor"], "R7", SPAN, "me").rows.to_dicts()
    assert (row["final_days"], row["final_response_due_at"], row["answered_in_time"]) == (
        60,
        datetime(2026, 4, 2),
        False,
    )


def test_the_manifest_counts_totals_and_hashes_and_says_what_is_not_carried(readers: dict[str, Reader]) -> None:
    found = respond(readers["auditor"], "R2", SPAN, "Ada")
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(found.rows, found.manifest)))
    said = {row[0].value: row[1].value for row in book["Manifest"].iter_rows()}
    assert (said["rows"], said["total amount_eur"], said["user"]) == (2, 140, "Ada")
    with zipfile.ZipFile(io.BytesIO(as_csv(found.rows, found.manifest, "r2"))) as archive:
        assert hashlib.sha256(archive.read("r2.csv")).hexdigest() == said["rows sha256 (as CSV)"]
    text = question(found.request.sql[0]).sql
    assert said["query sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (
        "ombudsman"
        in dict(respond(readers["auditor"], "R7", SPAN, "Ada").manifest.lines(found.rows))["not carried by any feed"]
    )


def test_the_command_line_answers_a_request_and_records_that_it_did(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(settings.root))
    span = ["--from", "2026-01-01", "--to", "2027-01-01", "--out", str(tmp_path / "r10.xlsx")]
    said = CliRunner().invoke(app, ["audit", "export", "--request", "R10", "--role", "mlro", "--json", *span])
    assert json.loads(said.stdout)["rows"] == 2
    assert (tmp_path / "r10.xlsx").stat().st_size > 0
    refused = CliRunner().invoke(app, ["audit", "export", "--request", "R10", *span])
    assert (refused.exit_code, "mlro alone" in refused.stderr) == (2, True)
    events = CliRunner().invoke(app, ["audit", "export"]).stdout.splitlines()
    assert [json.loads(json.loads(line)["body"])["type"] for line in events] == ["request.exported"]


def test_every_text_of_a_request_is_there_and_binds_nothing_unknown() -> None:
    known = {"client_id", "entity", "from", "until", "at"}
    for asked in requests().values():
        for name in asked.sql:
            assert question(name).parameters <= known | set(asked.parameters)
            assert set(asked.needs) <= question(name).parameters
