"""Bank accounts and their statements: what reached them, what left them, and the sweep that keeps client money whole."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from ingestion.simulator.people import METHODS, People
from ingestion.simulator.settlement import settlement_amount
from ingestion.simulator.withdrawals import next_business_day
from ingestion.simulator.world import CURRENCIES, DAY, ENTITIES, MINOR_STEP, World, cents, decimals, pick

WIRE = METHODS.index("bank_wire")
CAPITAL = np.array([2_000_000, 2_000_000, 1_500_000, 300_000_000]) * 100
"""What each firm account opens with, in hundredths, for each thousand clients (at least once)."""
SENT_BACK = "SENTBACK"
"""Begins the reference of a receipt that nobody explains and that goes back the same day."""
LINE_COLUMNS = (
    "entity",
    "currency",
    "client_money",
    "day",
    "amount",
    "name",
    "account",
    "reference",
    "kind",
    "counter",
    "returns",
)


def capital(world: World, currency: int) -> int:
    """What each firm account in the currency opens with, in hundredths."""
    return int(CAPITAL[currency]) * max(1, world.clients // 1000)


def wire_lines(people: People, deposits: pl.DataFrame, withdrawals: pl.DataFrame) -> pl.DataFrame:
    """Receipts and payments of the client-money accounts: wires in, wires out, and wires that came back."""
    wires = deposits.filter((pl.col("method") == WIRE) & (pl.col("outcome") == "completed"))
    paid = withdrawals.filter((pl.col("method") == WIRE) & pl.col("outcome").is_in(["paid", "returned"]))
    back = paid.filter(pl.col("outcome") == "returned")
    ids = people.ids.to_list()
    parts = []
    for rows, at, sign, kind in (
        (wires, "at", 1, "receipt"),
        (paid, "done_at", -1, "payment"),
        (back, "done_at", 1, "receipt"),
    ):
        fee = pl.col("fee") if sign < 0 or rows is back else pl.lit(0, pl.Int64)
        client = rows["client"].to_numpy()
        later = 3 * DAY if rows is back else 0
        parts.append(rows.select(
            entity=pl.Series(values=people.entity[client], dtype=pl.Int64), currency=pl.col("currency").cast(pl.Int64), client_money=pl.lit(True),
            day=(pl.col(at) + later) // DAY, amount=(pl.col("amount") - fee) * sign, name=pl.col("holder"), account=pl.col("instrument_id"),
            reference=pl.col("request_id") + " " + pick(ids, client), kind=pl.lit(kind), counter=pl.lit(None, pl.String),
            returns=pl.when(pl.lit(rows is back)).then("request_id"),
        ))  # fmt: skip
    return pl.concat(parts)


def settlement_lines(settlements: pl.DataFrame) -> pl.DataFrame:
    """Receipts of the firm accounts: what the PSPs settled."""
    return settlements.select(
        entity=pl.col("entity").cast(pl.Int64), currency=pl.col("currency").cast(pl.Int64), client_money=pl.lit(False), day=pl.col("due") // DAY,
        amount=settlement_amount() - pl.col("bank_short"), name=pl.col("psp").str.to_titlecase() + " Payments", account=pl.lit("PSP") + pl.col("psp"),
        reference=pl.col("batch"), kind=pl.lit("receipt"), counter=pl.lit(None, pl.String), returns=pl.lit(None, pl.String),
        bank_way="bank_way", bank_off="bank_off",
    )  # fmt: skip


def running_costs(world: World, used: list[tuple[int, int]]) -> pl.DataFrame:
    """Monthly fee, interest and liquidity funding of each firm account in use."""
    rows = []
    rng = world.rng("bank")
    for entity, currency in used:
        for day in range(27, world.days + world.runway_days, 30):
            booked = int(next_business_day(np.array(world.start_us + day * DAY)) // DAY)
            step = int(MINOR_STEP[currency])
            for kind, amount in (
                ("bank_fee", -2_500),
                ("interest", int(rng.integers(500, 9000))),
                ("lp_funding", -500_000),
            ):
                rows.append(
                    (
                        entity,
                        currency,
                        False,
                        booked,
                        amount * step,
                        "Prime One" if kind == "lp_funding" else "Bank",
                        None,
                        kind,
                        kind,
                        None,
                        None,
                    )
                )
    schema: dict[str, type[pl.DataType]] = dict(
        zip(LINE_COLUMNS, (pl.Int64, pl.Int64, pl.Boolean, pl.Int64, pl.Int64, *[pl.String] * 6), strict=True)
    )
    return pl.DataFrame(rows, schema=schema, orient="row")


def segregation(
    lines: pl.DataFrame,
    owed: pl.DataFrame,
    skipped: tuple[int, int, int] | None,
    late: Callable[[pl.DataFrame], pl.DataFrame] = lambda moves: moves,
) -> pl.DataFrame:
    """Own transfers that bring each client-money account to what is owed to clients, on the next business day.

    `owed` holds what client liabilities changed by: entity, currency, day, amount. `skipped` names one sweep that
    is not made (entity, currency, day): a planted shortfall; `late` may change more of them.
    """
    group = ["entity", "currency"]
    held = lines.filter("client_money").group_by(*group, "day").agg(pl.col("amount").sum().alias("held"))
    due = owed.group_by(*group, "day").agg(pl.col("amount").sum().alias("owed"))
    daily = due.join(held, on=[*group, "day"], how="full", coalesce=True).with_columns(
        pl.col("owed", "held").fill_null(0)
    )
    daily = daily.with_columns(
        gap=pl.col("owed") - pl.col("held"),
        booked=pl.Series(values=next_business_day((daily["day"].to_numpy() + 1) * DAY) // DAY),
    )
    moves = daily.group_by(*group, "booked").agg(pl.col("gap").sum()).sort(*group, "booked")
    if skipped:
        entity, currency, day = skipped
        missed = (pl.col("entity") == entity) & (pl.col("currency") == currency)
        due_then = moves.filter(missed & (pl.col("booked") >= day))["booked"].min()
        resumed = moves.filter(missed & (pl.col("booked") > (due_then or 0)))["booked"].min()
        moves = moves.with_columns(
            booked=pl.when(missed & (pl.col("booked") == due_then)).then(pl.lit(resumed or due_then)).otherwise("booked")
        ).group_by(*group, "booked").agg(pl.col("gap").sum()).sort(*group, "booked")  # fmt: skip
    moves = late(moves.filter(pl.col("gap") != 0))
    names = {False: "FIRM", True: "CLIENT"}
    return pl.concat([
        moves.select(
            pl.col("entity").cast(pl.Int64), pl.col("currency").cast(pl.Int64), client_money=pl.lit(side), day="booked",
            amount=pl.col("gap") * (1 if side else -1), name=pl.lit("Own account"), account=pl.lit(None, pl.String),
            reference=pl.lit("segregation"), kind=pl.lit("own_transfer"),
            counter=_account_names(moves, names[not side]), returns=pl.lit(None, pl.String),
        )
        for side in (True, False)
    ])  # fmt: skip


def _account_names(frame: pl.DataFrame, side: str) -> pl.Series:
    entity, currency = pick(ENTITIES, frame["entity"].to_numpy()), pick(CURRENCIES, frame["currency"].to_numpy())
    return entity + "-" + currency + f"-{side}"


def statement_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """The bank_statement_lines feed: one statement per account and day, lines numbered within it."""
    side = pick(("FIRM", "CLIENT"), lines["client_money"].cast(pl.Int64).to_numpy())
    bank_account = (
        pick(ENTITIES, lines["entity"].to_numpy()) + "-" + pick(CURRENCIES, lines["currency"].to_numpy()) + "-" + side
    )
    frame = lines.with_columns(bank_account=bank_account, currency_name=pick(CURRENCIES, lines["currency"].to_numpy()))
    frame = frame.sort("day", "bank_account", "kind", "reference", "amount")
    frame = frame.with_columns(line_no=pl.int_range(1, pl.len() + 1).over("bank_account", "day"))
    booked = pl.col("day").cast(pl.Int32).cast(pl.Date)
    paid = frame.filter((pl.col("kind") == "payment") | pl.col("reference").str.starts_with(SENT_BACK)).select(
        "bank_account", pl.col("reference").str.split(" ").list.first().alias("returns"),
        (pl.col("bank_account") + "-" + booked.dt.strftime("%Y%m%d") + "/" + pl.col("line_no").cast(pl.String)).alias("return_of_line"),
    )  # fmt: skip
    frame = frame.join(paid, on=["bank_account", "returns"], how="left", maintain_order="left")
    amount = frame["amount"].to_numpy()
    return frame.with_columns(money=cents(amount)).select(
        "bank_account", (pl.col("bank_account") + "-" + booked.dt.strftime("%Y%m%d")).alias("statement_id"), "line_no",
        booked.alias("booked_on"), booked.alias("value_on"), pl.col("money").alias("amount"), pl.col("currency_name").alias("currency"),
        pl.col("name").alias("counterparty_name"), pl.col("account").alias("counterparty_account"), "reference",
        pl.lit(None, pl.String).alias("bank_code"), "kind", pl.col("counter").alias("counter_account"),
        pl.lit(None, pl.String).alias("client_id"), "return_of_line",
    )  # fmt: skip


def statements(world: World, lines: pl.DataFrame) -> pl.DataFrame:
    """The bank_statements feed: opening + lines = closing, and each opens where the one before closed; of a still account the first day's."""
    daily = (
        lines.group_by("bank_account", "statement_id", "booked_on", "currency")
        .agg(pl.col("amount").sum())
        .sort("bank_account", "booked_on")
    )
    firm = daily["bank_account"].str.ends_with("FIRM").to_numpy()
    code = daily["currency"].replace_strict({name: code for code, name in enumerate(CURRENCIES)}).to_numpy()
    opening = np.array([capital(world, currency) for currency in range(4)])[code] * firm
    frame = daily.with_columns(first=decimals(opening, 2))
    closing = (pl.col("first") + pl.col("amount").cum_sum()).over("bank_account")
    moved = frame.with_columns(closing_balance=closing).with_columns(opening_balance=pl.col("closing_balance") - pl.col("amount")).select(
        "bank_account", "statement_id", pl.col("booked_on").alias("opened_on"), pl.col("booked_on").alias("closed_on"), "currency",
        "opening_balance", "closing_balance", (~pl.col("bank_account").str.ends_with("FIRM")).alias("is_client_money"),
    )  # fmt: skip
    told = set(moved["bank_account"])
    still = [
        {
            "bank_account": name, "statement_id": f"{name}-{world.start:%Y%m%d}", "opened_on": world.start, "closed_on": world.start,
            "currency": currency, "opening_balance": Decimal(capital(world, code)) / 100, "closing_balance": Decimal(capital(world, code)) / 100,
            "is_client_money": False,
        }
        for entity in ENTITIES for code, currency in enumerate(CURRENCIES) for name in (f"{entity}-{currency}-FIRM",) if name not in told
    ]  # fmt: skip
    return pl.concat([moved, pl.DataFrame(still, schema=moved.schema)])


def bank_accounts(world: World) -> pl.DataFrame:
    """The bank_accounts feed: one firm and one client-money account per entity and currency."""
    valid_from = world.start_us - 300 * DAY
    return pl.DataFrame([
        {
            "bank_account": f"{entity}-{currency}-{side}", "valid_from": valid_from, "entity": entity, "currency": currency,
            "bank": "Northbank" if side == "FIRM" else "Trustee Bank", "is_client_money": side == "CLIENT",
        }
        for entity in ENTITIES for currency in CURRENCIES for side in ("FIRM", "CLIENT")
    ]).with_columns(pl.col("valid_from").cast(pl.Datetime("us")))  # fmt: skip


def opening_balances(world: World) -> pl.DataFrame:
    """The opening_balances feed: each firm bank account opens with capital; account 3000 is the other side."""
    rows = []
    for entity in ENTITIES:
        for code, currency in enumerate(CURRENCIES):
            amount = f"{capital(world, code) / 100:.2f}"
            common = {"entity": entity, "currency": currency, "as_of": (world.start - timedelta(days=300)).isoformat()}
            account = f"{entity}-{currency}-FIRM"
            rows.append(common | {"account_code": "1020", "bank_account": account, "amount": amount})
            rows.append(common | {"account_code": "3000", "bank_account": None, "amount": "-" + amount})
    empty = dict.fromkeys(("client_id", "login", "psp"), None)
    return pl.DataFrame([row | empty for row in rows], infer_schema_length=None).select(
        "entity",
        "account_code",
        "currency",
        "as_of",
        pl.col("client_id", "login", "psp").cast(pl.String),
        "bank_account",
        "amount",
    )
