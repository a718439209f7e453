"""The access log: who looked at what, who asked for a dossier, who took data away. Out of the chain, so it is complete and of now."""

import json
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from apps.approvals.canonical import moment
from apps.approvals.store import reading
from apps.approvals.tables import events

READS = (
    "page.viewed",
    "page.refused",
    "data.exported",
    "dossier.asked",
    "dossier.exported",
    "request.exported",
    "dsar.exported",
)
SCHEMA = {
    "at": pl.Datetime("us"), "who": pl.Utf8, "role": pl.Utf8, "what": pl.Utf8, "of": pl.Utf8, "client_id": pl.Utf8, "details": pl.Utf8,
    "publish_id": pl.Int64, "ip": pl.Utf8, "seq": pl.Int64,
}  # fmt: skip


def reads(
    engine: sa.Engine, since: datetime, until: datetime, who: str | None = None, about: str | None = None
) -> pl.DataFrame:
    """Reads and exports from `since` up to `until` (naive UTC), the newest first, one row an event.

    `who` is the actor's id. `about` is an id (of a client, request, account) that was looked at: named by the event, or in what was asked.
    """
    query = sa.select(events.c.seq, events.c.body).where(
        events.c.type.in_(READS), events.c.occurred_at >= moment(since), events.c.occurred_at < moment(until)
    )
    if who is not None:
        query = query.where(events.c.actor_id == who)
    if about is not None:
        query = query.where(events.c.body.contains(about, autoescape=True))
    with reading(engine) as connection:
        rows = [_row(row.seq, json.loads(row.body)) for row in connection.execute(query.order_by(events.c.seq.desc()))]
    if about is not None:
        rows = [row for row in rows if about in (row["of"], row["client_id"]) or about in row.pop("_values")]
    return pl.DataFrame([{name: row[name] for name in SCHEMA} for row in rows], schema=SCHEMA)


def _row(seq: int, body: dict[str, Any]) -> dict[str, Any]:
    after, actor = body.get("after") or {}, body["actor"]
    asked = after.get("query") or after.get("filters") or {}
    return {
        "at": datetime.fromisoformat(body["occurred_at"].removesuffix("Z")),
        "who": actor["id"],
        "role": actor.get("role"),
        "what": body["type"],
        "of": after.get("title") or f"{body['subject_type']} {body['subject_id']}",
        "client_id": body.get("client_id") or asked.get("client") or asked.get("client_id"),
        "details": ", ".join(f"{name}={value}" for name, value in asked.items()) or None,
        "publish_id": after.get("publish_id"),
        "ip": actor.get("ip"),
        "seq": seq,
        "_values": {str(value) for value in (*asked.values(), body["subject_id"])},
    }
