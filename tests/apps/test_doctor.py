"""What the doctor says of databases that are read on a schedule."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.cli import serving
from warehouse.engine import make_home
from warehouse.settings import Settings


def findings(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[bool, str, str]]:
    """Check -> (in order, what was found, what to do), of the sources alone."""
    monkeypatch.setenv("DAYBOOK_HOME", str(home))
    monkeypatch.setenv("DAYBOOK_SOURCE_URLS", '{"live5": "mysql://x/y", "live6": "mysql://x/z"}')
    told = json.loads(CliRunner().invoke(serving.app, ["doctor", "--json"]).stdout)
    return {one["check"]: (one["ok"], one["found"], one["remedy"]) for one in told if "source" in one["check"].lower()}


def test_a_stale_source_is_a_finding_with_its_error_and_the_command_that_asks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "home")
    make_home(settings)
    assert findings(settings.root, monkeypatch) == {}
    (settings.root / "sources.yml").write_text(
        "- {name: live5, kind: mt5_sql}\n- {name: live6, kind: mt4_sql, stale_after_minutes: 1500}\n"
    )
    settings.sources.mkdir()
    answered = (datetime.now(UTC) - timedelta(hours=24)).replace(tzinfo=None).isoformat()  # it is read once a day
    (settings.sources / "live6.json").write_text(json.dumps({"name": "live6", "succeeded_at": answered}))
    (settings.sources / "live5.json").write_text(
        json.dumps({"name": "live5", "failures": 2, "error": "the line is dead"})
    )
    found = findings(settings.root, monkeypatch)
    assert found["source live6"][0] and found["source live6"][1].startswith("answered ")
    ok, said, remedy = found["source live5"]
    assert (ok, said) == (False, "never answered, 2 failures since: the line is dead")
    assert "`daybook ingest --connector mt5_sql`" in remedy
    (settings.root / "sources.yml").write_text("- {name: live5, kind: oracle}\n")
    assert "no SQL source of the kind 'oracle'" in findings(settings.root, monkeypatch)["SQL sources"][1]
