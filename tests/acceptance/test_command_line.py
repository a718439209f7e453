"""The command line as scripts rely on it: one JSON value, exit codes, exact decimals, sentences that help."""

import csv
import io
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from apps import operations
from warehouse.settings import PROJECT, Settings
from warehouse.slot import writer_slot

DAYBOOK = [sys.executable, "-c", "from apps.cli.main import main; main()"]


def daybook(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DAYBOOK, *arguments],
        env={**os.environ, "DAYBOOK_HOME": str(home), **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_sql_as_json_is_one_array_with_decimals_as_strings_and_no_row_limit(built_home: Settings):
    done = daybook(built_home.root, "sql", "select entry_id, amount from finance.fct_postings", "--format", "json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0 and len(rows) > 1001
    assert re.fullmatch(r"-?\d+\.\d{8}", rows[0]["amount"])


def test_sql_as_csv_has_a_header_and_every_row(built_home: Settings):
    done = daybook(built_home.root, "sql", "select * from core.dim_staff", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert rows and "staff_id" in rows[0]


def test_sql_asks_an_earlier_publish(built_home: Settings):
    count = "select count(*) as n from trading.fct_deals"
    now = json.loads(daybook(built_home.root, "sql", count, "--format", "json").stdout)[0]["n"]
    listed = json.loads(daybook(built_home.root, "publish", "list", "--json").stdout)
    assert [one["current"] for one in listed] == [True, False, False]
    before = daybook(
        built_home.root, "sql", count, "--format", "json", "--as-of-publish", str(listed[-1]["publish_id"])
    )
    assert json.loads(before.stdout)[0]["n"] < now


@pytest.mark.parametrize(
    "query", ["drop table core.dim_clients", "select 1; select 2", "insert into core.dim_staff values (1)"]
)
def test_sql_only_reads(built_home: Settings, query: str):
    done = daybook(built_home.root, "sql", query)
    assert done.returncode == 1 and "Only one select" in done.stderr


def test_sql_opens_no_file_and_says_so_as_one_json_value(built_home: Settings):
    done = daybook(built_home.root, "sql", "select * from read_csv('/etc/passwd')", "--json")
    assert done.returncode == 1 and set(json.loads(done.stdout)) == {"error"} and "root:" not in done.stdout


def test_a_reader_that_has_seen_enough_ends_sql_without_a_trace(built_home: Settings):
    asked = "select * from range(1000000)"
    command = f"{DAYBOOK[0]} -c '{DAYBOOK[2]}' sql '{asked}' --format csv | head -n 1"
    environment = {**os.environ, "DAYBOOK_HOME": str(built_home.root)}
    done = subprocess.run(
        command, shell=True, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "range\n" and done.stderr == ""


def test_a_setting_that_cannot_be_exits_with_two_and_names_its_variable(home: Settings):
    done = daybook(home.root, "publish", "list", "--json", DAYBOOK_DASHBOARD_PORT="abc")
    assert done.returncode == 2 and "DAYBOOK_DASHBOARD_PORT" in json.loads(done.stdout)["error"]


def test_a_wrong_word_exits_with_two(built_home: Settings):
    assert daybook(built_home.root, "sql", "select 1", "--format", "xml").returncode == 2
    assert daybook(built_home.root, "ingest", "--recorded-at", "yesterday").returncode == 2
    future = daybook(built_home.root, "ingest", "--recorded-at", "2199-01-01T00:00:00Z", "--json")
    assert future.returncode == 2 and "lies in the future" in json.loads(future.stdout)["error"]
    assert daybook(built_home.root, "nonsense").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["sql"], "Missing argument"),
        (["run", "--wotch"], "--watch"),
        (["simulate", "--deals", "many"], "--deals"),
        (["publish", "show", "last"], "publish_id"),
    ],
)
def test_arguments_that_cannot_be_are_one_json_value_too(home: Settings, arguments: list[str], said: str):
    done = daybook(home.root, *arguments, "--json")
    assert done.returncode == 2 and said in json.loads(done.stdout)["error"] and "--help" in done.stderr


def test_columns_of_one_name_are_kept_apart(built_home: Settings):
    done = daybook(built_home.root, "sql", "select 1 as a, 2 as a, 3 as a_1", "--format", "json")
    assert json.loads(done.stdout) == [{"a": 1, "a_1": 2, "a_1_1": 3}]


def test_a_second_writer_exits_with_three_and_says_who_holds_the_warehouse(home: Settings):
    with writer_slot(home, "a test"):
        done = daybook(home.root, "ingest", DAYBOOK_LOCK_WAIT_SECONDS="0.2")
    assert done.returncode == 3 and f"process {os.getpid()} (a test" in " ".join(done.stderr.split())


def test_ingest_as_json_lists_one_entry_per_feed_of_a_file(home: Settings):
    folder = home.landing / "fx_rates"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text(
        "base_currency,quote_currency,quoted_at,rate\nEUR,USD,2026-01-01T00:00:00Z,1.1\n,USD,x,y\n"
    )
    (folder / "b.csv").write_bytes(os.urandom(4000))
    done = daybook(home.root, "ingest", "--json")
    good, bad = json.loads(done.stdout)["files"]
    assert done.returncode == 0
    assert (good["feed"], good["status"], good["rows_read"], good["rows_loaded"], good["rows_quarantined"]) == (
        "fx_rates",
        "loaded",
        2,
        1,
        1,
    )
    assert bad["status"] == "refused" and bad["reason"]
    listed = json.loads(daybook(home.root, "quarantine", "list", "--json").stdout)
    assert len(listed) == 1 and listed[0]["row_number"] == 2


def test_a_dossier_answers_the_question_as_json_and_leaves_that_it_was_read(built_copy: Settings):
    planted = json.loads((built_copy.truth / "first_run.json").read_text(encoding="utf-8"))["late_kyc"]
    read_before = operations.head(built_copy).seq
    done = daybook(built_copy.root, "dossier", "withdrawal", planted["withdrawal_id"], "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(found) >= {
        "subject", "decision", "checks_before", "checks_after", "client_status", "control_failures", "timeline", "publish", "answered_in_ms",
    }  # fmt: skip
    assert found["client_status"]["as_it_was"]["kyc_status"] == planted["as_it_was"]
    assert found["client_status"]["as_known_then"]["kyc_status"] == planted["as_known_then"]
    assert operations.head(built_copy).seq > read_before


def test_an_unknown_withdrawal_exits_with_one_and_names_near_ones(built_copy: Settings):
    done = daybook(built_copy.root, "dossier", "withdrawal", "no-such-id")
    assert done.returncode == 1 and "no-such-id" in done.stderr


def test_a_home_that_cannot_be_written_is_refused_with_what_to_do(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    done = daybook(tmp_path / "file" / "home", "ingest")
    assert done.returncode == 1 and "DAYBOOK_HOME=" in done.stderr


def test_a_taken_port_is_refused_with_another_to_choose(home: Settings):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = daybook(home.root, "up", DAYBOOK_DASHBOARD_PORT=str(other.getsockname()[1]))
    assert done.returncode == 1 and "is taken by another program" in " ".join(done.stderr.split())
    assert "DAYBOOK_DASHBOARD_PORT=" in done.stderr


def test_nothing_published_yet_says_what_to_run(home: Settings):
    done = daybook(home.root, "sql", "select 1")
    assert done.returncode == 1 and "daybook run" in done.stderr


def test_every_command_stands_in_the_readme():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^│ ([a-z][a-z-]*) ", daybook(PROJECT, "--help", COLUMNS="120").stdout, flags=re.MULTILINE)
    assert {"ingest", "build", "run", "sql"} <= set(named)
    assert [name for name in named if f"daybook {name}" not in readme] == []


def test_every_setting_stands_in_the_example():
    example = (PROJECT / ".env.example").read_text(encoding="utf-8")
    described = {
        "home",
        "lake_catalog",
        "lake_data",
        "memory_limit",
        "threads",
        "dashboard_port",
        "dagster_port",
        "mt5_url",
    }
    assert described <= set(Settings.model_fields)
    assert [name for name in described if f"DAYBOOK_{name.upper()}" not in example] == []
