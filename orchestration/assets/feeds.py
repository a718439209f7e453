"""Each canonical feed is an asset; one load call takes all that lies in the landing folder."""

from collections.abc import Iterator

import dagster as dg

from apps import pipeline
from ingestion.feeds import FEEDS
from warehouse.settings import Settings

WRITER = "warehouse_writer"
"""The pool with one slot: whoever writes the build file holds it."""


def specs() -> list[dg.AssetSpec]:
    """Raw keys equal dbt's source keys, so that lineage needs no translator."""
    return [
        dg.AssetSpec(
            ["raw", feed.name], description=feed.description, group_name="ingestion", kinds={"duckdb"}, skippable=True
        )
        for feed in FEEDS.values()
    ]


@dg.multi_asset(specs=specs(), pool=WRITER, name="load_feeds")
def load_feeds() -> Iterator[dg.MaterializeResult]:
    """Loads the landing folder. A feed without a new file says so with zeros: a skipped one would skip the build."""
    by_feed: dict[str, list] = {feed: [] for feed in FEEDS}
    for file in pipeline.load(Settings(), pipeline.Source()):
        if file.feed is not None and file.feed in FEEDS:
            by_feed[file.feed].append(file)
    for feed, files in by_feed.items():
        counts = {
            name: sum(getattr(file, f"rows_{name}") for file in files)
            for name in ("read", "loaded", "duplicate", "quarantined")
        }
        yield dg.MaterializeResult(asset_key=["raw", feed], metadata={"files": len(files), **counts})


defs = dg.Definitions(assets=[load_feeds])
