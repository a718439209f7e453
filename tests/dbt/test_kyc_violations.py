"""Violations of identification: every transition of the seed table with every actor, evidence of approvals, and the clocks on both sides."""

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.broker import Broker, Row, new_broker

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds" / "compliance"
FIRST, SECOND, THIRD = "2025-03-01", "2025-03-16T12:00:00", "2026-06-01"
ACTORS = {"client": ("client", None), "system": ("system", "rules"), "provider": ("provider", "onfido"), "compliance": ("staff", "S-comp"),
          "mlro": ("staff", "S-mlro"), "sales": ("staff", "S-sales")}  # fmt: skip
NAMED = {"client": {"client"}, "system": {"system"}, "compliance": {"analyst"}, "mlro": {"analyst", "mlro"}}
"""Which actors of the table each of them is; nobody else is one."""
MODELS = ("fct_kyc_violations", "fct_kyc_files", "fct_kyc_queue")
EVIDENCE = ("identity", "address", "sanctions", "pep", "adverse_media", "risk_rating", "outcome", "category")


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


STATUSES = [row["status"] for row in seed("kyc_statuses")]
ALLOWED = {(row["from_status"], row["to_status"], row["actor"]) for row in seed("kyc_transitions")}


def status(client: str, number: int, to_status: str, at: str, actor: str = "system", **more: Any) -> Row:
    kind, actor_id = ACTORS.get(actor, ("staff", actor))
    return {"provider": "p", "event_id": f"{client}-{number}", "client_id": client, "event": "status_changed", "to_status": to_status,
            "occurred_at": at, "actor_type": kind, "actor_id": actor_id or client, **more}  # fmt: skip


def client(client_id: str, entity: str = "UK", **more: Any) -> Row:
    return {"client_id": client_id, "changed_at": "2025-01-01", "registered_at": "2025-01-01", "entity": entity,
            "first_name": "Zoë", "last_name": "Müller"} | more  # fmt: skip


def transitions() -> list[Row]:
    """One client for each pair of statuses and actor; every other one reaches the first status by an event of its own."""
    rows = []
    for number, (before, after, actor) in enumerate(product(STATUSES, STATUSES, ACTORS)):
        name = f"{before}>{after}>{actor}"
        if number % 2:
            rows += [status(name, 1, before, "2025-01-02"), status(name, 2, after, "2025-01-03", actor)]
        else:
            rows.append(status(name, 2, after, "2025-01-03", actor, from_status=before))
    return rows


def evidence(name: str, *without: str, at: str = "2025-01-02", **but: str) -> list[Row]:
    """What an approval needs, less some of it, and some with another result."""
    rows = []
    for kind in EVIDENCE:
        if kind in without:
            continue
        said: Row = {"event": "check_completed", "check": kind, "result": but.get(kind, "clear")}
        if kind in ("risk_rating", "outcome", "category"):
            value = {"risk_rating": "low", "outcome": "pass", "category": "retail"}[kind]
            event = {"risk_rating": "risk_rated", "outcome": "appropriateness_recorded", "category": "category_changed"}
            said = {"event": event[kind], kind: but.get(kind, value)}
        rows.append({"provider": "p", "event_id": f"{name}-{kind}", "client_id": name, "occurred_at": at} | said)
    return rows


def approved(name: str, *without: str, at: str = "2025-01-03", **but: str) -> list[Row]:
    return [*evidence(name, *without, **but), status(name, 1, "APPROVED", at, from_status="SUBMITTED")]


def deposit(
    name: str,
    at: str,
    amount: str,
    method: str = "bank_wire",
    holder: str | None = "MUELLER Zoe",
    number: int = 1,
    **more: Any,
) -> Row:
    return {"psp": "adyen", "event_id": f"{name}-{number}", "kind": "deposit", "status": "completed", "method": method, "amount": amount,
            "currency": "EUR", "client_id": name, "instrument_holder": holder, "occurred_at": at} | more  # fmt: skip


def passport(name: str, number: int, expires: str, at: str = "2025-01-02") -> Row:
    return {"provider": "p", "event_id": f"{name}-doc{number}", "client_id": name, "event": "document_received", "check": "identity",
            "document_type": "passport", "document_expires_on": expires, "occurred_at": at}  # fmt: skip


def files() -> dict[str, list[Row]]:
    """The clients whose files are judged, with what comes near beside what fails."""
    events: list[Row] = []
    for name, without in (("whole", ()), *((f"no_{kind}", (kind,)) for kind in EVIDENCE)):
        events += approved(name, *without)
    events += (
        approved("au_no_test", "outcome") + approved("sc_no_test", "outcome") + approved("consider", pep="consider")
    )
    events += [*approved("checked_after", "identity"), *evidence("checked_after", *EVIDENCE[1:], at="2025-01-04")]
    events += [*approved("failed_then_clear", identity="fail"),
               {"provider": "p", "event_id": "again", "client_id": "failed_then_clear", "event": "check_completed", "check": "identity",
                "result": "clear", "occurred_at": "2025-01-02T12:00:00"}]  # fmt: skip
    events += [*approved("by_crm", "category")]
    # the role of the day decides
    events += [status("before_role", 1, "APPROVED", "2025-01-09T23:59:59", "S-new", from_status="EDD"), *evidence("before_role"),
               status("from_role_on", 1, "APPROVED", "2025-01-10", "S-new", from_status="EDD"), *evidence("from_role_on")]  # fmt: skip
    events += [status("mismatch", 1, "IN_PROGRESS", "2025-01-02", "client"),
               status("mismatch", 2, "SUBMITTED", "2025-01-03", "client", from_status="PROVISIONAL"),
               status("midway", 1, "SUBMITTED", "2025-01-03", "client", from_status="IN_PROGRESS")]  # fmt: skip
    events += [
        status("overtaken", 1, "IN_PROGRESS", "2025-01-02", "client"),
        status("overtaken", 3, "IN_REVIEW", "2025-01-04"),
    ]
    # documents and reviews
    events += [
        *approved("expired"),
        passport("expired", 1, "2025-03-15"),
        *approved("last_day"),
        passport("last_day", 1, "2025-03-16"),
    ]
    events += [
        *approved("renewed"),
        passport("renewed", 1, "2025-03-01"),
        passport("renewed", 2, "2031-03-01", "2025-02-28"),
    ]
    events += [
        *approved("left"),
        passport("left", 1, "2025-03-01"),
        status("left", 2, "TERMINATED", "2025-02-27", "client"),
    ]
    events += [*approved("high", risk_rating="high"), *approved("medium", risk_rating="medium")]
    events += [*approved("reviewed", risk_rating="high"), status("reviewed", 2, "RE_KYC", "2026-01-01"),
               status("reviewed", 3, "APPROVED", "2026-01-02", "S-comp")]  # fmt: skip
    # the derogation: fifteen days from 1 March, 12:00
    for name in ("in_time", "too_late"):
        at = "2025-03-16T12:00:00" if name == "in_time" else "2025-03-16T12:00:01"
        events += [*evidence(name), status(name, 1, "APPROVED", at, from_status="SUBMITTED")]
    events += [*evidence("paid_after"), status("paid_after", 1, "APPROVED", "2025-01-03", from_status="SUBMITTED")]
    terms = {"terms_accepted_at": "2025-03-01T12:00:00", "entity": "CY"}
    money = [
        deposit("first_deposit", "2025-02-10", "10"), deposit("at_limit", "2025-03-02", "1500"), deposit("at_limit", "2025-03-03", "500", number=2),
        deposit("over_limit", "2025-03-02", "1500"), deposit("over_limit", "2025-03-03", "500.01", number=2),
        deposit("by_card", "2025-03-02", "5", "card"),
        deposit("not_own", "2025-03-02", "5", holder="Ivan Petrov"), deposit("unnamed", "2025-03-02", "5", holder=None),
        deposit("paid_after", "2025-01-04", "9000", "card"), deposit("uk_card", "2025-03-02", "9000", "card"),
        deposit("declined", "2025-03-02", "9000", "card", status="declined"),
    ]  # fmt: skip
    new_cy = (
        "in_time",
        "too_late",
        "never",
        "at_limit",
        "over_limit",
        "by_card",
        "not_own",
        "unnamed",
        "paid_after",
        "declined",
    )
    kept = [client(name, **terms) for name in new_cy]
    kept += [
        client("first_deposit", "CY"),
        client("au_no_test", "AU"),
        client("sc_no_test", "SC"),
        client("by_crm", category="retail"),
    ]
    others = {row["client_id"] for row in events} - {row["client_id"] for row in kept}
    return {
        "kyc_events": events,
        "clients": kept + [client(name) for name in sorted(others)],
        "psp_transactions": money,
    }


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = new_broker(tmp_path_factory.mktemp("violations"))
    rows = files()
    people = [("S-comp", "compliance"), ("S-mlro", "mlro"), ("S-sales", "sales"), ("S-new", "support")]
    staff = [{"staff_id": name, "changed_at": "2025-01-01", "role": role, "is_active": True} for name, role in people]
    staff.append({"staff_id": "S-new", "changed_at": "2025-01-10", "role": "mlro", "is_active": True})
    early = [row for row in rows["kyc_events"] if row["occurred_at"] < FIRST]
    later = [row for row in rows["kyc_events"] if FIRST <= row["occurred_at"] < SECOND + ":"]
    made.learn(FIRST, **rows | {"kyc_events": transitions() + early, "staff": staff})
    made.learn(SECOND, kyc_events=[*later, status("overtaken", 2, "SUBMITTED", "2025-01-03", "client")])
    made.build(*MODELS, tests=False)
    made.learn(THIRD, kyc_events=[row for row in rows["kyc_events"] if row["occurred_at"] >= SECOND + ":"])
    made.build(*MODELS, tests=False)
    made.check(*MODELS)
    yield made


def violations(broker: Broker, client_id: str, known_at: str = THIRD) -> set[str]:
    found = broker.rows(
        """
        select rule from compliance.fct_kyc_violations
        where client_id = ? and recorded_at <= ?::timestamp and (superseded_at is null or superseded_at > ?::timestamp)
        """,
        client_id, known_at, known_at,
    )  # fmt: skip
    return {row[0] for row in found}


def test_every_transition_of_the_table_is_allowed_to_its_actors_and_every_other_is_forbidden(broker: Broker) -> None:
    expected = set()
    for before, after, actor in product(STATUSES, STATUSES, ACTORS):
        allowed_to = {who for start, end, who in ALLOWED if (start, end) == (before, after)}
        if not allowed_to:
            expected.add((f"{before}>{after}>{actor}", "forbidden_transition"))
        elif "any" not in allowed_to and not allowed_to & NAMED.get(actor, set()):
            expected.add((f"{before}>{after}>{actor}", "forbidden_actor"))
    found = broker.rows(
        """
        select client_id, rule from compliance.fct_kyc_violations
        where event_id = client_id || '-2' and client_id like '%>%' and rule not like 'missing_%'
        """
    )
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert {rule for _, rule in expected} == {"forbidden_transition", "forbidden_actor"} and len(
        expected
    ) < 12 * 12 * len(ACTORS)


@pytest.mark.parametrize(
    ("client_id", "rules"),
    [
        ("no_identity", {"missing_identity"}), ("no_address", {"missing_address"}), ("no_sanctions", {"missing_screening"}),
        ("no_pep", {"missing_screening"}), ("no_adverse_media", {"missing_screening"}), ("consider", {"missing_screening"}),
        ("no_risk_rating", {"missing_risk_rating"}), ("no_outcome", {"missing_appropriateness"}), ("sc_no_test", {"missing_appropriateness"}),
        ("no_category", {"missing_category"}), ("checked_after", {"missing_identity"}),
        ("before_role", {"forbidden_actor"}), ("mismatch", {"from_mismatch"}),
        ("expired", {"document_expired"}), ("high", {"review_overdue"}),
        ("too_late", {"cysec_15_days"}), ("never", {"cysec_15_days"}), ("first_deposit", {"cysec_15_days"}),
        ("over_limit", {"cysec_15_days", "cysec_limit"}), ("by_card", {"cysec_15_days", "cysec_source"}),
        ("not_own", {"cysec_15_days", "cysec_source"}), ("unnamed", {"cysec_15_days", "cysec_source"}),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_found_under_that_rule_alone(broker: Broker, client_id: str, rules: set[str]) -> None:
    assert violations(broker, client_id) == rules


@pytest.mark.parametrize(
    "client_id",
    [
        "whole", "au_no_test", "failed_then_clear", "by_crm", "from_role_on", "midway", "renewed", "left", "medium", "reviewed", "in_time",
        "paid_after", "uk_card",
    ],
)  # fmt: skip
def test_what_only_comes_near_is_left_alone(broker: Broker, client_id: str) -> None:
    assert violations(broker, client_id) == set()


def test_a_document_is_valid_on_the_day_printed_and_a_limit_is_broken_above_it(broker: Broker) -> None:
    assert violations(broker, "last_day", SECOND) == set()
    assert violations(broker, "expired", SECOND) == {"document_expired"}
    assert violations(broker, "at_limit") == violations(broker, "declined") == {"cysec_15_days"}


def test_a_clock_is_a_violation_from_the_first_load_after_it_ran_out_and_stays_after_a_late_verification(
    broker: Broker,
) -> None:
    shown = "select occurred_at, recorded_at, superseded_at from compliance.fct_kyc_violations where client_id = ? and rule = 'cysec_15_days'"
    due, known = broker.rows("select timestamp '2025-03-16 12:00:00', ?::timestamp", THIRD)[0]
    assert violations(broker, "never", SECOND) == set(), (
        "a clock that runs out at the newest load has not run out before it"
    )
    assert broker.rows(shown, "never") == broker.rows(shown, "too_late") == [(due, known, None)]


def test_a_late_event_supersedes_what_was_a_violation_without_it(broker: Broker) -> None:
    assert violations(broker, "overtaken", FIRST) == {"forbidden_transition"}
    assert violations(broker, "overtaken", SECOND) == set()


def queued(broker: Broker, client_id: str) -> set[str]:
    return {row[0] for row in broker.rows("select reason from compliance.fct_kyc_queue where client_id = ?", client_id)}


@pytest.mark.parametrize(
    ("client_id", "reasons"),
    [
        ("no_identity", {"missing_identity"}), ("never", {"cysec_15_days"}), ("over_limit", {"cysec_15_days", "cysec_limit"}),
        ("expired", {"document_expired"}), ("high", {"review_overdue"}), ("consider", {"missing_screening", "rating_too_low"}),
        ("mismatch", {"to_decide", "from_mismatch"}), ("midway", {"to_decide"}),
        # put right since, or nothing to put right
        ("too_late", set()), ("whole", set()), ("reviewed", set()), ("left", set()), ("renewed", set()),
    ],
)  # fmt: skip
def test_the_queue_holds_what_still_needs_a_person(broker: Broker, client_id: str, reasons: set[str]) -> None:
    assert queued(broker, client_id) == reasons


def test_a_file_shows_what_its_client_may_do_and_what_it_lacks(broker: Broker) -> None:
    shown = "select kyc_status, can_deposit, can_trade, can_withdraw, lacks, score_rating from compliance.fct_kyc_files where client_id = ?"
    assert broker.rows(shown, "whole") == [("APPROVED", "yes", "yes", "yes", "", "low")]
    assert broker.rows(shown, "no_pep") == [("APPROVED", "yes", "yes", "yes", "PEP screening", "low")]
    assert broker.rows(shown, "left") == [("TERMINATED", "no", "close only", "return to source", "", "low")]
    assert broker.rows(shown, "consider")[0][-1] == "high"


def test_increments_give_what_one_pass_over_everything_gives(broker: Broker) -> None:
    dumps = [f"select * exclude (_run_id) from compliance.{mart} order by all" for mart in MODELS]
    increments = [broker.rows(dump) for dump in dumps]
    broker.rebuild(*MODELS)
    assert [broker.rows(dump) for dump in dumps] == increments
