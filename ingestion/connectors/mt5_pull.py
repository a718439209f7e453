"""Pulls a MetaTrader export database (5: SQL export, 4: report server; MariaDB, MySQL, PostgreSQL) into the landing folder.

What lands are the source's own rows, every value as the text the server writes, in whole Parquet files, so that the
archive keeps them untouched. `mt5_deals` and its yearly tables are read together by key, and by `Timestamp` for rows
that were changed in place; `mt5_accounts`, `mt5_positions` and `mt5_symbols` are taken whole. How far a pull came
stands in a state file beside the landing folder: the next one goes on there, and lands only what is new.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ingestion.connectors.mt4_codes import CENTS
from ingestion.connectors.mt5_progress import Progress, merged, number_in, stamp_in
from ingestion.connectors.mt5_tables import MT4, MT5, Export, Row, Source, Table, documented
from ingestion.connectors.mt_export import GONE
from ingestion.connectors.sql_connection import PullError, opened
from ingestion.connectors.values import check_zone
from warehouse.whole_file import whole_file

_OVERLAP_SECONDS = 600
"""A row may be committed after a later stamp was read."""


def pull(
    url: str,
    landing: Path,
    *,
    platform: str,
    export: Export = MT5,
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
    with database(url, landing, platform=platform, export=export, zone=zone, page_rows=page_rows, now=now) as source:
        return list(source.files(snapshots))


@contextmanager
def database(
    url: str,
    landing: Path,
    *,
    platform: str,
    export: Export = MT5,
    zone: str | int | None = None,
    page_rows: int = 50_000,
    now: datetime | None = None,
) -> "Iterator[Database]":
    """The database, opened for reading. Whatever it fails with becomes a PullError that names it without its password."""
    if zone is not None:
        check_zone(zone)
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", platform):
        raise PullError(f"The platform's name {platform!r} may hold letters, digits, '_', '.' and '-' only.")
    landing.mkdir(parents=True, exist_ok=True)
    state_path = landing.parent / f".{landing.name}-{platform}.state.json"
    taken = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    with opened(url) as engine:
        yield Database(
            engine,
            landing,
            export=export,
            platform=platform,
            zone=zone,
            page_rows=page_rows,
            state_path=state_path,
            taken=taken,
        )


class Database:
    """One run over one database."""

    def __init__(
        self,
        engine: sa.Engine,
        landing: Path,
        *,
        export: Export,
        platform: str,
        zone: str | int | None,
        page_rows: int,
        state_path: Path,
        taken: datetime,
    ) -> None:
        self.engine, self.landing, self.platform, self.page_rows = engine, landing, platform, page_rows
        self.state_path, self.taken = state_path, taken
        self.export, self.overlap = export, _OVERLAP_SECONDS * export.stamps_per_second
        names = sa.inspect(engine).get_table_names()
        self.sources = {table.name: self._physical(table, names) for table in export.tables}
        if not any(self.sources.values()):
            raise PullError(
                f"{engine.url.render_as_string(hide_password=True)} holds no table of a {export.system} export "
                f"({', '.join(table.name for table in export.tables)}). Name the export's database in the URL."
            )
        self.about: dict[str, object] = {"platform": platform, "zone": zone, **self._clock(names)}
        if export is MT4:
            self.about["captured_at"] = taken.isoformat()
        self.groups = self._groups(names)
        self.cents = self._cent_logins()
        self.state = self._load_state()

    def files(self, snapshots: bool) -> Iterator[Path]:
        """Every file as it lands."""
        for table in self.export.tables:
            sources = self.sources[table.name]
            if not sources:
                continue
            if table.followed:
                yield from self._by_key(table, sources)
                yield from self._by_stamp(table, sources)
            elif table.grows_by:
                for source in sources:
                    yield from self._added(table, source, table.grows_by)
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
            rows, more = merged(pages, sources[0].key, [sources[0].key], self.page_rows, self.export.stamp)
            if not rows:
                break
            first, last = (number_in(rows[place], sources[0].key) for place in (0, -1))
            fresh = [
                row for row in rows if progress.saw(number_in(row, sources[0].key), stamp_in(row, self.export.stamp))
            ]
            if fresh:
                yield self.land(table, fresh, f"{first:020d}-{last:020d}")
            progress.key = last
            self._save_state()

    def _by_stamp(self, table: Table, sources: list[Source]) -> Iterator[Path]:
        progress = self.state[table.name]
        stamped = [source for source in sources if self.export.stamp in source.columns]
        if not stamped or progress.stamp is None:
            return
        key = stamped[0].key
        at: tuple[int, int] = (progress.stamp - self.overlap, 0)
        more = True
        while more:
            with self.engine.connect() as connection:
                pages = [
                    source.page(
                        connection,
                        sa.or_(
                            source.column(self.export.stamp) > at[0],
                            sa.and_(source.column(self.export.stamp) == at[0], source.column(key) > at[1]),
                        ),
                        [self.export.stamp, key],
                        self.page_rows,
                    )
                    for source in stamped
                ]
            rows, more = merged(pages, key, [self.export.stamp, key], self.page_rows, self.export.stamp)
            if not rows:
                break
            at = (number_in(rows[-1], self.export.stamp), number_in(rows[-1], key))
            changed = [row for row in rows if progress.saw(number_in(row, key), stamp_in(row, self.export.stamp))]
            if changed:
                yield self.land(table, changed, f"changed-{at[0]:020d}-{at[1]:020d}")
            progress.stamp = max(progress.stamp, at[0])
            self._save_state()
        progress.trim()
        self._save_state()

    def _added(self, table: Table, source: Source, second: str) -> Iterator[Path]:
        """A table that only grows, a page at a time by both parts of its key; its yearly parts are read each by itself."""
        progress = self.state.setdefault(source.name, Progress(self.overlap))
        day, login = source.column(source.key), source.column(second)
        while True:
            at = (progress.key or 0, progress.stamp or 0)
            with self.engine.connect() as connection:
                past = sa.or_(day > at[0], sa.and_(day == at[0], login > at[1]))
                rows = source.page(connection, past, [source.key, second], self.page_rows)
            if not rows:
                return
            progress.key, progress.stamp = number_in(rows[-1], source.key), number_in(rows[-1], second)
            yield self.land(table, rows, f"{source.name}-{progress.key:020d}-{progress.stamp:020d}")
            self._save_state()

    def _whole(self, table: Table, source: Source) -> Path:
        """A table without a change stamp to go by: one file, read in one transaction, with the time it was taken."""
        target = self.landing / f"{self.platform}-{table.name}-{self.taken:%Y%m%dT%H%M%S%f}.parquet"
        schema = self._schema(list(source.columns), table, captured_at=self.taken.isoformat())
        last: str | int | None = None
        with (
            whole_file(target, synced=True) as part,
            self.engine.connect() as connection,
            pq.ParquetWriter(part, schema, compression="zstd") as writer,
        ):
            while True:
                past = None if last is None else source.column(source.key) > last
                rows = source.page(connection, past, [source.key], self.page_rows)
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                if len(rows) < self.page_rows:
                    break
                last = rows[-1][source.key] if source.key == "Symbol" else number_in(rows[-1], source.key)
        return target

    def land(self, table: Table, rows: list[Row], span: str) -> Path:
        """Rows of one table as a whole file in the landing folder."""
        return self._whole_file(rows, self._schema_of(table, rows), f"{table.name}-{span}")

    def write_rows(self, path: Path, table: Table, rows: list[Row]) -> None:
        """The same elsewhere, for a look at them."""
        pq.write_table(pa.Table.from_pylist(rows, schema=self._schema_of(table, rows)), path)

    def _schema_of(self, table: Table, rows: list[Row]) -> pa.Schema:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        groups = {row.get("Group") or "" for row in rows} & set(self.groups) if table.name == "mt5_users" else set()
        extra: dict[str, object] = {"groups": {name: self.groups[name] for name in sorted(groups)}} if groups else {}
        if cents := sorted(self.cents & {row.get("Login") or row.get("LOGIN") or "" for row in rows}):
            extra["cent_logins"] = cents
        return self._schema(columns, table, **extra)

    def land_canonical(self, table: Table, feed: str, rows: list[Row], kind: str, span: str) -> Path:
        """Rows of a feed as a whole file: those no longer at the source (`kind` GONE), or what it holds (COUNTED)."""
        columns = list(dict.fromkeys(name for row in rows for name in row))
        schema = self._schema(columns, table, **{kind: feed, "seen_at": self.taken.isoformat()})
        return self._whole_file(rows, schema, f"{table.name}-{kind if kind == GONE else 'totals'}-{span}")

    def _whole_file(self, rows: list[Row], schema: pa.Schema, name: str) -> Path:
        target = self.landing / f"{self.platform}-{name}.parquet"
        with whole_file(target, synced=True) as part:
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), part, compression="zstd")
        return target

    def _schema(self, columns: list[str], table: Table, **extra: object) -> pa.Schema:
        about = json.dumps({**self.about, "table": table.name, **extra}, sort_keys=True)
        return pa.schema([(name, pa.string()) for name in columns], metadata={self.export.metadata_key: about.encode()})

    def _physical(self, table: Table, names: Sequence[str]) -> list[Source]:
        """The table and its yearly parts, the undivided one first, so that of two equal rows its row is kept."""
        found = []
        for name in sorted(names, key=str.lower):
            if re.fullmatch(rf"{table.name}(_\d{{4}})?", name, re.IGNORECASE):
                real = [str(column["name"]) for column in sa.inspect(self.engine).get_columns(name)]
                columns = {documented(column, self.export): column for column in real}
                key = next((key for key in table.keys if key in columns), None)
                if table.grows_by and not {key, table.grows_by} <= columns.keys():
                    continue  # a table of the broker's own under that name
                if key is None:
                    raise PullError(
                        f"Table {name} has no column {table.keys[0]}; it is not {self.export.system}'s {table.name}."
                    )
                found.append(Source(name, columns, key))
        return found

    def _newest_stamp(self, sources: list[Source]) -> int | None:
        newest: list[int] = []
        with self.engine.connect() as connection:
            for source in sources:
                if self.export.stamp in source.columns:
                    query = sa.select(sa.func.max(source.column(self.export.stamp))).select_from(source.table)
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

    def _cent_logins(self) -> set[str]:
        """Accounts in cents, by their group's currency (MT5) or their own (MT4)."""
        column = "GROUP" if self.export is MT4 else "Group"
        kind, wanted = (
            ("CURRENCY", list(CENTS)) if self.export is MT4
            else (column, [group for group, currency in self.groups.items() if currency in CENTS])
        )  # fmt: skip
        found = set[str]()
        users = self.sources.get(self.export.tables[0].name, [])
        for source in users if wanted else []:
            if kind in source.columns:
                query = sa.select(sa.cast(source.column(source.key), sa.Text)).where(source.column(kind).in_(wanted))
                with self.engine.connect() as connection:
                    found |= {str(login) for (login,) in connection.execute(query)}
        return found

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

    def _load_state(self) -> dict[str, Progress]:
        saved = json.loads(self.state_path.read_text()) if self.state_path.exists() else {}
        followed = {table.name: {} for table in self.export.tables if table.followed}
        return {name: Progress(self.overlap, **kept) for name, kept in (followed | saved).items()}

    def _save_state(self) -> None:
        text = json.dumps({name: progress.saved() for name, progress in self.state.items()}, sort_keys=True)
        with whole_file(self.state_path, synced=True) as part:
            part.write_text(text)
