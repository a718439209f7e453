"""Events of an operational store written by hand, sealed and chained as the store exports them."""

import hashlib
import json
from typing import Any

AT = "2026-11-20T10:00:00.000000Z"
CHECK = {
    "check_name": "balance",
    "version": "1",
    "result": "pass",
    "inputs": {"funds": "900"},
    "said": "enough",
    "ran_at": AT,
}


def event(kind: str = "approval.approved", subject_type: str = "withdrawal", **more: Any) -> dict[str, Any]:
    """The body of an event, but for its number."""
    subject = {
        "subject_type": subject_type,
        "subject_id": more.pop("subject_id", "S1"),
        "client_id": "C1",
        "entity": "CY",
    }
    return {
        "event_id": f"{kind}-{subject['subject_id']}", "type": kind, "stream": subject_type, **subject, "occurred_at": AT, "recorded_at": AT,
        "actor": {"id": "P1", "type": "human", "role": "payments"}, "source_system": "daybook", "rule_version": "policy-1", **more,
    }  # fmt: skip


def decided(
    subject_type: str = "withdrawal",
    decision: str = "approve",
    *,
    final: bool = True,
    facts: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A decision with one check, as an event attests it; a final one closes the subject."""
    kind = {"approve": "approved", "reject": "rejected", "override": "overridden"}[decision]
    shown = {"maker": "M1", "facts.kyc_status": "IN_REVIEW"} | {
        f"facts.{name}": said for name, said in (facts or {}).items()
    }
    body = event(f"approval.{kind}", subject_type, reason="checks_passed", **more)
    row = {"decision": decision, "final": final, "actor_id": body["actor"]["id"], "maker_person": "M1", "entity": "CY",
           "amount": "400.00000000", "currency": "EUR", "amount_eur": "400.00000000", "publish_id": 7, "publish_age_seconds": 60}  # fmt: skip
    check = {**CHECK, "subject_type": subject_type, "subject_id": body["subject_id"], "ran_at": body["occurred_at"]}
    stands = {
        "round": 1,
        "step": 1,
        "state": kind if final else "waiting",
        "opened_at": AT,
        "due_at": "2026-11-20T15:00:00.000000Z",
    }
    return body | {"after": {"decisions": [row], "check_results": [check], "facts": shown, **stands}}


def exported(*bodies: dict[str, Any]) -> bytes:
    """The store's export of these events, chained."""
    previous, lines = "0" * 64, []
    for seq, body in enumerate(bodies, start=1):
        text = json.dumps({**body, "seq": seq}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        sealed = hashlib.sha256(f"{previous}{text}".encode()).hexdigest()
        lines.append(json.dumps({"seq": seq, "prev_hash": previous, "hash": sealed, "body": text}, ensure_ascii=False))
        previous = sealed
    return "".join(f"{line}\n" for line in lines).encode()
