"""A metric asked by name: the select is put together from its definition, run with the eyes of the reader's role, and divided exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from apps.metrics.definitions import Metric, MetricError, dimensions, metric, metrics, sources
from warehouse.reader import Reader

GRAINS = ("day", "week", "month", "quarter", "year")
FIRST, LAST = date(1900, 1, 1), date(9999, 12, 31)
MONEY = "decimal(38, 8)"
WHOLE = "100000000::hugeint"


@dataclass(frozen=True)
class Asked:
    """Days from `start` up to but not including `until` (UTC), cut by these dimensions or grains of time.

    `only` keeps the rows in which a dimension has a value: (("entity", "CY"),).
    """

    by: tuple[str, ...] = ()
    start: date = FIRST
    until: date = LAST
    only: tuple[tuple[str, str], ...] = ()


def query(reader: Reader, name: str, asked: Asked = Asked()) -> pl.DataFrame:
    """One row a combination of what was asked by, ordered by it, and `value`: exact, 8 digits, null where there is nothing to divide by.

    Of a level (a balance, an exposure) the value at the end of the period counts. Raises MetricError for an unknown name or dimension.
    """
    one = metric(name)
    known = [*dimensions(one), *([] if _is_level(one) else GRAINS)]
    if unknown := [by for by in (*asked.by, *(key for key, _ in asked.only)) if by not in known]:
        raise MetricError(f"{name} cannot be cut by {unknown[0]}. It can by: {', '.join(known)}.")
    columns = ", ".join([*map(_quoted, asked.by), "value"])
    order = f" order by {', '.join(map(_quoted, asked.by))}" if asked.by else ""
    return reader.query(
        f"select {columns} from ({_select(one, asked)}){order}",
        [asked.start, asked.until, *(value for _, value in asked.only)],
    )


def _select(one: Metric, asked: Asked) -> str:
    """A select of the dimensions asked for and `value`; $1 and $2 bound the period."""
    if one.source:
        return _aggregate(one, asked)
    keys = list(map(_quoted, asked.by))
    listed = "".join(f"{key}, " for key in keys)
    if one.plus:
        parts = [
            f"select {listed}{sign} value as value from ({_select(metrics()[name], asked)})"
            for names, sign in ((one.plus, "+"), (one.minus, "-"))
            for name in names
        ]
        return f"select {listed}sum(value)::{MONEY} as value from ({' union all '.join(parts)}) group by all"
    above, below = (f"({_select(metrics()[name], asked)})" for name in one.ratio)
    match = " and ".join(f"above.{key} is not distinct from below.{key}" for key in keys) or "true"
    both = "".join(f"coalesce(above.{key}, below.{key}) as {key}, " for key in keys)
    # nothing above is zero of it; nothing below is nothing to divide by
    value = _quotient(f"coalesce(above.value, 0)::{MONEY} * {one.times}", "below.value")
    return f"select {both}{value} as value from {below} as below left join {above} as above on {match}"


def _aggregate(one: Metric, asked: Asked) -> str:
    source = sources()[one.source]
    cut = [source.dimensions[by] for by in asked.by if by in source.dimensions]
    grouped = [
        f"{source.dimensions[by].expression if by in source.dimensions else _grain(by, source.time)} as {_quoted(by)}, "
        for by in asked.by
    ]
    kept = [source.dimensions[name] for name, _ in asked.only]
    joins = " ".join(dict.fromkeys(dimension.join for dimension in (*cut, *kept) if dimension.join))
    where = f"({source.where}) and {source.time} < $2"
    where += "".join(
        f" and {dimension.expression}::varchar = ${number}" for number, dimension in enumerate(kept, start=3)
    )
    rows = f"{source.mart} {joins} where {where}"
    if not source.is_level:
        rows += f" and {source.time} >= $1"
    elif source.newest:
        newest = f"select max({source.newest}) from {source.mart} {joins} where {where}"
        rows += f" and {source.newest} = ({newest}) and $1::date is not null"
    else:
        keys = ", ".join(source.newest_of)
        rows += (
            f" and $1::date is not null qualify row_number() over (partition by {keys} order by {source.time} desc) = 1"
        )
        rows = f"(select * from {rows})"
    value = (
        _quotient(f"({one.expression})::{MONEY}", f"({one.over})::{MONEY}")
        if one.over
        else f"({one.expression})::{MONEY}"
    )
    return f"select {''.join(grouped)}{value} as value from {rows}{' group by all' if asked.by else ''}"


def _grain(by: str, time: str) -> str:
    return f"date_trunc('{by}', {time})::date"


def _quotient(above: str, below: str) -> str:
    """Exact, cut off at the eighth digit; DuckDB divides decimals as doubles. Null where there is nothing to divide by."""
    return (
        f"((({above})::{MONEY} * 100000000)::hugeint * {WHOLE} // nullif((({below})::{MONEY} * 100000000)::hugeint, 0))::decimal(38, 0) "
        f"* 0.00000001::decimal(9, 8)"
    )


def _is_level(one: Metric) -> bool:
    return sources()[one.source].is_level if one.source else any(_is_level(metrics()[name]) for name in one.parts)


def _quoted(name: str) -> str:
    return f'"{name}"'


def together(reader: Reader, names: Sequence[str], asked: Asked) -> pl.DataFrame:
    """Several metrics cut alike, a column each under its own name; a combination that one of them does not have is null there."""
    frames = [query(reader, name, asked).rename({"value": name}) for name in names]
    found = frames[0]
    for frame in frames[1:]:
        found = (
            found.join(frame, on=list(asked.by), how="full", coalesce=True, nulls_equal=True)
            if asked.by
            else pl.concat([found, frame], how="horizontal")
        )
    return found.sort(list(asked.by), nulls_last=True) if asked.by else found
