"""The questions a dossier asks: one SQL file each, with named parameters, so that an evidence pack carries exactly what was asked.

A file names the marts it reads as schema.mart. One that the publish does not hold, or the role is not given, makes its question
*not shown*, in words; it is never an empty answer. `{moments}` stands for sql/moments.sql, the points
and clocks a state is asked for, and so for any other name.
"""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import polars as pl

FOLDER = Path(__file__).parent / "sql"
SCHEMAS = "core|trading|finance|partners|compliance|operations|growth|leadership|quality"
MART = re.compile(rf"\b(?:from|join)\s+((?:{SCHEMAS})\.[a-z_]+)\b", re.IGNORECASE)
PARAMETER = re.compile(r"\$([a-z_]+)")
INCLUDED = re.compile(r"\{([a-z_0-9/]+)\}")
COMMENT = re.compile(r"--[^\n]*")


class DossierReader(Protocol):
    """What is needed of a reader (warehouse.reader): a publish, the marts it shows, and queries over them."""

    publish: Any
    role: str
    marts: set[str]

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pl.DataFrame: ...


@dataclass(frozen=True)
class Question:
    """A query text: its name, the marts it reads, the parameters it binds."""

    name: str
    sql: str
    marts: frozenset[str]
    parameters: frozenset[str]

    def missing(self, reader: DossierReader) -> list[str]:
        """The marts it reads that this publish does not hold, or this role does not see."""
        return sorted(self.marts - reader.marts)

    def ask(self, reader: DossierReader, known: Mapping[str, Any]) -> pl.DataFrame:
        """Its rows; binds of `known` what the text names. Raises KeyError where that is not all of it."""
        return reader.query(self.sql, {name: known[name] for name in self.parameters})


@cache
def question(name: str) -> Question:
    """The question of the file sql/<name>.sql. Raises FileNotFoundError where there is none."""
    sql = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    sql = INCLUDED.sub(lambda found: (FOLDER / f"{found[1]}.sql").read_text(encoding="utf-8").strip(), sql)
    said = COMMENT.sub("", sql)
    return Question(name, sql, frozenset(MART.findall(said)), frozenset(PARAMETER.findall(said)))


@dataclass(frozen=True)
class Asked:
    """A question that was put, with what was bound, and its rows."""

    question: Question
    bound: Mapping[str, Any]
    rows: pl.DataFrame


class Inquiry:
    """One dossier under way: asks, and keeps what was asked, for the evidence pack."""

    def __init__(self, reader: DossierReader, whole: bool = False) -> None:
        self.reader, self.whole = reader, whole
        self.asked: dict[str, Asked] = {}
        self.not_shown: dict[str, str] = {}

    def together(self, *wanted: tuple[str, str, Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
        """Rows of several questions at once (label, question, parameters): each waits on one file, and every query has a cursor of its own."""
        with ThreadPoolExecutor(max(len(wanted), 1)) as pool:
            return list(pool.map(lambda one: self.ask(*one), wanted))

    def ask(self, label: str, name: str, known: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of one question, remembered under its label; none, and a word in `not_shown`, where its marts are not to be seen."""
        asking = question(name)
        if missing := asking.missing(self.reader):
            self.not_shown[label] = (
                f"{', '.join(missing)}: not published yet, or not given to the role {self.reader.role}"
            )
            return []
        bound = {one: known[one] for one in sorted(asking.parameters)}
        rows = asking.ask(self.reader, bound)
        self.asked[label] = Asked(asking, bound, rows)
        return rows.to_dicts()
