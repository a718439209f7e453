"""What an event of the operational store says in the canonical feeds: the envelope itself, and the decision as its subject's own feed has it.

An event that a feed carries one row of keeps its id there and names that feed in `carried_by`. A payout run pays many partners, and a case
decided straight from its submission was taken into review for that: such rows are consequences with ids of their own. The checks that ran
inside a decision are rows of `risk_checks`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ingestion.feeds.contract import PERIOD

Row = dict[str, object]
Body = Mapping[str, Any]

PROVIDER = "daybook"
REQUEST_KINDS = {"withdrawal": "withdrawal", "refund": "refund", "transfer": "internal_transfer"}
REQUEST_EVENTS = {
    "approval.approved": "approved",
    "approval.rejected": "rejected",
    "approval.information_requested": "info_requested",
    "approval.information_given": "info_given",
    "approval.withdrawn": "cancelled",
}
PERIOD_EVENTS = {"period_close": "closed", "period_reopening": "reopened"}
REVIEWED = {("SUBMITTED", "approve"), ("SUBMITTED", "reject"), ("SUSPENDED", "reject")}
"""Cases that a person decides only from IN_REVIEW (domain.md 4.4): whoever decides one reviewed it."""
BEFORE = timedelta(microseconds=1)
RESULTS = {"pass": "pass", "fail": "fail", "review": "review"}
"""A check that could not judge (`error`) has no word in the feed: it is for review, and its inputs say so."""

ENVELOPE = (
    *(
        "event_id",
        "seq",
        "stream",
        "type",
        "subject_type",
        "subject_id",
        "client_id",
        "entity",
        "occurred_at",
        "reason",
    ),
    *("correlation_id", "causation_id", "rule_version", "approval_id", "source_system", "source_id", "source_hash"),
)
ACTOR = {"id": "actor_id", "type": "actor_type", "role": "actor_role"} | {
    name: name for name in ("on_behalf_of", "ip", "device")
}


def envelope(body: Body, sealed: Mapping[str, object]) -> Row:
    """The row of `operational_events`, without `carried_by`; `sealed` are body, prev_hash and hash as the store keeps them."""
    actor = {column: body["actor"].get(name) for name, column in ACTOR.items()}
    texts = {name: json_text(body.get(name)) for name in ("before", "after")}
    return {
        **{name: body.get(name) for name in ENVELOPE},
        "stored_at": body.get("recorded_at"),
        **actor,
        **texts,
        **sealed,
    }


def carried(body: Body) -> tuple[str, Row] | None:
    """The feed that carries this event under its own id, and the event's row there; None where none does."""
    for told in (_request, _case, _adjustment, _period):
        found = told(body)
        if found is not None:
            return found
    return None


def checks(body: Body) -> Iterator[tuple[str, Row]]:
    """The checks that ran inside a decision."""
    for check in (body.get("after") or {}).get("check_results", []):
        inputs = check.get("inputs") or {}
        yield (
            "risk_checks",
            {
                "system": PROVIDER,
                "check_id": f"{body['event_id']}:{check['check_name']}",
                "subject_type": _kind(check["subject_type"]),
                "subject_id": check["subject_id"],
                "check_name": check["check_name"],
                "version": check["version"],
                "result": RESULTS.get(check["result"], "review"),
                "inputs": json_text({**inputs, "result": check["result"], "said": check["said"]}),
                "ran_at": check["ran_at"],
            },
        )


def consequences(body: Body) -> Iterator[tuple[str, Row]]:
    """Rows of a decision with ids of their own: what an approved payout run decides for each partner and an approved
    clawback for each month, and the review of a case."""
    facts, decision = _facts(body), _closing(body)
    if decision and _reviewed(body, decision):
        at = datetime.fromisoformat(body["occurred_at"]) - BEFORE
        review = {"event_id": f"{body['event_id']}:review", "occurred_at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"}
        yield "kyc_events", _status(body, facts.get("facts.kyc_status"), "IN_REVIEW") | review
    if body["subject_type"] == "payout_run" and decision and decision["decision"] == "approve":
        for number, line in enumerate(facts.get("facts.lines") or [], start=1):
            for event, field, suffix in (("approved", "amount", ""), ("released", "release", ":release")):
                if line.get(field):
                    row = {"event_id": f"{body['event_id']}:{number}{suffix}", "event": event, "amount": line[field]}
                    yield "commission_decisions", row | {"partner_id": line["partner_id"]} | _of_partner(body, decision)
    if body["subject_type"] == "commission_clawback" and decision and decision["decision"] == "approve":
        for number, line in enumerate(facts.get("facts.lines") or [], start=1):
            row = {"event_id": f"{body['event_id']}:{number}", "event": "clawed_back", "amount": line["amount"]}
            about = _of_partner(body, decision) | {
                "partner_id": facts.get("facts.partner_id"),
                "period": line["period"],
            }
            yield "commission_decisions", row | about


def json_text(value: object) -> str | None:
    """Compact JSON, or None for nothing."""
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _request(body: Body) -> tuple[str, Row] | None:
    """A decision on a money request, a question about it and its answer, or the request taken back. A step before the last decides nothing yet."""
    kind, event = REQUEST_KINDS.get(body["subject_type"]), REQUEST_EVENTS.get(body["type"])
    decision = _closing(body)
    if kind is None or event is None or (event in ("approved", "rejected") and decision is None):
        return None
    money = {name: decision.get(name) for name in ("amount", "currency")} if decision else {}
    return "cash_requests", {
        "request_id": body["subject_id"],
        "client_id": body.get("client_id"),
        "request_kind": kind,
        "event": event,
        **money,
        **_by_staff(body),
    }


def _case(body: Body) -> tuple[str, Row] | None:
    """A decided identification case changes the client's status."""
    decision = _closing(body)
    if body["subject_type"] != "kyc_case" or decision is None:
        return None
    held = "IN_REVIEW" if _reviewed(body, decision) else _facts(body).get("facts.kyc_status")
    row = _status(body, held, "APPROVED" if decision["decision"] == "approve" else "REJECTED")
    # whoever said no before: a rejection is an analyst's and a reviewer's
    earlier = (body.get("after") or {}).get("agreed_with") or [None]
    return "kyc_events", row | {"second_actor_id": earlier[-1]}


def _reviewed(body: Body, decision: Body) -> bool:
    """Whether deciding this case took it into review first."""
    status = _facts(body).get("facts.kyc_status")
    return body["subject_type"] == "kyc_case" and (status, decision["decision"]) in REVIEWED


def _status(body: Body, held: object, becomes: str) -> Row:
    return {
        "provider": PROVIDER,
        "client_id": body.get("client_id") or body["subject_id"],
        "event": "status_changed",
        "from_status": held,
        "to_status": becomes,
        "reason_codes": [body["reason"]] if body.get("reason") else [],
        "rule_version": body.get("rule_version"),
        **_by_staff(body),
    }


def _adjustment(body: Body) -> tuple[str, Row] | None:
    """An approved adjustment; a clawback (kind `clawback`) takes back what a chargeback, refund or fraud undid."""
    decision = _closing(body)
    if body["subject_type"] != "commission_adjustment" or decision is None or decision["decision"] != "approve":
        return None
    event = "clawed_back" if _facts(body).get("facts.kind") == "clawback" else "adjusted"
    row = {"event": event, "partner_id": _facts(body).get("facts.partner_id"), "amount": decision.get("amount")}
    return "commission_decisions", {"event_id": body["event_id"]} | row | _of_partner(body, decision)


def _period(body: Body) -> tuple[str, Row] | None:
    """An approved close or reopening; `actor_id` asked for it, `approved_by` decided."""
    decision, facts = _closing(body), _facts(body)
    event, period = PERIOD_EVENTS.get(body["subject_type"]), str(facts.get("facts.period"))
    if event is None or decision is None or decision["decision"] != "approve" or not re.fullmatch(PERIOD, period):
        return None
    return "period_events", {
        "event_id": body["event_id"],
        "entity": decision.get("entity"),
        "period": period,
        "event": event,
        "actor_id": facts.get("maker"),
        "approved_by": decision["actor_id"],
        "occurred_at": body["occurred_at"],
    }


def _by_staff(body: Body) -> Row:
    return {
        "event_id": body["event_id"],
        "actor_type": "staff",
        "actor_id": body["actor"]["id"],
        "reason": body.get("reason"),
        "occurred_at": body["occurred_at"],
    }


def _of_partner(body: Body, decision: Mapping[str, Any]) -> Row:
    return {
        "period": _facts(body).get("facts.period"),
        "currency": decision.get("currency"),
        "reason": body.get("reason"),
        "actor_id": decision["actor_id"],
        "occurred_at": body["occurred_at"],
    }


def _closing(body: Body) -> Mapping[str, Any] | None:
    """The decision that closed the subject, as the event attests it."""
    rows = (body.get("after") or {}).get("decisions") or []
    return rows[0] if rows and rows[0]["final"] else None


def _facts(body: Body) -> Mapping[str, Any]:
    """What the decider was shown, flat: `facts.<name>` for the subject's own facts."""
    return (body.get("after") or {}).get("facts") or {}


def _kind(subject_type: str) -> str:
    """The subject's type as the money feeds call it."""
    return REQUEST_KINDS.get(subject_type, subject_type)
