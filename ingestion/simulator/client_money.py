"""What changes client money besides deposits, payouts and trading results: floors, floating results, chargebacks taken from wallets."""

import polars as pl

from ingestion.simulator.accounts import Accounts
from ingestion.simulator.world import DAY, ENTITIES, MINUTE

WITH_FLOATING = (ENTITIES.index("UK"),)
"""Entities that owe their clients the equity of a trading account, not its cash."""
SCHEMA = {"entity": pl.Int64, "currency": pl.Int64, "day": pl.Int64, "amount": pl.Int64}


def floors(accounts: Accounts, snapshots: pl.DataFrame) -> pl.DataFrame:
    """By how much what is owed differs from the cash of trading accounts: entity, currency, day, amount in hundredths, as changes.

    No account is owed less than nothing, and under CASS 7 it is owed its floating result too, as last captured.
    """
    rows = pl.DataFrame(
        {"login": accounts.login, "entity": accounts.entity, "currency": accounts.currency, "demo": accounts.demo}
    )
    frame = snapshots.join(rows, on="login", how="left", maintain_order="left").filter(~pl.col("demo"))
    hundredths = {name: (pl.col(name) * 100).cast(pl.Int64) for name in ("balance", "floating_pnl")}
    frame = frame.with_columns(**hundredths).sort("login", "captured_at")
    floating = pl.when(pl.col("entity").is_in(WITH_FLOATING)).then(pl.col("floating_pnl")).otherwise(0)
    more = (pl.col("balance") + floating).clip(0) - pl.col("balance")
    return (
        frame.with_columns(more=more, day=pl.col("captured_at").dt.timestamp("us") // DAY)
        .with_columns(amount=pl.col("more") - pl.col("more").shift(1, fill_value=0).over("login"))
        .group_by("entity", "currency", "day").agg(pl.col("amount").sum())
        .filter(pl.col("amount") != 0).sort("entity", "currency", "day").select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    )  # fmt: skip


def recovered(
    events: pl.DataFrame, paid_in: pl.DataFrame, paid_out: pl.DataFrame, refunds: pl.DataFrame, transfers: pl.DataFrame
) -> pl.DataFrame:
    """What lost chargebacks took from their clients' wallets: as much as was available there then, with a minus."""
    lost = events.filter(pl.col("kind") == "chargeback_lost").sort("at", "event_id")
    whose = lost["client"].unique().to_list()
    moves = _wallet_moves(whose, paid_in, pl.concat([paid_out, refunds], how="diagonal"), transfers)
    taken: dict[int, int] = {}
    rows = []
    for row in lost.iter_rows(named=True):
        client, at = row["client"], row["at"]
        before = moves.filter((pl.col("client") == client) & (pl.col("at") < at))
        available = int(before["amount"].sum() or 0) - taken.get(client, 0)
        part = max(min(int(row["amount"]), available), 0)
        taken[client] = taken.get(client, 0) + part
        if part:
            rows.append((row["entity"], row["currency"], at // DAY, -part))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _wallet_moves(
    whose: list[int], paid_in: pl.DataFrame, asked: pl.DataFrame, transfers: pl.DataFrame
) -> pl.DataFrame:
    """client, at, amount of everything that moved these wallets, what is reserved taken off."""
    mine = pl.col("client").is_in(whose)
    columns = ["client", "at", "amount"]
    back = pl.col("outcome").is_in(["rejected", "cancelled", "failed"])
    returned = pl.when(pl.col("outcome") == "rejected").then("approved_at").when(pl.col("outcome") == "cancelled").then(
        pl.col("at") + 12 * MINUTE
    ).otherwise("sent_at")  # fmt: skip
    parts = [
        paid_in.filter(mine & (pl.col("outcome") == "completed")).select(columns),
        asked.filter(mine).select("client", "at", amount=-pl.col("amount")),
        asked.filter(mine & back).select("client", at=returned, amount="amount"),
        asked.filter(mine & (pl.col("outcome") == "returned")).select(
            "client", at=pl.col("done_at") + 3 * DAY, amount=pl.col("amount") - pl.col("fee")
        ),
        transfers.filter(mine).select(
            "client",
            "at",
            amount=pl.when(pl.col("into")).then(-pl.col("wallet_amount")).otherwise("wallet_amount"),
        ),
    ]
    return pl.concat([part.select(pl.col(name).cast(pl.Int64) for name in columns) for part in parts])


def fees(entities: pl.Series, paid_out: pl.DataFrame) -> pl.DataFrame:
    """Fees of withdrawals, which leave the client's money when the payment is sent; `entities` by client."""
    charged = paid_out.filter((pl.col("fee") > 0) & pl.col("outcome").is_in(["paid", "returned"]))
    return charged.select(
        entity=entities.gather(charged["client"]).cast(pl.Int64), currency=pl.col("currency").cast(pl.Int64),
        day=pl.col("sent_at") // DAY, amount=-pl.col("fee").cast(pl.Int64),
    )  # fmt: skip


def changes(rows: list[tuple[int, int, int, int]]) -> pl.DataFrame:
    """Rows of entity, currency, day, amount in hundredths as the frame that `segregation` adds up."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
