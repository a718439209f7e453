"""Alerts on metrics: each kind of rule on hand-made figures, and the states they pass through."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from pydantic import SecretStr

from apps import operations
from apps.approvals import outbox
from apps.approvals.chain import Actor, Event, append
from apps.approvals.outbox import deliver_due
from apps.approvals.people import Person
from apps.approvals.store import open_store, reading, writing
from apps.metric_alerts.judging import judge
from apps.metric_alerts.rules import DEFAULT, AlertRuleError, Rule, rules
from apps.metric_alerts.standing import AlertRefused, acknowledge, history, standing, visible, watch
from tests.apps.dashboard.hand_made import make
from warehouse.reader import Reader
from warehouse.settings import Settings

AT = datetime(2026, 11, 22, 9)
"""The marts were loaded on 22 November at 6; the 21st is the last complete day."""
RULE: dict[str, Any] = {"metric": "tickets_opened", "owner": "support", "severity": "low", "advice": "Look at them."}


def marts(*, this_week: int, week_before: int, newest: str = "2026-11-22") -> dict[str, str]:
    """So many tickets in the last complete week and the one before, loads of the feed tickets up to the 22nd, and an older feed."""
    tickets = f"""
        select i as ticket_id, 'mail' as channel, timestamp '2026-11-15 10:00:00' + interval (i % 7) day as opened_at
        from range({this_week}) t (i)
        union all
        select 1000 + i, 'chat', timestamp '2026-11-08 10:00:00' + interval (i % 7) day from range({week_before}) t (i)
        union all select 5000, 'mail', timestamp '2026-10-01'"""
    return {
        "operations.fct_tickets": f"select ticket_id, channel, 'high' as priority, 'other' as topic from ({tickets})",
        "operations.fct_ticket_times": f"select ticket_id, opened_at, 'CY' as entity, false as is_test from ({tickets})",
        "core.dim_clients": "select 'c1' as client_id, 'CY' as entity, false as is_test, 'p1' as partner_id where false",
        "quality.fct_loads": f"""
            select feed, loaded_at as recorded_at, 'loaded' as status
            from (values ('tickets', timestamp '{newest} 06:00:00'), ('leads', timestamp '2026-11-19 06:00:00')) t (feed, loaded_at)""",
        "leadership.fct_kpi_daily": "select date '2026-11-22' as day, 'CY' as entity, 'tickets_opened' as kpi, 1::decimal(38, 8) as value",
    }


@pytest.fixture(scope="module")
def quiet_week(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Ten tickets after forty."""
    return make(Settings(home=tmp_path_factory.mktemp("quiet")), marts(this_week=10, week_before=40))


@pytest.fixture(scope="module")
def busy_week(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Forty after forty."""
    return make(Settings(home=tmp_path_factory.mktemp("busy")), marts(this_week=40, week_before=40))


@pytest.fixture(scope="module")
def silent_week(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """None after forty."""
    return make(Settings(home=tmp_path_factory.mktemp("silent")), marts(this_week=0, week_before=40))


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Settings(home=tmp_path_factory.mktemp("store"))
    open_store(home).dispose()
    return home.ops_file


@pytest.fixture
def at_home(empty_store: Path, tmp_path: Path) -> Iterator[Any]:
    """`at_home(settings, rule, …)`: that home with these rules and the test's own store, the same one for every home it is asked for."""
    shutil.copy(empty_store, tmp_path / "ops.sqlite")
    used: list[Settings] = []

    def seen(settings: Settings, *given: dict[str, Any]) -> Settings:
        (settings.root / "metric_alerts.yml").write_text(yaml.safe_dump([{**RULE, **one} for one in given]))
        used.append(settings.model_copy(update={"ops_url": SecretStr(f"sqlite:///{tmp_path / 'ops.sqlite'}")}))
        return used[-1]

    yield seen
    open_store(used[-1]).dispose()
    for settings in used:
        (settings.root / "metric_alerts.yml").unlink(missing_ok=True)


FALL = {"name": "fall", "when": "change_below", "limit": -0.5, "least": 20, "period": "7d"}
HIGH = {"name": "high", "when": "above", "limit": 20, "period": "7d"}


def verdicts(settings: Settings, *given: dict[str, Any], at: datetime = AT) -> dict[str, bool]:
    found = judge(eyes(settings.root), [Rule(**{**RULE, **one}) for one in given], at)
    return {one.alert_id: one.holds for one in found}


@cache
def eyes(home: Path) -> Reader:
    """The home's only publish."""
    return Reader(Settings(home=home))


def states(settings: Settings) -> dict[str, str]:
    with reading(open_store(settings)) as connection:
        return {name: one.state for name, one in standing(connection).items()}


def test_the_shipped_rules_are_whole_and_every_role_that_owns_one_may_see_it() -> None:
    found = rules(Settings(home=DEFAULT.parent))
    assert len(found) >= 10 and {one.when for one in found.values()} >= {"below", "change_below", "no_data", "stale"}
    published = {"deposits", "net_deposits", "trades", "tickets_opened", "active_clients", "commission_cost_ratio"}
    assert [one.name for one in found.values() if not visible(one.owner, one.metric, published)] == []


def test_a_rule_that_nobody_could_judge_is_refused_with_what_it_needs(home: Settings) -> None:
    for wrong, said in (
        ({"name": "a", "when": "above"}, "needs limit and period"),
        ({"name": "a", "when": "no_data", "days": 2, "metric": "luck"}, "no metric luck"),
        ({"name": "a", "when": "no_data", "days": 2, "owner": "nobody"}, "the owner is one of"),
        ({**HIGH, "by": "colour"}, "can be cut by"),
    ):
        (home.root / "metric_alerts.yml").write_text(yaml.safe_dump([{**RULE, **wrong}]))
        with pytest.raises(AlertRuleError, match=said):
            rules(home)


def test_a_threshold_is_judged_over_complete_days_and_by_each_value_of_a_dimension(quiet_week: Settings) -> None:
    by_channel = {**HIGH, "name": "by_channel", "limit": 5, "by": "channel"}
    assert verdicts(quiet_week, HIGH, {**HIGH, "name": "low", "when": "below"}, by_channel) == {
        "high": False, "low": True, "by_channel:mail": True,
    }  # fmt: skip


def test_a_change_is_judged_against_the_same_days_before_and_a_small_base_says_nothing(
    quiet_week: Settings, busy_week: Settings
) -> None:
    small = {**FALL, "name": "small", "least": 41}
    rise = {**FALL, "name": "rise", "when": "change_above", "limit": "-0.1"}
    assert verdicts(quiet_week, FALL, small, rise) == {"fall": True, "rise": False}
    assert verdicts(busy_week, FALL, small, rise) == {"fall": False, "rise": True}
    (found,) = judge(eyes(quiet_week.root), [Rule(**{**RULE, **FALL})], AT)
    assert (found.value, found.compared) == (Decimal(10), Decimal(40))
    assert found.words.startswith("10 tickets over 15–21 Nov 2026 after 40 tickets over 8–14 Nov: -75.0%")


def test_no_data_fires_after_so_many_complete_days_and_never_for_what_was_never_loaded(
    silent_week: Settings, busy_week: Settings
) -> None:
    week, more = {"name": "week", "when": "no_data", "days": 7}, {"name": "more", "when": "no_data", "days": 8}
    never = {"name": "never", "when": "no_data", "days": 1, "metric": "deposits"}
    assert verdicts(silent_week, week, more, never) == {"week": True, "more": False}
    assert verdicts(busy_week, week) == {"week": False}


def test_stale_is_judged_by_the_clock_and_the_feed_s_newest_load(busy_week: Settings) -> None:
    feeds = [{"name": feed, "when": "stale", "hours": 50, "feed": feed} for feed in ("tickets", "leads", "deals")]
    assert verdicts(busy_week, *feeds) == {"tickets": False, "leads": True}
    assert verdicts(busy_week, *feeds, at=AT + timedelta(hours=48)) == {"tickets": True, "leads": True}


def test_an_alert_fires_once_is_delivered_once_does_not_repeat_and_resolves(
    at_home: Any, quiet_week: Settings, busy_week: Settings
) -> None:
    quiet = at_home(quiet_week, FALL)
    assert [watch(quiet, AT), watch(quiet, AT + timedelta(hours=1)), watch(quiet, AT + timedelta(hours=2))] == [1, 0, 0]
    assert states(quiet) == {"fall": "firing"}
    engine = open_store(quiet)
    sent = deliver_due(engine, quiet, AT + timedelta(hours=3))
    assert [one.destination for one in sent] == ["alerts"]
    busy = at_home(busy_week, FALL)
    assert [watch(busy, AT + timedelta(hours=4)), watch(busy, AT + timedelta(hours=5))] == [1, 0]
    assert states(busy) == {"fall": "resolved"}
    assert watch(at_home(quiet_week, FALL), AT + timedelta(hours=6)) == 1
    with reading(engine) as connection:
        kinds = connection.execute(sa.select(outbox.outbox.c.kind).order_by(outbox.outbox.c.created_at)).scalars().all()
        told = [(one["state"], one["who"]) for one in history(connection)]
    assert kinds == ["metric_alert.fired", "metric_alert.resolved", "metric_alert.fired"]
    assert told == [("firing", "daybook"), ("resolved", "daybook"), ("firing", "daybook")]


def person(role: str, *, active: bool = True) -> Person:
    return Person("ST-1", "A B", None, role, None, active, None, "ST-1", frozenset({"ST-1"}), frozenset())


def test_an_alert_is_acknowledged_by_a_sealed_event_and_only_by_a_role_with_the_right(
    at_home: Any, quiet_week: Settings, busy_week: Settings
) -> None:
    quiet = at_home(quiet_week, FALL)
    watch(quiet, AT)
    engine, actor = open_store(quiet), Actor("ST-1", role="support")
    for role, active in (("auditor", True), ("finance", True), ("support", False)):
        refused = pytest.raises(AlertRefused, match="is acknowledged by active staff of the roles support, leadership")
        with refused, writing(engine) as connection:
            acknowledge(connection, quiet, "fall", "seen", person(role, active=active), actor, AT)
    with pytest.raises(AlertRefused, match="Say in 1 to"), writing(engine) as connection:
        acknowledge(connection, quiet, "fall", "  ", person("support"), actor, AT)
    with writing(engine) as connection:
        acknowledge(connection, quiet, "fall", "holiday", person("support"), actor, AT + timedelta(hours=1))
    with reading(engine) as connection:
        alert = standing(connection)["fall"]
        assert (alert.state, alert.acknowledged_by, alert.note) == ("acknowledged", "ST-1", "holiday")
        assert alert.fired_at == AT and alert.words.startswith("10 tickets")
    assert watch(quiet, AT + timedelta(hours=2)) == 0
    with pytest.raises(AlertRefused, match="is not firing"), writing(engine) as connection:
        acknowledge(connection, quiet, "fall", "again", person("data"), actor, AT)
    assert watch(at_home(busy_week, FALL), AT + timedelta(hours=3)) == 1
    assert states(quiet) == {"fall": "resolved"}


def test_an_alert_whose_rule_is_gone_is_over(at_home: Any, quiet_week: Settings) -> None:
    watch(at_home(quiet_week, FALL), AT)
    other = at_home(quiet_week, HIGH)
    assert watch(other, AT + timedelta(hours=1)) == 1
    assert states(other) == {"fall": "resolved"}


def test_what_a_publish_made_of_the_rules_asks_for_no_other_publish(at_home: Any, quiet_week: Settings) -> None:
    quiet = at_home(quiet_week, FALL)
    watch(quiet)
    assert not operations.urgent(quiet, 0)
    assert operations.land(quiet, None) is None
    with writing(open_store(quiet)) as connection:
        append(connection, [Event("note.made", Actor("P1"), "note", "n1", stream="test")])
    landed = operations.land(quiet, None)
    assert landed is not None and len(landed.read_text().splitlines()) == 2
    landed.unlink()


def test_a_role_sees_alerts_on_figures_that_it_may_read() -> None:
    assert visible("support", "tickets_opened", {"tickets_opened"})
    assert not visible("admin", "tickets_opened", {"tickets_opened"})
    assert not visible("support", "own_equity", {"tickets_opened"})
    assert visible("finance", "own_equity", set())
