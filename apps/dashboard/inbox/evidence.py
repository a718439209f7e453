"""What a decision rests on, to the left of it: the checks, the request, the client and their money, how others were decided, and what happened."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from apps.approvals.checks import CheckResult, refused
from apps.approvals.store import reading
from apps.approvals.subject import Subject, masked_facts
from apps.dashboard.inbox import words
from apps.dashboard.inbox.form import Case
from apps.dashboard.inbox.seat import Seat
from apps.dashboard.queries import approvals, approvals_store
from apps.dashboard.ui import charts, figures, filters, states
from apps.dashboard.ui.states import plain
from warehouse.reader import access

HOLDS = {"holders": "instrument_holder", "likeness": "instrument_holder", "holder": "instrument_holder"}
"""Inputs of checks that hold what a masked column holds."""
FACT_OF = {"holders": "destination_holder", "status": "kyc_status"}
"""The fact that an input of a check shows under another name."""
ORDER = {"fail": 0, "error": 1, "review": 2, "pass": 3}
TOLD = ("note", "said")


def show_evidence(case: Case) -> None:
    """Everything, top to bottom; a part that fails says so in its own place."""
    seat, subject = case.seat, case.subject
    with states.panel():
        show_checks(case)
    with states.panel():
        show_request(seat, subject, broken(case.results))
    if subject.client_id:
        with states.panel():
            show_client(seat, subject)
        with states.panel():
            show_money(seat, subject)
    with states.panel():
        show_similar(seat, subject)
    with states.panel():
        show_timeline(seat, subject)


def show_checks(case: Case) -> None:
    """Each check with its result in words and its inputs; what refuses stands first."""
    seat, row, results = case.seat, case.row, case.results
    passed = sum(one.result == "pass" for one in results)
    st.subheader(f"Checks · {passed} of {len(results)} passed", anchor=False)
    if not results:
        st.caption("The policy asks for no check." if row.policy else "No policy covers this, so nobody may decide it.")
        return
    overridable = row.policy.overridable if row.policy else ()
    with st.container(border=True, gap="xsmall", key="checks"):
        for one in sorted(results, key=lambda one: ORDER[one.result]):
            said, colour = words.RESULTS[one.result]
            with st.container(horizontal=True, vertical_alignment="top", gap="small", wrap=False):
                st.badge(said, color=colour, width=104)
                note = " *may be overridden*" if one.result != "pass" and one.name in overridable else ""
                if one.name in case.set_aside:
                    note = f" *set aside by {plain(case.set_aside[one.name])}*"
                st.markdown(f"**{plain(one.name.replace('_', ' '))}** {plain(one.said)}{note}")
    with st.expander("Inputs, versions and times of the checks"):
        st.dataframe(
            [
                {
                    "check": one.name, "version": one.version, "result": one.result, "ran at (UTC)": one.ran_at,
                    "inputs": words.plain_value(visible_inputs(one.inputs, seat.role)),
                }
                for one in results
            ],
            hide_index=True, key="check-inputs", alt="Inputs of the checks",
        )  # fmt: skip
        st.caption(
            "They ran now, for you. They run again at the click, inside the decision, and those are the ones on record."
        )


def visible_inputs(inputs: Mapping[str, Any], role: str) -> dict[str, Any]:
    """A check's inputs as this role may see them: what a masked column holds is masked here too."""
    columns = access()["columns"]
    hidden = {name for name, column in HOLDS.items() if role not in columns[column]["clear"]}
    return masked_facts({name: "…" if name in hidden else value for name, value in inputs.items()}, role)


def broken(results: Sequence[CheckResult]) -> frozenset[str]:
    """The facts that a check which did not pass looked at: they are marked."""
    failed = refused(results)
    looked_at = {FACT_OF.get(name, name) for one in failed for name in one.inputs}
    return frozenset(looked_at | {one.name for one in failed})


def show_request(seat: Seat, subject: Subject, marked: frozenset[str]) -> None:
    """The facts of the request, with what is unusual on top and what failed a check marked."""
    st.subheader("Request", anchor=False)
    with st.container(border=True, key="request", gap="xsmall"):
        if subject.unusual:
            with st.container(horizontal=True, gap="xsmall"):
                for said in subject.unusual:
                    st.badge(plain(said), color="orange", width="content")
        facts = masked_facts(subject.facts, seat.role)
        euros = (
            f" (EUR {figures.number(subject.amount_eur, 2)})"
            if subject.currency not in (None, "EUR") and subject.amount_eur
            else ""
        )
        own = {
            "amount": f"{words.money(subject.amount, subject.currency)}{euros}" if subject.amount is not None else None,
            "asked by": f"{subject.maker or 'a system'}", "asked at": words.when(subject.opened_at), "entity": subject.entity,
        }  # fmt: skip
        pairs({name: value for name, value in (own | facts).items() if not _empty(value)}, marked)
        st.caption(f"{plain(subject.subject_type)} `{subject.subject_id}` from {plain(subject.source)}")


def pairs(values: Mapping[str, Any], marked: frozenset[str] = frozenset()) -> None:
    """Name and value, two columns of them; long values take a line of their own, and what is marked stands out."""
    long = {
        name: value
        for name, value in values.items()
        if len(words.plain_value(value)) > 60 or isinstance(value, list | dict)
    }
    short = [name for name in values if name not in long]
    half = -(-len(short) // 2)
    for column, names in zip(st.columns(2), (short[:half], short[half:]), strict=True):
        column.markdown("  \n".join(_pair(name, values[name], name in marked) for name in names) or "\u00a0")
    for name, value in long.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            st.caption(plain(name.replace("_", " ")))
            st.dataframe(value, hide_index=True, alt=name, height="content" if len(value) < 8 else 280)
        elif isinstance(value, dict):
            st.caption(plain(name.replace("_", " ")))
            st.json(value, expanded=1)
        else:
            st.markdown(_pair(name, value, name in marked))


def _pair(name: str, value: Any, marked: bool) -> str:
    said = plain(words.plain_value(value))
    return f":gray[{plain(name.replace('_', ' '))}]\u2002{f':orange-background[**{said}**] !' if marked else said}"


def _empty(value: Any) -> bool:
    return value is None or value in ("", [])


def show_client(seat: Seat, subject: Subject) -> None:
    """Who the client is, their state, and what they have here."""
    page, client_id = seat.page, str(subject.client_id)
    st.subheader(f"Client {plain(client_id)}", anchor=False)
    if not _may(seat, approvals.CLIENTS):
        return
    found = page.read(approvals.client, client_id)
    if found.is_empty():
        st.caption("Not known in this publish.")
        return
    row = found.row(0, named=True)
    with st.container(border=True, key="client", gap="xsmall"):
        with st.container(horizontal=True, gap="xsmall"):
            st.badge(
                f"identification {row['kyc_status']}",
                color="green" if row["kyc_status"] == "APPROVED" else "orange",
                width="content",
            )
            rating = row["risk_rating"] or "not rated"
            st.badge(f"risk {rating}", color="green" if rating == "low" else "orange", width="content")
            if row["is_test"]:
                st.badge("test client", color="orange", width="content")
        known = {
            name: value for name, value in row.items() if name not in ("kyc_status", "risk_rating", "is_test") and value
        }
        dates = {
            name: f"{known[name]:%d %b %Y}"
            for name in ("registered_at", "first_deposit_at", "last_trade_at")
            if name in known
        }
        pairs(known | dates | _holdings(seat, client_id))


def _holdings(seat: Seat, client_id: str) -> dict[str, Any]:
    """Wallet, and balance and equity of each trading account, in words."""
    held: dict[str, Any] = {}
    if _granted(seat, approvals.BALANCES):
        wallet = seat.page.read(approvals.wallet, client_id)
        said = (words.money(row["balance"], row["currency"]) for row in wallet.iter_rows(named=True))
        held["wallet"] = " + ".join(said) or "nothing"
    if _granted(seat, approvals.ACCOUNTS):
        for row in seat.page.read(approvals.accounts, client_id).head(4).iter_rows(named=True):
            level = f", margin level {row['margin_level']:.0%}" if row["margin_level"] else ""
            held[row["account"]] = (
                f"balance {figures.number(row['balance'], 2)}, equity {figures.number(row['equity'], 2)}{level}, {row['at']:%d %b}"
            )
    return held


def show_money(seat: Seat, subject: Subject) -> None:
    """Money in and out of the last ninety days, and how this amount stands against what is usual."""
    page, client_id = seat.page, str(subject.client_id)
    st.subheader("Money in and out, 90 days", anchor=False)
    if not (_may(seat, approvals.POSTINGS) and _granted(seat, approvals.ENTRIES)):
        return
    until = page.frame.as_of or seat.now
    weeks = page.read(approvals.money_by_week, client_id, until)
    if weeks.is_empty():
        st.caption("No deposit and no withdrawal in ninety days.")
    else:
        currencies = weeks["currency"].unique().sort().to_list()
        currency = str(subject.currency if subject.currency in currencies else currencies[0])
        own = weeks.filter(pl.col("currency") == currency)
        totals = own.select(pl.col("money_in", "money_out").sum()).row(0, named=True)
        st.caption(
            f"**{words.money(totals['money_in'] or Decimal(0), currency)}** in, **{words.money(totals['money_out'] or Decimal(0), currency)}** out"
            + (f"; also in {', '.join(name for name in currencies if name != currency)}" if len(currencies) > 1 else "")
        )
        st.plotly_chart(charts.weeks(own, currency), alt="Money in and out by week", key="evidence-money")
    _against_usual(seat, subject)


def _against_usual(seat: Seat, subject: Subject) -> None:
    """This amount beside the client's earlier withdrawals, marked when it is beyond all of them."""
    if subject.subject_type != "withdrawal" or subject.amount is None or not _granted(seat, approvals.WITHDRAWALS):
        return
    usual = seat.page.read(approvals.usual_withdrawals, str(subject.client_id), subject.currency or "").row(
        0, named=True
    )
    if not usual["paid"]:
        st.markdown(":orange-badge[first withdrawal] The client was never paid in this currency before.")
        return
    spread = f"{words.money(usual['lowest'], subject.currency)} to {words.money(usual['largest'], subject.currency)}"
    said = f"Usual: {spread}, half below {words.money(usual['median'], subject.currency)}, {usual['paid']} paid so far."
    if subject.amount > usual["largest"]:
        said = f":orange-badge[more than ever before] {said}"
    st.markdown(said)


def show_similar(seat: Seat, subject: Subject) -> None:
    """How others like it were decided: here, and before by the sources' account."""
    st.subheader("Decided before", anchor=False)
    with reading(seat.engine) as connection:
        here = [
            one
            for one in approvals_store.taken(connection, kinds=[subject.subject_type], limit=9)
            if one.subject_id != subject.subject_id
        ]
    rows = [
        {
            "what": one.subject_id,
            "decision": f"{one.decision} (undone)" if one.undone else one.decision,
            "reason": one.reason_code,
            "by": f"{one.actor_id} ({one.actor_role})",
            "at (UTC)": one.decided_at,
        }
        for one in here
    ] + _before(seat, subject)
    if rows:
        st.dataframe(rows, hide_index=True, key="similar", alt="How others like it were decided", height="content")
    else:
        st.caption("Nothing like it was decided before.")


def _before(seat: Seat, subject: Subject) -> list[dict[str, Any]]:
    """What the sources reported, in the columns of the decisions taken here."""
    page = seat.page
    if subject.subject_type == "withdrawal" and subject.amount is not None and _granted(seat, approvals.WITHDRAWALS):
        method = str(subject.facts.get("method") or "")
        found = page.read(
            approvals.similar_withdrawals, subject.subject_id, subject.client_id or "", method, float(subject.amount)
        )
        return [
            {
                "what": f"{words.money(row['amount'], row['currency'])} {row['method']}",
                "client": "this client" if row["same_client"] else row["client_id"],
                "decision": row["decision"],
                "reason": row["decision_reason"] or "—",
                "by": row["decided_by"],
                "at (UTC)": row["decided_at"],
            }
            for row in found.iter_rows(named=True)
        ]
    if _granted(seat, approvals.DECISIONS):
        found = page.read(approvals.similar_decisions, subject.subject_type, subject.subject_id)
        return [
            {
                "what": row["subject_id"],
                "decision": row["decision"],
                "reason": row["reason_code"] or "—",
                "by": _who(row),
                "at (UTC)": row["decided_at"],
            }
            for row in found.iter_rows(named=True)
        ]
    return []


def show_timeline(seat: Seat, subject: Subject) -> None:
    """What the sources reported and what happened here, in order, and the way to the dossier."""
    st.subheader("What happened", anchor=False)
    key = (subject.subject_type, subject.subject_id)
    with reading(seat.engine) as connection:
        here = [_told(body) for body in approvals_store.happened(connection, key)]
    before: list[dict[str, Any]] = []
    if _granted(seat, approvals.EVENTS):
        before = [
            {"at (UTC)": row["occurred_at"], "what": row["event_type"], "who": _who(row), "why": row["reason"] or "—"}
            for row in seat.page.read(approvals.events, subject.subject_id).iter_rows(named=True)
        ]
    lines = sorted(before + here, key=lambda one: one["at (UTC)"])
    if lines:
        st.dataframe(
            lines,
            hide_index=True,
            key="timeline",
            alt="What happened, oldest first",
            height="content" if len(lines) < 12 else 400,
        )
    else:
        st.caption("Nothing yet, but that it was asked for.")
    if subject.subject_type == "withdrawal" and "regulator_query" in seat.page.frame.viewer.pages:
        st.page_link(
            seat.page.file.with_name("regulator_query.py"), label="Open its dossier",
            query_params=filters.kept() | {"id": subject.subject_id},
        )  # fmt: skip


def _who(row: Mapping[str, Any]) -> str:
    role = f" ({row['actor_role']})" if row.get("actor_role") else ""
    return f"{row['actor_id'] or row.get('actor_type') or ''}{role}"


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    """An event of the store as a line; a note or the words of a refusal stand behind the reason."""
    actor, after = body["actor"], body.get("after") or {}
    more = next((words.plain_value(after[name]) for name in TOLD if after.get(name)), "")
    why = " · ".join(one for one in (body.get("reason") or "", more) if one)
    at = pl.Series([body["occurred_at"].removesuffix("Z")]).str.to_datetime()[0]
    role = f" ({actor['role']})" if actor.get("role") else ""
    return {"at (UTC)": at, "what": body["type"], "who": f"{actor['id']}{role}", "why": why or "—"}


def _granted(seat: Seat, mart: str) -> bool:
    frame = seat.page.frame
    return frame.loaded(mart) and frame.granted(mart)


def _may(seat: Seat, mart: str) -> bool:
    """Whether the mart is there and given to the role; says which of the two it is not."""
    frame = seat.page.frame
    if frame.loaded(mart) and frame.granted(mart):
        return True
    st.caption("Not published yet." if not frame.loaded(mart) else f"The role {seat.role} is not given this.")
    return False
