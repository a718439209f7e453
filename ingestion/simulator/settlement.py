"""What PSPs do with the money: chargebacks, batches, reserves, and the settlements that reach the bank."""

import numpy as np
import polars as pl

from ingestion.simulator.deposits import PSPS, fees
from ingestion.simulator.people import METHODS, People
from ingestion.simulator.withdrawals import next_business_day
from ingestion.simulator.world import CURRENCIES, DAY, ENTITIES, HOUR, MINOR_STEP, World, cents, pick, reference

EVENT_COLUMNS = (
    "psp", "event_id", "psp_txn_id", "kind", "status", "method", "amount", "currency", "fee", "direction", "original",
    "client", "client_reference", "instrument_id", "holder", "country", "decline_code", "at",
)  # fmt: skip
SIGN = {"deposit": 1, "withdrawal": -1, "refund": -1, "chargeback": -1, "chargeback_reversal": 1, "chargeback_lost": 0}
"""How each kind moves the balance the PSP holds for us."""


def disputes(world: World, deposits: pl.DataFrame) -> pl.DataFrame:
    """Chargebacks on a few card deposits: debited by the PSP, then lost or won back."""
    rng = world.rng("disputes")
    card = deposits.filter(
        (pl.col("method") == METHODS.index("card")) & (pl.col("kind") == "deposit") & (pl.col("status") == "completed")
    )
    card = card.sort("at", "event_id")
    chosen = card.filter(pl.Series(rng.random(len(card)) < 0.008))
    delay = rng.integers(32, 60, len(chosen))
    return dispute_events(chosen, delay, rng.random(len(chosen)) < 0.6)


def dispute_events(chosen: pl.DataFrame, delay_days: np.ndarray, lost: np.ndarray) -> pl.DataFrame:
    """The events of disputed deposits: `chargeback` after so many days, its outcome eighteen days later."""
    debited = chosen["at"].to_numpy() // DAY * DAY + delay_days * DAY + 3 * HOUR
    base = chosen.with_columns(
        original="psp_txn_id", psp_txn_id="CB" + pl.col("psp_txn_id"), status=pl.lit("completed")
    )
    fee = fees(chosen["psp"], chosen["amount"].to_numpy(), chosen["currency"].to_numpy(), "chargeback")
    first = base.with_columns(
        kind=pl.lit("chargeback"), event_id="CB-" + pl.col("event_id"), at=pl.Series(values=debited), direction=pl.lit("out"),
        fee=pl.Series(values=fee),
    )  # fmt: skip
    last = base.with_columns(
        kind=pl.Series(values=np.where(lost, "chargeback_lost", "chargeback_reversal").tolist(), dtype=pl.String),
        event_id="CR-" + pl.col("event_id"),
        at=pl.Series(values=debited + 18 * DAY),
        fee=pl.lit(0, pl.Int64),
        direction=pl.Series(values=np.where(lost, "out", "in").tolist(), dtype=pl.String),
    )
    return pl.concat([first, last])


def with_batches(
    people: People, events: pl.DataFrame, left_out: list[str], late: dict[str, int]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events with the batch each completed one is settled in, and one row per settlement.

    `left_out` are events that no batch takes, `late` those that one takes at another midnight than is usual.
    settlement = Σ signed amounts − fees − reserve held + reserve released; a batch that would be negative waits for more.
    """
    moving = (pl.col("status") == "completed") & pl.col("kind").is_in([kind for kind, sign in SIGN.items() if sign])
    moving &= ~pl.col("event_id").is_in(left_out)
    events = events.with_columns(
        entity=pl.Series(values=people.entity[events["client"].to_numpy()]),
        signed=pl.col("kind").replace_strict(SIGN) * pl.col("amount"),
        due=pl.when(moving).then(
            pl.coalesce(pl.col("event_id").replace_strict(late, default=None, return_dtype=pl.Int64), _due(events))
        ),
    )
    group = ["psp", "entity", "currency", "due"]
    summed = (
        events.filter(moving)
        .group_by(group)
        .agg(
            (pl.col("signed").sum() - pl.col("fee").sum()).alias("net"),
            pl.when(pl.col("kind") == "deposit").then("amount").otherwise(0).sum().alias("deposits"),
        )
        .sort(group)
    )
    settled = _settle(summed)
    events = events.join(settled.select(*group, "batch"), on=group, how="left", maintain_order="left")
    rows = settled.group_by("batch", maintain_order=True).agg(
        pl.col("psp", "entity", "currency").first(), pl.col("due").max(), pl.col("net", "held", "released").sum()
    )
    return events, rows.filter(pl.col("batch").is_not_null())


def _due(events: pl.DataFrame) -> pl.Series:
    """Midnight of the day each event is settled: the PSP's rhythm and its lag, never on a weekend."""
    contracts = reference("psps")
    every = np.array([contracts[name]["every"] for name in PSPS])
    lag = np.array([contracts[name]["lag"] for name in PSPS])
    code = events["psp"].replace_strict({name: code for code, name in enumerate(PSPS)}).to_numpy()
    day = events["at"].to_numpy() // DAY
    closes = np.where(every[code] == 7, (day + 3) // 7 * 7 - 3 + 6, day)  # a weekly batch closes on Sunday
    return pl.Series(values=next_business_day((closes + lag[code]) * DAY))


def _settle(summed: pl.DataFrame) -> pl.DataFrame:
    """Gives each day's sum its batch; sums that do not reach zero are carried into the next day's."""
    contracts = reference("psps")
    batch: list[str | None] = []
    held_by_row, released_by_row = [], []
    waiting: list[int] = []
    reserves: list[tuple[int, int]] = []
    current, carried = None, 0
    for row, (psp, entity, currency, due, net, deposits) in enumerate(summed.iter_rows()):
        if (psp, entity, currency) != current:
            current, carried, waiting, reserves = (psp, entity, currency), 0, [], []
        step = int(MINOR_STEP[currency])
        held = round(deposits * contracts[psp]["reserve"]) // step * step
        ripe = sum(amount for day, amount in reserves if day <= due)
        carried += net - held + ripe
        if held:
            reserves.append((due + contracts[psp]["reserve_days"] * DAY, held))
        reserves = [lot for lot in reserves if lot[0] > due]
        held_by_row.append(held)
        released_by_row.append(ripe)
        batch.append(None)
        waiting.append(row)
        if carried > 0:
            name = f"{psp}-{ENTITIES[entity]}-{CURRENCIES[currency]}-{due // DAY}"
            for member in waiting:
                batch[member] = name
            carried, waiting = 0, []
    return summed.with_columns(
        batch=pl.Series(values=batch, dtype=pl.String),
        held=pl.Series(values=held_by_row, dtype=pl.Int64), released=pl.Series(values=released_by_row, dtype=pl.Int64),
    )  # fmt: skip


def settlement_amount() -> pl.Expr:
    """What reaches the bank: the batch's net, less what is held, plus what is released."""
    return pl.col("net") - pl.col("held") + pl.col("released")


def settlement_events(settlements: pl.DataFrame) -> pl.DataFrame:
    """PSP rows of the batches themselves: what was held back, what was released, what was sent to the bank."""
    base = settlements.with_columns(
        amount=settlement_amount(),
        at=pl.col("due") + 6 * HOUR,
        status=pl.lit("completed"),
        fee=pl.lit(0, pl.Int64),
        client=pl.lit(None, pl.Int64),
        method=pl.lit(-1),
    )
    kinds = [
        ("settlement", pl.col("amount"), "out"),
        ("reserve_hold", pl.col("held"), "out"),
        ("reserve_release", pl.col("released"), "in"),
        ("fee", pl.col("fee_row"), "out"),
    ]
    parts = [
        base.with_columns(
            kind=pl.lit(kind), amount=amount, direction=pl.lit(direction), event_id=pl.lit(kind[:1].upper() + kind[-4:] + "-") + pl.col("batch"),
            psp_txn_id=pl.lit(kind + "-") + pl.col("batch"), at=pl.col("at") - (0 if kind == "settlement" else 1_000_000),
        ).filter(pl.col("amount") > 0)
        for kind, amount, direction in kinds
    ]  # fmt: skip
    absent = dict.fromkeys(
        ("original", "client_reference", "instrument_id", "holder", "country", "decline_code"), pl.lit(None, pl.String)
    )
    return pl.concat(parts).with_columns(**absent)


def psp_feed(people: People, events: pl.DataFrame) -> pl.DataFrame:
    """The psp_transactions feed's columns, in the order of time."""
    events = events.sort("at", "event_id")
    firm = pl.col("entity_name") + "-" + pl.col("currency_name") + "-FIRM"
    client = events["client"].fill_null(-1).to_numpy()
    amount, fee = events["amount"].to_numpy(), events["fee"].to_numpy()
    frame = events.with_columns(
        entity_name=pick(ENTITIES, events["entity"].to_numpy()), currency_name=pick(CURRENCIES, events["currency"].to_numpy()),
        client_id=pick(people.ids.to_list(), client), amount=cents(amount), fee_amount=cents(fee, fee == 0),
        method=pick(METHODS, events["method"].to_numpy()), occurred_at=pl.col("at").cast(pl.Datetime("us")),
    )  # fmt: skip
    settlement = pl.col("kind") == "settlement"
    return frame.select(
        "psp", "event_id", "psp_txn_id", "kind", "status", "method", "amount", pl.col("currency_name").alias("currency"),
        "fee_amount", pl.when(pl.col("fee") > 0).then("currency_name").alias("fee_currency"),
        pl.lit("firm").alias("fee_borne_by"), "direction", pl.col("original").alias("original_psp_txn_id"),
        pl.when(settlement).then(firm).alias("bank_account"), "client_id", "client_reference", "instrument_id",
        pl.col("holder").alias("instrument_holder"), pl.col("country").alias("instrument_country"),
        pl.col("country").alias("payer_bank_country"), pl.col("batch").alias("settlement_batch_id"), "decline_code", "occurred_at",
    )  # fmt: skip
