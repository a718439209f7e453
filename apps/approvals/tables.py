"""Every table of the operational store. A change here comes with a migration; a test compares both on both databases.

Times are naive UTC with microseconds. Amounts are exact decimal text on both databases: SQLite has no decimal.
"""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement

from apps.approvals.canonical import canonical

metadata = sa.MetaData()

APPEND_ONLY = ("events", "decisions", "check_results", "proposals", "policies", "idempotency", "deliveries")
"""Guarded by triggers: no UPDATE, no DELETE, no REPLACE, no TRUNCATE."""

CLOSED_STATES = ("approved", "rejected", "withdrawn")
OPEN_STATES = ("open", "waiting", "info_requested", "escalated")


class Money(sa.types.TypeDecorator[Decimal]):
    """An exact amount with eight decimals, kept as text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> str | None:
        return None if value is None else format(Decimal(value).quantize(Decimal("0.00000001")), "f")

    def process_result_value(self, value: str | None, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class Json(sa.types.TypeDecorator[Any]):
    """A value kept as its canonical JSON text, so that its bytes can be hashed and compared."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        return None if value is None else json.loads(value)


class Moment(sa.types.TypeDecorator[datetime]):
    """A naive UTC time; a time with a zone is refused rather than shifted silently."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError(f"{value!r} bears a time zone; the store keeps naive UTC.")
        return value


class BodyField(ColumnElement[str]):
    """A field of the event's body, by its path: what a generated column is generated from."""

    inherit_cache = True
    type = sa.Text()

    def __init__(self, *path: str) -> None:
        self.path = path


@compiles(BodyField, "sqlite")
def _sqlite_field(element: BodyField, compiler: Any, **_: Any) -> str:
    return f"json_extract(body, '$.{'.'.join(element.path)}')"


@compiles(BodyField, "postgresql")
def _postgresql_field(element: BodyField, compiler: Any, **_: Any) -> str:
    *outer, last = element.path
    return f"body::json{''.join(f' -> {name!r}' for name in outer)} ->> {last!r}"


def _from_body(name: str, *path: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.Computed(BodyField(*(path or (name,)))))


def _subject(*, key: bool = False) -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("subject_type", sa.Text, primary_key=key, nullable=False),
        sa.Column("subject_id", sa.Text, primary_key=key, nullable=False),
    )


def _event_seq(*, nullable: bool = False) -> sa.Column[int]:
    return sa.Column("event_seq", sa.BigInteger, nullable=nullable)


events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    # those that are asked by; each costs PostgreSQL a reading of the body at every append, so the rest stays in the body
    _from_body("event_id"),
    _from_body("type"),
    *(_from_body("subject_type"), _from_body("subject_id"), _from_body("client_id")),
    *(_from_body("actor_id", "actor", "id"), _from_body("occurred_at")),
    sa.Index("events_event_id", "event_id", unique=True),
    sa.Index("events_subject", "subject_type", "subject_id"),
    sa.Index("events_actor", "actor_id", "type"),
)

chain_head = sa.Table(
    "chain_head",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

subjects = sa.Table(
    "subjects",
    metadata,
    *_subject(key=True),
    sa.Column("state", sa.Text, sa.CheckConstraint(f"state in {OPEN_STATES + CLOSED_STATES}"), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),  # rises with every change; an order names the one it saw
    sa.Column("round", sa.Integer, nullable=False),  # a new round voids the approvals of the one before
    sa.Column("step", sa.Integer, nullable=False),  # the decisions of this round so far
    sa.Column("entity", sa.Text),
    sa.Column("client_id", sa.Text),
    sa.Column("maker_person", sa.Text),
    sa.Column("facts_hash", sa.Text),  # of the round's first decision
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", Moment),
    sa.Column("snoozed_by", sa.Text),
    sa.Column("snoozed_until", Moment),
    sa.Column("waiting_for", Json),  # the roles of which one must act next
    sa.Column("due_at", Moment),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("subjects_state", "state", "subject_type"),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("decision_id", sa.Text, primary_key=True),  # the event_id of the event that attests every column
    *_subject(),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("decision", sa.Text, sa.CheckConstraint("decision in ('approve', 'reject', 'override')"), nullable=False),
    sa.Column("final", sa.Boolean, nullable=False),  # whether it closed the subject
    sa.Column("actor_id", sa.Text, nullable=False),
    sa.Column("actor_role", sa.Text, nullable=False),
    sa.Column("actor_limit_eur", Money),
    sa.Column("person_key", sa.Text, nullable=False),
    sa.Column("maker_person", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("reason_code", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("overridden", Json),  # the names of the checks an override sets aside
    sa.Column("entity", sa.Text),
    sa.Column("client_id", sa.Text),
    sa.Column("amount", Money),
    sa.Column("currency", sa.Text),
    sa.Column("amount_eur", Money),
    sa.Column("policy_id", sa.Text, nullable=False),
    sa.Column("policy_version", sa.Integer, nullable=False),
    sa.Column("publish_id", sa.BigInteger, nullable=False),
    sa.Column("publish_age_seconds", sa.BigInteger, nullable=False),
    sa.Column("facts_hash", sa.Text, nullable=False),
    sa.Column("decided_at", Moment, nullable=False),
    _event_seq(),
    sa.UniqueConstraint("subject_type", "subject_id", "round", "step", name="one_decision_a_step"),
    sa.UniqueConstraint("subject_type", "subject_id", "round", "person_key", name="four_eyes"),
    sa.CheckConstraint("maker_person <> person_key", name="maker_never_decides"),
    sa.Index("decisions_client", "client_id"),
)
# a closed subject has one closing decision a round; two would be two payments
sa.Index(
    "one_final_decision",
    decisions.c.subject_type,
    decisions.c.subject_id,
    decisions.c.round,
    unique=True,
    sqlite_where=decisions.c.final,
    postgresql_where=decisions.c.final,
)

check_results = sa.Table(
    "check_results",
    metadata,
    sa.Column("event_seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("check_name", sa.Text, primary_key=True),
    *_subject(),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("result", sa.Text, sa.CheckConstraint("result in ('pass', 'fail', 'review', 'error')"), nullable=False),
    sa.Column("inputs", Json, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("ran_at", Moment, nullable=False),
    sa.Index("check_results_subject", "subject_type", "subject_id"),
)

proposals = sa.Table(
    "proposals",
    metadata,
    *_subject(key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("maker_id", sa.Text, nullable=False),
    sa.Column("maker_person", sa.Text, nullable=False),
    sa.Column("entity", sa.Text),
    sa.Column("client_id", sa.Text),
    sa.Column("amount", Money),
    sa.Column("currency", sa.Text),
    sa.Column("amount_eur", Money),
    sa.Column("payload", Json, nullable=False),
    sa.Column("payload_hash", sa.Text, nullable=False),
    sa.Column("proposed_at", Moment, nullable=False),
    _event_seq(),
    sa.Index("proposals_maker", "maker_person"),
)

policies = sa.Table(
    "policies",
    metadata,
    sa.Column("policy_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("subject_type", sa.Text, nullable=False),
    sa.Column("entity", sa.Text),  # null: every entity without a policy of its own
    sa.Column("min_amount_eur", Money),
    sa.Column("valid_from", Moment, nullable=False),
    sa.Column("valid_to", Moment),
    sa.Column("body", Json, nullable=False),
    sa.Column("body_hash", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text),  # the decision that let it in
    sa.Column("recorded_at", Moment, nullable=False),
    _event_seq(),
    sa.Index("policies_subject", "subject_type", "valid_from"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request_hash", sa.Text, nullable=False),
    sa.Column("actor_id", sa.Text, nullable=False),
    sa.Column("answer", Json, nullable=False),
    sa.Column("answered_at", Moment, nullable=False),
    _event_seq(nullable=True),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("outbox_id", sa.Text, primary_key=True),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    *_subject(),
    sa.Column("decision_id", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("status", sa.Text, sa.CheckConstraint("status in ('pending', 'delivered', 'dead')"), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", Moment),
    sa.Column("leased_until", Moment),  # a worker has it; free again when the worker died
    sa.Column("leased_by", sa.Text),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("delivered_at", Moment),
    sa.Column("retried_by", sa.Text),
    sa.Index("outbox_due", "status", "next_attempt_at"),
    sa.Index("outbox_subject", "subject_type", "subject_id"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("outbox_id", sa.Text, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("finished_at", Moment, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("status_code", sa.Integer),
    sa.Column("error", sa.Text),
)

preferences = sa.Table(
    "preferences",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", Json, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)

saved_views = sa.Table(
    "saved_views",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("page", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("updated_at", Moment, nullable=False),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    *_subject(key=True),
    sa.Column("form", Json, nullable=False),
    sa.Column("facts_hash", sa.Text),
    sa.Column("updated_at", Moment, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("session_id", sa.Text, primary_key=True),  # a digest, never the cookie itself
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("last_seen_at", Moment, nullable=False),
    sa.Column("reauthenticated_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Index("sessions_user", "user_id"),
)

sign_in_attempts = sa.Table(
    "sign_in_attempts",
    metadata,
    sa.Column("attempt_id", sa.Text, primary_key=True),
    sa.Column("who", sa.Text, nullable=False),  # account or address, as the limit counts it
    sa.Column("succeeded", sa.Boolean, nullable=False),
    sa.Column("attempted_at", Moment, nullable=False),
    sa.Index("sign_in_attempts_who", "who", "attempted_at"),
)
