"""The cash_requests feed, from the events of deposits, transfers and withdrawals."""

import polars as pl

from ingestion.simulator.people import METHODS, People
from ingestion.simulator.world import CURRENCIES, cents, decimals, pick

OPTIONAL = {
    "to_amount": pl.Int64, "to_currency": pl.Int64, "rate": pl.Int64, "fee": pl.Int64, "method": pl.Int64, "psp": pl.String,
    "instrument_id": pl.String, "holder": pl.String, "staff_id": pl.String, "reason": pl.String, "ip": pl.String, "device_id": pl.String,
}  # fmt: skip
NEEDED = (
    "event_id",
    "request_id",
    "client",
    "request_kind",
    "event",
    "amount",
    "currency",
    "from_account",
    "to_account",
    "actor_type",
    "at",
)


def cash_requests(people: People, parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The feed's columns, in the order of time; whatever a part does not know is null."""
    frames = []
    for part in parts:
        absent = {name: pl.lit(None, kind) for name, kind in OPTIONAL.items() if name not in part.columns}
        whole = part.with_columns(**absent)
        frames.append(whole.select(
            *NEEDED[:5], pl.col("amount").cast(pl.Int64), pl.col("currency").cast(pl.Int64), *NEEDED[7:10], pl.col("at").cast(pl.Int64),
            *(pl.col(name).cast(kind) for name, kind in OPTIONAL.items()),
        ))  # fmt: skip
    events = pl.concat(frames).sort("at", "event_id")
    client = events["client"].to_numpy()
    code = lambda name: events[name].fill_null(-1).to_numpy()  # noqa: E731
    number = lambda name: events[name].fill_null(0).to_numpy()  # noqa: E731
    absent = lambda name: events[name].is_null().to_numpy()  # noqa: E731
    fee = number("fee")
    currency = pick(CURRENCIES, code("currency"))
    ids = people.ids.gather(client)
    home = {"ip": people.ip(client), "device_id": people.device(client)}
    by_client = pl.Series(values=(events["actor_type"] == "client").to_numpy())
    columns = events.with_columns(
        client_id=ids, amount=cents(number("amount")), currency=currency, fee_amount=cents(fee, fee == 0),
        fee_currency=pl.select(pl.when(pl.Series(fee != 0)).then(currency)).to_series(),
        to_amount=cents(number("to_amount"), absent("to_amount")), to_currency=pick(CURRENCIES, code("to_currency")),
        rate=decimals(number("rate"), 8, absent("rate")), method=pick(METHODS, code("method")),
        **{name: pl.when(by_client).then(pl.coalesce(name, values)) for name, values in home.items()},
        actor_id=pl.when(by_client).then(ids).otherwise("staff_id"), occurred_at=pl.col("at").cast(pl.Datetime("us")),
        channel=pl.when(by_client).then(pl.lit("web")).otherwise(pl.lit("back_office")), destination_holder="holder",
    )  # fmt: skip
    return columns.select(
        "event_id", "request_id", "client_id", "request_kind", "event", "amount", "currency", "fee_amount", "fee_currency",
        "to_amount", "to_currency", "rate", "from_account", "to_account", "method", "psp", "instrument_id", "destination_holder",
        "channel", "ip", "device_id", "actor_type", "actor_id", "reason", "occurred_at",
    )  # fmt: skip
