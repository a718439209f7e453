"""What a MetaTrader export database itself holds of each of the last days: one count and one sum a day, to be compared with what was loaded.

The database counts; nothing but the sums is fetched. A day is a day of UTC, cut out of the server's clock. What lies past the last key
that was read is counted apart: it is to come. Deals are counted as their connector makes them: a cancelled one is none, and a round
trip of MetaTrader 4 is an opening on one day and a closing on another.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ingestion.connectors.mt5_codes import ACTIONS
from ingestion.connectors.mt5_pull import Database
from ingestion.connectors.mt5_tables import MT4, Row, Source
from ingestion.connectors.values import exact, utc_text, wall_to_utc

MIDNIGHT = datetime.min.time()
_CANCELLED = [code for code, (_, cancelled) in ACTIONS.items() if cancelled]
_MT4_TRADES, _MT4_OPERATIONS = (0, 1), (6, 7)
_MONEY = {"MT5": ("Profit", "Storage", "Commission", "Fee"), "MT4": ("PROFIT", "SWAPS", "COMMISSION", "TAXES")}


@dataclass(frozen=True)
class Span:
    """The days to count, from the first up to but not including the last; their deals have keys above `after`."""

    first: date
    until: date
    after: int

    @property
    def days(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=number) for number in range((self.until - self.first).days)]


@dataclass(frozen=True)
class _Kind:
    """A sort of deal that a table's rows make: which rows, when they happened, and whether they move money."""

    where: sa.ColumnElement[bool]
    at: str
    moves: bool = True
    by_key: bool = True
    """False where the key says nothing of the time: a ticket of any age may close today."""


def counted(source: Database, span: Span, zone: str | int) -> list[Row]:
    """Rows of the feed `source_totals`, one a day that holds any deal, in order."""
    counts: Counter[tuple[date, bool]] = Counter()
    sums: dict[tuple[date, bool], Decimal] = {}
    with source.engine.connect() as connection:
        for query in _queries(source, span, zone):
            for place, to_come, rows, amount in connection.execute(query):
                group = (span.days[int(place)], bool(to_come))
                counts[group] += int(rows)
                sums[group] = sums.get(group, Decimal(0)) + Decimal(str(amount or 0))
    return [_row(source, day, counts, sums) for day in span.days if counts[day, False] or counts[day, True]]


def wall_of(utc: datetime, zone: str | int) -> datetime:
    """The server's wall clock at a moment of UTC."""
    wall = utc + (utc - wall_to_utc(utc, zone))
    return wall + (utc - wall_to_utc(wall, zone))


def _row(
    source: Database, day: date, counts: Counter[tuple[date, bool]], sums: Mapping[tuple[date, bool], Decimal]
) -> Row:
    read, to_come = sums.get((day, False), Decimal(0)), sums.get((day, True), Decimal(0))
    return {
        "source": source.platform,
        "feed": "deals",
        "day": day.isoformat(),
        "scope": "day",
        "counted_at": utc_text(source.taken),
        "row_count": str(counts[day, False] + counts[day, True]),
        "amount": exact(round(read + to_come, 8)),
        "rows_to_come": str(counts[day, True]),
        "amount_to_come": exact(round(to_come, 8)),
    }


def _queries(source: Database, span: Span, zone: str | int) -> Iterator[sa.Select[Any]]:
    name = source.export.tables[1].name
    parts = source.sources[name]
    read_to = source.state[name].key or 0
    for place, part in enumerate(parts):
        for kind in _kinds(source, part):
            at, bounds = _time(source, part, kind.at, [wall_of(datetime.combine(d, MIDNIGHT), zone) for d in span.days])
            end = _time(source, part, kind.at, [wall_of(datetime.combine(span.until, MIDNIGHT), zone)])[1][0]
            day = sa.case(*((at >= bounds[number], number) for number in range(len(bounds) - 1, -1, -1)))
            key = part.column(part.key)
            to_come = sa.case((key > read_to, 1), else_=0)
            amount = _amount(source, part) if kind.moves else sa.literal(0)
            wanted = [kind.where, at >= bounds[0], at < end, *([key > span.after] if kind.by_key else [])]
            # a deal that the undivided table holds is not counted again in its year's
            wanted += [sa.not_(sa.exists().where(one.column(one.key) == key)) for one in parts[:place]]
            yield (
                sa.select(day.label("day"), to_come.label("to_come"), sa.func.count(), sa.func.sum(amount))
                .select_from(part.table)
                .where(*wanted)
                .group_by(sa.text("1"), sa.text("2"))
            )


def _kinds(source: Database, part: Source) -> Sequence[_Kind]:
    if source.export is not MT4:
        at = "Time" if "Time" in part.columns else "TimeMsc"
        return [_Kind(part.column("Action").not_in(_CANCELLED), at)]
    command = part.column("CMD")
    return [
        _Kind(command.in_(_MT4_OPERATIONS), "OPEN_TIME"),
        _Kind(command.in_(_MT4_TRADES), "OPEN_TIME", moves=False),
        _Kind(command.in_(_MT4_TRADES), "CLOSE_TIME", by_key=False),
    ]


def _time(
    source: Database, part: Source, name: str, walls: Sequence[datetime]
) -> tuple[sa.ColumnElement[Any], list[object]]:
    """The column and the moments in a form that it can be compared with, so that an index on it is of use."""
    column = part.column(name)
    types = {str(one["name"]): one["type"] for one in sa.inspect(source.engine).get_columns(part.name)}
    if isinstance(types[part.columns[name]], sa.DateTime):
        return column, list(walls)
    return sa.cast(column, sa.String(32)), [f"{wall:%Y-%m-%d %H:%M:%S}" for wall in walls]


def _amount(source: Database, part: Source) -> sa.ColumnElement[Decimal]:
    """What a row moves, exact; of an account in cents, hundredths."""
    names = [name for name in _MONEY["MT4" if source.export is MT4 else "MT5"] if name in part.columns]
    exactly = [sa.func.coalesce(sa.cast(part.column(name), sa.Numeric(38, 8)), 0) for name in names]
    moved = sum(exactly[1:], exactly[0])
    if not source.cents:
        return moved
    login = sa.cast(part.column("LOGIN" if source.export is MT4 else "Login"), sa.String(20))
    return sa.case((login.in_(sorted(source.cents)), moved * Decimal("0.01")), else_=moved)
