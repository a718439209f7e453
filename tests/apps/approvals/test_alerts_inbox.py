"""What monitoring found waits in the inbox by itself: for compliance alone, until it is decided, and again when new evidence comes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from apps.approvals import queue, subject
from apps.approvals.chain import new_id
from apps.approvals.decisions import decide
from apps.approvals.orders import Answer, Desk, Order
from apps.approvals.people import person
from apps.approvals.store import reading
from tests.apps.approvals.hand_made import MARTS, NOW
from tests.apps.dashboard.hand_made import make
from tests.apps.dashboard.hand_made_monitoring import MONITORING
from warehouse.reader import Reader
from warehouse.settings import Settings

RAISED = datetime(2026, 11, 20, 9)
ALERTS = {
    "compliance.dim_scenarios": MONITORING["compliance.dim_scenarios"],
    "compliance.fct_alerts": f"""
        select 'A01-' || i as alert_id, 'A01-g' || i as group_id, 'A01' as scenario, '1' as scenario_version, 'c-good' as client_id,
            timestamp '{RAISED}' - interval 3 day as window_start, timestamp '{RAISED}' as window_end, 5400.5::decimal(38, 8) as amount_eur,
            0.8::decimal(5, 4) as score, ['psp_transactions:adyen:e' || i] as evidence, ['NEW', 'CLOSED_FP', 'ESCALATED'][1 + i] as status,
            timestamp '{RAISED}' as created_at, 'high' as severity, 'CY' as entity, null::varchar as evaluated_on,
            '3 deposits just below EUR 2000.00' as detail, i = 0 as is_reopened, timestamp '{RAISED}' + interval 1 day as last_evidence_at,
            false as holds_money
        from range(3) t (i)""",
}


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    reader = Reader(make(Settings(home=tmp_path_factory.mktemp("monitored")), MARTS | ALERTS))
    yield reader
    reader.close()


def listed(reader: Reader, engine: sa.Engine, who: str) -> list[str]:
    with reading(engine) as connection:
        rows = queue.inbox(reader, connection, person(reader, who), NOW)
    return [row.subject.subject_id for row in rows if row.subject.subject_type == "alert"]


def give(reader: Reader, engine: sa.Engine, actor: str, reason: str, at: datetime = NOW) -> Answer:
    desk = Desk(engine, reader=lambda: reader, clock=lambda: at)
    with reading(engine) as connection:
        seen = subject.find(reader, connection, "alert", "A01-0").shown()
    return decide(desk, Order("reject", "alert", "A01-0", actor, new_id(), seen=seen, reason_code=reason))


def test_an_open_alert_waits_for_compliance_and_nobody_else_sees_it(monitored: Reader, store: sa.Engine) -> None:
    assert listed(monitored, store, "s-com1") == listed(monitored, store, "s-mlro") == ["A01-0"]
    for other in ("s-pay1", "s-fin1", "s-lead", "s-sup", "s-data"):
        assert listed(monitored, store, other) == []


def test_it_says_what_was_found_by_which_rule_and_on_what_evidence(monitored: Reader, store: sa.Engine) -> None:
    with reading(store) as connection:
        found = subject.find(monitored, connection, "alert", "A01-0")
        with pytest.raises(subject.SubjectClosed):
            subject.find(monitored, connection, "alert", "A01-2")
    assert found.title == "Alert A01 on client c-good"
    assert found.unusual == ("high", "re-opened by new evidence")
    facts = found.facts
    assert (facts["rule"], facts["evidence"]) == ("Structuring just below a limit", ["psp_transactions:adyen:e0"])
    assert (facts["what_was_found"], facts["money_in_question_eur"]) == (
        "3 deposits just below EUR 2000.00",
        "5400.50000000",
    )


def test_decided_it_is_gone_from_the_list_and_new_evidence_brings_it_back(monitored: Reader, store: sa.Engine) -> None:
    assert give(monitored, store, "s-pay1", "false_positive").code == "not_entitled"
    assert give(monitored, store, "s-com1", "false_positive").state == "rejected"
    assert listed(monitored, store, "s-com1") == []
    with reading(store) as connection:
        found = subject.find(monitored, connection, "alert", "A01-0")
        again = replace(found, opened_at=NOW + timedelta(minutes=1))
        row = queue.row_of(monitored, connection, again, person(monitored, "s-com2"), NOW + timedelta(hours=1))
    assert (row.state, row.may_decide) == ("open", True)
