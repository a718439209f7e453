"""Finds in a MetaTrader export what no change stamp tells: rows edited without one, rows missed, rows deleted.

An export replaces rows in place and deletes what its server deletes. So each sweep reads a bounded number of rows again (half of them the
newest, half from where the last sweep stopped, round and round), compares them with what is loaded, and lands what differs: corrections
as the source's own rows, deletions as the last known row with `is_cancelled` (an account as `closed`). A deleted row that comes back is
landed with the moment it was seen again as its version.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from ingestion.connectors.base import Connector
from ingestion.connectors.mt5_progress import merged, number_in
from ingestion.connectors.mt5_pull import Database
from ingestion.connectors.mt5_tables import MT4, SEEN_AGAIN, Row, Table
from ingestion.connectors.mt_export import GONE
from ingestion.connectors.swept import SWEPT_ROWS, Swept
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from warehouse.whole_file import whole_file

DEALS_COMPARED = """login executed_at action is_cancelled entry symbol volume_lots price profit swap commission fee
comment"""

Known = Callable[[str, int | None, int | None], pl.DataFrame]
"""(feed, first id, last id) -> the latest loaded version of each row of this source, canonical columns and types."""


def sweep(source: Database, connector: Connector, known: Known, rows: int = SWEPT_ROWS) -> Swept:
    """Compares a bounded part of the source with what is loaded of it, and lands what differs. Call it after a pull was loaded."""
    found = Swept()
    for table in source.export.tables:
        if table.followed and source.sources[table.name]:
            found += (
                _accounts(source, table, known)
                if table.name.endswith("users")
                else _deals(source, table, connector, known, rows)
            )
    return found


def _deals(source: Database, table: Table, connector: Connector, known: Known, budget: int) -> Swept:
    top = source.state[table.name].key
    if top is None:
        return Swept()
    path = source.state_path.with_name(source.state_path.name.replace(".state.json", ".sweep.json"))
    cursor = int(json.loads(path.read_text())["key"]) if path.exists() else 0
    newest = max(0, top - budget // 2)
    found, stopped = _window(source, table, connector, known, (min(cursor, newest), newest), budget // 2)
    later, _ = _window(source, table, connector, known, (newest, top), budget - budget // 2)
    with whole_file(path) as part:
        part.write_text(json.dumps({"key": 0 if stopped >= newest else stopped}))
    return found + later


def _window(
    source: Database, table: Table, connector: Connector, known: Known, span: tuple[int, int], budget: int
) -> tuple[Swept, int]:
    """Keys above the first and up to the second of `span`, at most `budget` rows; where it stopped."""
    at, end = span
    found = Swept()
    while at < end and found.rows < budget:
        rows, last = _page(source, table, at, end, min(source.page_rows, budget - found.rows))
        found += _compared(source, table, connector, known, rows, (at, last))
        at = last
    return found, at


def _page(source: Database, table: Table, after: int, end: int, rows: int) -> tuple[list[Row], int]:
    """The next rows by key, and the key up to which nothing is missing among them."""
    parts = source.sources[table.name]
    key = parts[0].key
    with source.engine.connect() as connection:
        pages = [
            part.page(
                connection, sa.and_(part.column(part.key) > after, part.column(part.key) <= end), [part.key], rows
            )
            for part in parts
        ]
    found, more = merged(pages, key, [key], rows, source.export.stamp)
    return found, number_in(found[-1], key) if more and found else end


def _compared(
    source: Database, table: Table, connector: Connector, known: Known, rows: list[Row], span: tuple[int, int]
) -> Swept:
    """Lands of these rows what is not loaded as it stands, and of the span what is loaded but no longer there."""
    per_key = 2 if source.export is MT4 else 1  # a ticket's deals: see mt4_rows
    first, last = (span[0] + 1) * per_key, span[1] * per_key + per_key - 1
    loaded = known("deals", first, last)
    here, unread = _canonical(source, table, connector, rows)
    names = DEALS_COMPARED.split()
    differing = here.join(loaded.select("deal_id", *names), on=["deal_id", *names], how="anti", nulls_equal=True)
    numbers = sorted(set(differing["_row_number"].to_list()))
    cancelled = set(loaded.filter(pl.col("is_cancelled"))["deal_id"].to_list())
    back = {number for deal, number in differing.select("deal_id", "_row_number").iter_rows() if deal in cancelled}
    stamp = str(source.export.stamp_of(source.taken))
    changed = [{**rows[number - 1], **({SEEN_AGAIN: stamp} if number in back else {})} for number in numbers]
    present = set(here["deal_id"].to_list()) | {key * per_key + more for key in unread for more in range(per_key)}
    left = loaded.filter(~pl.col("is_cancelled").fill_null(False) & ~pl.col("deal_id").is_in(list(present)))
    marked = left.with_columns(pl.lit(True).alias("is_cancelled"), pl.col("source_version") + 1)
    files: list[Path] = []
    moment = f"{source.taken:%Y%m%dT%H%M%S%f}"
    if changed:
        files.append(source.land(table, changed, f"swept-{moment}-{first:020d}"))
    if marked.height:
        files.append(source.land_canonical(table, "deals", _texts(marked), GONE, f"{moment}-{first:020d}"))
    return Swept(len(rows), len(changed) - len(back), marked.height, len(back), tuple(files))


def _canonical(source: Database, table: Table, connector: Connector, rows: list[Row]) -> tuple[pl.DataFrame, set[int]]:
    """The rows as deals, and the keys of those that no deal can be made of: they went to quarantine when they were loaded."""
    feed = FEEDS["deals"]
    good = [pl.DataFrame(schema={**feed.columns, "_row_number": pl.Int64})]
    unread = {number_in(row, source.sources[table.name][0].key) for row in rows}
    if rows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "swept.parquet"
            source.write_rows(path, table, rows)
            for batch in connector.read(path):
                judged = judge(FEEDS[batch.feed], batch)
                if judged.good.height:
                    numbers = judged.good["_row_number"].to_list()
                    unread -= {number_in(rows[number - 1], source.sources[table.name][0].key) for number in numbers}
                if batch.feed == "deals" and judged.good.height:
                    good.append(judged.good.select(*feed.columns, "_row_number"))
    return pl.concat(good), unread


def _accounts(source: Database, table: Table, known: Known) -> Swept:
    """Accounts that are loaded and no longer at the source are closed."""
    logins = set[int]()
    for part in source.sources[table.name]:
        query = sa.select(sa.cast(part.column(part.key), sa.BigInteger)).order_by(part.column(part.key))
        with source.engine.connect() as connection:
            logins |= {int(login) for (login,) in connection.execution_options(yield_per=10_000).execute(query)}
    loaded = known("trading_accounts", None, None)
    left = loaded.filter((pl.col("status") != "closed").fill_null(True) & ~pl.col("login").is_in(list(logins)))
    if left.is_empty():
        return Swept(rows=len(logins))
    closed = left.with_columns(
        pl.lit(source.taken).dt.replace_time_zone("UTC").dt.cast_time_unit("us").alias("changed_at"),
        pl.lit("closed").alias("status"),
        pl.lit(source.export.stamp_of(source.taken), dtype=pl.Int64).alias("source_version"),
    )
    file = source.land_canonical(table, "trading_accounts", _texts(closed), GONE, f"{source.taken:%Y%m%dT%H%M%S%f}")
    return Swept(rows=len(logins), gone=left.height, files=(file,))


def _texts(rows: pl.DataFrame) -> list[Row]:
    """Canonical rows as text, for a landed file."""
    times = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime)]
    as_text = rows.with_columns(pl.col(times).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"))
    return [dict(row) for row in as_text.cast(pl.String).iter_rows(named=True)]
