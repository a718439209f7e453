"""The approvals page as each role sees it, and what its orders do, without a browser."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.testing.v1 import AppTest

from apps.approvals import chain, tables
from apps.approvals.proposing import propose
from apps.approvals.store import open_store, writing
from apps.dashboard.viewer import demo_users
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.deciding_home import deciding
from tests.apps.dashboard.test_pages import words
from warehouse.reader import Reader
from warehouse.settings import Settings

Opened = Callable[..., AppTest]
GOOD = "withdrawal:w-good"
CONCERNED = {"lena": 0, "costas": 6, "maeve": 6, "farid": 1, "petra": 17, "astrid": 0}
TABS = ("inbox", "requests", "waiting", "shift", "deliveries", "policies", "repairs", "propose")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Published once; each test writes into a store of its own."""
    return deciding(Settings(home=tmp_path_factory.mktemp("deciding")))


@pytest.fixture
def desk(broker: Settings, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Opens the page as a demo user over an empty store: `desk("petra", subject=GOOD)`."""
    monkeypatch.setenv("DAYBOOK_OPS_URL", f"sqlite:///{tmp_path / 'ops.db'}")

    def opened(user: str, **parameters: str) -> AppTest:
        return open_page("approvals", user, home=broker.root, **parameters)

    return opened


def store(tmp_path: Path) -> sa.Engine:
    return open_store(Settings(home=tmp_path, ops_url=f"sqlite:///{tmp_path / 'ops.db'}"))  # type: ignore[arg-type]


def rows(engine: sa.Engine, table: sa.Table) -> list[dict]:
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(table))]


def press(app: AppTest, start: str) -> AppTest:
    """Clicks the first button whose words begin so."""
    found = [button for button in app.button if button.label.replace("\\", "").startswith(start)]
    assert found, f"no button {start} among {[button.label for button in app.button]}"
    return found[0].click().run()


def filled(app: AppTest, action: str, reason: str, text: str | None = None) -> AppTest:
    """The form filled in, by one who has proved who they are."""
    press(app, action)
    next(box for box in app.selectbox if box.label == "Reason").set_value(reason).run()
    if text is not None:
        app.text_area[0].set_value(text).run()
    if any(button.label.startswith("I am") for button in app.button):
        press(app, "I am")
    return app


@pytest.mark.parametrize("user", [viewer.user for viewer in demo_users()])
def test_each_role_opens_the_page_or_is_refused_as_the_access_table_says(desk: Opened, user: str) -> None:
    app = desk(user)
    granted = next(viewer for viewer in demo_users() if viewer.user == user)
    assert not app.exception
    if "approvals" not in granted.pages:
        assert "may not open Approvals" in words(app)
        assert not app.button
        return
    assert not app.error, words(app)
    assert [tab.label for tab in app.tabs][:2] == ["Inbox", "My requests"]


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens(desk: Opened, tab: str) -> None:
    app = desk("costas", tab=tab)
    assert not app.exception
    assert not app.error, words(app)


def test_a_role_that_no_policy_asks_is_told_whom_to_ask(desk: Opened) -> None:
    said = words(desk("sunita"))
    assert "You have no queue" in said
    assert "No policy asks the role support" in said


def test_a_subject_of_another_role_is_refused_by_its_address_too(desk: Opened) -> None:
    said = words(desk("sunita", subject=GOOD))
    assert "your role is support" in said
    assert "w-good" not in said.replace("withdrawal:w-good", "")
    assert "Checks" not in said


@pytest.mark.parametrize(
    "parameters",
    [{"type": "loan"}, {"state": "asleep"}, {"whose": "nobody"}, {"show": "all of it"}, {"subject": "loan:1"}, {"subjekt": GOOD},
        {"entity": "Atlantis"}, {"tab": "bin"}],
)  # fmt: skip
def test_an_unknown_value_of_the_address_is_refused(desk: Opened, parameters: dict[str, str]) -> None:
    assert "Refused" in words(desk("petra", **parameters))


def test_filters_of_the_address_narrow_the_list(desk: Opened) -> None:
    everything, refunds = desk("petra"), desk("petra", type="refund")
    assert "Withdrawal of" in shown(everything)
    assert "Refund of" in shown(refunds)
    assert "Withdrawal of" not in shown(refunds)
    assert "Nothing matches" in words(desk("petra", type="refund", whose="held"))


def shown(app: AppTest) -> str:
    """The labels of the links, which is where the subjects stand."""
    return " ".join(str(link.proto.label) for link in app.get("page_link")).replace("\\", "")


def test_an_approval_says_what_it_does_and_is_written_with_its_maker_and_checks(desk: Opened, tmp_path: Path) -> None:
    app = filled(desk("petra", subject=GOOD), "Approve", "checks_passed")
    press(app, "Approve EUR 400 to …good")
    (taken,) = rows(store(tmp_path), tables.decisions)
    assert (taken["actor_id"], taken["decision"], taken["final"]) == ("ST-07", "approve", True)
    assert taken["maker_person"] == "client:c-good"
    assert {row["result"] for row in rows(store(tmp_path), tables.check_results)} == {"pass"}
    assert "Approved: Withdrawal of 400" in words(app).replace("\\", "")
    assert not [button for button in app.button if button.label.startswith("Approve")]


def test_without_proof_of_who_decides_there_is_no_button_to_decide_with(desk: Opened, tmp_path: Path) -> None:
    app = press(desk("petra", subject=GOOD), "Approve")
    assert "confirms who they are" in words(app)
    assert not [button for button in app.button if button.label.startswith("Approve EUR")]


def test_a_check_that_failed_refuses_the_approval_in_words_and_on_record(desk: Opened, tmp_path: Path) -> None:
    app = filled(desk("petra", subject="withdrawal:w-documents"), "Approve", "checks_passed")
    press(app, "Approve EUR 400")
    assert "The last identity document ran out" in " ".join(error.value for error in app.error).replace("\\", "")
    assert rows(store(tmp_path), tables.decisions) == []
    assert "approval.refused" in {row["type"] for row in rows(store(tmp_path), tables.events)}


def test_why_somebody_may_not_decide_is_said_in_words(desk: Opened) -> None:
    said = words(desk("ruth", subject="withdrawal:w-approver_limit")).replace("\\", "")
    assert "This is EUR 9,000.00 and your limit is EUR 5,000.00" in said
    auditor = desk("astrid", subject=GOOD)
    assert "Read-only" in words(auditor)
    assert not [button for button in auditor.button if button.label in ("Approve", "Claim", "Reject")]


def test_a_draft_is_there_in_another_browser_and_gone_once_it_was_sent(desk: Opened, tmp_path: Path) -> None:
    filled(desk("petra", subject=GOOD), "Ask for more", "clarification", "Whose card is it?")
    again = desk("petra", subject=GOOD)
    assert again.text_area[0].value == "Whose card is it?"
    assert desk("omar", subject=GOOD).text_area.len == 0
    press(press(again, "I am"), "Ask for information")
    assert rows(store(tmp_path), tables.drafts) == []
    assert rows(store(tmp_path), tables.subjects)[0]["state"] == "info_requested"


def test_facts_that_changed_under_the_form_are_shown_instead_of_deciding(desk: Opened, tmp_path: Path) -> None:
    app = filled(desk("petra", subject=GOOD), "Approve", "checks_passed")
    app.session_state["seen.withdrawal.w-good"] = {
        **app.session_state["seen.withdrawal.w-good"],
        "amount": "300.00000000",
    }
    app.run()
    assert "This changed since you opened it" in words(app)
    assert not [button for button in app.button if button.label.startswith("Approve EUR")]
    press(app, "I have read what changed")
    assert [button for button in app.button if button.label.startswith("Approve EUR")]
    assert rows(store(tmp_path), tables.decisions) == []


def test_take_next_claims_the_most_urgent_and_opens_it(desk: Opened, tmp_path: Path) -> None:
    app = press(desk("petra", type="refund"), "Take next")
    (held,) = rows(store(tmp_path), tables.subjects)
    assert (held["subject_type"], held["claimed_by"]) == ("refund", "ST-07")
    assert app.query_params["subject"] in (f"refund:{held['subject_id']}", [f"refund:{held['subject_id']}"])


def test_bulk_decides_equal_small_ones_with_a_result_a_row(desk: Opened, tmp_path: Path) -> None:
    app = desk("petra", type="refund")
    for box in app.checkbox:
        box.check()
    app.run()
    app = press(app, "I am")
    press(app, "Approve 2 × refund, EUR 110")
    results = app.dataframe[0].value
    assert sorted(results["result"]) == ["✓ done", "✗ refused"]
    assert len(rows(store(tmp_path), tables.decisions)) == 1


def test_a_check_that_a_second_role_set_aside_no_longer_keeps_the_approval_back(desk: Opened, tmp_path: Path) -> None:
    subject = "withdrawal:w-velocity"
    app = filled(
        desk("maeve", subject=subject), "Override", "client_hardship", "Rent is due; five small ones came before."
    )
    app.multiselect[0].set_value(["velocity"]).run()
    press(app, "Set aside velocity")
    petra = desk("petra", subject=subject)
    assert "set aside by ST-02" in words(petra).replace("\\", "")
    assert "did not pass" not in words(petra)
    press(filled(petra, "Approve", "checks_passed"), "Approve EUR 400")
    assert sorted(row["decision"] for row in rows(store(tmp_path), tables.decisions)) == ["approve", "override"]


def test_a_claim_is_handed_over_to_a_colleague_who_may_decide_it(desk: Opened, tmp_path: Path) -> None:
    app = press(desk("petra", subject=GOOD), "Claim")
    to = next(box for box in app.selectbox if box.label == "To")
    assert not any(option.startswith(("Petra", "Sunita", "Astrid")) for option in to.options)
    to.set_value("ST-08").run()
    press(app, "Hand over")
    assert rows(store(tmp_path), tables.subjects)[0]["claimed_by"] == "ST-08"
    assert "ST-08 is working on this" in words(desk("petra", subject=GOOD)).replace("\\", "")


def test_data_too_old_for_a_decision_say_so_with_the_command(open_page: Open, tmp_path: Path) -> None:
    old = deciding(Settings(home=tmp_path / "home"), age=timedelta(hours=30))
    said = words(open_page("approvals", "petra", home=old.root, subject=GOOD)).replace("\\", "")
    assert "Too old to decide on" in said
    assert "allows 24 h" in said
    assert "daybook run" in said
    assert "make run` simulates the days since" in said, "into a simulated home nothing comes by itself"
    old.simulated_marker.unlink()
    st.cache_resource.clear()
    said = words(open_page("approvals", "petra", home=old.root, subject=GOOD)).replace("\\", "")
    assert "daybook run" in said and "make run" not in said


def test_a_cleared_queue_says_when_the_last_item_went_and_by_whom(
    desk: Opened, broker: Settings, tmp_path: Path
) -> None:
    assert "Queue clear.** Nothing was decided here yet" in words(desk("dmitri"))
    repair = {"load_id": 7, "row_number": 12, "row": "{}", "title": "of load 7"}
    with writing(store(tmp_path)) as connection:
        propose(connection, Reader(broker), "quarantine_repair", "ST-07", repair, now=chain.now())
    assert "Quarantine repair" in shown(desk("dmitri"))
    app = filled(desk("dmitri", subject="quarantine_repair:7:12"), "Reject", "requirements_not_met")
    press(app, "Reject quarantine repair 7:12")
    said = words(desk("dmitri"))
    assert re.search(r"Queue clear\.\*\* Last item .* by ST-13\.", said)


def test_a_policy_change_is_proposed_on_the_page_and_its_maker_cannot_approve_it(desk: Opened, tmp_path: Path) -> None:
    app = desk("costas", tab="policies")
    next(box for box in app.selectbox if box.label == "Policy").set_value("refund").run()
    area = app.text_area[0]
    area.set_value(str(area.value).replace("sla_hours: 9", "sla_hours: 4")).run()
    app.text_input[0].set_value("Refunds are asked about first").run()
    press(press(app, "I am"), "Propose refund")
    assert [row["subject_type"] for row in rows(store(tmp_path), tables.proposals)] == ["policy_change"]
    assert "You asked for this yourself" in words(app).replace("\\", "")
    mine = desk("costas", tab="requests")
    assert "Policy change" in shown(mine)


def test_a_quarantined_row_is_repaired_on_the_page_and_waits_for_somebody_else(desk: Opened, tmp_path: Path) -> None:
    app = desk("dmitri", tab="repairs")
    next(box for box in app.selectbox if box.label == "Row").set_value("7:12 psp_transactions").run()
    good = "status=completed\namount=5\ncurrency=EUR\noccurred_at=2026-03-01"
    app.text_area[0].set_value(f"{good}\nkind=present").run()
    assert "It still breaks: kind" in words(app).replace("\\", "")
    app.text_area[0].set_value(f"{good}\nkind=deposit").run()
    app.text_input[0].set_value("the manual says that a present is a deposit").run()
    press(press(app, "I am"), "Propose repair of 7:12")
    (proposal,) = rows(store(tmp_path), tables.proposals)
    assert (proposal["subject_id"], proposal["payload"]["row"]["kind"]) == ("7:12", "deposit")


def test_whoever_decided_undoes_it_on_the_page_before_anything_goes_out(
    desk: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_UNDO_SECONDS", "60")
    app = press(filled(desk("petra", subject=GOOD), "Approve", "checks_passed"), "Approve EUR 400 to …good")
    assert rows(store(tmp_path), tables.outbox)
    assert "Undo the approval" not in [button.label for button in desk("omar", subject=GOOD).button]
    press(app, "Undo the approval")
    assert "Your approval is undone" in words(app)
    assert "~~approve~~ (undone)" in words(app)
    assert (rows(store(tmp_path), tables.outbox), len(rows(store(tmp_path), tables.decisions))) == ([], 1)
    assert rows(store(tmp_path), tables.subjects)[0]["state"] == "open"
    assert "Approve" in [button.label for button in app.button]


def chosen(app: AppTest, kind: str) -> AppTest:
    return next(box for box in app.selectbox if box.label == "What").set_value(kind).run()


def test_an_alert_is_proposed_by_support_with_its_fields_and_waits_for_compliance(desk: Opened, tmp_path: Path) -> None:
    app = chosen(desk("sunita", tab="propose"), "alert")
    assert "Client is missing" in words(app).replace("\\", "")
    app.text_input[0].set_value("c-good").run()
    app.text_input[1].set_value("A02").run()
    app.text_area[0].set_value("dep-good\n\nreq-good").run()
    app.text_area[1].set_value("Money in and out within a day").run()
    press(press(app, "I am"), "Propose alert")
    (made,) = rows(store(tmp_path), tables.proposals)
    assert (made["subject_id"], made["client_id"], made["maker_id"]) == ("c-good:A02", "c-good", "ST-12")
    assert made["payload"] == {
        "scenario": "A02", "evidence": ["dep-good", "req-good"], "explanation": "Money in and out within a day",
    }  # fmt: skip
    assert "Alert" in shown(desk("costas", type="alert"))


def test_an_adjustment_states_an_exact_amount_and_what_is_no_number_is_said(desk: Opened, tmp_path: Path) -> None:
    app = chosen(desk("farid", tab="propose"), "commission_adjustment")
    next(box for box in app.selectbox if box.label == "Entity").set_value("CY").run()
    next(box for box in app.selectbox if box.label == "What it is").set_value("clawback").run()
    for place, value in enumerate(("p-1", "2026-10", "twenty", "usd")):
        app.text_input[place].set_value(value).run()
    app.text_area[0].set_value("a deal was cancelled").run()
    assert "“twenty” is no number" in words(app).replace("\\", "")
    app.text_input[2].set_value("-1,020.25").run()
    press(press(app, "I am"), "Propose commission adjustment")
    (made,) = rows(store(tmp_path), tables.proposals)
    assert (str(made["amount"]), made["currency"], made["entity"]) == ("-1020.25000000", "USD", "CY")
    assert made["payload"]["kind"] == "clawback" and "amount" not in made["payload"]


def test_each_proposer_finds_a_form_or_the_page_that_has_it(desk: Opened) -> None:
    app = desk("costas", tab="propose")
    for kind in ("published_figure", "parameter_change", "rule_change", "erasure", "override"):
        chosen(app, kind)
        assert not app.exception and not app.error, (kind, words(app))
        assert "is missing" in words(app)
    assert "Policy change" in shown(app) and "Quarantine repair" in shown(app)
    assert "Nothing is yours to propose" in words(desk("astrid", tab="propose"))


def test_a_dead_letter_is_tried_again_from_the_page(desk: Opened, tmp_path: Path) -> None:
    press(filled(desk("petra", subject=GOOD), "Approve", "checks_passed"), "Approve EUR 400 to …good")
    with store(tmp_path).begin() as connection:
        connection.execute(
            sa.update(tables.outbox).values(status="dead", attempts=8, last_error="no route", next_attempt_at=None)
        )
    app = desk("petra", tab="deliveries")
    assert "no route" in words(app)
    press(app, "Try again")
    (message,) = rows(store(tmp_path), tables.outbox)
    assert (message["status"], message["retried_by"]) == ("pending", "ST-07")


def test_an_empty_home_says_that_nothing_is_loaded(open_page: Open, home: Settings) -> None:
    app = open_page("approvals", "petra", home=home.root)
    assert "Not loaded yet" in words(app)
    assert not app.exception


def test_a_store_that_fails_is_told_with_a_reference(
    broker: Settings, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "not there"
    monkeypatch.setenv("DAYBOOK_OPS_URL", f"sqlite:///{folder / 'ops.db'}")
    app = open_page("approvals", "petra", home=broker.root)
    assert not app.exception
    assert "Failed (reference" in words(app)
    folder.mkdir()  # the journal of views keeps trying, and finds its store


def test_a_claim_that_runs_out_is_renewed_while_its_holder_has_the_subject_open(desk: Opened, tmp_path: Path) -> None:
    press(desk("petra", subject=GOOD), "Claim")
    engine = store(tmp_path)
    (claimed,) = rows(engine, tables.subjects)
    with engine.begin() as connection:  # so that four minutes of fifteen are left
        short = claimed["claimed_until"] - timedelta(minutes=11)
        connection.execute(sa.update(tables.subjects).values(claimed_until=short))
    (shorter,) = rows(engine, tables.subjects)
    assert shorter["claimed_until"] < claimed["claimed_until"]
    desk("petra", subject=GOOD)
    (renewed,) = rows(engine, tables.subjects)
    assert (renewed["claimed_by"], renewed["claimed_until"] >= claimed["claimed_until"]) == (
        claimed["claimed_by"],
        True,
    )
    desk("petra", subject=GOOD)
    assert rows(engine, tables.subjects) == [renewed]
