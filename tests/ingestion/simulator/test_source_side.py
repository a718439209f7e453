"""What the simulated sources say that they hold is what arrives, apart from what the truth names; what the CRM did is of its own objects."""

from datetime import date, datetime, time, timedelta

import polars as pl

from ingestion.simulator import append_days, simulate
from ingestion.simulator.output import Writer
from ingestion.simulator.source_side import SourceSide
from ingestion.simulator.world import World

from .conftest import START

KEYS = {
    "deals": ("platform", "deal_id"),
    "psp_transactions": ("psp", "event_id"),
    "kyc_events": ("provider", "event_id"),
}
TIMES = {"deals": "executed_at", "psp_transactions": "occurred_at", "kyc_events": "occurred_at"}


def arrived(broker, feed: str) -> dict[tuple[str, date], int]:
    """Rows of each source and day that all files bring in the end, cancelled ones left out."""
    rows = broker.feed(feed).unique(KEYS[feed], keep="last", maintain_order=True)
    if feed == "deals":
        rows = rows.filter(~pl.col("is_cancelled"))
    seen = rows.select(source=KEYS[feed][0], day=pl.col(TIMES[feed]).dt.date())
    for path in (broker.out / feed).glob("*-faulty.csv"):
        between = pl.read_csv(path, infer_schema=False).filter(~pl.col("event_id").str.starts_with("BAD"))
        day = pl.col("occurred_at").str.slice(0, 10).str.to_date()
        seen = pl.concat([seen, between.select(source=KEYS[feed][0], day=day)])
    by_day = seen.group_by("source", "day").len()
    return {(source, day): number for source, day, number in by_day.iter_rows()}


def stated(broker, feed: str) -> dict[tuple[str, date], int]:
    totals = broker.feed("source_totals").filter(pl.col("feed") == feed)
    by_day = totals.group_by("source", pl.col("day").str.to_date()).agg(pl.col("row_count").cast(pl.Int64).sum())
    return {(source, day): number for source, day, number in by_day.iter_rows()}


def test_every_source_states_what_arrives_of_it_and_the_planted_differences(broker) -> None:
    planted = broker.truth("source_differences")
    assert {row["cause"] for row in planted} == {"late", "quarantined", "deleted", "unexplained"}
    for feed in KEYS:
        expected = arrived(broker, feed)
        for row in planted:
            if row["feed"] == feed and row["cause"] in ("quarantined", "unexplained"):
                expected[row["source"], date.fromisoformat(row["day"])] += row["row_count"]
        assert stated(broker, feed) == expected
    assert sorted(row["row_count"] for row in planted if row["cause"] == "unexplained") == [-1, 1]


def test_control_totals_are_those_of_the_rows_to_the_cent(broker) -> None:
    totals = broker.feed("source_totals").filter(pl.col("feed") == "deals")
    deals = broker.feed("deals").unique(KEYS["deals"], keep="last").filter(~pl.col("is_cancelled"))
    result = (pl.col("profit") + pl.col("swap") + pl.col("commission") + pl.col("fee")).sum()
    assert totals["amount"].sum() == deals.select(result.cast(pl.Decimal(38, 8))).item()


def test_of_a_large_broker_the_newest_days_are_counted(tmp_path) -> None:
    days = {"start": START, "days": 40, "runway_days": 4, "drawn_days": 40}
    world = World(seed=1, deals=1_000_000, clients=60, partners=24, **days)
    every = pl.DataFrame(
        {"provider": ["p"] * 42, "occurred_at": [datetime.combine(START, time()) + timedelta(n) for n in range(42)]}
    )
    sources, writer = SourceSide(world), Writer(tmp_path, tmp_path, [world.cut_us], ["b1"])
    sources.holds("kyc_events", every.with_columns(pl.col("occurred_at").cast(pl.Datetime("us"))))
    sources.write(writer)
    counted = pl.read_csv(tmp_path / "source_totals" / "source_totals-b1-000.csv", infer_schema=False)["day"]
    assert counted.to_list() == [str(START + timedelta(n)) for n in range(19, 40)]


def test_appended_days_are_counted_in_files_of_their_own(tmp_path) -> None:
    simulate(tmp_path, deals=500, seed=3, start=START, days=20)
    before = {path.name for path in (tmp_path / "source_totals").iterdir()}
    assert append_days(tmp_path, tmp_path / "truth", START + timedelta(days=20)) is not None
    (added,) = {path.name for path in (tmp_path / "source_totals").iterdir()} - before
    days = pl.read_csv(tmp_path / "source_totals" / added, infer_schema=False)["day"]
    assert days.unique().to_list() == [str(START + timedelta(days=20))]


def test_the_crm_merges_and_deletes_leads_that_are_there_and_keeps_what_fields_became(broker) -> None:
    events = broker.feed("crm_events")
    leads = set(broker.feed("leads")["lead_id"])
    gone = events.filter(pl.col("object_type") == "lead")
    assert set(gone["event"]) == {"merged", "deleted"} and gone.height > 10
    assert set(gone["object_id"]) <= leads
    assert set(gone.filter(pl.col("event") == "merged")["other_id"]) <= leads
    assert gone.filter((pl.col("event") == "merged") != pl.col("other_id").is_not_null()).is_empty()
    created = broker.feed("leads").select("lead_id", "changed_at").unique("lead_id", keep="last")
    joined = gone.join(created, left_on="object_id", right_on="lead_id")
    assert joined.filter(pl.col("occurred_at") <= pl.col("changed_at")).is_empty()
    changed = events.filter(pl.col("event") == "updated").select("object_id", "name", "value")
    clients = broker.feed("clients").sort("changed_at").unique("client_id", keep="last")
    addresses = changed.filter(pl.col("name") == "address").join(clients, left_on="object_id", right_on="client_id")
    assert addresses.height > 5 and addresses.filter(pl.col("value") != pl.col("address")).is_empty()
    assert events["event_id"].n_unique() == events.height
