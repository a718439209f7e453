"""Changes of parameters, rules and policies, overrides, and repairs of quarantined rows."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from apps.approvals import policies, tables
from apps.approvals.checks.registry import Context, Finding, Missing, check
from apps.approvals.checks.store import state_of
from apps.approvals.live import undone
from apps.approvals.reasons import letters
from warehouse.reader import access

QUARANTINED = "select status from quality.fct_quarantine where load_id = $1 and row_number = $2 order by status desc"


@check("change_is_current")
def change_is_current(context: Context) -> Finding:
    """The change takes force in the future, and nobody's approved change of the same thing came after it was proposed."""
    name = str(context.subject.facts.get("parameter") or context.fact("policy_id"))
    valid_from = _moment(context.fact("valid_from"))
    inputs = {"changes": name, "valid_from": valid_from}
    if valid_from < context.now:
        return Finding(False, f"It would take force in the past, at {valid_from:%Y-%m-%d %H:%M}.", inputs)
    overtaken = _approved_since(context, name)
    said = (
        f"{name} was changed by {overtaken} meanwhile." if overtaken else f"{name} takes force {valid_from:%Y-%m-%d}."
    )
    return Finding(overtaken is None, said, inputs | {"overtaken_by": overtaken})


@check("change_was_replayed")
def change_was_replayed(context: Context) -> Finding:
    """The change states what it would have done to past data: how many hits before and after."""
    replay = context.fact("replay")
    wanted = ("from", "until", "hits_before", "hits_after")
    lacking = [name for name in wanted if not isinstance(replay, dict) or replay.get(name) is None]
    said = (
        f"The replay does not state {lacking[0]}."
        if lacking
        else f"{replay['hits_before']} hits become {replay['hits_after']}."
    )
    return Finding(not lacking, said, {"replay": replay})


@check("policy_stands")
def policy_stands(context: Context) -> Finding:
    """The proposed policy can be one: it reads, its checks and roles exist, and it leaves out nothing that may not be left out."""
    change = dict(context.subject.facts)
    wrong = policies.faults(change, context.now, roles=access()["roles"])
    said = f"It cannot be a policy: {'; '.join(wrong)}." if wrong else "It can be a policy."
    return Finding(not wrong, said, {"faults": wrong})


@check("quarantined_row_open")
def quarantined_row_open(context: Context) -> Finding:
    """The row is still in quarantine."""
    load_id, number = context.fact("load_id"), context.fact("row_number")
    found = context.ask(QUARANTINED, int(load_id), int(number))
    if not found:
        raise Missing(f"load {load_id} quarantined no row {number}")
    status = found[0]["status"]
    return Finding(status == "open", f"Row {number} of load {load_id} is {status}.", {"status": status})


@check("override_target", version="2")
def override_target(context: Context) -> Finding:
    """What is overridden is open, every check named may be overridden under its own policy, and the reason is told at length."""
    target = (str(context.fact("target_type")), str(context.fact("target_id")))
    named, text = context.fact("checks"), str(context.fact("text"))
    inputs: dict[str, Any] = {"target": target, "checks": named}
    if not isinstance(named, list):
        raise Missing("it names no checks")
    state = state_of(context.connection, *target)
    if state in tables.CLOSED_STATES:
        return Finding(False, f"{target[0]} {target[1]} is {state} already.", inputs)
    book = policies.book(context.connection, context.now).policies
    allowed = {name for one in book if one.subject_type == target[0] for name in one.overridable}
    never = [name for name in named if name not in allowed]
    if never:
        return Finding(False, f"The check {never[0]} of a {target[0]} can never be overridden.", inputs)
    told = letters(text) >= int(context.parameters.get("shortest_text", 20))
    said = f"{len(named)} checks of {target[0]} {target[1]} are overridden." if told else "The reason is too short."
    return Finding(told, said, inputs)


def _approved_since(context: Context, name: str) -> str | None:
    """Another approved change of the same parameter or policy, decided after this one was proposed."""
    table, decided, subject = tables.proposals.c, tables.decisions.c, context.subject
    query = (
        sa.select(table.subject_id, table.payload)
        .join(
            tables.decisions,
            sa.and_(decided.subject_type == table.subject_type, decided.subject_id == table.subject_id),
        )
        .where(
            table.subject_type.in_(("parameter_change", "rule_change", "policy_change")),
            sa.or_(table.subject_type != subject.subject_type, table.subject_id != subject.subject_id),
            decided.final.is_(True),
            decided.decision != "reject",
            ~undone(),
            decided.decided_at >= subject.opened_at,
        )
    )
    same = (row.subject_id for row in context.connection.execute(query) if _changes(row.payload) == name)
    return next(same, None)


def _changes(payload: dict[str, Any]) -> str | None:
    return payload.get("parameter") or payload.get("policy_id")


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError as error:
        raise Missing(f"{value} is no time") from error
