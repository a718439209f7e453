"""`daybook audit`: exit codes, places and bytes, as an auditor sees them."""

import hashlib
import json

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from apps.approvals.anchors import anchor
from apps.approvals.chain import SYSTEM, Event, append
from apps.approvals.store import open_store, writing
from apps.cli.audit import app
from tests.apps.approvals.tampering import reseal, unguarded
from warehouse.settings import Settings


def daybook(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"DAYBOOK_HOME": str(settings.root)})


@pytest.fixture
def audited(tmp_path):
    settings = Settings(home=tmp_path)
    with writing(open_store(settings)) as connection:
        append(connection, [Event("test.happened", SYSTEM, "withdrawal", f"w{i}", reason="naïve ☂") for i in range(5)])
    anchor(settings, "publish", 1)
    return settings


def test_verify_exits_0_when_whole_and_1_naming_the_event_when_cut(audited):
    whole = daybook(audited, "audit", "verify", "--json")
    assert whole.exit_code == 0 and json.loads(whole.stdout)["events"] == 5
    with unguarded(open_store(audited)) as connection:
        connection.execute(sa.text("delete from events where seq = 5"))
        reseal(connection, 6)
    broken = daybook(audited, "audit", "verify", "--anchors", str(audited.anchors), "--json")
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["faults"][0] | {"said": ""} == {"kind": "cut", "seq": 5, "said": ""}


def test_verify_with_another_fingerprint_or_no_such_folder_is_no_success(audited):
    assert daybook(audited, "audit", "verify", "--fingerprint", "00").exit_code == 1
    assert daybook(audited, "audit", "verify", "--anchors", str(audited.root / "nowhere")).exit_code == 2


def test_the_export_holds_the_sealed_bytes(audited):
    lines = [json.loads(line) for line in daybook(audited, "audit", "export").stdout.splitlines()]
    previous = "0" * 64
    for seq, line in enumerate(lines, start=1):
        assert (line["seq"], line["prev_hash"]) == (seq, previous)
        previous = hashlib.sha256((previous + line["body"]).encode()).hexdigest()
        assert line["hash"] == previous
    assert len(lines) == 5
    target = audited.root / "events.jsonl"
    assert daybook(audited, "audit", "export", "--since", "4", "--out", str(target)).exit_code == 0
    assert [json.loads(line)["seq"] for line in target.read_text().splitlines()] == [4, 5]


def test_anchor_signs_the_head(audited):
    made = json.loads(daybook(audited, "audit", "anchor", "--json").stdout)
    assert (made["number"], made["seq"], made["occasion"]) == (2, 5, "day")
