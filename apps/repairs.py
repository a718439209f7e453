"""Quarantined rows on their way back: a repair is edited with a reason, approved under the policy `quarantine_repair`, validated anew,
loaded, and linked to the row it mends; after a mapping was corrected, rows are read again from the archived file.

What is approved in the store is loaded by the next run, from whichever page or command the approval came. The file of a repair is made of
the decision alone, so that its hash tells an approved repair from a file that only bears its name.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import sqlalchemy as sa

from apps.approvals.canonical import canonical
from apps.approvals.chain import now
from apps.approvals.live import undone
from apps.approvals.store import open_store, reading
from apps.approvals.tables import decisions, proposals
from apps.approvals.undoing import still_undoable
from ingestion.connectors import BadFile, Batch, connectors
from ingestion.connectors.configured import configured
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from ingestion.load import ingest
from warehouse.engine import WarehouseError
from warehouse.settings import Settings
from warehouse.whole_file import whole_file

SUBJECT = "quarantine_repair"


@dataclass(frozen=True)
class Edited:
    """A quarantined row with its changes, and the rules it would still break."""

    load_id: int
    row_number: int
    feed: str
    row: dict[str, Any]
    broken: list[str]


@dataclass(frozen=True)
class Repair:
    """An approved repair as the file it is loaded from."""

    load_id: int
    row_number: int
    feed: str
    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hash of the file's bytes."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Replayed:
    """What became of one load's quarantined rows when they were read again."""

    load_id: int
    feed: str
    tried: int
    loaded: int
    said: str = ""


def edit(
    connection: duckdb.DuckDBPyConnection,
    load_id: int,
    row_number: int,
    changes: Mapping[str, str | None],
    feed: str | None = None,
) -> Edited:
    """The row with `changes` in it, judged by its feed's contract; nothing is written. Raises WarehouseError where there is no such open row."""
    found = connection.execute(
        "select feed, row, status from raw.quarantine where load_id = $1 and row_number = $2 and ($3::varchar is null or feed = $3)",
        [load_id, row_number, feed],
    ).fetchall()
    rows = [(name, row) for name, row, status in found if status == "open"]
    if len(rows) != 1:
        said = (
            f"Row {row_number} of load {load_id} stands in quarantine for {', '.join(name for name, _ in rows)}; add `--feed`."
            if rows
            else f"Row {row_number} of load {load_id} is not open in quarantine. `daybook quarantine list` shows what is."
        )
        raise WarehouseError(said)
    name, text = rows[0]
    return edited(load_id, row_number, name, text, changes)


def edited(load_id: int, row_number: int, feed: str, text: str, changes: Mapping[str, str | None]) -> Edited:
    """The row, which is JSON text, with `changes` in it (None removes a value), and the rules that it still breaks."""
    unknown = [column for column in changes if column not in FEEDS[feed].columns]
    if unknown:
        raise WarehouseError(f"{unknown[0]} is no column of {feed}; it has {', '.join(FEEDS[feed].columns)}.")
    row = {key: value for key, value in {**json.loads(text), **changes}.items() if value is not None}
    return Edited(load_id, row_number, feed, row, _broken(feed, row))


def changes_of(lines: Sequence[str]) -> dict[str, str | None]:
    """`COLUMN=VALUE` as a change; an empty value removes what is there. Raises WarehouseError for what is none."""
    changes: dict[str, str | None] = {}
    for line in lines:
        name, mark, value = line.partition("=")
        if not mark or not name.strip():
            raise WarehouseError(f"A change is COLUMN=VALUE; this is {line!r}.")
        changes[name.strip()] = value.strip() or None
    return changes


def _broken(feed: str, row: Mapping[str, Any]) -> list[str]:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in row.items()}
    missing = [name for name in FEEDS[feed].required if name not in texts and name not in FEEDS[feed].nullable_key]
    if missing:
        return [f"{', '.join(missing)}: must not be empty"]
    judged = judge(
        FEEDS[feed], Batch(feed, pl.DataFrame({**{key: [value] for key, value in texts.items()}, "_row_number": [1]}))
    )
    return [rule for bad in judged.bad for rule in bad.rules]


def payload(edited: Edited, changes: Mapping[str, str | None], reason: str) -> dict[str, Any]:
    """What the proposal states: the whole row as it would be loaded, and what was changed why."""
    return {
        "load_id": edited.load_id,
        "row_number": edited.row_number,
        "feed": edited.feed,
        "row": edited.row,
        "changes": dict(changes),
        "explanation": reason,
        "title": f"of row {edited.row_number} of load {edited.load_id} ({edited.feed})",
    }


def approved(settings: Settings) -> list[Repair]:
    """Every approved repair of the store that can no longer be undone, in the order of the decisions."""
    table, decided = proposals.c, decisions.c
    query = (
        sa.select(table.payload, decided.decision_id)
        .join(decisions, sa.and_(decided.subject_type == table.subject_type, decided.subject_id == table.subject_id))
        .where(table.subject_type == SUBJECT, decided.decision == "approve", decided.final.is_(True), ~undone())
        .where(~still_undoable(now(), timedelta(seconds=settings.undo_seconds)))
        .order_by(decided.decided_at, decided.decision_id)
    )
    with reading(open_store(settings)) as connection:
        found = connection.execute(query).all()
    return [repair for stated, decision_id in found if (repair := _repair(stated, decision_id)) is not None]


def _repair(stated: Mapping[str, Any], decision_id: str) -> Repair | None:
    """The file of a decision; None for a proposal from elsewhere that states no feed or no row to load."""
    feed, row = stated.get("feed"), stated.get("row")
    if feed not in FEEDS or not isinstance(row, dict):
        return None
    load_id, row_number = int(stated["load_id"]), int(stated["row_number"])
    beside = {"repairs": f"{load_id}:{row_number}", "repair_decision": decision_id}
    content = canonical({**row, **beside}).encode() + b"\n"
    return Repair(load_id, row_number, str(feed), f"repair-{load_id}-{row_number}-{decision_id}.jsonl", content)


def land(settings: Settings, connection: duckdb.DuckDBPyConnection) -> list[Path]:
    """Writes a file into the landing folder for each approved repair of a row that is still open and was not loaded yet."""
    written = []
    for repair in _open(connection, approved(settings)):
        if _load_of(connection, repair) is None:
            target = settings.landing / repair.feed / repair.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target) as part:
                part.write_bytes(repair.content)
            written.append(target)
    return written


def link(settings: Settings, connection: duckdb.DuckDBPyConnection) -> int:
    """Marks each open row whose approved repair was loaded, and names the raw row it became (`LOAD:ROW`); gives how many."""
    linked = 0
    for repair in _open(connection, approved(settings)):
        load = _load_of(connection, repair)
        if load is None:
            continue
        load_id, quarantined = load
        status = "refused_again" if quarantined else "repaired"
        _mark(connection, repair.load_id, repair.feed, [(repair.row_number, f"{load_id}:1", status)])
        linked += 1
    return linked


def _open(connection: duckdb.DuckDBPyConnection, repairs: Sequence[Repair]) -> list[Repair]:
    if not repairs:
        return []
    found = connection.execute("select load_id, row_number, feed from raw.quarantine where status = 'open'").fetchall()
    still = set(found)
    return [one for one in repairs if (one.load_id, one.row_number, one.feed) in still]


def _load_of(connection: duckdb.DuckDBPyConnection, repair: Repair) -> tuple[int, int] | None:
    """(load, rows it quarantined) of the file with exactly the bytes of the decision."""
    return connection.execute(
        "select load_id, rows_quarantined from raw.loads where file_sha256 = ? and status = 'loaded'", [repair.sha256]
    ).fetchone()


def _mark(connection: duckdb.DuckDBPyConnection, load_id: int, feed: str, rows: Sequence[tuple[int, str, str]]) -> None:
    connection.executemany(
        """
        update raw.quarantine set status = $status, replayed_as = $became
        where load_id = $load and feed = $feed and row_number = $number and status = 'open'
        """,
        [
            {"load": load_id, "feed": feed, "number": number, "became": became, "status": status}
            for number, became, status in rows
        ],
    )


def replay(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    *,
    connector: str | None = None,
    load_id: int | None = None,
    feed: str | None = None,
) -> list[Replayed]:
    """Reads open rows again from their archived files with the connectors as they are now; what is good by now is loaded and linked.

    Rows that still break a rule stay open. The rows are loaded as files of their feed, so a kill in between repeats nothing twice.
    """
    known = configured(connectors(), settings.root / "connectors.yml")
    found = connection.execute(
        """
        select rows.load_id, rows.feed, loads.connector, loads.path, loads.file_sha256, list(distinct rows.row_number order by rows.row_number)
        from raw.quarantine as rows inner join raw.loads as loads using (load_id)
        where
            rows.status = 'open' and ($1::varchar is null or loads.connector = $1)
            and ($2::bigint is null or rows.load_id = $2) and ($3::varchar is null or rows.feed = $3)
        group by all order by rows.load_id, rows.feed
        """,
        [connector, load_id, feed],
    ).fetchall()
    outcomes = []
    for load, of_feed, by, path, sha256, numbers in found:
        source = settings.archive / sha256
        if by not in known or not source.exists():
            said = f"there is no connector {by}" if by not in known else "its file is not in the archive"
            outcomes.append(Replayed(load, of_feed, len(numbers), 0, said))
            continue
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / Path(path).name
            shutil.copy2(source, copy)
            try:
                lines = [
                    one
                    for batch in known[by].read(copy)
                    if batch.feed == of_feed
                    for one in _mended(batch, set(numbers), load)
                ]
            except BadFile as bad:
                outcomes.append(Replayed(load, of_feed, len(numbers), 0, bad.reason))
                continue
        outcomes.append(_loaded_again(settings, connection, load, of_feed, len(numbers), lines))
    return outcomes


def _mended(batch: Batch, numbers: set[int], load_id: int) -> list[tuple[int, dict[str, Any]]]:
    """The rows among `numbers` that break nothing now, as they would be written."""
    wanted = batch.rows.filter(pl.col("_row_number").is_in(sorted(numbers)))
    if wanted.is_empty():
        return []
    good = set(judge(FEEDS[batch.feed], Batch(batch.feed, wanted)).good.get_column("_row_number"))
    bad = {row.row_number for row in judge(FEEDS[batch.feed], Batch(batch.feed, wanted)).bad}
    return [
        (
            row["_row_number"],
            {
                **{k: v for k, v in row.items() if v is not None and k != "_row_number"},
                "replays": f"{load_id}:{row['_row_number']}",
            },
        )
        for row in wanted.iter_rows(named=True)
        if row["_row_number"] in good - bad
    ]


def _loaded_again(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    load_id: int,
    feed: str,
    tried: int,
    lines: list[tuple[int, dict[str, Any]]],
) -> Replayed:
    if not lines:
        return Replayed(load_id, feed, tried, 0, "every row still breaks a rule")
    content = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for _, row in lines).encode()
    target = settings.landing / feed / f"replay-{load_id}-{hashlib.sha256(content).hexdigest()[:12]}.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as part:
        part.write_bytes(content)
    (outcome,) = ingest(connection, settings, [target])
    if outcome.load_id is None or outcome.status not in ("loaded", "duplicate_file"):
        return Replayed(load_id, feed, tried, 0, outcome.reason or outcome.status)
    refused = connection.execute(
        "select row_number from raw.quarantine where load_id = ?", [outcome.load_id]
    ).fetchall()
    again = {number for (number,) in refused}
    became = {
        source: f"{outcome.load_id}:{place}" for place, (source, _) in enumerate(lines, start=1) if place not in again
    }
    _mark(connection, load_id, feed, [(source, row, "replayed") for source, row in became.items()])
    return Replayed(load_id, feed, tried, len(became), "")


def by_rule(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """(day, feed, rule, rows, of which open): a row that broke two rules counts under both; the newest day first."""
    return connection.execute(
        """
        select recorded_at::date as day, feed, rule, count(*) as rows, count(*) filter (status = 'open') as open
        from (select recorded_at, feed, status, unnest(rules) as rule from raw.quarantine)
        group by all order by day desc, rows desc, feed, rule
        """
    ).fetchall()
