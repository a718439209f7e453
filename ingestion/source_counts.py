"""After each reading an SQL source is asked how much it holds of the last days; the answer lands as a file when it is another than before."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from ingestion.connectors.base import Connector
from ingestion.connectors.mt4_sql import clock_by_rows as mt4_clock
from ingestion.connectors.mt5_clock import clock_of
from ingestion.connectors.mt5_pull import Database
from ingestion.connectors.mt5_tables import MT4
from ingestion.connectors.mt_export import COUNTED
from ingestion.connectors.mt_totals import Span, counted
from warehouse.whole_file import whole_file

DAYS = 7
"""Days that hold deals and are counted, at most; the newest are."""
MOST_ROWS = 1_000_000
"""Deals of these days, at most, the newest day apart: what the database goes through to count them."""
NEWER_DAYS = 3
"""Days after the newest one loaded in which more may be to come."""
_PEEKED_ROWS = 1000


def landed(source: Database, connector: Connector, connection: duckdb.DuckDBPyConnection) -> tuple[Path, ...]:
    """The file with the counts; none when nothing was loaded yet, or when they are what they were."""
    span = _span(source, connection)
    if span is None:
        return ()
    rows = counted(source, span, _zone(source, connector, span))
    said = json.dumps([{**row, "counted_at": None} for row in rows], sort_keys=True)
    kept = source.state_path.with_name(source.state_path.name.replace(".state.json", ".counted.json"))
    if not rows or (kept.exists() and kept.read_text(encoding="utf-8") == said):
        return ()
    moment = f"{source.taken:%Y%m%dT%H%M%S%f}"
    file = source.land_canonical(source.export.tables[1], "source_totals", rows, COUNTED, moment)
    with whole_file(kept) as part:
        part.write_text(said, encoding="utf-8")
    return (file,)


def _span(source: Database, connection: duckdb.DuckDBPyConnection) -> Span | None:
    """The newest days of which deals are loaded, and the last key before them."""
    about = {"platform": source.platform}
    days = connection.execute(
        """
        select executed_at::date as day, count(*) as deals, min(deal_id) as lowest
        from raw.deals
        where platform = $platform
            and executed_at >= (select max(executed_at)::date - $days::integer from raw.deals where platform = $platform)
        group by day order by day desc limit $days
        """,
        {**about, "days": DAYS},
    ).fetchall()
    if not days:
        return None
    chosen, rows = [days[0]], 0
    for one in days[1:]:
        rows += one[1]
        if rows > MOST_ROWS:
            break
        chosen.append(one)
    lowest = min(one[2] for one in chosen)
    before = connection.execute(
        "select max(deal_id) from raw.deals where platform = $platform and deal_id < $lowest",
        {**about, "lowest": lowest},
    ).fetchone()
    per_key = 2 if source.export is MT4 else 1  # a ticket's deals: see mt4_rows
    after = min((before[0] if before and before[0] is not None else -1) // per_key, lowest // per_key - 1)
    newest = chosen[0][0]
    ends = max(newest, min(source.taken.date(), newest + timedelta(days=NEWER_DAYS)))
    return Span(chosen[-1][0], ends + timedelta(days=1), after)


def _zone(source: Database, connector: Connector, span: Span) -> str | int:
    """The server's clock as the connector takes it; where nothing tells it, as the stamps of these days' deals do."""
    setting: str | int | None = getattr(connector, "time_zone", None)
    about: Mapping[str, Any] = source.about
    told = setting if setting is not None else about.get("zone")
    if isinstance(told, str | int):
        return told
    name = source.export.tables[1].name
    with source.engine.connect() as connection:
        part = source.sources[name][0]
        first = part.page(connection, part.column(part.key) > span.after, [part.key], _PEEKED_ROWS)
    if source.export is MT4:
        return mt4_clock(first)[0].zone
    return clock_of(None, about, first)[0].zone
