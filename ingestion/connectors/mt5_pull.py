"""Pulls a MetaTrader 5 SQL-export database (MariaDB, MySQL, PostgreSQL) into the landing folder.

What lands are the source's own rows, every value as the text the server writes, in whole Parquet files, so that the
archive keeps them untouched. `mt5_deals` and its yearly tables are read together by key, and by `Timestamp` for rows
that were changed in place; `mt5_accounts`, `mt5_positions` and `mt5_symbols` are taken whole. How far a pull came
stands in a state file beside the landing folder: the next one goes on there, and lands only what is new.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ingestion.connectors.mt5_tables import METADATA_KEY, TABLES, Row, Source, Table, documented
from ingestion.connectors.values import check_zone

_STAMP = "Timestamp"
_OVERLAP = 10 * 60 * 10_000_000  # ten minutes of FILETIME: a row may be committed after a later stamp was read


class PullError(Exception):
    """The database could not be read; nothing that had landed is lost, and the next pull goes on from there."""


@dataclass
class _Progress:
    """How far a followed table was read: the last key, the newest change stamp, and the rows read near it."""

    key: int | None = None
    stamp: int | None = None
    recent: dict[str, int] = field(default_factory=dict)

    def saw(self, key: int, stamp: int | None) -> bool:
        """Notes a row; False when exactly this state of it was landed before."""
        if stamp is None or self.stamp is None or stamp <= self.stamp - _OVERLAP:
            return True
        if self.recent.get(str(key)) == stamp:
            return False
        self.recent[str(key)] = stamp
        return True

    def trim(self) -> None:
        """Forgets rows whose stamp can no longer come again."""
        if self.stamp is not None:
            self.recent = {key: stamp for key, stamp in self.recent.items() if stamp > self.stamp - _OVERLAP}


def pull(
    url: str,
    landing: Path,
    *,
    platform: str,
    zone: str | int | None = None,
    page_rows: int = 50_000,
    snapshots: bool = True,
    now: datetime | None = None,
) -> list[Path]:
    """Lands what is new in the database at `url` under `landing` and returns the files, in the order they were written.

    `platform` names the trading server in every row. `zone` is the server's clock (see `values.wall_to_utc`); without
    it the minutes of `mt5_time` hold. `snapshots=False` leaves accounts, positions and symbols out; `now` (UTC) is when
    they are taken.
    Raises PullError when the database cannot be reached or holds none of the tables.
    """
    if zone is not None:
        check_zone(zone)
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", platform):
        raise PullError(f"The platform's name {platform!r} may hold letters, digits, '_', '.' and '-' only.")
    landing.mkdir(parents=True, exist_ok=True)
    state_path = landing.parent / f".{landing.name}-{platform}.state.json"
    taken = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    engine = sa.create_engine(_driver(url), isolation_level="REPEATABLE READ")
    try:
        run = _Pull(
            engine,
            landing,
            platform=platform,
            zone=zone,
            page_rows=page_rows,
            state_path=state_path,
            taken=taken,
        )
        return list(run.files(snapshots))
    except (SQLAlchemyError, UnicodeDecodeError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise PullError(
            f"Reading {engine.url.render_as_string(hide_password=True)} failed: {cause}. Check that the server runs "
            "and that the user may SELECT; then pull again: it goes on where it stopped."
        ) from error
    finally:
        engine.dispose()


class _Pull:
    """One run over one database."""

    def __init__(
        self,
        engine: sa.Engine,
        landing: Path,
        *,
        platform: str,
        zone: str | int | None,
        page_rows: int,
        state_path: Path,
        taken: datetime,
    ) -> None:
        self.engine, self.landing, self.platform, self.page_rows = engine, landing, platform, page_rows
        self.state_path, self.taken = state_path, taken
        names = sa.inspect(engine).get_table_names()
        self.sources = {table.name: self._physical(table, names) for table in TABLES}
        if not any(self.sources.values()):
            raise PullError(
                f"{engine.url.render_as_string(hide_password=True)} holds no table of a MetaTrader 5 export "
                "(mt5_deals, mt5_users, ...). Name the export's database in the URL."
            )
        self.about: dict[str, object] = {"platform": platform, "zone": zone, **self._clock(names)}
        self.groups = self._groups(names)
        self.state = self._load_state()

    def files(self, snapshots: bool) -> Iterator[Path]:
        """Every file as it lands."""
        for table in TABLES:
            sources = self.sources[table.name]
            if not sources:
                continue
            if table.followed:
                yield from self._by_key(table, sources)
                yield from self._by_stamp(table, sources)
            elif snapshots:
                yield self._whole(table, sources[0])

    def _by_key(self, table: Table, sources: list[Source]) -> Iterator[Path]:
        progress = self.state[table.name]
        if progress.stamp is None:
            progress.stamp = self._newest_stamp(sources)
            self._save_state()
        more = True
        while more:
            with self.engine.connect() as connection:
                pages = [
                    source.page(
                        connection,
                        None if progress.key is None else source.column(source.key) > progress.key,
                        [source.key],
                        self.page_rows,
                    )
                    for source in sources
                ]
            rows, more = _merged(pages, sources[0].key, [sources[0].key], self.page_rows)
            if not rows:
                break
            first, last = (_number(rows[place], sources[0].key) for place in (0, -1))
            fresh = [row for row in rows if progress.saw(_number(row, sources[0].key), _stamp(row))]
            if fresh:
                yield self._land(table, fresh, f"{first:020d}-{last:020d}")
            progress.key = last
            self._save_state()

    def _by_stamp(self, table: Table, sources: list[Source]) -> Iterator[Path]:
        progress = self.state[table.name]
        stamped = [source for source in sources if _STAMP in source.columns]
        if not stamped or progress.stamp is None:
            return
        key = stamped[0].key
        at: tuple[int, int] = (progress.stamp - _OVERLAP, 0)
        more = True
        while more:
            with self.engine.connect() as connection:
                pages = [
                    source.page(
                        connection,
                        sa.or_(
                            source.column(_STAMP) > at[0],
                            sa.and_(source.column(_STAMP) == at[0], source.column(key) > at[1]),
                        ),
                        [_STAMP, key],
                        self.page_rows,
                    )
                    for source in stamped
                ]
            rows, more = _merged(pages, key, [_STAMP, key], self.page_rows)
            if not rows:
                break
            at = (_number(rows[-1], _STAMP), _number(rows[-1], key))
            changed = [row for row in rows if progress.saw(_number(row, key), _stamp(row))]
            if changed:
                yield self._land(table, changed, f"changed-{at[0]:020d}-{at[1]:020d}")
            progress.stamp = max(progress.stamp, at[0])
            self._save_state()
        progress.trim()
        self._save_state()

    def _whole(self, table: Table, source: Source) -> Path:
        """A table without a change stamp to go by: one file, read in one transaction, with the time it was taken."""
        target = self.landing / f"{self.platform}-{table.name}-{self.taken:%Y%m%dT%H%M%S%f}.parquet"
        schema = self._schema(list(source.columns), table, captured_at=self.taken.isoformat())
        part = target.with_name(f".{target.name}.part")
        last: str | int | None = None
        with self.engine.connect() as connection, pq.ParquetWriter(part, schema, compression="zstd") as writer:
            while True:
                past = None if last is None else source.column(source.key) > last
                rows = source.page(connection, past, [source.key], self.page_rows)
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                if len(rows) < self.page_rows:
                    break
                last = rows[-1][source.key] if source.key == "Symbol" else _number(rows[-1], source.key)
        return _finish(part, target)

    def _land(self, table: Table, rows: list[Row], span: str) -> Path:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        groups = {row.get("Group") or "" for row in rows} & set(self.groups) if table.name == "mt5_users" else set()
        extra = {"groups": {name: self.groups[name] for name in sorted(groups)}} if groups else {}
        schema = self._schema(columns, table, **extra)
        target = self.landing / f"{self.platform}-{table.name}-{span}.parquet"
        part = target.with_name(f".{target.name}.part")
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), part, compression="zstd")
        return _finish(part, target)

    def _schema(self, columns: list[str], table: Table, **extra: object) -> pa.Schema:
        about = json.dumps({**self.about, "table": table.name, **extra}, sort_keys=True)
        return pa.schema([(name, pa.string()) for name in columns], metadata={METADATA_KEY: about.encode()})

    def _physical(self, table: Table, names: Sequence[str]) -> list[Source]:
        """The table and its yearly parts, the undivided one first, so that of two equal rows its row is kept."""
        found = []
        for name in sorted(names, key=str.lower):
            if re.fullmatch(rf"{table.name}(_\d{{4}})?", name, re.IGNORECASE):
                real = [str(column["name"]) for column in sa.inspect(self.engine).get_columns(name)]
                columns = {documented(column): column for column in real}
                key = next((key for key in table.keys if key in columns), None)
                if key is None:
                    raise PullError(f"Table {name} has no column {table.keys[0]}; it is not MetaTrader's {table.name}.")
                found.append(Source(name, columns, key))
        return found

    def _newest_stamp(self, sources: list[Source]) -> int | None:
        newest: list[int] = []
        with self.engine.connect() as connection:
            for source in sources:
                if _STAMP in source.columns:
                    query = sa.select(sa.func.max(source.column(_STAMP))).select_from(source.table)
                    newest.append(int(str(connection.execute(query).scalar() or 0)))
        return max(newest) if newest else None

    def _clock(self, names: Sequence[str]) -> dict[str, object]:
        rows = self._small("mt5_time", names, ("TimeZone", "Daylight"))
        if not rows:
            return {}
        return {
            "minutes": int(rows[0]["TimeZone"] or 0),
            "daylight": rows[0].get("Daylight") not in (None, "0", "false"),
        }

    def _groups(self, names: Sequence[str]) -> dict[str, str]:
        rows = self._small("mt5_groups", names, ("Group", "Currency"))
        named = ((row.get("Group"), row.get("Currency")) for row in rows)
        return {group: currency for group, currency in named if group and currency}

    def _small(self, table: str, names: Sequence[str], wanted: tuple[str, ...]) -> list[Row]:
        real = next((name for name in names if name.lower() == table), None)
        if real is None:
            return []
        spelled = {
            str(column["name"]).lower(): str(column["name"]) for column in sa.inspect(self.engine).get_columns(real)
        }
        columns = {name: spelled[name.lower()] for name in wanted if name.lower() in spelled}
        if wanted[0] not in columns:
            return []
        with self.engine.connect() as connection:
            return Source(real, columns, wanted[0]).page(connection, None, [wanted[0]], 100_000)

    def _load_state(self) -> dict[str, _Progress]:
        saved = json.loads(self.state_path.read_text()) if self.state_path.exists() else {}
        return {table.name: _Progress(**saved.get(table.name, {})) for table in TABLES if table.followed}

    def _save_state(self) -> None:
        text = json.dumps({name: vars(progress) for name, progress in self.state.items()}, sort_keys=True)
        part = self.state_path.with_suffix(".part")
        part.write_text(text)
        _finish(part, self.state_path)


def _merged(pages: list[list[Row]], key: str, order: list[str], page_rows: int) -> tuple[list[Row], bool]:
    """Pages of several tables as one: in order, each key once (its newest state), and whether there may be more.

    Rows past the end of the shortest full page are left for the next round, so that no table runs ahead of another.
    """

    def place(row: Row) -> tuple[int, ...]:
        return tuple(_number(row, name) for name in order)

    full = [place(page[-1]) for page in pages if len(page) >= page_rows]
    bound = min(full) if full else None
    kept: dict[str | None, Row] = {}
    for page in pages:
        for row in page:
            if bound is not None and place(row) > bound:
                break
            known = kept.get(row[key])
            if known is None or (_stamp(row) or 0) > (_stamp(known) or 0):
                kept[row[key]] = row
    return sorted(kept.values(), key=place), bound is not None


def _number(row: Row, name: str) -> int:
    return int(row[name] or 0)


def _stamp(row: Row) -> int | None:
    text = row.get(_STAMP)
    return int(text) if text else None


def _finish(part: Path, target: Path) -> Path:
    """Makes a file whole on the disk before it gets its name."""
    with part.open("rb") as handle:
        os.fsync(handle.fileno())
    part.replace(target)
    return target


def _driver(url: str) -> sa.URL:
    """The URL with the drivers that this project installs."""
    try:
        parsed = sa.make_url(url)
    except SQLAlchemyError as error:
        raise PullError(f"{url!r} is no database URL; one looks like mysql://user:password@host:3306/mt5.") from error
    drivers = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql", "postgres": "postgresql+psycopg"}
    drivers["postgresql"] = drivers["postgres"]
    return parsed.set(
        drivername={**drivers, "postgresql": "postgresql+psycopg"}.get(parsed.drivername, parsed.drivername)
    )
