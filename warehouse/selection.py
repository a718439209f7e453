"""What a build touches: everything that descends from the feeds of new loads, except where nothing the model takes has come."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import duckdb

BACKGROUND = "background"
"""The tag of models that follow when no file waits: daily figures and reconciliations, which nobody needs within seconds."""
STEPWISE = "stepwise"
"""The tag of models whose history depends on what was known when: built at every step, with what they read."""


def touched(manifest: Any, feeds: Iterable[str], takes: Callable[[str, str, str], bool]) -> set[str]:
    """Unique ids of the models that new rows of these feeds reach.

    A model may say in its meta which rows of a feed it takes at all: `takes_of: {deals: "action = 'balance'"}`. `takes(model, feed,
    condition)` says whether such rows have come; where not, that feed reaches neither it nor, through it, anything behind it.
    """
    nodes = manifest.nodes
    children: dict[str, list[str]] = {}
    for unique_id, node in nodes.items():
        if node.resource_type == "model":
            for parent in node.depends_on_nodes:
                children.setdefault(parent, []).append(unique_id)
    sources = {source.name: unique_id for unique_id, source in manifest.sources.items()}
    reached: set[str] = set()
    for feed in feeds:
        of_feed: set[str] = set()
        due = list(children.get(sources.get(feed, ""), []))
        while due:
            unique_id = due.pop()
            if unique_id in of_feed:
                continue
            node = nodes[unique_id]
            condition = node.config.meta.get("takes_of", {}).get(feed)
            if condition is None or takes(node.name, feed, condition):
                of_feed.add(unique_id)
                due += children.get(unique_id, [])
        reached |= of_feed
    return reached


def tagged(manifest: Any, tag: str) -> set[str]:
    """Unique ids of the models that bear a tag."""
    return {
        unique_id for unique_id, node in manifest.nodes.items() if node.resource_type == "model" and tag in node.tags
    }


def upstream(manifest: Any, chosen: Iterable[str]) -> set[str]:
    """Unique ids of these nodes and of every model and seed that they read."""
    nodes = manifest.nodes
    found: set[str] = set()
    due = list(chosen)
    while due:
        unique_id = due.pop()
        if unique_id not in found and unique_id in nodes:
            found.add(unique_id)
            due += nodes[unique_id].depends_on_nodes
    return found


def names(manifest: Any, chosen: Collection[str]) -> list[str]:
    """The names of those chosen nodes that are built (a view is not), in the manifest's order."""
    return [
        node.name
        for unique_id, node in manifest.nodes.items()
        if unique_id in chosen and node.config.materialized != "view"
    ]


def new_rows(connection: duckdb.DuckDBPyConnection, horizon: int) -> Callable[[str, str, str], bool]:
    """Asks raw whether rows that a model takes have come since it was built last; a correction may have been such a row before."""

    def takes(model: str, feed: str, condition: str) -> bool:
        row = connection.execute(
            f"""
            select count(*) from raw."{feed}"
            where _load_id > coalesce((select high_water from control.models where model = ?), 0) and _load_id <= ?
                and ({condition} or _version > 1)
            """,
            [model, horizon],
        ).fetchone()
        return row is not None and row[0] > 0

    return takes
