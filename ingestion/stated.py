"""What a file states of its own rows, kept beside the load in `raw.source_totals`: the other side of a source reconciliation.

They are no rows of the file, so they count neither as read nor as loaded; the load that they came with tells whose they are.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath

import duckdb

from ingestion.connectors.base import Batch, Total
from ingestion.connectors.values import exact, text_frame
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from ingestion.versions import Arrival, append, stage

TOTALS = FEEDS["source_totals"]


def keep(
    connection: duckdb.DuckDBPyConnection, feed: str, path: str, totals: Sequence[Total], arrival: Arrival
) -> tuple[str, ...]:
    """Stores the totals; gives what is to be said of those that cannot be used. Runs inside the loader's transaction."""
    name = PurePosixPath(path).name
    rows = [
        {
            "source": total.source,
            "feed": feed,
            "day": total.counted_at[:10],
            "currency": total.currency,
            "scope": f"file:{name} ({arrival.file_sha256[:8]})",
            "counted_at": total.counted_at,
            "row_count": None if total.row_count is None else str(total.row_count),
            "amount": exact(total.amount),
            "measure": total.measure,
            "_row_number": place,
        }
        for place, total in enumerate(totals, start=1)
    ]
    judged = judge(TOTALS, Batch(TOTALS.name, text_frame(rows, [name for name in rows[0] if name != "_row_number"])))
    if judged.good.height:
        append(connection, TOTALS, stage(TOTALS, judged.good), arrival)
    return tuple(f"a total that the file states cannot be used: {'; '.join(bad.rules)}" for bad in judged.bad)
