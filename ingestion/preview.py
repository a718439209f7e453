"""What a file would become, before anything is loaded: rows as they are mapped, totals by kind and currency, and what is refused."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import polars as pl

from ingestion.connectors import BadFile, Connector
from ingestion.feeds import FEEDS
from ingestion.judge import judge

SHOWN = 5


@dataclass
class FeedPreview:
    """One feed of a file."""

    feed: str
    rows: int = 0
    first: list[dict[str, str]] = field(default_factory=list)
    """The first rows, filled columns only."""
    totals: dict[tuple[str, str, str], tuple[int, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: (0, Decimal(0)))
    )
    """(kind, status, currency) -> rows and the sum of their amounts."""


@dataclass
class Preview:
    """What a connector makes of a file."""

    connector: str
    feeds: list[FeedPreview]
    rejected: list[tuple[int, list[str]]]
    """Row number and the rules it broke; the first ones."""
    refused: int
    remarks: list[str]


def preview(path: Path, connector: Connector) -> Preview | None:
    """None when the file as a whole is refused: then the load itself says why."""
    feeds: dict[str, FeedPreview] = {}
    rejected: list[tuple[int, list[str]]] = []
    remarks: list[str] = []
    try:
        for batch in connector.read(path):
            judged = judge(FEEDS[batch.feed], batch)
            _add(feeds.setdefault(batch.feed, FeedPreview(batch.feed)), judged.good)
            rejected += [(bad.row_number, bad.rules) for bad in judged.bad]
            remarks += batch.remarks
            remarks += [f"the column {name!r} is kept in _extra" for name in judged.unknown]
    except BadFile:
        return None
    said = list(dict.fromkeys(remarks))
    return Preview(connector.name, list(feeds.values()), rejected[:20], len(rejected), said)


def _add(found: FeedPreview, rows: pl.DataFrame) -> None:
    found.rows += rows.height
    for row in rows.head(max(SHOWN - len(found.first), 0)).iter_rows(named=True):
        found.first.append({name: _shown(value) for name, value in row.items() if _is_filled(name, value)})
    if not {"amount", "currency"} <= set(rows.columns):
        return
    for row in rows.iter_rows(named=True):
        key = (str(row.get("kind") or ""), str(row.get("status") or ""), str(row["currency"]))
        count, total = found.totals[key]
        found.totals[key] = (count + 1, total + (row["amount"] or 0))


def _is_filled(name: str, value: object) -> bool:
    return value is not None and value != [] and name not in ("_row_number", "_extra", "detail", "attributes")


def _shown(value: object) -> str:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def as_json(found: Preview) -> Mapping[str, object]:
    """The preview as JSON carries it: exact sums as text."""
    return {
        "connector": found.connector,
        "feeds": [
            {
                "feed": one.feed,
                "rows": one.rows,
                "first": one.first,
                "totals": [
                    {"kind": kind, "status": status, "currency": currency, "rows": count, "amount": _shown(total)}
                    for (kind, status, currency), (count, total) in sorted(one.totals.items())
                ],
            }
            for one in found.feeds
        ],
        "refused_rows": found.refused,
        "refused": [{"row": number, "rules": rules} for number, rules in found.rejected],
        "remarks": found.remarks,
    }
