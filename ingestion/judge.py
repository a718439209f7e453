"""Coerces a batch, lets its contract judge it, and parts good rows from bad ones with every rule they broke."""

import json
from dataclasses import dataclass

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context

from ingestion.cards import is_card_number, masked
from ingestion.coerce import Failure, coerce
from ingestion.connectors.base import Batch, Rejected
from ingestion.feeds import Feed
from ingestion.feeds.contract import sentence

TWICE_IN_ONE_ROW = "one source row gives this key twice with different content"


@dataclass(frozen=True)
class BadRow:
    """A row for quarantine: its place, what it broke, and itself as JSON with card numbers masked."""

    row_number: int
    rules: list[str]
    row: str


@dataclass(frozen=True)
class Judged:
    """A batch after the contract: good rows in canonical types with `_extra` and `_row_number`, bad rows with reasons."""

    good: pl.DataFrame
    bad: list[BadRow]
    unknown: tuple[str, ...]

    @property
    def rows_read(self) -> int:
        """Every row of the batch is in one of the two."""
        return self.good.height + len(self.bad)


def judge(feed: Feed, batch: Batch) -> Judged:
    """Raises BadFile where a column as a whole cannot be taken (binary floats for money)."""
    rejected = [_rejected(feed, row) for row in batch.rejected]
    if batch.rows.is_empty():
        return Judged(pl.DataFrame(), rejected, ())
    coerced = coerce(feed, batch.rows)
    numbers = batch.rows.get_column("_row_number").cast(pl.Int64)
    failures = [*coerced.failures, *_broken(feed, coerced.rows, coerced.failures)]
    good = coerced.rows.with_columns(coerced.extra.alias("_extra"), numbers.alias("_row_number"))
    failures += _twice_in_one_row(feed, good)
    if not failures:
        return Judged(good, rejected, coerced.unknown)
    is_bad = pl.select(pl.any_horizontal([failure.rows for failure in failures])).to_series()
    bad = _bad_rows(
        feed, batch.rows.filter(is_bad), numbers.filter(is_bad), [(f, f.rows.filter(is_bad)) for f in failures]
    )
    return Judged(good.filter(~is_bad), rejected + bad, coerced.unknown)


def _broken(feed: Feed, rows: pl.DataFrame, unread: tuple[Failure, ...]) -> list[Failure]:
    """What pandera finds. A value that could not be read is not also reported as empty."""
    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            feed.schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as found:
        errors = found.schema_errors
    else:
        return []
    lost = {failure.column: failure.rows for failure in unread}
    failures = []
    for error in errors:
        check, output = error.check, getattr(error, "check_output", None)
        if output is None or check is None:  # a wrong type or column: coerce has not done its work, no row is to blame
            raise error
        column = error.schema.name or ""
        broken = ~output.to_series().fill_null(True)
        if isinstance(check, str) and column in lost:
            broken &= ~lost[column]
        if broken.any() and isinstance(error.schema, pa.DataFrameSchema):
            failures.append(Failure("", broken, check if isinstance(check, str) else str(check.error)))
        elif broken.any():
            failures.append(Failure(column, broken, sentence(column, check)))
    return failures


def _twice_in_one_row(feed: Feed, rows: pl.DataFrame) -> list[Failure]:
    """A version is known by load and row number, so one source row may not give two contents of one key."""
    if rows.get_column("_row_number").n_unique() == rows.height:
        return []
    place = [*feed.key, "_row_number"]
    other = rows.select(first=pl.struct(place).is_first_distinct(), fresh=pl.struct(pl.all()).is_first_distinct())
    broken = ~other["first"] & other["fresh"]
    return [Failure("", broken, f"{', '.join(feed.key)}: {TWICE_IN_ONE_ROW}")] if broken.any() else []


def _bad_rows(
    feed: Feed, rows: pl.DataFrame, numbers: pl.Series, failures: list[tuple[Failure, pl.Series]]
) -> list[BadRow]:
    rules: list[list[str]] = [[] for _ in range(rows.height)]
    for failure, broken in failures:
        for place in broken.arg_true():
            rules[place].append(failure.sentence)
    source = rows.drop("_row_number")
    cards = [False] * rows.height
    if "instrument_id" in feed.columns and "instrument_id" in source.columns:
        cards = is_card_number(source["instrument_id"].cast(pl.String).str.strip_chars()).to_list()
    return [
        BadRow(number, broken, _row_json(row, hide_cards=card))
        for number, broken, row, card in zip(numbers, rules, source.iter_rows(named=True), cards, strict=True)
    ]


def _rejected(feed: Feed, row: Rejected) -> BadRow:
    return BadRow(row.row_number, list(row.rules), _row_json(row.row, hide_cards="instrument_id" in feed.columns))


def _row_json(row: dict[str, object], *, hide_cards: bool) -> str:
    kept = {
        name: masked(str(value)) if hide_cards and isinstance(value, str | int) else value
        for name, value in row.items()
    }
    return json.dumps(kept, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
