"""What the command line makes of odd names, failures and long steps."""

import errno
import json
import sqlite3
import sys
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
import typer

from apps.cli import console
from warehouse.engine import SlotTaken, WarehouseError, WrongUse, connect
from warehouse.settings import Settings

FULL = OSError(errno.ENOSPC, "No space left on device")
SQLITE_FULL = sa.exc.OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full"))


def test_a_name_with_brackets_or_half_a_character_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("T[/b]", ["file"], [["[red]a[/nothing].csv"], [":smile:"], ["half \udcff.csv"]])
    shown = capsys.readouterr().out
    assert "[red]a[/nothing].csv" in shown and ":smile:" in shown and "half \\udcff.csv" in shown


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SlotTaken("held"), console.TAKEN, "held"),
        (WrongUse("no such thing"), console.USAGE, "no such thing"),
        (WarehouseError("red"), console.FAILED, "red"),
        (FULL, console.FAILED, "is full"),
        (SQLITE_FULL, console.FAILED, "is full"),
        (duckdb.IOException("Could not write file: No space left on device"), console.FAILED, "is full"),
        (duckdb.OutOfMemoryException("could not allocate"), console.FAILED, "DAYBOOK_MEMORY_LIMIT"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/nope/x"), console.FAILED, "/nope/x cannot be used"),
        (PermissionError(errno.EACCES, "Permission denied"), console.FAILED, "cannot be written"),
    ],
)  # fmt: skip
def test_an_expected_failure_is_one_sentence_a_code_and_with_json_one_value(
    error: Exception, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["daybook", "run", "--json"])
    with pytest.raises(typer.Exit) as ended, console.explained(Settings(home=tmp_path)):
        raise error
    told = capsys.readouterr()
    assert ended.value.exit_code == code
    assert said in json.loads(told.out)["error"] and said in told.err and "Traceback" not in told.err


def test_a_build_file_that_another_program_wrote_over_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_bytes(b"garbage" * 1000)
    with pytest.raises(WarehouseError, match="daybook restore"):
        connect(tmp_path / "x.duckdb", Settings(home=tmp_path))


def test_steps_that_are_counted_say_how_long_the_rest_is_likely_to_take() -> None:
    now = iter([0.0, 10.0, 40.0, 41.0])
    left = console.Left(lambda: next(now))
    assert left.after("reading") == ""
    assert left.after("step 1/2, 1 of 5: a") == ""
    assert left.after("step 1/2, 2 of 5: b") == "about 40 s left"
    assert left.after("step 1/2, 3 of 5: c") == "about 60 s left"
    assert left.after("step 2/2, 1 of 5: a") == ""
