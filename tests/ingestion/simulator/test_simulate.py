"""The same arguments give the same bytes; all feeds keep their contracts; the truth names what was planted."""

import hashlib
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from ingestion.connectors import connectors
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from ingestion.simulator import append_days, simulate

from .conftest import ARGUMENTS, START

CARRIED = {f"A{number:02d}" for number in range(1, 23)} - {"A19"}
"""A19 needs transfers between two clients' wallets, which the feed's `wallet` cannot tell apart."""


def fingerprints(folder) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_arguments_give_the_same_bytes(broker, a_broker) -> None:
    assert fingerprints(a_broker("again").out) == fingerprints(broker.out)


def test_another_seed_gives_another_broker(broker, a_broker) -> None:
    other = a_broker("other", seed=8)
    assert other.feed("deals")["profit"].sum() != broker.feed("deals")["profit"].sum()


def test_every_canonical_feed_is_written(broker) -> None:
    # our own decisions are nobody else's to write
    assert {path.name for path in broker.out.iterdir()} == {*FEEDS, "truth"} - {"operational_events"}


def test_only_the_planted_rows_break_a_contract(broker) -> None:
    broken = set()
    for name, feed in FEEDS.items():
        reader = connectors()[name]
        for path in sorted((broker.out / name).glob("*")):
            for batch in reader.read(path):
                broken |= {(name, path.name, row.row_number) for row in judge(feed, batch).bad}
    assert broken == {(row["feed"], row["file"], row["row_number"]) for row in broker.truth("malformed_rows")}


def test_each_scenario_the_feeds_can_carry_is_planted_with_a_decoy_near_it(broker) -> None:
    cases = broker.truth("typologies")
    assert {case["case"] for case in cases if not case["decoy"]} == CARRIED
    assert {case["case"] for case in cases if case["decoy"]} == CARRIED
    assert all(case["why"] for case in cases if case["decoy"])
    known = set(broker.feed("clients")["client_id"])
    assert all(set(case["client_ids"]) <= known for case in cases)


def test_each_control_failure_is_planted(broker) -> None:
    failures = {case["control"] for case in broker.truth("control_failures") if not case["decoy"]}
    assert failures == {
        "approved_before_check", "check_missing", "self_approval", "approver_inactive", "approver_without_role",
        "limit_exceeded", "stale_kyc", "expired_document", "third_party_payout",
    }  # fmt: skip


def test_no_withdrawal_but_the_planted_ones_was_approved_without_its_checks(broker) -> None:
    approved = broker.feed("cash_requests").filter(
        (pl.col("event") == "approved") & (pl.col("request_kind") == "withdrawal")
    )
    checks = broker.feed("risk_checks").select("check_name", "ran_at", request_id="subject_id")
    before = approved.join(checks, on="request_id").filter(pl.col("ran_at") <= pl.col("occurred_at"))
    passed = before.group_by("request_id").agg(pl.col("check_name").n_unique())
    lacking = set(approved["request_id"]) - set(passed.filter(pl.col("check_name") == 3)["request_id"])
    controls = ("approved_before_check", "check_missing")
    assert lacking == {
        case["request_id"]
        for case in broker.truth("control_failures")
        if not case["decoy"] and case["control"] in controls
    }


def test_nobody_but_the_planted_approves_above_the_limit_or_without_the_role(broker) -> None:
    staff = broker.feed("staff").unique("staff_id", keep="first").select("staff_id", "role")
    approved = broker.feed("cash_requests").filter(
        (pl.col("event") == "approved") & (pl.col("request_kind") == "withdrawal") & (pl.col("actor_type") == "staff")
    )
    roles = approved.join(staff, left_on="actor_id", right_on="staff_id")
    wrong = roles.filter(~pl.col("role").is_in(["payments", "finance"]))["request_id"].to_list()
    assert wrong == [
        case["request_id"] for case in broker.truth("control_failures") if case["control"] == "approver_without_role"
    ]


def test_the_first_runs_subjects_lie_across_the_batches(broker) -> None:
    facts = broker.fact("first_run")
    assert [batch["batch"] for batch in facts["batches"]] == ["b1", "b2", "b3"]
    first = [pl.read_csv(path, infer_schema=False) for path in (broker.out / "psp_transactions").glob("*-b1-0*")]
    wrong = pl.concat(first).filter(pl.col("event_id") == facts["corrected_psp"]["event_id"])
    assert wrong["fee_amount"].to_list() == [facts["corrected_psp"]["fee_before"]]
    event = broker.feed("kyc_events").filter(pl.col("event_id") == facts["late_kyc"]["kyc_event_id"])
    assert event["client_id"].to_list() == [facts["late_kyc"]["client_id"]] and event["to_status"].to_list() == [
        "SUSPENDED"
    ]
    decided = broker.feed("cash_requests").filter(
        (pl.col("request_id") == facts["late_kyc"]["withdrawal_id"]) & (pl.col("event") == "approved")
    )
    assert decided["occurred_at"][0] - event["occurred_at"][0] == timedelta(hours=2)
    deal = broker.feed("deals").filter(pl.col("deal_id") == facts["late_link"]["deal_id"])
    assert deal["executed_at"][0] > datetime.fromisoformat(facts["late_link"]["valid_from"]).replace(tzinfo=None)
    owners = (
        broker.feed("trading_accounts").filter(pl.col("login").cast(pl.Int64) == deal["login"][0])["client_id"].unique()
    )
    assert owners.to_list() == [facts["late_link"]["child_id"]]


def test_batches_hold_the_days_their_names_say(broker) -> None:
    ends = START + timedelta(days=ARGUMENTS["days"])
    for label, low, high in (
        ("b1", date(2000, 1, 1), ends - timedelta(2)),
        ("b2", ends - timedelta(2), ends - timedelta(1)),
        ("b3", ends - timedelta(1), ends),
    ):
        days = pl.concat([pl.read_parquet(path) for path in (broker.out / "deals").glob(f"*-{label}-0*")])[
            "executed_at"
        ].dt.date()
        assert low <= days.min() and days.max() < high


def test_partner_trees_are_at_least_six_deep_and_change(broker) -> None:
    links = broker.feed("partner_links").filter(pl.col("child_kind") == "partner")
    parent = dict(links.filter(pl.col("reason") == "joined").select("child_id", "parent_partner_id").iter_rows())

    def depth(partner: str) -> int:
        return 1 + depth(parent[partner]) if partner in parent else 1

    assert max(map(depth, parent)) >= 8
    assert broker.feed("partner_links").filter(pl.col("reason") == "moved").height > 3


def test_appended_days_continue_the_same_broker(tmp_path) -> None:
    simulate(tmp_path, deals=2_000, seed=3, start=START, days=40)
    before = fingerprints(tmp_path)
    added = append_days(tmp_path, tmp_path / "truth", START + timedelta(days=42))
    assert added is not None and added.last_day == START + timedelta(days=42)
    after = fingerprints(tmp_path)
    feeds = [name for name in before if not name.startswith("truth")]
    assert {name: after[name] for name in feeds} == {name: before[name] for name in feeds}
    parts = [pl.read_parquet(path) for path in sorted((tmp_path / "deals").iterdir())]
    deals = pl.concat(parts, how="diagonal").unique(["platform", "deal_id"], keep="last", maintain_order=True)
    cash = deals.filter((pl.col("action") != "credit") & ~pl.col("is_cancelled"))
    summed = cash.group_by("login").agg((pl.col("profit") + pl.col("swap") + pl.col("commission")).sum().alias("cash"))
    shots = pl.concat([pl.read_parquet(path) for path in (tmp_path / "account_snapshots").iterdir()])
    final = shots.filter(pl.col("captured_at").dt.date() == START + timedelta(days=42))
    off = final.join(summed, on="login").filter(pl.col("balance") != pl.col("cash"))
    assert len(off) == 1 and len(final) > 60
    assert append_days(tmp_path, tmp_path / "truth", START + timedelta(days=42)) is None


def test_days_beyond_the_drawn_horizon_are_refused_with_the_remedy(tmp_path) -> None:
    simulate(tmp_path, deals=500, seed=3, start=START, days=10)
    with pytest.raises(ValueError, match="Start a new one: daybook simulate"):
        append_days(tmp_path, tmp_path / "truth", START + timedelta(days=100))


@pytest.mark.parametrize(
    "arguments", [{"deals": 100, "days": 10, "clients": 10, "partners": 8}, {"deals": 4_000, "days": 120}]
)
def test_small_brokers_are_whole_too(tmp_path, arguments) -> None:
    summary = simulate(tmp_path, seed=1, start=START, **arguments)
    assert summary.rows["deals"] > arguments["deals"] * 0.8
    assert {path.name for path in tmp_path.iterdir()} >= {"deals", "psp_transactions", "kyc_events", "truth"}
