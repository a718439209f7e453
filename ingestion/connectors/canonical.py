"""The canonical reader: files that already carry a feed's columns, as Parquet, CSV or JSON lines. The connector's name is the feed's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ingestion.connectors import canonical_csv, canonical_jsonl, canonical_parquet
from ingestion.connectors.base import BadFile, Batch
from ingestion.feeds import FEEDS, Feed

READERS: dict[str, Callable[[Path, Feed], Iterator[Batch]]] = {
    ".parquet": canonical_parquet.read,
    ".csv": canonical_csv.read,
    ".csv.gz": canonical_csv.read,
    ".jsonl": canonical_jsonl.read,
    ".jsonl.gz": canonical_jsonl.read,
}
NAMES: dict[str, Callable[[Path], list[str]]] = {
    ".parquet": canonical_parquet.column_names,
    ".csv": canonical_csv.column_names,
    ".csv.gz": canonical_csv.column_names,
    ".jsonl": canonical_jsonl.column_names,
    ".jsonl.gz": canonical_jsonl.column_names,
}
MOST_COLUMNS = 1000


@dataclass(frozen=True)
class CanonicalConnector:
    """Reads one feed's own format."""

    feed: Feed
    version: str = "1"
    patterns: tuple[str, ...] = tuple(f"*{ending}" for ending in READERS)

    @property
    def name(self) -> str:
        return self.feed.name

    @property
    def feeds(self) -> tuple[str, ...]:
        return (self.feed.name,)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Every required column is there, and none that this feed does not know."""
        ending = ending_of(path)
        if ending is None or not head:
            return False
        try:
            names = set(NAMES[ending](path))
        except BadFile:
            return False
        return set(self.feed.required) <= names <= set(self.feed.columns)

    def read(self, path: Path) -> Iterator[Batch]:
        ending = ending_of(path)
        if ending is None:
            raise BadFile(f"{path.name} is none of {', '.join(READERS)}.", "Rename it to what it is.")
        if not ending.startswith(".jsonl"):  # JSON lines name their columns row by row
            check_columns(self.feed, NAMES[ending](path))
        yield from READERS[ending](path, self.feed)


def ending_of(path: Path) -> str | None:
    """The ending among READERS that the file's name has, compressed ones included."""
    name = path.name.lower()
    return next((ending for ending in READERS if name.endswith(ending)), None)


def check_columns(feed: Feed, names: list[str]) -> None:
    """Raises BadFile when a column is missing without which no row could load, or when two have one name."""
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise BadFile(
            f"The column `{twice[0]}` occurs twice.", "Keep one of them and drop the file again.", column=twice[0]
        )
    if len(names) > MOST_COLUMNS:
        raise BadFile(f"There are {len(names)} columns; at most {MOST_COLUMNS} are read.", "Drop what no one needs.")
    missing = [name for name in feed.required if name not in names and name not in feed.nullable_key]
    if not missing:
        return
    near = {name: get_close_matches(name, set(names) - set(feed.columns), n=1, cutoff=0.7) for name in missing}
    hints = [f"`{found[0]}` looks like `{name}`" for name, found in near.items() if found]
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        hints.append("the columns must be separated by commas")
    hint = f" ({'; '.join(hints)})" if hints else ""
    raise BadFile(
        f"The feed {feed.name} needs the columns {', '.join(missing)}, which the file does not have{hint}.",
        f"The file has: {', '.join(names[:40])[:1000]}. Name its columns as feeds.md does, or use the connector of the system it comes from.",
        column=", ".join(missing),
    )


CONNECTORS = tuple(CanonicalConnector(feed) for feed in FEEDS.values())
