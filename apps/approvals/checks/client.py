"""What is known of the client: status, documents, screening, alerts, and what an identification case needs."""

from datetime import date, datetime, timedelta
from typing import Any

from apps.approvals.checks.registry import Context, Finding, Missing, check
from apps.approvals.checks.store import open_proposals

STATUS = """
select status, status_since, valid_from, valid_to from compliance.fct_kyc_status where client_id = $1 and superseded_at is null order by valid_from
"""

# our own earlier checks come back into this mart; a check must not take its own word for evidence
SYSTEM_CHECKS = """
select check_name, result, ran_at, check_id from compliance.fct_checks
where subject_id = $1 and check_name = $2 and system <> 'daybook' order by ran_at, check_id
"""

CLIENT = "select category, risk_rating, client_type, entity from core.dim_clients where client_id = $1"
ALERTS = """
select alert_id from compliance.fct_alerts where client_id = $1 and holds_money and not starts_with(status, 'CLOSED') order by alert_id
"""
ALERTS_MART = "compliance.fct_alerts"


@check("kyc_status")
def kyc_status(context: Context) -> Finding:
    """The client's status now is one in which money may leave, and its days of grace are not over."""
    status, since = _status(context)
    allowed = dict(context.parameters["statuses"])
    inputs = {"status": status, "since": since, "allowed": allowed}
    if status not in allowed:
        return Finding(False, f"The client is {status} since {since:%Y-%m-%d}; allowed: {', '.join(allowed)}.", inputs)
    days = allowed[status]
    if days is None:
        return Finding(True, f"The client is {status} since {since:%Y-%m-%d}.", inputs)
    ends = since + timedelta(days=int(days))
    return Finding(
        context.now <= ends, f"The client is {status}; its {days} days of grace end {ends:%Y-%m-%d}.", inputs
    )


@check("documents")
def documents(context: Context) -> Finding:
    """Of each kind of document the policy names, one has not expired; the printed day is its last valid one."""
    kinds: dict[str, list[str]] = context.parameters["kinds"]
    newest: dict[str, date] = {}
    for row in context.ask(DOCUMENTS, context.client_id):
        for kind, types in kinds.items():
            if kind == row["proves"] or row["document_type"] in types:
                newest[kind] = max(newest.get(kind, date.min), row["expires_on"])
    lacking = [kind for kind in kinds if kind not in newest]
    if lacking:
        raise Missing(f"no {lacking[0]} document of client {context.client_id} states when it expires")
    expired = {kind: newest[kind] for kind in kinds if newest[kind] < context.now.date()}
    inputs = {"expires_on": {kind: newest[kind] for kind in kinds}}
    if expired:
        kind, day = next(iter(expired.items()))
        return Finding(False, f"The last {kind} document ran out on {day}.", inputs)
    return Finding(True, f"Documents are valid until {min(newest[kind] for kind in kinds)}.", inputs)


DOCUMENTS = """
select after ->> 'check' as proves, lower(after ->> 'document_type') as document_type, (after ->> 'document_expires_on')::date as expires_on
from (
    select after from compliance.fct_audit_events
    where stream = 'kyc' and stream_id = $1
    qualify row_number() over (partition by source_key order by version desc) = 1
) as events
where (after ->> 'document_expires_on') is not null
"""


@check("sanctions")
def sanctions(context: Context) -> Finding:
    """The newest screening of the client, or of this very request, is clear and fresh, and no newest result of any list is a hit."""
    screened = [
        {"list": row["list"], "result": row["result"], "at": row["at"]}
        for row in context.ask(SCREENINGS, context.client_id, context.subject.subject_id)
    ]
    newest: dict[str, dict[str, Any]] = {}
    for one in sorted(screened, key=lambda one: one["at"]):
        newest[one["list"]] = one
    if "sanctions" not in newest:
        raise Missing(f"client {context.client_id} was never screened against sanctions lists")
    hits = [one for one in newest.values() if one["result"] not in ("clear", "pass")]
    inputs = {"newest": list(newest.values())}
    if hits:
        said = f"{hits[0]['list']}: {hits[0]['result']} on {hits[0]['at']:%Y-%m-%d %H:%M}."
        return Finding(False, said, inputs, review=all(one["result"] in ("consider", "review") for one in hits))
    days = int(context.parameters["max_age_days"])
    at = newest["sanctions"]["at"]
    fresh = context.now - at <= timedelta(days=days)
    said = f"Screened clear on {at:%Y-%m-%d %H:%M}" + ("." if fresh else f", more than {days} days ago: screen again.")
    return Finding(fresh, said, inputs)


SCREENINGS = """
select after ->> 'check' as list, after ->> 'result' as result, occurred_at as at
from (
    select after, occurred_at from compliance.fct_audit_events
    where stream = 'kyc' and stream_id = $1 and event_type = 'kyc.check_completed'
    qualify row_number() over (partition by source_key order by version desc) = 1
) as events
where (after ->> 'check') in ('sanctions', 'pep', 'adverse_media')
union all
select check_name, result, ran_at from compliance.fct_checks where subject_id = $2 and check_name = 'sanctions' and system <> 'daybook'
"""


@check("open_alerts")
def open_alerts(context: Context) -> Finding:
    """No alert on the client is open in the store, and none in the marts whose scenario holds money back."""
    found = open_proposals(context.connection, "alert", context.client_id)
    if ALERTS_MART in context.reader.marts:
        found += [row["alert_id"] for row in context.ask(ALERTS, context.client_id)]
    said = (
        f"{len(found)} alerts on the client are open, {found[0]} among them."
        if found
        else "No alert on the client is open."
    )
    return Finding(not found, said, {"alerts": found})


@check("kyc_transition")
def kyc_transition(context: Context) -> Finding:
    """The case may be approved from its state, by the role of whoever decides."""
    status, _ = _status(context)
    roles = context.parameters["from"].get(status)
    role = context.approver.role if context.approver else None
    inputs = {"status": status, "roles": roles, "role": role}
    if roles is None:
        return Finding(False, f"A case that is {status} cannot become APPROVED.", inputs)
    said = f"From {status} it is approved by {' or '.join(roles)}" + (f"; you are {role}." if role else ".")
    return Finding(role is None or role in roles, said, inputs)


@check("kyc_evidence")
def kyc_evidence(context: Context) -> Finding:
    """Everything an approval rests on is there: checks clear, lists clear, rating, category, and appropriateness where the profile asks."""
    results: dict[str, str] = {}
    for row in context.ask(CHECKS_COMPLETED, context.client_id):
        results[row["name"]] = row["result"]
    client = next(iter(context.ask(CLIENT, context.client_id)), None)
    if client is None:
        raise Missing(f"client {context.client_id} is not known")
    parameters = context.parameters
    lacking = [name for name in (*parameters["clear"], *parameters["lists"]) if results.get(name) != "clear"]
    lacking += [name for name in ("risk_rating", "category") if client[name] is None]
    if client["entity"] not in parameters["appropriateness_not_for"] and "appropriateness" not in results:
        lacking.append("appropriateness")
    said = f"Still lacking: {', '.join(lacking)}." if lacking else "Everything an approval rests on is there."
    return Finding(not lacking, said, {"results": results, "lacking": lacking})


CHECKS_COMPLETED = """
select
    case when event_type = 'kyc.appropriateness_recorded' then 'appropriateness' else after ->> 'check' end as name,
    arg_max(coalesce(after ->> 'result', after ->> 'outcome', ''), (occurred_at, recorded_at, event_id)) as result
from (
    select event_type, after, occurred_at, recorded_at, event_id from compliance.fct_audit_events
    where stream = 'kyc' and stream_id = $1 and event_type in ('kyc.check_completed', 'kyc.appropriateness_recorded')
    qualify row_number() over (partition by source_key order by version desc) = 1
) as events
group by name
having name is not null
"""


def _status(context: Context) -> tuple[str, datetime]:
    """The client's status now and since when."""
    for row in context.ask(STATUS, context.client_id):
        if row["valid_from"] <= context.now and (row["valid_to"] is None or context.now < row["valid_to"]):
            return row["status"], row["status_since"]
    raise Missing(f"nothing is known of the identification of client {context.client_id}")


@check("alert_evidence")
def alert_evidence(context: Context) -> Finding:
    """The alert names its scenario, evidence, and a client that is known: a disposition without them explains nothing."""
    evidence = context.fact("evidence")
    known = context.ask(CLIENT, context.client_id)
    if not known:
        return Finding(False, f"Client {context.client_id} is not known.", {"client_id": context.client_id})
    listed = evidence if isinstance(evidence, list) else []
    said = f"{context.fact('scenario')} with {len(listed)} pieces of evidence."
    return Finding(bool(listed), said, {"scenario": context.fact("scenario"), "evidence": listed})
