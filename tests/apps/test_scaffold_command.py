"""`daybook new connector` and `daybook ingest --dry-run`: what they write and what they show."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from apps.cli import pipeline, scaffold
from apps.cli.new_parts import ACCESS, NAVIGATION, RULES
from apps.metric_alerts.rules import rules
from ingestion.connectors import connectors
from ingestion.connectors.tabular import Tabular
from ingestion.connectors.tabular_spec import read_spec
from warehouse.settings import PROJECT, Settings

CSV = "Payment ID,Type,State,Currency,Gross Amount,Fee,Created At,Colour\nP1,sale,settled,EUR,10.50,0.25,2026-03-01 10:00:00,red\n"


def daybook(app: object, *words: str, **env: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words), env=env)  # type: ignore[arg-type]
    return result.exit_code, result.stdout


def test_a_scaffolded_connector_is_valid_and_maps_what_its_sample_names(tmp_path: Path) -> None:
    (tmp_path / "acme.csv").write_text(CSV)
    given = ("new", "connector", "acme_pay", "--sample", str(tmp_path / "acme.csv"), "--project", str(tmp_path))
    assert daybook(scaffold.app, *given)[0] == 0
    connector = Tabular(read_spec(tmp_path / "ingestion/connectors/acme_pay.yml"))
    (batch,) = connector.read(tmp_path / "acme.csv")
    row = batch.rows.to_dicts()[0]
    assert (row["event_id"], row["kind"], row["status"], row["amount"], row["fee_amount"]) == (
        "P1",
        "deposit",
        "completed",
        "10.5",
        "0.25",
    )
    assert (row["occurred_at"], row["Colour"]) == ("2026-03-01T10:00:00", "red")
    assert "ingest --connector acme_pay --dry-run" in (tmp_path / "docs/connectors/acme_pay.md").read_text()
    assert daybook(scaffold.app, *given)[0] == 1


def test_the_scaffolded_test_runs_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert daybook(scaffold.app, "new", "connector", "acme_pay", "--project", str(tmp_path))[0] == 0
    spec = importlib.util.spec_from_file_location(
        "scaffolded", tmp_path / "tests/ingestion/connectors/test_acme_pay.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = {**connectors(), "acme_pay": Tabular(read_spec(tmp_path / "ingestion/connectors/acme_pay.yml"))}
    monkeypatch.setattr(module, "connectors", lambda: made)
    module.test_acme_pay_maps_its_rows(tmp_path)


def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    assert daybook(scaffold.app, "new", "connector", "Acme Pay", "--project", str(tmp_path))[0] == 2


def test_a_dry_run_shows_mapped_rows_totals_and_refused_rows_and_writes_nothing(tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "home")
    path = tmp_path / "a.csv"
    head = "psp,event_id,kind,status,amount,currency,occurred_at\n"
    path.write_text(
        head
        + "x,1,deposit,completed,10.50,EUR,2026-03-01\nx,2,deposit,completed,1,EUR,2026-03-01\nx,3,gift,completed,1,EUR,2026-03-01\n"
    )
    given = ("ingest", str(path), "--connector", "psp_transactions", "--dry-run")
    code, out = daybook(pipeline.app, *given, "--json", DAYBOOK_HOME=str(home.root))
    shown = json.loads(out)["preview"][str(path)]
    assert code == 0
    assert shown["feeds"][0]["totals"] == [
        {"kind": "deposit", "status": "completed", "currency": "EUR", "rows": 2, "amount": "11.5"}
    ]
    assert shown["feeds"][0]["first"][0]["amount"] == "10.5"
    assert (shown["refused_rows"], shown["refused"][0]["row"]) == (1, 3)
    assert "kind: must be one of" in shown["refused"][0]["rules"][0]
    code, out = daybook(pipeline.app, *given, DAYBOOK_HOME=str(home.root))
    assert "11.5" in out
    assert "Refused rows (1" in out
    assert list(home.archive.iterdir()) == []


def test_connectors_says_what_was_never_tried_on_a_real_file() -> None:
    code, out = daybook(pipeline.app, "connectors", "--json")
    tried = {one["name"]: one["tried"] for one in json.loads(out)}
    assert code == 0
    assert (tried["stripe_balance"], tried["veriff"], tried["ewallet_statement"]) == (True, False, False)


def project(folder: Path) -> Path:
    """A folder with the three files that new parts are entered into."""
    for place in (NAVIGATION, ACCESS, RULES):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / place, folder / place)
    return folder


def test_new_parts_are_entered_where_they_are_looked_for_and_never_twice(tmp_path: Path) -> None:
    here = ("--project", str(project(tmp_path)))
    for given in (
        ("model", "fct_card_hours", "--schema", "operations"),
        ("page", "card_fees", "--section", "Books"),
        ("rule", "fees_high", "--metric", "psp_fees", "--when", "above", "--limit", "1000", "--owner", "finance"),
    ):
        assert daybook(scaffold.app, "new", *given, *here)[0] == 0, given
        assert daybook(scaffold.app, "new", *given, *here)[0] == 1, given
    assert (tmp_path / NAVIGATION).read_text().count(
        '    Listed("card_fees", "Card fees", "Books"),\n    Listed("data",'
    ) == 1
    roles = yaml.safe_load((tmp_path / ACCESS).read_text())["roles"]
    assert [role for role, granted in roles.items() if "card_fees" in granted["pages"]] == ["data", "auditor"]
    assert rules(Settings(home=(tmp_path / RULES).parent))["fees_high"].limit == 1000
    (mart,) = yaml.safe_load((tmp_path / "dbt_project/models/marts/operations/fct_card_hours.yml").read_text())[
        "models"
    ]
    sql = (tmp_path / "dbt_project/models/marts/operations/fct_card_hours.sql").read_text()
    assert [column["name"] for column in mart["columns"]] == ["month_start", "weekdays", "_run_id"]
    assert "Grain: month_start" in mart["description"] and "'owner': 'operations'" in sql


def test_a_part_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    here = ("--project", str(project(tmp_path)))
    before = sorted(tmp_path.rglob("*"))
    for given in (
        ("model", "payments"), ("model", "fct_a", "--schema", "somewhere"), ("page", "Card Fees"),
        ("rule", "lucky", "--metric", "luck"), ("rule", "lucky", "--owner", "nobody"),
    ):  # fmt: skip
        assert daybook(scaffold.app, "new", *given, *here)[0] == 2, given
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.soak
def test_new_parts_pass_their_own_tests_the_conventions_and_the_linters(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns(".git", ".venv", "data", "__pycache__", ".*_cache")
    copy = Path(shutil.copytree(PROJECT, tmp_path / "project", ignore=ignored))
    (copy / "data").mkdir()
    for given in (("model", "fct_card_hours"), ("page", "card_fees"), ("rule", "money_low")):
        assert daybook(scaffold.app, "new", *given, "--project", str(copy))[0] == 0
    own = [
        "tests/dbt/test_fct_card_hours.py", "tests/apps/dashboard/test_card_fees.py", "tests/apps/metric_alerts/test_money_low.py",
        "tests/dbt/test_conventions.py", "tests/apps/dashboard/test_guides.py",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    for command in (
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *own],
        [sys.executable, "-m", "ruff", "check", "apps", "tests"],
        [sys.executable, "-m", "ruff", "format", "--check", "apps/dashboard", *own[:3]],
        [sys.executable, "-m", "sqlfluff", "lint", "dbt_project/models/marts/operations/fct_card_hours.sql"],
    ):
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
