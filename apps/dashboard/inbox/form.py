"""The decision, to the right of its evidence: what may be done, why not, a reason, and one button that says what it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import streamlit as st

from apps.approvals import policies
from apps.approvals.chain import new_id
from apps.approvals.checks import CheckResult, refused
from apps.approvals.entitlement import may_step
from apps.approvals.orders import Order
from apps.approvals.people import directory
from apps.approvals.queue import READS_ALL, QueueRow
from apps.approvals.reasons import Reason, letters, reasons
from apps.approvals.subject import Subject, differences, not_rejectable
from apps.dashboard.inbox import drafts, words
from apps.dashboard.inbox.drafts import field as named
from apps.dashboard.inbox.seat import Seat, may_decide_now, remember, send
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui.states import plain

SHORTCUTS = {
    "approve": "Alt+A", "reject": "Alt+X", "request_information": "Alt+Q", "escalate": "Alt+U", "snooze": "Alt+Z", "override": "Alt+O",
    "withdraw": "Alt+W", "give_information": "Alt+G",
}  # fmt: skip
NAMES = {
    "approve": "Approve", "reject": "Reject", "request_information": "Ask for more", "escalate": "Escalate", "snooze": "Snooze",
    "override": "Override", "withdraw": "Take back", "give_information": "Give information",
}  # fmt: skip
CODELESS = ("give_information",)
MORNING = time(9)


@dataclass(frozen=True)
class Case:
    """The subject on screen with everything the form looks at."""

    seat: Seat
    subject: Subject
    row: QueueRow
    results: Sequence[CheckResult]
    set_aside: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[CheckResult]:
        """The checks that would keep the approval from happening: not passed and not set aside by a second role."""
        return [one for one in refused(self.results) if one.name not in self.set_aside]

    @property
    def key(self) -> tuple[str, str]:
        return self.row.key

    @property
    def mine(self) -> bool:
        """Whether this person asked for it."""
        subject, person = self.subject, self.seat.person
        return subject.maker_person == person.person_key or subject.maker in person.accounts


def show_form(case: Case) -> None:
    """The form, or the words why there is none; what the viewer wrote comes back from the store."""
    seat = case.seat
    if seat.role in READS_ALL:
        st.info(f"**Read-only.** The role {seat.role} sees every decision and takes none.")
        return
    drafts.restore(seat, case.key)
    if not _unchanged(case):
        return
    _why_not(case)
    actions = possible(case)
    if not actions:
        return
    action = st.session_state.get(named(case.key, "action"))
    action = action if action in actions else None
    _choose(case, actions, action)
    if action is None:
        st.caption("Choose what to do: the keys are on the buttons.")
        return
    fields = _fields(case, action)
    at = drafts.restored_at(case.key)
    if at is not None:
        st.caption(f"Your draft of {words.when(at)} is back.")
    drafts.save_while_typing()
    _button(case, action, fields)


def possible(case: Case) -> list[str]:
    """What this person may order now; the machinery judges again, this only leaves out what it would refuse."""
    seat, row = case.seat, case.row
    policy = row.policy
    if policy is None or row.state == "expired":
        return ["withdraw"] if case.mine else []
    if row.claimed_by is not None and row.claimed_by not in seat.person.accounts:
        return ["withdraw"] if case.mine else []
    concerned = {role for step in policy.steps for role in step.roles} | set(policy.escalation_roles)
    found = []
    if row.may_decide and row.state != "info_requested":
        found.append("approve")
    if _may_reject(case):
        found.append("reject")
    if seat.role in concerned and not case.mine:
        found += ["request_information"] if row.state != "info_requested" else ["give_information"]
        found += ["escalate"] if policy.escalation_roles and row.state != "escalated" else []
        found.append("snooze")
    if seat.role in policy.override_roles and _overridable(case) and not case.mine:
        found.append("override")
    if case.mine:
        found += ["give_information"] if row.state == "info_requested" and "give_information" not in found else []
        found.append("withdraw")
    return found


def _may_reject(case: Case) -> bool:
    """Whoever could approve may reject, and a limit that is too low keeps nobody from saying no."""
    row, policy = case.row, case.row.policy
    step = policy.step_due(row.step - 1, row.state) if policy else None
    if step is None or row.may_decide or not_rejectable(case.subject):
        return row.may_decide and not not_rejectable(case.subject)
    amount, person = case.subject.amount_eur, case.seat.person
    only_the_limit = not may_step(person, step, amount) and may_step(person, replace(step, needs_limit=False), amount)
    return only_the_limit and len(row.why_not) == 1


def _overridable(case: Case) -> list[str]:
    policy = case.row.policy
    return [one.name for one in case.failed if policy is not None and one.name in policy.overridable]


def _unchanged(case: Case) -> bool:
    """Whether the facts are still those the viewer opened; where not, shows the difference instead of a form."""
    name = f"seen.{case.key[0]}.{case.key[1]}"
    seen = st.session_state.setdefault(name, case.subject.shown())
    changed = differences(seen, case.subject)
    if not changed:
        return True
    show_difference({one: {"seen": then, "now": now} for one, (then, now) in changed.items()})

    def read() -> None:
        st.session_state[name] = case.subject.shown()

    st.button("I have read what changed", key="read-changes", type="primary", on_click=read)
    return False


def show_difference(changed: Mapping[str, Any]) -> None:
    """What is other than it was, field by field."""
    st.warning("**This changed since you opened it.** Nothing was decided.")
    st.dataframe(
        [
            {"what": name.removeprefix("facts.").replace("_", " "), "you saw": words.plain_value(one["seen"]), "now": words.plain_value(one["now"])}
            for name, one in changed.items()
        ],
        hide_index=True, key="difference", alt="What changed",
    )  # fmt: skip


def _why_not(case: Case) -> None:
    """In words why this person may not take the next step, and what keeps anybody from approving."""
    seat, row = case.seat, case.row
    old = row.policy and policies.too_old(row.policy, seat.reader.publish, seat.now, simulated=seat.desk.simulated)
    if old:
        st.error(f"**Too old to decide on.** {plain(old)}")
    if row.claimed_by is not None and row.claimed_by not in seat.person.accounts:
        st.warning(f"**{row.claimed_by} is working on this** until {words.when(row.claimed_until)}.")
    if row.why_not:
        lines = "\n".join(f"- {plain(one)}" for one in row.why_not)
        st.warning(f"**You may not approve this.**\n{lines}")
    elif row.state == "info_requested":
        st.info("**Information was requested** and not given yet; nobody approves before.")
    failed = case.failed
    if failed and not row.why_not:
        overridable = set(_overridable(case))
        rest = [one.name for one in failed if one.name not in overridable]
        names = ", ".join(one.name.replace("_", " ") for one in failed)
        said = (
            f"{len(failed)} check{'s' if len(failed) > 1 else ''} did not pass ({names}); an approval would be refused."
        )
        if not rest and row.policy:
            said += f" {' or '.join(row.policy.override_roles)} may override with a text."
        st.warning(said)


def _choose(case: Case, actions: list[str], chosen: str | None) -> None:
    def choose(action: str) -> None:
        st.session_state[named(case.key, "action")] = action
        st.session_state.pop(named(case.key, "reason"), None)
        drafts.save(case.seat, case.key, case.subject.facts_hash)

    with st.container(horizontal=True, gap="xsmall", key="actions"):
        for action in actions:
            st.button(
                NAMES[action], key=f"choose-{action}", shortcut=SHORTCUTS[action], on_click=choose, args=(action,),
                type="primary" if action == chosen else "secondary",
            )  # fmt: skip


def _fields(case: Case, action: str) -> dict[str, Any]:
    """The fields of the action, each kept with every change; gives what they hold as an order's arguments."""
    seat, key = case.seat, case.key

    def keep() -> None:
        drafts.save(seat, key, case.subject.facts_hash)

    said: dict[str, Any] = {}
    codes = {one.code: one for one in reasons(key[0], action, seat.now)}
    if action not in CODELESS:
        name = named(key, "reason")
        if st.session_state.get(name) not in codes:
            st.session_state.pop(name, None)
        said["reason_code"] = st.selectbox(
            "Reason", list(codes), index=None, key=name, on_change=keep, placeholder="Choose a reason",
            format_func=lambda code: codes[code].text,
        )  # fmt: skip
    needed = _needs_text(action, codes.get(said.get("reason_code") or ""))
    said["note"] = st.text_area(
        "Text" if needed else "Text (optional)", key=named(key, "note"), on_change=keep, height=110, max_chars=2000,
        placeholder="What did you look at, and why? It stays on record. It is kept as you write.",
    )  # fmt: skip
    if action == "snooze":
        said["until"] = _until(case, keep)
    if action == "override":
        name = named(key, "checks")
        options = _overridable(case)
        st.session_state[name] = [one for one in st.session_state.get(name, []) if one in options]
        said["checks"] = tuple(st.multiselect("Checks to set aside", options, key=name, on_change=keep))
    said["ready"] = _ready(action, said, needed)
    return said


def _needs_text(action: str, reason: Reason | None) -> bool:
    return action in ("override", "give_information") or (reason is not None and reason.needs_note)


def _ready(action: str, said: Mapping[str, Any], needed: bool) -> str:
    """What is still missing, in words; empty when the button may be pressed."""
    if action not in CODELESS and not said.get("reason_code"):
        return "Choose a reason."
    if needed and not letters(said.get("note")):
        return "This needs a text."
    return "Choose the checks to set aside." if action == "override" and not said.get("checks") else ""


def _until(case: Case, keep: Any) -> datetime:
    """Nine in the morning UTC of the chosen day; a draft gives the day back as text."""
    name, today = named(case.key, "until"), case.seat.now.date()
    first, last = today + timedelta(days=1), today + timedelta(days=29)
    stored = st.session_state.get(name)
    if isinstance(stored, str):
        st.session_state[name] = min(max(date.fromisoformat(stored), first), last)
    elif stored is None:
        st.session_state[name] = first
    chosen = st.date_input(
        "Until (09:00 UTC of the day)", min_value=today, max_value=last, key=name, on_change=keep, format="YYYY-MM-DD"
    )
    day = chosen if isinstance(chosen, date) else first
    return datetime.combine(day, MORNING)


def says(case: Case, action: str, fields: Mapping[str, Any]) -> str:
    """What the button does, in words: `Approve USD 12,400 to …4411`."""
    subject, row = case.subject, case.row
    policy = row.policy
    step = f"step {row.step} of {row.steps}: " if action == "approve" and row.steps > 1 else ""
    waits = " or ".join(policy.escalation_roles) if policy else ""
    return {
        "approve": f"Approve {step}{words.what(subject)}",
        "reject": f"Reject {words.what(subject)}",
        "request_information": f"Ask for information on {words.what(subject)}",
        "give_information": "Give the information",
        "escalate": f"Escalate to {waits}",
        "snooze": f"Snooze until {words.when(fields.get('until'))}",
        "override": f"Set aside {', '.join(fields.get('checks') or ()) or 'checks'}",
        "withdraw": f"Take back {words.what(subject)}",
    }[action]


def _button(case: Case, action: str, fields: Mapping[str, Any]) -> None:
    """The one button; whoever proved too long ago who they are does so first, and what is written stays."""
    if not may_decide_now():
        require_fresh_authentication()
    key = st.session_state.setdefault(_order_key(case), new_id())
    missing = str(fields["ready"])
    st.button(
        plain(says(case, action, fields)), key="do-it", type="primary", shortcut="Ctrl+Shift+Enter", width="stretch",
        disabled=bool(missing), on_click=_give, args=(case, action, dict(fields), key),
    )  # fmt: skip
    if missing:
        st.caption(missing)


def _order_key(case: Case) -> str:
    return f"order.{case.key[0]}.{case.key[1]}"


def _give(case: Case, action: str, fields: Mapping[str, Any], key: str) -> None:
    """The click: the order, its answer, and a form that is empty again when it was carried out."""
    if not may_decide_now():
        return
    seat, given = case.seat, {name: value for name, value in fields.items() if name != "ready"}
    seen = st.session_state.get(f"seen.{case.key[0]}.{case.key[1]}", case.subject.shown())
    given["note"] = (given.get("note") or "").strip() or None
    answer = send(
        seat, Order(action, *case.key, seat.person.staff_id, key, version=case.row.version, seen=seen, **given)
    )
    st.session_state[_order_key(case)] = new_id()
    remember(answer, title=case.subject.title, action=action)
    if answer.done:
        drafts.forget(seat, case.key)


def show_claim(case: Case) -> None:
    """Who works on it: claim, give back, hand over."""
    seat, row = case.seat, case.row
    if seat.role in READS_ALL or row.policy is None:
        return
    mine = row.claimed_by in seat.person.accounts if row.claimed_by else False
    supervisor = row.claimed_by is not None and seat.role in row.policy.escalation_roles
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="claim"):
        if (row.claimed_by is None or mine) and row.may_decide:
            order_button(case, "claim", "Hold it longer" if mine else "Claim", "Alt+K")
        if mine or supervisor:
            order_button(case, "release", "Give back", "Alt+B")
            _hand_over(case)


def _hand_over(case: Case) -> None:
    policy = case.row.policy
    roles = policy.concerned if policy else frozenset()
    others = {
        one.staff_id: f"{one.name} · {one.role}"
        for one in directory(case.seat.reader).values()
        if one.is_active and one.role in roles and one.staff_id not in case.seat.person.accounts
    }
    with st.popover("Hand over"):
        to = st.selectbox(
            "To", list(others), format_func=lambda staff_id: others[staff_id], index=None, key=named(case.key, "to")
        )
        order_button(case, "hand_over", "Hand over", None, to=to, disabled=to is None)


def order_button(
    case: Case, action: str, label: str, shortcut: str | None, *, disabled: bool = False, **more: Any
) -> None:
    """A button that gives an order without a form: the click, and the answer kept for the run that follows."""
    key = st.session_state.setdefault(f"{action}.{_order_key(case)}", new_id())

    def give() -> None:
        answer = send(
            case.seat, Order(action, *case.key, case.seat.person.staff_id, key, version=case.row.version, **more)
        )
        st.session_state[f"{action}.{_order_key(case)}"] = new_id()
        remember(answer, title=case.subject.title, action=action)

    st.button(label, key=f"do-{action}", shortcut=shortcut, on_click=give, disabled=disabled)
