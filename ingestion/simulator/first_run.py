"""Three subjects that show the two clocks, planted across the batches of a first run and named in truth/first_run.json."""

from typing import Any

import polars as pl

from ingestion.simulator.faults import Faults
from ingestion.simulator.network import Network
from ingestion.simulator.output import LATE, recorded_at
from ingestion.simulator.people import People
from ingestion.simulator.world import DAY, HOUR, World, iso, moment


def late_kyc(faults: Faults, people: People, kyc: pl.DataFrame, paid_out: pl.DataFrame) -> dict[str, Any] | None:
    """A suspension that happened two hours before a withdrawal was approved and is reported a batch later."""
    world = faults.world
    approved = paid_out.filter(
        pl.col("outcome").is_in(["paid", "returned"]) & (pl.col("approver") != "system") & (pl.col("client") < people.regular)
        & (pl.col("done_at") < world.cut_us - 2 * DAY) & (pl.col("at") > world.start_us)
    ).sort("approved_at", "request_id")  # fmt: skip
    ids = people.ids.to_list()
    for row in approved.reverse().iter_rows(named=True):
        client, at = ids[row["client"]], row["approved_at"] - 2 * HOUR
        before = kyc.filter(
            (pl.col("client_id") == client) & (pl.col("occurred_at") < moment(at)) & pl.col("to_status").is_not_null()
        )
        if before.is_empty() or before["to_status"][-1] != "APPROVED":
            continue
        event = before.tail(1).with_columns(
            event_id=pl.lit("KLATE-0001"), occurred_at=pl.lit(moment(at)).cast(pl.Datetime("us")), from_status=pl.lit("APPROVED"),
            to_status=pl.lit("SUSPENDED"), actor_type=pl.lit("staff"), actor_id=pl.lit("ST-03"), reason_codes=pl.lit(["adverse_media_hit"]),
            rule_version=pl.lit(None, pl.String),
        )  # fmt: skip
        faults.writer.write_as("kyc_events", event, "b2", LATE, "-late")
        faults.sources.holds("kyc_events", event)
        faults.sources.differs("kyc_events", event, "late")
        faults.late.append(
            {
                "feed": "kyc_events",
                "key": {"event_id": "KLATE-0001"},
                "file": f"kyc_events-b2-{LATE}-late.jsonl",
                "batch": "b2",
            }
        )
        return {
            "withdrawal_id": row["request_id"], "client_id": client, "kyc_event_id": "KLATE-0001", "event_occurred_at": iso(at),
            "approved_at": iso(row["approved_at"]), "as_it_was": "SUSPENDED", "as_known_then": "APPROVED",
        }  # fmt: skip
    return None


def corrected_psp(faults: Faults, psp: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any] | None]:
    """A deposit whose fee was first reported one unit too high; the correction agrees with its settlement."""
    right = psp.filter(
        (pl.col("kind") == "deposit") & (pl.col("status") == "completed") & pl.col("fee_amount").is_not_null()
        & (pl.col("currency") != "JPY") & faults.recent()
    ).tail(1)  # fmt: skip
    if right.is_empty():
        return psp, None
    wrong = right.with_columns(fee_amount=(pl.col("fee_amount") + 1).cast(psp.schema["fee_amount"]))
    psp = faults.corrected("psp_transactions", wrong, right, ["psp", "event_id"], psp, "fee_amount")
    row = right.row(0, named=True)
    return psp, {
        "psp": row["psp"], "event_id": row["event_id"], "psp_txn_id": row["psp_txn_id"], "client_id": row["client_id"],
        "fee_before": str(wrong["fee_amount"][0]), "fee_after": str(row["fee_amount"]), "currency": row["currency"],
    }  # fmt: skip


def late_link(
    faults: Faults, people: People, network: Network, links: pl.DataFrame, closings: pl.DataFrame
) -> dict[str, Any] | None:
    """A client that changed partner before some of its accrued deals, as the second batch tells."""
    world = faults.world
    closings = closings.filter(pl.col("client") < people.regular).sort("executed_at", "deal_id")
    ids = people.ids.to_list()
    for row in closings.reverse().iter_rows(named=True):
        client = ids[row["client"]]
        parents = links.filter((pl.col("child_kind") == "client") & (pl.col("child_id") == client)).sort("valid_from")
        valid_from = moment(world.cut_us - 12 * DAY)
        if parents.is_empty() or parents["valid_from"][-1] >= valid_from or parents["parent_partner_id"][-1] is None:
            continue
        parent = next(
            partner
            for partner in network.ids(pl.Series(range(2)).to_numpy())
            if partner != parents["parent_partner_id"][-1]
        )
        link = parents.tail(1).with_columns(
            valid_from=pl.lit(valid_from).cast(pl.Datetime("us")),
            parent_partner_id=pl.lit(parent),
            reason=pl.lit("agreement_found"),
        )
        faults.writer.write_as("partner_links", link, "b2", LATE, "-late")
        key = {"child_kind": "client", "child_id": client, "valid_from": iso(world.cut_us - 12 * DAY)}
        faults.late.append(
            {"feed": "partner_links", "key": key, "file": f"partner_links-b2-{LATE}-late.csv", "batch": "b2"}
        )
        return key | {
            "parent_before": parents["parent_partner_id"][-1], "parent_after": parent, "platform": row["platform"],
            "deal_id": row["deal_id"], "login": row["login"],
        }  # fmt: skip
    return None


def facts(world: World, edges: list[int], labels: list[str], subjects: dict[str, Any]) -> dict[str, Any]:
    """What the first run states for each batch, and the three subjects."""
    batches = [
        {"batch": label, "recorded_at": recorded_at(edge), "pattern": f"*-{label}-*"}
        for edge, label in zip(edges, labels, strict=True)
    ]
    return {"batches": batches, "start": world.start.isoformat(), **subjects}
