"""The KYC queue's questions: what in the identification files needs a person, and one client's file with all that is known of it."""

import polars as pl

from apps.dashboard.queries.common import Rows
from warehouse.reader import Reader

QUEUE, FILES = "compliance.fct_kyc_queue", "compliance.fct_kyc_files"
VIOLATIONS, STATUS, EVENTS = "compliance.fct_kyc_violations", "compliance.fct_kyc_status", "compliance.fct_audit_events"
WHERE = """not is_test and ($1::varchar is null or entity = $1) and ($2::varchar is null or reason = $2)
    and ($3 = 'all' or is_overdue = ($3 = 'now'))"""


def reasons(reader: Reader) -> pl.DataFrame:
    """reason: every one that is in the queue, the most urgent first."""
    return reader.query(f"select reason from {QUEUE} group by reason order by min(priority), reason")


def counts(reader: Reader, entity: str | None) -> pl.DataFrame:
    """reason, now, coming, oldest: how many files each reason holds, and since when the oldest waits; the most urgent first."""
    return reader.query(
        f"""
        select reason, count(*) filter (where is_overdue) as now, count(*) filter (where not is_overdue) as coming, min(since) as oldest
        from {QUEUE} where {WHERE} group by reason order by min(priority), reason
        """,
        [entity, None, "all"],
    )


def queue(entity: str | None, reason: str | None, when: str) -> Rows:
    """Every file and reason, the most urgent first."""
    return Rows(
        f"""
        select client_id, reason, why, is_overdue, due_at, since, kyc_status, risk_rating, category, entity, profile, deposits_eur
        from {QUEUE} where {WHERE} order by is_overdue desc, priority, due_at nulls last, since, client_id, reason
        """,
        (entity, reason, when),
    )


def file(reader: Reader, client_id: str) -> pl.DataFrame:
    """The client's file as it stands now; no row for a client nobody knows."""
    return reader.query(f"select * exclude (_run_id) from {FILES} where client_id = $1", [client_id])


def because(reader: Reader, client_id: str) -> pl.DataFrame:
    """Why the file is in the queue."""
    return reader.query(
        f"select reason, why, is_overdue, due_at, since from {QUEUE} where client_id = $1 order by priority, reason",
        [client_id],
    )


def violations(client_id: str) -> Rows:
    """Every violation, the newest first, with when we knew it; one no longer held for true has superseded_at."""
    return Rows(
        f"""
        select occurred_at, rule, detail, from_status, to_status, actor_id, recorded_at, superseded_at, provider, event_id
        from {VIOLATIONS} where client_id = $1 order by occurred_at desc, rule
        """,
        (client_id,),
    )


def history(client_id: str) -> Rows:
    """The status over time on both clocks, the newest first."""
    return Rows(
        f"""
        select valid_from, valid_to, status, actor_id, recorded_at, superseded_at, event_id
        from {STATUS} where client_id = $1 order by valid_from desc, recorded_at desc
        """,
        (client_id,),
    )


def evidence(client_id: str) -> Rows:
    """Documents, checks, ratings and notes, the newest first."""
    return Rows(
        f"""
        select occurred_at, event_type, after ->> 'check' as "check", after ->> 'result' as result, after ->> 'document_type' as document_type,
            after ->> 'document_expires_on' as document_expires_on, after ->> 'risk_rating' as risk_rating, after ->> 'outcome' as outcome,
            actor_type, actor_id, reason, recorded_at, source_key
        from {EVENTS} where stream = 'kyc' and stream_id = $1 order by occurred_at desc, event_id
        """,
        (client_id,),
    )
