"""Approve, reject, override: the orders that are decisions, and the one door through which every order goes.

A decision is a row that the store's constraints guard (one a step, one person a round, never the maker), sealed in the chain
together with the checks that ran for it, on the newest publish, inside its own transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from apps.approvals import claims, policies, soundness
from apps.approvals.attested import attest, faults_of
from apps.approvals.canonical import plain
from apps.approvals.chain import new_id
from apps.approvals.checks import CheckResult, refused
from apps.approvals.live import Live
from apps.approvals.orders import Answer, Desk, Order, Refusal, Task, carry_out
from apps.approvals.policies import Step
from apps.approvals.reasons import letters
from apps.approvals.subject import not_rejectable, subject_types
from apps.approvals.tables import decisions, proposals, subjects
from apps.approvals.tasks import (
    answer,
    handled,
    next_step,
    refuse_claimed,
    refuse_stale,
    refuse_unentitled,
    refuse_without_reason,
    roles_of_next,
    settle,
)
from apps.approvals.undoing import undo


def decide(desk: Desk, order: Order) -> Answer:
    """Carries out one order, whatever its action (a key of ORDERS), and gives the answer. Never raises for what a person can mend."""
    handler = handled(ORDERS.get(order.action, _unknown), closed_too=order.action in AFTERWARDS)
    return carry_out(desk, order, handler)


def bulk(desk: Desk, orders: Sequence[Order]) -> list[Answer]:
    """Carries out orders one by one, each in its own transaction; an answer for every row, in their order.

    Only equal ones: the same action on the same type of subject. An approval in bulk stays below the policy's own limit for it.
    """
    kinds = {(order.action, order.subject_type) for order in orders}
    return [
        decide(desk, replace(order, in_bulk=True)) if len(kinds) == 1 else carry_out(desk, order, _mixed)
        for order in orders
    ]


def approve(task: Task) -> Answer:
    """One step towards the approval, and with the policy's last step the approval itself."""
    refuse_claimed(task)
    refuse_stale(task)
    if task.live.state == "info_requested":
        raise Refusal("state", "Information was requested and not given yet; nobody approves before.")
    _refuse_tampered(task)
    task = _same_round(task)
    step = next_step(task)
    set_aside, overriders = _set_aside(task)
    refuse_unentitled(task, step, earlier=overriders)
    refuse_without_reason(task)
    _refuse_amount(task)
    _refuse_in_bulk(task)
    results = _checked(task, step)
    failed = [one for one in refused(results) if one.name not in set_aside]
    if failed:
        raise Refusal("checks", *(f"{one.name}: {one.said}" for one in failed), results=tuple(results))
    taken = task.live.step + 1
    final = taken == len(task.policy.steps)
    after = replace(_released(task), state="approved" if final else "waiting", step=taken)
    after = replace(after, facts_hash=task.subject.facts_hash, waiting_for=roles_of_next(task, after) or None)
    said = f"Approved: {task.subject.title}." if final else f"Step {taken} of {len(task.policy.steps)} approved."
    return _decided(task, "approve", taken, after, results, said)


def reject(task: Task) -> Answer:
    """Closes the subject, once as many people have said no as the policy asks; nothing is removed. Checks run for the record and keep nobody
    from saying no."""
    refuse_claimed(task)
    refuse_stale(task)
    _refuse_tampered(task)
    task = _same_round(task)
    step = next_step(task)
    # whoever may say yes to any amount may say no to this one
    refuse_unentitled(task, replace(step, needs_limit=False) if step else None)
    refuse_without_reason(task)
    if (said := not_rejectable(task.subject)) is not None:
        raise Refusal("transition", said)
    agreed_with = [row.actor_id for row in _of_round(task, "reject")]
    results = _checked(task, step)
    if len(agreed_with) + 1 < task.policy.rejections:
        after = replace(_released(task), state="waiting", facts_hash=task.subject.facts_hash)
        after = replace(after, waiting_for=roles_of_next(task, after) or None)
        said = f"Said no: {task.subject.title}. Another person must agree before it is rejected."
        return _decided(task, "reject", _number_apart(task), after, results, said)
    taken = task.live.step + 1
    after = replace(_released(task), state="rejected", step=taken, waiting_for=None, facts_hash=task.subject.facts_hash)
    return _decided(task, "reject", taken, after, results, f"Rejected: {task.subject.title}.", agreed_with)


def override(task: Task) -> Answer:
    """Sets failed checks aside for this round: a decision of its own, by a second role, with a text. The approval is still to come."""
    refuse_claimed(task)
    refuse_stale(task)
    _refuse_tampered(task)
    task = _same_round(task)
    step = next_step(task)
    second = replace(step, roles=task.policy.override_roles, needs_limit=False) if step else None
    refuse_unentitled(task, second)
    refuse_without_reason(task)
    if not letters(task.order.note):
        raise Refusal("reason", "An override needs a text that says why.")
    results = _checked(task, step)
    failed = {one.name for one in refused(results)}
    wrong = [f"{name} did not fail; there is nothing to override." for name in task.order.checks if name not in failed]
    allowed = task.policy.overridable
    wrong += [
        f"{name} can never be overridden." for name in task.order.checks if name in failed and name not in allowed
    ]
    if wrong or not task.order.checks:
        raise Refusal("override", *(wrong or ["An override names the checks it sets aside."]), results=tuple(results))
    state = "waiting" if task.live.step else task.live.state
    after = replace(_released(task), state=state, facts_hash=task.subject.facts_hash)
    after = replace(after, waiting_for=roles_of_next(task, after) or None)
    said = f"Overridden: {', '.join(task.order.checks)}."
    return _decided(task, "override", _number_apart(task), after, results, said)


def _number_apart(task: Task) -> int:
    """The number of a decision that is no step of the approval: these count downwards, so that each is a row of its own."""
    return -1 - len(_of_round(task, "override")) - len(_of_round(task, "reject"))


def _decided(
    task: Task,
    decision: str,
    number: int,
    after: Live,
    results: list[CheckResult],
    said: str,
    agreed_with: Sequence[str] = (),
) -> Answer:
    """Writes decision, checks, event, live state, and for a closed subject its delivery and effects: all of it or nothing."""
    decision_id, subject, policy, publish = new_id(), task.subject, task.policy, task.reader.publish
    key = {"subject_type": subject.subject_type, "subject_id": subject.subject_id}
    row = {
        **key,
        "decision_id": decision_id,
        "round": task.live.round,
        "step": number,
        "decision": decision,
        "final": after.closed,
        "actor_id": task.person.staff_id,
        "actor_role": task.person.role,
        "actor_limit_eur": task.person.approval_limit_eur,
        "person_key": task.person.person_key,
        "maker_person": subject.maker_person,
        "on_behalf_of": task.order.on_behalf_of,
        "reason_code": task.order.reason_code,
        "note": task.order.note,
        "overridden": list(task.order.checks) if decision == "override" else None,
        "entity": subject.entity,
        "client_id": subject.client_id,
        "amount": subject.amount,
        "currency": subject.currency,
        "amount_eur": subject.amount_eur,
        "policy_id": policy.policy_id,
        "policy_version": policy.version,
        "publish_id": publish.publish_id,
        "publish_age_seconds": int(policies.publish_age(publish, task.at).total_seconds()),
        "facts_hash": subject.facts_hash,
        "decided_at": task.at,
    }
    ran = [{**_as_row(one), **key} for one in results]
    kind = {"approve": "approved", "reject": "rejected", "override": "overridden"}[decision]
    told = {"state": after.state, "round": after.round, "step": after.step, **after.clocks(), "facts": subject.shown()}
    if agreed_with:
        told["agreed_with"] = list(agreed_with)
    if after.closed and (destinations := task.desk.deliver(task.connection, subject, row)):
        told["sent_to"] = list(destinations)
    event = replace(task.event(kind, told, decision_id), approval_id=decision_id)
    attest(task.connection, event, {"decisions": [row], "check_results": ran}, task.at)
    settled = settle(task, after)
    if settled.state == "approved" and (effect := task.desk.effects.get(subject.subject_type)):
        effect(task.connection, subject, row, task.actor)
    return answer(
        settled, said, decision_id, decision_id=decision_id, checks=tuple(plain(_as_row(one)) for one in results)
    )


def _same_round(task: Task) -> Task:
    """The task in a new round where the round's earlier steps were taken on other facts, or would not be steps of the policy in force."""
    live, policy = task.live, task.policy
    decided = live.facts_hash is not None
    if decided and (
        live.facts_hash != task.subject.facts_hash
        or live.step >= len(policy.steps)
        or any(
            row.actor_role not in (*policy.steps[row.step - 1].roles, *policy.escalation_roles)
            for row in _of_round(task, "approve")
        )
    ):
        # the order still compares with the version it found; the void approvals stay on record in their round
        fresh = replace(live, round=live.round + 1, step=0, facts_hash=None)
        return replace(task, live=replace(fresh, state="open" if live.state == "waiting" else live.state))
    return task


def _refuse_tampered(task: Task) -> None:
    """Raises Refusal where what stands in the store about this subject is not what its orders wrote: nobody decides on that."""
    if wrong := soundness.faults(task.connection, task.live, task.subject.opened_at):
        raise _tampered(wrong)


def _tampered(wrong: Sequence[str]) -> Refusal:
    said = f"The record of this subject was changed by hand ({'; '.join(wrong)}). Run `daybook audit verify`."
    return Refusal("tampered", said)


def _checked(task: Task, step: Step | None) -> list[CheckResult]:
    """Runs the checks the policy requires, anew. Raises Refusal where one that is required did not run."""
    results = task.desk.run_checks(
        task.policy, task.subject, task.reader, task.connection, task.at, approver=task.person, step=step
    )
    silent = {one.name for one in task.policy.checks} - {one.name for one in results}
    if silent:
        said = f"Not every check of {task.policy.label} ran: {', '.join(sorted(silent))} gave no result."
        raise Refusal("check_missing", said, results=tuple(results))
    return results


def _set_aside(task: Task) -> tuple[frozenset[str], tuple[str, ...]]:
    """The checks overridden for this round and still overridable, and who approved an override that was proposed apart."""
    named: set[str] = set()
    for row in _of_round(task, "override"):
        named |= set(row.overridden or ())
    apart, who = _proposed_overrides(task)
    return frozenset(named | apart) & frozenset(task.policy.overridable), who


def _proposed_overrides(task: Task) -> tuple[frozenset[str], tuple[str, ...]]:
    """What approved subjects of type `override` set aside for this subject since it was opened, and their approvers."""
    target = f"{task.order.subject_type}:{task.order.subject_id}"
    p, s, d = proposals.c, subjects.c, decisions.c
    same = sa.and_(p.subject_type == s.subject_type, p.subject_id == s.subject_id)
    final = sa.and_(
        d.subject_type == s.subject_type, d.subject_id == s.subject_id, d.round == s.round, d.final.is_(True)
    )
    query = (
        sa.select(p.subject_id, p.payload, d.actor_id, d.on_behalf_of)
        .select_from(proposals.join(subjects, same).join(decisions, final))
        .where(p.subject_type == "override", s.state == "approved", p.proposed_at >= task.subject.opened_at)
        .where(sa.or_(p.subject_id == target, p.subject_id.startswith(f"{target}#", autoescape=True)))
    )
    named = {"target_type": task.order.subject_type, "target_id": task.order.subject_id}
    # an id may itself bear the sign that numbers proposals
    found = [row for row in task.connection.execute(query) if named.items() <= row.payload.items()]
    if wrong := [said for row in found for said in faults_of(task.connection, "override", row.subject_id)]:
        raise _tampered(wrong)
    who = [one for row in found for one in (row.actor_id, row.on_behalf_of) if one is not None]
    return frozenset(name for row in found for name in row.payload["checks"]), tuple(who)


def _of_round(task: Task, decision: str) -> Sequence[Any]:
    table = decisions.c
    return task.connection.execute(
        sa.select(table.overridden, table.actor_id, table.actor_role, table.step).where(
            table.subject_type == task.order.subject_type,
            table.subject_id == task.order.subject_id,
            table.round == task.live.round,
            table.decision == decision,
        )
    ).all()


def _refuse_amount(task: Task) -> None:
    """Raises Refusal for a payment of nothing, or of less than nothing: no check of what is there would stop it."""
    kind, amount = subject_types()[task.subject.subject_type], task.subject.amount
    if kind.pays and not kind.signed and amount is not None and amount <= 0:
        raise Refusal(
            "amount", f"This would pay {amount:,f} {task.subject.currency}; what is paid is more than nothing."
        )


def _refuse_in_bulk(task: Task) -> None:
    """Raises Refusal for an approval in bulk that the policy wants looked at by itself."""
    if not task.order.in_bulk:
        return
    limit, amount = task.policy.bulk_below_eur, abs(task.subject.amount_eur or Decimal(0))
    if len(task.policy.steps) != 1 or task.subject.amount_eur is None or amount >= limit:
        said = f"In bulk only what one person approves below EUR {limit:,.2f}; this is decided by itself."
        raise Refusal("bulk", said)
    if task.subject.unusual:
        raise Refusal("bulk", "Something about it is unusual, so it is decided by itself.")


def _released(task: Task) -> Live:
    return replace(task.live, claimed_by=None, claimed_until=None, snoozed_by=None, snoozed_until=None)


def _as_row(result: CheckResult) -> dict[str, Any]:
    said = asdict(result)
    return {"check_name": said.pop("name"), **said}


def _unknown(task: Task) -> Answer:
    raise Refusal("no_such_order", f"There is no order {task.order.action}; there are {', '.join(ORDERS)}.")


def _mixed(desk: Desk, order: Order, connection: sa.Connection, reader: Any) -> Answer:
    raise Refusal("bulk", "In bulk only the same order on the same type of subject.")


ORDERS: Mapping[str, Callable[[Task], Answer]] = {
    "approve": approve,
    "reject": reject,
    "override": override,
    "undo": undo,
    **claims.ORDERS,
}
AFTERWARDS = ("undo",)
"""Orders on a subject that may be closed already."""
