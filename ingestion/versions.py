"""Good rows → raw.<feed>: what is new, what is a duplicate, what is a correction; as sets, in row order.

With a `source_version` a row is a duplicate when its key already has that version with that content. Without one it is compared
with the latest of the key's versions without one: A, B, A is three versions, the latest sent again is a duplicate. Both kinds are
numbered together by arrival (`_version`).
"""

from dataclasses import dataclass

import duckdb
import polars as pl
import pyarrow

from ingestion.feeds import Feed
from ingestion.raw import raw_columns


@dataclass(frozen=True)
class Arrival:
    """What every row of one load bears."""

    load_id: int
    file_sha256: str
    recorded_at: str
    """`YYYY-MM-DD HH:MM:SS.ffffff`, UTC."""


@dataclass(frozen=True)
class Staged:
    """Good rows as DuckDB takes them, and what can be said of their keys without it."""

    table: pyarrow.Table
    bounds: dict[str, object]
    """Smallest and largest value of each key column that may not be empty. With them as constants DuckDB leaves out the row groups that
    cannot hold the batch's keys; a join alone does so only for committed rows, and a large file would search itself."""
    repeats: bool
    """Whether a key comes twice."""


def stage(feed: Feed, rows: pl.DataFrame) -> Staged:
    """What can be prepared while DuckDB is busy with the rows before."""
    times = [name for name, dtype in feed.columns.items() if dtype == pl.Datetime]
    staged = rows.with_columns(pl.col(times).dt.replace_time_zone(None)).with_row_index("_position")
    bounds = {
        f"{end}_{name}": getattr(staged.get_column(name), end)()
        for name in feed.key
        if name not in feed.nullable_key
        for end in ("min", "max")
    }
    repeats = staged.n_unique(subset=list(feed.key)) < staged.height
    # plain strings: DuckDB hands a join's keys to Arrow as a filter, and Arrow cannot search string views
    return Staged(staged.to_arrow(compat_level=pl.CompatLevel.oldest()), bounds, repeats)


def append(connection: duckdb.DuckDBPyConnection, feed: Feed, staged: Staged, arrival: Arrival) -> tuple[int, int]:
    """Rows appended and rows that were duplicates. Runs inside the caller's transaction."""
    connection.register("staged_batch", staged.table)
    try:
        return _append(connection, feed, arrival, staged)
    finally:
        connection.unregister("staged_batch")


def _append(connection: duckdb.DuckDBPyConnection, feed: Feed, arrival: Arrival, batch: Staged) -> tuple[int, int]:
    content = ", ".join(f'staged."{name}"' for name in [*feed.columns, "_extra"] if name != "source_version")
    connection.execute(f"""
        create or replace temp view staged as
        select *, hash({content}) as _row_hash from staged_batch as staged
    """)
    if not _contested(connection, feed, batch):
        return _insert(connection, feed, arrival, "select staged.*, 1 as _version from staged"), 0
    fresh = f"""
        select staged.*, 1 as _version from staged
        anti join contested on {_same_key(feed, "staged", "contested")}
    """
    connection.execute(_judgement(feed))
    decided = """
        select staged.*, accepted._version from staged
        inner join (
            select judged._position, judged.known_versions + row_number() over (partition by judged._key_number order by judged._position) as _version
            from judged where not judged.is_duplicate
        ) as accepted on staged._position = accepted._position
    """
    loaded = _insert(connection, feed, arrival, fresh) + _insert(connection, feed, arrival, decided)
    return loaded, _count(connection, "select count(*) from judged where is_duplicate")


def _contested(connection: duckdb.DuckDBPyConnection, feed: Feed, batch: Staged) -> int:
    """How many keys come twice in the batch or are loaded already; these are then in `contested`, and the loaded versions in `known`.
    Where nothing loaded lies near, no key is searched for."""
    near = " and ".join(
        f'versions."{name}" between $min_{name} and $max_{name}' for name in feed.key if name not in feed.nullable_key
    )
    any_near = f'select count(*) from (select 1 from raw."{feed.name}" as versions where {near} limit 1)'
    if not batch.repeats and not _count(connection, any_near, batch.bounds):
        return 0
    keys = ", ".join(f'"{name}"' for name in feed.key)
    connection.execute(
        f"""
        create or replace temp table known as
        select {_listed("versions", feed.key)}, versions.source_version, versions._row_hash, versions._version
        from raw."{feed.name}" as versions
        semi join staged_batch as staged on {_same_key(feed, "versions", "staged")}
        where {near}
        """,
        batch.bounds,
    )
    connection.execute(f"""
        create or replace temp table contested as
        select {keys} from staged_batch group by {keys} having count(*) > 1
        union
        select {keys} from known
    """)
    return _count(connection, "select count(*) from contested")


def _judgement(feed: Feed) -> str:
    """Of the contested rows only: is it a duplicate, and how many versions of its key were there before this batch."""
    return f"""
        create or replace temp table judged as
        with numbered as (
            select contested.*, row_number() over () as _key_number from contested
        ),
        latest as (
            select
                {_listed("known", feed.key)},
                max(known._version) as known_versions,
                arg_max(known._row_hash, known._version) filter (where known.source_version is null) as latest_hash
            from known
            group by {_listed("known", feed.key)}
        ),
        claims as (
            select
                staged._position, staged.source_version, staged._row_hash, numbered._key_number,
                coalesce(latest.known_versions, 0) as known_versions,
                latest.latest_hash,
                exists (
                    select 1 from known
                    where {_same_key(feed, "known", "staged")}
                        and known.source_version = staged.source_version and known._row_hash = staged._row_hash
                ) as is_known
            from staged
            inner join numbered on {_same_key(feed, "staged", "numbered")}
            left join latest on {_same_key(feed, "staged", "latest")}
        )
        select
            claims._position, claims._key_number, claims.known_versions,
            case
                when claims.source_version is null
                    then claims._row_hash is not distinct from coalesce(
                        lag(claims._row_hash) over (
                            partition by claims._key_number, claims.source_version is null order by claims._position
                        ),
                        claims.latest_hash
                    )
                else claims.is_known or row_number() over (
                    partition by claims._key_number, claims.source_version, claims._row_hash order by claims._position
                ) > 1
            end as is_duplicate
        from claims
    """


def _insert(connection: duckdb.DuckDBPyConnection, feed: Feed, arrival: Arrival, rows: str) -> int:
    stamps = {"_load_id": "$load_id", "_file_sha256": "$sha256", "recorded_at": "$recorded_at::timestamp"}
    names = list(raw_columns(feed))
    listed = ", ".join(stamps.get(name, f'arrived."{name}"') for name in names)
    target = ", ".join(f'"{name}"' for name in names)
    parameters = {"load_id": arrival.load_id, "sha256": arrival.file_sha256, "recorded_at": arrival.recorded_at}
    return _count(
        connection, f'insert into raw."{feed.name}" ({target}) select {listed} from ({rows}) as arrived', parameters
    )


def _count(connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, object] | None = None) -> int:
    row = connection.execute(sql, parameters or {}).fetchone()
    return int(row[0]) if row else 0


def _listed(relation: str, names: tuple[str, ...]) -> str:
    return ", ".join(f'{relation}."{name}"' for name in names)


def _same_key(feed: Feed, left: str, right: str) -> str:
    return " and ".join(
        f'{left}."{name}" {"is not distinct from" if name in feed.nullable_key else "="} {right}."{name}"'
        for name in feed.key
    )
