"""The synthetic broker's books agree with each other, to the cent, apart from the breaks that the truth names."""

import polars as pl
from pytest import approx

CASH = ~pl.col("action").is_in(["credit", "so_compensation_credit"])
RESULT = pl.col("profit") + pl.col("swap") + pl.col("commission") + pl.col("fee")


def latest(frame: pl.DataFrame, *key: str) -> pl.DataFrame:
    return frame.unique(key, keep="last", maintain_order=True)


def planted(broker, kind: str) -> dict:
    return next(row for row in broker.truth("breaks") if row["kind"] == kind)


def test_every_accounts_final_snapshot_is_the_sum_of_its_deals(broker) -> None:
    deals = latest(broker.feed("deals"), "platform", "deal_id").filter(~pl.col("is_cancelled"))
    summed = deals.group_by("login").agg(
        RESULT.filter(CASH).sum().alias("cash"), pl.col("profit").filter(~CASH).sum().alias("granted")
    )
    final = broker.feed("account_snapshots").sort("captured_at").unique("login", keep="last")
    joined = final.join(summed, on="login", how="left").with_columns(pl.col("cash", "granted").fill_null(0))
    off = joined.filter((pl.col("balance") != pl.col("cash")) | (pl.col("credit") != pl.col("granted")))
    assert len(final) > 200
    assert off["login"].to_list() == planted(broker, "platform_balance")["logins"]
    assert str(off["balance"][0] - off["cash"][0]).startswith(planted(broker, "platform_balance")["amount"])


def test_each_day_with_deals_ends_with_a_snapshot_of_the_balance_reached(broker) -> None:
    deals = (
        latest(broker.feed("deals"), "platform", "deal_id")
        .filter(CASH & ~pl.col("is_cancelled"))
        .sort("executed_at", "deal_id")
    )
    running = deals.select(
        "login", pl.col("executed_at").dt.date().alias("day"), RESULT.cum_sum().over("login").alias("balance")
    )
    ends = running.group_by("login", "day", maintain_order=True).last()
    shots = broker.feed("account_snapshots").select(
        "login", pl.col("captured_at").dt.date().alias("day"), pl.col("balance").alias("seen")
    )
    joined = ends.join(shots, on=["login", "day"], how="left")
    assert joined["seen"].null_count() == 0
    off = joined.filter(pl.col("seen") != pl.col("balance"))["login"].unique().to_list()
    assert set(off) <= set(planted(broker, "platform_balance")["logins"])


def test_every_settlement_is_its_transactions_less_fees_and_reserve(broker) -> None:
    rows = latest(broker.feed("psp_transactions"), "psp", "event_id").filter(
        pl.col("settlement_batch_id").is_not_null()
    )
    sign = {
        "deposit": 1,
        "chargeback_reversal": 1,
        "reserve_release": 1,
        "refund": -1,
        "withdrawal": -1,
        "chargeback": -1,
        "reserve_hold": -1,
    }
    settled = rows.filter(pl.col("kind") == "settlement").select(
        "settlement_batch_id", pl.col("amount").alias("settled")
    )
    moved = rows.filter(pl.col("kind") != "settlement").with_columns(sign=pl.col("kind").replace_strict(sign))
    due = moved.group_by("settlement_batch_id").agg(
        (pl.col("amount") * pl.col("sign") - pl.col("fee_amount").fill_null(0)).sum().alias("due")
    )
    joined = settled.join(due, on="settlement_batch_id")
    off = set(joined.filter(pl.col("settled") != pl.col("due"))["settlement_batch_id"].to_list())
    twice = rows.filter(pl.col("client_reference") == planted(broker, "psp_row_twice")["request_id"])
    named = {planted(broker, "settlement_short")["settlement_batch_id"], *twice["settlement_batch_id"].to_list()}
    assert len(joined) > 100
    assert named <= off
    assert len(off - named) == 1  # the batch whose deposit the PSP never reported


def test_settlements_reach_the_bank_apart_from_the_one_that_is_short(broker) -> None:
    psp = (
        broker.feed("psp_transactions")
        .filter(pl.col("kind") == "settlement")
        .select("bank_account", "amount", reference="settlement_batch_id")
    )
    lines = broker.feed("bank_statement_lines").select("bank_account", "reference", pl.col("amount").alias("received"))
    joined = psp.join(lines, on=["bank_account", "reference"], how="inner")
    off = joined.filter(pl.col("amount") != pl.col("received"))
    assert len(joined) > len(psp) * 0.9
    assert off["reference"].to_list() == [planted(broker, "bank_receipt_short")["settlement_batch_id"]]


def test_statements_foot_and_continue_apart_from_the_planted_one(broker) -> None:
    statements = broker.feed("bank_statements").sort("bank_account", "closed_on")
    lines = broker.feed("bank_statement_lines").group_by("statement_id").agg(pl.col("amount").sum())
    joined = statements.join(lines, on="statement_id", how="left", maintain_order="left").with_columns(
        before=pl.col("closing_balance").shift().over("bank_account")
    )
    foots = pl.col("opening_balance") + pl.col("amount") == pl.col("closing_balance")
    continues = pl.col("opening_balance") == pl.col("before")
    still = joined.filter(pl.col("amount").is_null())
    assert still["bank_account"].to_list() == sorted(set(still["bank_account"])), (
        "one statement of an account that never moves"
    )
    assert (still["opening_balance"] == still["closing_balance"]).all()
    wrong = joined.drop_nulls("amount").filter(~foots | ~continues)
    assert wrong["statement_id"].to_list() == [planted(broker, "statement_opening")["statement_id"]]


def test_no_wallet_is_ever_overdrawn_except_where_a_psp_row_is_missing(broker) -> None:
    psp = latest(broker.feed("psp_transactions"), "psp", "event_id").filter(
        (pl.col("kind") == "deposit") & (pl.col("status") == "completed")
    )
    asked = broker.feed("cash_requests")
    money, event, kind = pl.col("amount"), pl.col("event"), pl.col("request_kind")
    into_platform = pl.col("from_account") == "wallet"
    moved = pl.when(into_platform).then(-money).otherwise(pl.coalesce("to_amount", "amount"))
    sides = [
        ((kind == "deposit") & (pl.col("method") == "bank_wire") & (event == "paid"), money),
        (kind.is_in(["withdrawal", "refund"]) & (event == "requested"), -money),
        ((kind == "withdrawal") & event.is_in(["cancelled", "rejected", "failed"]), money),
        ((kind == "internal_transfer") & (event == "paid"), moved),
    ]
    parts = [asked.filter(rows).select("client_id", "occurred_at", amount.alias("amount")) for rows, amount in sides]
    parts.append(psp.unique(["psp", "psp_txn_id"]).select("client_id", "occurred_at", money))
    wallet = (
        pl.concat(parts, how="vertical_relaxed")
        .sort("occurred_at")
        .with_columns(balance=pl.col("amount").cum_sum().over("client_id"))
    )
    below = wallet.filter(pl.col("balance") < 0)["client_id"].unique().to_list()
    assert below == planted(broker, "psp_row_missing")["client_ids"]


def test_every_wallet_transfer_is_one_balance_deal_with_its_request_id_and_amount(broker) -> None:
    paid = broker.feed("cash_requests").filter(
        (pl.col("request_kind") == "internal_transfer") & (pl.col("event") == "paid")
    )
    into = pl.col("from_account") == "wallet"
    booked = pl.when(into).then(pl.coalesce("to_amount", "amount")).otherwise(-pl.col("amount"))
    expected = paid.select(pl.col("request_id").alias("reference"), booked.alias("expected"))
    deals = broker.feed("deals").filter(pl.col("reference").is_not_null()).select("reference", "profit", "action")
    joined = expected.join(deals, on="reference", how="full", coalesce=True)
    assert (
        joined.filter(pl.col("expected") != pl.col("profit")).is_empty()
        and joined.null_count().sum_horizontal().item() == 0
    )
    assert joined["action"].unique().to_list() == ["balance"]


def test_every_closed_lot_was_opened_before(broker) -> None:
    deals = latest(broker.feed("deals"), "platform", "deal_id").filter(
        pl.col("entry").is_not_null() & ~pl.col("is_cancelled")
    )
    signed = pl.when(pl.col("action") == "buy").then(pl.col("volume_lots")).otherwise(-pl.col("volume_lots"))
    running = deals.sort("executed_at", "deal_id").with_columns(open=signed.cum_sum().over("position_id"))
    still_open = running.group_by("position_id").agg(pl.col("open").last()).filter(pl.col("open") != 0)
    final = broker.feed("positions").sort("captured_at")
    final = final.filter(pl.col("captured_at") == final["captured_at"][-1])
    assert set(still_open["position_id"]) == set(final["position_id"])


def test_trading_days_look_like_a_market(broker) -> None:
    deals = broker.feed("deals").filter(pl.col("entry") == "in")
    weekend = deals.filter((pl.col("executed_at").dt.weekday() == 6) & (pl.col("symbol") != "BTCUSD"))
    assert weekend.is_empty()
    assert deals.filter(pl.col("executed_at").dt.hour().is_between(7, 17)).height / deals.height == approx(
        0.85, abs=0.12
    )
    quoted = deals.drop_nulls(["bid", "ask"])
    assert quoted.filter(pl.col("ask") <= pl.col("bid")).is_empty()
    assert quoted.filter((pl.col("price") != pl.col("bid")) & (pl.col("price") != pl.col("ask"))).is_empty()
