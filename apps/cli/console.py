"""What the commands share: where words go, how progress looks, what an exit code means."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from warehouse.engine import WarehouseError, in_words
from warehouse.settings import Settings
from warehouse.slot import SlotTaken

out = Console(width=None if sys.stdout.isatty() else 180)  # a pipe or a log is wider than 80 columns
words = Console(stderr=True)
"""Everything but the answer itself goes to standard error, so that `--json` leaves one JSON value on standard output."""

DONE, FAILED, USAGE, TAKEN = 0, 1, 2, 3


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


def print_json(value: Any) -> None:
    """One JSON value on standard output and nothing else there."""
    sys.stdout.write(json.dumps(value, default=plain, ensure_ascii=False) + "\n")


def table(title: str, columns: list[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on standard output; numbers right-aligned by the caller's formatting."""
    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*["" if cell is None else str(cell) for cell in row])
    out.print(drawn)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A status line with the step under way and the time elapsed; silent for `--json` or a pipe."""
    if quiet or not words.is_terminal:
        yield lambda _: None
        return
    started = time.monotonic()
    with words.status("starting") as status:
        yield lambda text: status.update(f"{text} · {time.monotonic() - started:.0f} s")


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Turns an expected error into its sentence and exit code; anything unexpected keeps its trace."""
    try:
        yield
    except SlotTaken as error:
        words.print(f"[red]{error}")
        raise typer.Exit(TAKEN) from error
    except WarehouseError as error:
        words.print(f"[red]{error}")
        raise typer.Exit(FAILED) from error
    except (OSError, RuntimeError) as error:
        sentence = in_words(error, settings)
        if sentence is None:
            raise
        words.print(f"[red]{sentence}")
        raise typer.Exit(FAILED) from error
