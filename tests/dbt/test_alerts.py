"""Monitoring on one hand-made broker: every scenario finds what lies above its thresholds and nothing below; legs, groups, cool-down."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest

from apps.monitoring.replay import RuleUnknown, read_change, replay
from tests.dbt.alert_identity import plant_identities
from tests.dbt.alert_money import plant_money
from tests.dbt.alert_rows import Plants, base, day
from tests.dbt.broker import Broker, new_broker

SCENARIOS = [f"A{number:02d}" for number in range(1, 23)]
Found = dict[str, set[str]]


def cooled(p: Plants) -> None:
    """One person's findings on both sides of the cool-down, and one that an analyst has closed before more came."""
    client = p.client("A04+again and again", first_name="Kim", last_name="Roe")
    for at in (0, 30, 30.01, 70):
        p.deposit(client, day(at), 50, instrument_holder="Gregor Baumgartner")


def decided(p: Plants) -> None:
    """Two alerts closed as wrong: one stays closed; of the other we learned more after the decision."""
    for number, (name, at) in enumerate((("A04+closed", "2026-10-20T09:00:00"), ("A04+re-opened", day(5)))):
        p.deposit(p.client(name, first_name="Kim", last_name="Roe"), day(0), 50, instrument_holder="Gregor Baumgartner")
        p.add(
            "operational_events", event_id=f"o{number}", seq=number + 1, stream="approval", type="approval.rejected", subject_type="alert",
            subject_id=f"{name}:A04", client_id=name, occurred_at=at, actor_id="S1", actor_role="compliance", reason="false_positive",
            after='{"decisions": [{"decision": "reject", "final": true}], "state": "rejected"}', prev_hash="0" * 64, hash="1" * 64, body="x",
        )  # fmt: skip


@pytest.fixture(scope="module")
def planted() -> Plants:
    plants = base()
    plant_money(plants)
    plant_identities(plants)
    cooled(plants)
    decided(plants)
    return plants


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, planted: Plants) -> Iterator[Broker]:
    broker = new_broker(tmp_path_factory.mktemp("alerts"))
    broker.learn("2026-10-01T06:00:00", **planted.feeds)
    broker.build("fct_alerts", "dim_scenarios", tests=False)
    broker.check("fct_alerts", "fct_rts_legs", "dim_scenarios")
    yield broker


@pytest.fixture(scope="module")
def found(broker: Broker) -> Found:
    by_scenario: Found = {}
    for scenario, client in broker.rows("select distinct scenario, client_id from compliance.fct_alerts"):
        by_scenario.setdefault(scenario, set()).add(client)
    return by_scenario


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_finds_what_is_above_its_thresholds_and_nothing_below(
    scenario: str, planted: Plants, found: Found
) -> None:
    own = {row["client_id"] for row in planted.feeds["clients"] if row["client_id"].startswith(scenario)}
    assert own
    assert found[scenario] & own == {client for client in own if client[3] == "+"}


def test_every_alert_names_source_rows_that_are_there(broker: Broker) -> None:
    keys = {key for (evidence,) in broker.rows("select evidence from compliance.fct_alerts") for key in evidence}
    known = {
        key
        for (key,) in broker.rows(
            """
            select 'psp_transactions:' || psp || ':' || event_id from raw.psp_transactions
            union all select 'cash_requests:' || event_id from raw.cash_requests
            union all select 'client_sessions:' || session_id from raw.client_sessions
            union all select 'kyc_events:' || provider || ':' || event_id from raw.kyc_events
            union all select 'deals:' || platform || ':' || deal_id from raw.deals
            union all select 'clients:' || client_id || ':' || strftime(changed_at, '%Y-%m-%dT%H:%M:%S.%f') from raw.clients
            union all select 'partner_links:client:' || child_id || ':' || strftime(valid_from, '%Y-%m-%dT%H:%M:%S.%f') from raw.partner_links
            union all select concat_ws(':', 'risk_lists', list_name, entry_id, strftime(valid_from, '%Y-%m-%dT%H:%M:%S.%f')) from raw.risk_lists
            """
        )
    }
    assert keys and keys <= known
    assert broker.rows("select count(*) from compliance.fct_alerts where len(evidence) = 0") == [(0,)]


def test_the_plan_returns_to_each_source_in_order_and_the_rest_is_profit(broker: Broker) -> None:
    legs = broker.rows(
        """
        select leg_no, instrument_id, planned, actual, leg_kind from compliance.fct_rts_legs
        where request_id = (select request_id from intermediate.int_money_requests where client_id = 'A06-worked by hand') order by leg_no
        """
    )
    assert legs == [
        (1, "w-card1", Decimal(500), Decimal(500), "return"),
        (2, "w-card2", Decimal(300), Decimal(300), "return"),
        (3, "w-ewallet", Decimal(200), Decimal(200), "return"),
        (4, "w-bank", Decimal(100), Decimal(100), "return"),
        (5, "w-bank", Decimal(400), Decimal(400), "profit"),
    ]


def test_the_legs_of_a_plan_add_up_to_the_withdrawal(broker: Broker) -> None:
    off = broker.rows(
        """
        select request_id from compliance.fct_rts_legs join intermediate.int_money_requests as requests using (request_id)
        group by request_id having sum(planned) <> any_value(requests.amount)
        """
    )
    assert off == []


def test_clients_of_one_finding_share_the_group(broker: Broker) -> None:
    groups = broker.rows(
        "select group_id, list(client_id order by client_id) from compliance.fct_alerts where client_id like 'A09+card,%' group by group_id"
    )
    assert [members for _, members in groups] == [["A09+card, first", "A09+card, second"]]


def test_a_mailbox_merges_nobody_and_a_name_with_a_birth_date_does(broker: Broker) -> None:
    persons = dict(broker.rows("select client_id, person_id from intermediate.int_persons"))
    assert persons["A01+one person, first"] == persons["A01+one person, second"]
    assert persons["A09+document, first"] == persons["A09+document, second"]
    assert persons["A01-one mailbox, first"] != persons["A01-one mailbox, second"]


def test_thirty_days_of_findings_are_one_alert_and_what_comes_later_another(broker: Broker) -> None:
    rows = broker.rows(
        """
        select window_start, window_end, len(evidence) from compliance.fct_alerts
        where client_id = 'A04+again and again' and scenario = 'A04' order by window_start
        """
    )
    assert [(str(start), str(end), rows) for start, end, rows in rows] == [
        ("2026-03-02 09:00:00", "2026-04-01 09:00:00", 2),
        ("2026-04-01 09:14:24", "2026-04-01 09:14:24", 1),
        ("2026-05-11 09:00:00", "2026-05-11 09:00:00", 1),
    ]


def test_a_decision_closes_an_alert_and_what_is_learned_after_it_opens_it_again(broker: Broker) -> None:
    rows = broker.rows(
        "select client_id, status, is_reopened from compliance.fct_alerts where client_id in ('A04+closed', 'A04+re-opened') order by 1"
    )
    assert rows == [("A04+closed", "CLOSED_FP", False), ("A04+re-opened", "NEW", True)]


def test_a_replay_shows_what_another_parameter_would_have_found_and_leaves_the_home_alone(broker: Broker) -> None:
    before = broker.settings.build_file.read_bytes()
    now = datetime(2026, 10, 1)
    changes = [read_change("A01.deposits=4"), read_change("A04.similarity=0.98", "CY")]
    found = replay(broker.settings, rules_at=now, changes=changes, start=datetime(2026, 1, 1), until=now)
    assert broker.settings.build_file.read_bytes() == before
    gone = {(row["scenario"], row["client_id"]) for row in found.gone.to_dicts()}
    assert ("A01", "A01+just below") in gone
    assert {scenario for scenario, _ in gone} == {"A01"}
    added = {(row["scenario"], row["client_id"], row["scenario_version"]) for row in found.added.to_dicts()}
    assert added == {("A04", "A04-reordered", "1+")}
    counted = {row["scenario"]: row for row in found.scenarios.to_dicts()}
    assert counted["A01"]["would_stand"] == counted["A01"]["stands"] - counted["A01"]["gone"] == 0
    with pytest.raises(RuleUnknown, match=r"A01 has no parameter named nothing\. It has: band_from"):
        replay(broker.settings, rules_at=now, changes=[read_change("A01.nothing=4")], start=now, until=now)
    with pytest.raises(RuleUnknown, match=r"Write it like A01\.deposits=4"):
        read_change("A01")


def test_a_scenario_without_its_feeds_is_not_evaluated_rather_than_clear(broker: Broker) -> None:
    states = dict(broker.rows("select scenario, evaluation from compliance.dim_scenarios"))
    assert states["A16"] == "not_evaluated"  # no account_snapshots came
    assert states["A15"] == "proxy"
    assert states["A01"] == "full"
    proxies = broker.rows("select distinct evaluated_on from compliance.fct_alerts where scenario = 'A15'")
    assert [text for (text,) in proxies if "5 s" in text]
