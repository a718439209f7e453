"""What the commands share: where words go, how progress looks, what an exit code means."""

import dataclasses
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ingestion.files import printable
from warehouse.engine import SlotTaken, WarehouseError, WrongUse, in_words
from warehouse.settings import Settings

AS_IT_IS: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
"""What a file's name or a database says is shown as it is, whatever brackets it has."""
out = Console(width=None if sys.stdout.isatty() else 180, **AS_IT_IS)  # a pipe or a log is wider than 80 columns
words = Console(stderr=True, soft_wrap=True, **AS_IT_IS)
"""Everything but the answer itself goes to standard error, so that `--json` leaves one JSON value on standard output. No command in it
is broken over two lines."""

DONE, FAILED, USAGE, TAKEN = 0, 1, 2, 3
STEP = re.compile(r"\b(\d+) of (\d+)\b")


def say(text: str, style: str = "") -> None:
    """One sentence for people, on standard error."""
    words.print(printable(text), style=style)


def give_up(sentence: str, code: int = FAILED, **more: object) -> typer.Exit:
    """Says why a command ends; with `--json` the sentence (and `more`) is the one JSON value, as `error`. To be raised."""
    say(sentence, "red")
    if wants_json():
        print_json({"error": sentence, **more})
    return typer.Exit(code)


def wants_json() -> bool:
    """Whether the command line asks for JSON; so that a failure says so too, wherever it is noticed."""
    asked = sys.argv[1:]
    return "--json" in asked or "--format=json" in asked or ("--format", "json") in pairwise(asked)


def plain(value: object) -> object:
    """A value as JSON carries it: decimals as exact strings, times as ISO-8601, never a float for money."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def finite(value: object) -> object:
    """The value, or the name of a number that JSON has none for (`NaN`, `Infinity`)."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def print_json(value: Any) -> None:
    """One JSON value on standard output and nothing else there."""
    sys.stdout.write(printable(json.dumps(value, default=plain, ensure_ascii=False)) + "\n")


def utc_moment(text: str | datetime) -> datetime:
    """A moment of the command line as naive UTC: ISO-8601, a day or a time, with a zone or taken as UTC. Raises typer.BadParameter."""
    try:
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no ISO-8601 time, such as 2026-03-01T08:00:00Z") from None


def table(title: str, columns: list[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on standard output; numbers right-aligned by the caller's formatting."""
    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*["" if cell is None else printable(str(cell)) for cell in row])
    out.print(drawn)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A line with the step under way, the time elapsed and the time likely left; silent for `--json` or a pipe."""
    if quiet or not words.is_terminal:
        yield lambda _: None
        return
    shown = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*shown, console=words, transient=True) as line:
        task, left = line.add_task("starting", total=None, left=""), Left()
        yield lambda text: line.update(task, description=printable(text), left=left.after(text))


class Left:
    """How long the steps that say `3 of 40` are likely to take from now on, by how long those before took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._series: tuple[str, str] | None = None
        self._first = 0
        self._since = 0.0

    def after(self, text: str) -> str:
        """`about 12 s left`, or nothing where the text counts nothing or has only begun to."""
        found = STEP.search(text)
        if found is None:
            return ""
        number, total = int(found[1]), int(found[2])
        series = (text[: found.start()], found[2])
        if series != self._series or number < self._first:
            self._series, self._first, self._since = series, number, self._clock()
            return ""
        passed = number - self._first
        if not passed:
            return ""
        seconds = (self._clock() - self._since) / passed * (total - number + 1)
        return f"about {seconds:.0f} s left" if seconds < 120 else f"about {seconds / 60:.0f} min left"


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Turns an expected error into its sentence and exit code; anything unexpected keeps its trace."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except SlotTaken as error:
        raise give_up(str(error), TAKEN) from error
    except WrongUse as error:
        raise give_up(str(error), USAGE) from error
    except WarehouseError as error:
        raise give_up(str(error)) from error
    except BrokenPipeError:
        raise _seen_enough() from None
    except Exception as error:
        if "Broken pipe" in str(error):  # as a Parquet writer says it
            raise _seen_enough() from None
        sentence = in_words(error, settings)
        if sentence is None and isinstance(error, OSError) and error.filename:
            sentence = (
                f"{error.filename} cannot be used ({error.strerror}). Check the path, and run the same command again."
            )
        if sentence is None:
            raise
        raise give_up(sentence) from error


def _seen_enough() -> typer.Exit:
    """Whoever read the output has closed it; what Python writes at its end must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return typer.Exit(FAILED)
