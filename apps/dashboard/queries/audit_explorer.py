"""The audit trail, filtered. An id is looked for as the thing itself, its client, or the matter it belongs to."""

from typing import Any

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

EVENTS = "compliance.fct_audit_events"
# one condition for the table and for the counts above it
MATCHING = """
    occurred_at >= $1 and occurred_at < $2 and ($3::varchar is null or stream = $3) and ($4::varchar is null or actor_id = $4)
    and ($5::varchar is null or stream_id = $5 or client_id = $5 or correlation_id = $5) and ($6::varchar is null or starts_with(event_type, $6))
"""


def streams(reader: Reader) -> pl.DataFrame:
    """Every stream there is for this role, in alphabetical order."""
    return reader.query(f"select distinct stream from {EVENTS} order by 1")


def parameters(
    scope: Scope, stream: str | None, actor: str | None, about: str | None, kind: str | None
) -> tuple[Any, ...]:
    """Parameters $1 to $6 of MATCHING."""
    return scope.start, scope.until, stream, actor, about, kind


def events(wanted: tuple[Any, ...]) -> Rows:
    """The events that match, the newest first."""
    return Rows(
        f"""
        select occurred_at, recorded_at, stream, stream_id, event_type, actor_type, actor_id, actor_role, client_id, reason, before, after,
            correlation_id, rule_version, approval_id, source_feed, source_key, version, seq, hash, load_id, event_id
        from {EVENTS} where {MATCHING} order by occurred_at desc, recorded_at desc, event_id desc
        """,
        wanted,
    )


def by_kind(reader: Reader, wanted: tuple[Any, ...]) -> pl.DataFrame:
    """Per kind of event how many match, and how many of them came in more than a minute after they happened; the most frequent first."""
    return reader.query(
        f"""
        select stream, event_type, count(*) as events, count(*) filter (where recorded_at > occurred_at + interval 1 minute) as known_later,
            count(*) filter (where version > 1) as corrections, min(occurred_at) as first_at, max(occurred_at) as last_at
        from {EVENTS} where {MATCHING} group by all order by events desc, stream, event_type
        """,
        wanted,
    )
