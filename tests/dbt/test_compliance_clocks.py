"""The status on two clocks and the audit stream: late events, corrections, ties; nothing is overwritten."""

from datetime import datetime
from typing import Any

import pytest

from tests.dbt.broker import Broker, Row, new_broker

MODELS = ("fct_kyc_status", "fct_client_ratings", "fct_audit_events")
FIRST, SECOND, THIRD = "2026-02-01", "2026-02-10", "2026-02-20"


def status(event_id: str, client: str, to_status: str, at: str, **more: Any) -> Row:
    return {
        "provider": "p", "event_id": event_id, "client_id": client, "event": "status_changed", "to_status": to_status,
        "occurred_at": at, "actor_type": "staff", "actor_id": "S1", **more,
    }  # fmt: skip


def client(client_id: str, registered_at: str = "2026-01-01", changed_at: str = "2026-01-01", **more: Any) -> Row:
    return {"client_id": client_id, "changed_at": changed_at, "registered_at": registered_at, "entity": "CY", **more}


DEAL = {
    "platform": "mt5",
    "login": 1,
    "executed_at": "2026-01-07",
    "action": "buy",
    "entry": "in",
    "symbol": "X",
    "volume_lots": "1",
}
CLIENTS = ("late", "corrected", "tie", "moved", "silent", "early", "versions")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    made = new_broker(tmp_path_factory.mktemp("clocks"))
    made.learn(
        FIRST,
        clients=[client(name, category="retail", email="old@mail.test") for name in CLIENTS],
        staff=[{"staff_id": "S1", "changed_at": "2026-01-01", "role": "compliance", "is_active": True}],
        kyc_events=[
            status("late-1", "late", "APPROVED", "2026-01-05"),
            status("late-3", "late", "RE_KYC", "2026-01-25"),
            status("corrected-1", "corrected", "APPROVED", "2026-01-05"),
            status("tie-b", "tie", "REJECTED", "2026-01-05"),
            status("tie-a", "tie", "APPROVED", "2026-01-05"),
            status("tie-z", "tie", "EDD", "2026-01-06"),
            status("moved-1", "moved", "APPROVED", "2026-01-05"),
            status("early-1", "early", "IN_PROGRESS", "2025-12-31", actor_type="client", actor_id="early"),
            status("versions-1", "versions", "APPROVED", "2026-01-05", source_version=2),
            {"provider": "p", "event_id": "rated", "client_id": "late", "event": "risk_rated", "risk_rating": "low", "occurred_at": "2026-01-04"},
        ],
        trading_accounts=[{"platform": "mt5", "login": 1, "changed_at": "2026-01-01", "client_id": "late", "currency": "USD", "status": "open"}],
        deals=[
            {"platform": "mt5", "deal_id": 1, "login": 1, "executed_at": "2026-01-06", "action": "balance", "profit": "100"},
            {"deal_id": 2, "price": "1", **DEAL},
        ],
    )  # fmt: skip
    made.learn(
        SECOND,
        clients=[client("late", changed_at="2026-01-20", category="professional", email="new@mail.test")],
        kyc_events=[
            status("late-2", "late", "SUSPENDED", "2026-01-15"),
            status("corrected-1", "corrected", "REJECTED", "2026-01-05"),
            status("tie-0", "tie", "SUSPENDED", "2026-01-06"),
            status("moved-1", "silent", "APPROVED", "2026-01-05"),
            status("versions-1", "versions", "REJECTED", "2026-01-05", source_version=1),
        ],
    )
    made.learn(THIRD, deals=[{"deal_id": 2, "price": "2", **DEAL}])
    made.build(*MODELS)
    return made


def held(broker: Broker, client_id: str, at: str, known_at: str | None = None) -> list[str]:
    """The statuses whose rows answer (at, known_at): the reading of the specification, word for word."""
    rows = broker.rows(
        """
        select status from compliance.fct_kyc_status
        where client_id = ? and valid_from <= ?::timestamp and (valid_to is null or ?::timestamp < valid_to)
            and recorded_at <= ?::timestamp and (superseded_at is null or ?::timestamp < superseded_at)
        """,
        client_id, at, at, known_at or "2030-01-01", known_at or "2030-01-01",
    )  # fmt: skip
    return [row[0] for row in rows]


def test_a_late_event_changes_as_it_was_and_not_as_known_then(broker: Broker) -> None:
    assert held(broker, "late", "2026-01-16") == ["SUSPENDED"]
    assert held(broker, "late", "2026-01-16", FIRST) == ["APPROVED"]
    assert held(broker, "late", "2026-01-26") == held(broker, "late", "2026-01-26", FIRST) == ["RE_KYC"]


def test_a_corrected_event_counts_from_the_correction_on(broker: Broker) -> None:
    assert held(broker, "corrected", "2026-01-06", FIRST) == ["APPROVED"]
    assert held(broker, "corrected", "2026-01-06", SECOND) == ["REJECTED"]


def test_at_one_moment_the_later_recorded_then_the_greater_id_decides(broker: Broker) -> None:
    assert held(broker, "tie", "2026-01-05") == ["REJECTED"]
    assert held(broker, "tie", "2026-01-07", FIRST) == ["EDD"]
    assert held(broker, "tie", "2026-01-07") == ["SUSPENDED"]


def test_an_event_that_a_correction_gives_to_another_client_leaves_the_first(broker: Broker) -> None:
    assert held(broker, "moved", "2026-01-06", FIRST) == ["APPROVED"]
    assert held(broker, "moved", "2026-01-06") == ["NOT_STARTED"]
    assert held(broker, "silent", "2026-01-06") == ["APPROVED"]


def test_an_older_version_that_arrives_later_never_counts(broker: Broker) -> None:
    assert held(broker, "versions", "2026-01-06") == ["APPROVED"]


def test_before_the_first_event_the_status_is_not_started_from_registration(broker: Broker) -> None:
    assert held(broker, "late", "2026-01-01") == ["NOT_STARTED"]
    assert held(broker, "late", "2025-12-31T23:59:59") == []
    assert held(broker, "early", "2026-01-02") == ["IN_PROGRESS"]


def test_exactly_one_row_answers_each_moment_and_knowledge(broker: Broker) -> None:
    counts = broker.rows(
        """
        select distinct count(status.client_id)
        from (select distinct client_id from compliance.fct_kyc_status) as clients
        cross join range(timestamp '2026-01-01', timestamp '2026-02-28', interval 6 hour) as moments(t)
        cross join (select unnest([timestamp '2026-02-01', timestamp '2026-02-09', timestamp '2026-02-10', timestamp '2027-01-01']) as k)
        left join compliance.fct_kyc_status as status
            on clients.client_id = status.client_id
            and status.valid_from <= t and (status.valid_to is null or t < status.valid_to)
            and status.recorded_at <= k and (status.superseded_at is null or k < status.superseded_at)
        group by clients.client_id, t, k
        """
    )
    assert counts == [(1,)]


def test_ratings_stand_on_the_same_two_clocks(broker: Broker) -> None:
    shown = broker.rows(
        "select attribute, value, valid_from, superseded_at from compliance.fct_client_ratings where client_id = 'late' order by all"
    )
    assert ("category", "retail", datetime(2026, 1, 1), datetime(2026, 2, 10)) in shown
    assert ("category", "professional", datetime(2026, 1, 20), None) in shown
    assert ("risk_rating", "low", datetime(2026, 1, 4), None) in shown


def test_every_version_of_a_row_is_an_event_of_its_own(broker: Broker) -> None:
    events = broker.rows(
        "select event_id, version, recorded_at from compliance.fct_audit_events where source_key = 'p:corrected-1' order by 1"
    )
    assert events == [
        ("kyc_events:p:corrected-1:v1", 1, datetime(2026, 2, 1)),
        ("kyc_events:p:corrected-1:v2", 2, datetime(2026, 2, 10)),
    ]


def test_a_change_of_a_client_shows_before_and_after(broker: Broker) -> None:
    shown = broker.rows(
        """
        select before ->> '$.email', after ->> '$.email' from compliance.fct_audit_events
        where stream = 'client' and stream_id = 'late' order by occurred_at
        """
    )
    assert shown == [(None, "old@mail.test"), ("old@mail.test", "new@mail.test")]


def test_an_event_names_the_role_its_actor_had(broker: Broker) -> None:
    assert broker.rows("select distinct actor_role from compliance.fct_audit_events where actor_id = 'S1'") == [
        ("compliance",)
    ]


def test_executions_are_left_out_but_for_their_corrections(broker: Broker) -> None:
    shown = broker.rows(
        "select event_type, client_id, version from compliance.fct_audit_events where source_feed = 'deals' order by event_id"
    )
    assert shown == [("deal.balance", "late", 1), ("deal.buy.corrected", "late", 2)]


def test_every_load_is_an_event(broker: Broker) -> None:
    assert broker.rows(
        "select count(*) from raw.loads anti join compliance.fct_audit_events as events on events.event_id = 'loads:' || loads.load_id"
    ) == [(0,)]


def test_increments_give_what_one_pass_over_everything_gives(broker: Broker) -> None:
    dumps = [f"select * exclude (_run_id) from compliance.{model} order by all" for model in MODELS]
    increments = [broker.rows(dump) for dump in dumps]
    broker.rebuild(*MODELS)
    assert [broker.rows(dump) for dump in dumps] == increments
