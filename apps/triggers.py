"""Triggers on their way out: what fired, may be sent, and is not on its way yet goes into the outbox after the publish that shows it.

The mart decides whom a rule may write to; here only what can have changed since is looked at again: whether it is still worth sending, and
whether the client still agrees. A trigger's key is its own id, so that however often this runs each destination gets it once.
"""

import contextlib
import json
from datetime import datetime

import sqlalchemy as sa

from apps.approvals import chain
from apps.approvals.destinations import destinations
from apps.approvals.outbox import put
from apps.approvals.store import open_store, writing
from apps.approvals.tables import outbox
from warehouse.engine import connect
from warehouse.settings import Settings

SUBJECT = "trigger"
DUE = """
select trigger_id, rule, rule_version, client_id, fired_at, send_before, purpose, payload
from growth.fct_triggers as triggers
where suppressed_reason is null and delivered_at is null and send_before > $1
    and (purpose = 'service' or client_id in (select client_id from core.dim_clients where marketing_consent))
order by fired_at, trigger_id
"""


def enqueue(settings: Settings, at: datetime | None = None) -> int:
    """Puts every trigger that is due at this moment (now) into the outbox; gives how many messages were new.

    Only destinations that name `trigger` among their subjects get any: a receiver of decisions is not asked to take marketing. Reads the
    build file, so the caller holds the writer slot. Raises DestinationError where destinations.yml cannot be used.
    """
    wanted = [name for name, one in destinations(settings).items() if SUBJECT in one.subjects]
    at = at or chain.now()
    due = _due(settings, at) if wanted else []
    if not due:
        return 0
    new = 0
    with writing(open_store(settings)) as connection:
        known = sa.select(outbox.c.subject_id, outbox.c.destination).where(outbox.c.subject_type == SUBJECT)
        sent = {(subject_id, destination) for subject_id, destination in connection.execute(known)}
        for payload in due:
            for name in wanted:
                if (payload["subject_id"], name) not in sent:
                    put(connection, name, f"{SUBJECT}.{payload['rule']}", payload, at)
                    new += 1
    return new


def _due(settings: Settings, at: datetime) -> list[dict[str, object]]:
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        there = "select count(*) from duckdb_tables() where schema_name || '.' || table_name in ('growth.fct_triggers', 'core.dim_clients')"
        if (connection.execute(there).fetchone() or (0,))[0] < 2:
            return []
        cursor = connection.execute(DUE, [at])
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [
        {
            "subject_type": SUBJECT, "subject_id": row["trigger_id"], "rule": row["rule"], "rule_version": row["rule_version"],
            "client_id": row["client_id"], "fired_at": row["fired_at"], "send_before": row["send_before"], "purpose": row["purpose"],
            "facts": json.loads(row["payload"]),
        }
        for row in rows
    ]  # fmt: skip
