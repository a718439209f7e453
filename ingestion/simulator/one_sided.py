"""What only one side knows, at scale: logins nobody described, bank accounts that open with another balance,
payouts nobody approved, and statements that look odd and are not."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from ingestion.simulator.accounts import PLATFORMS
from ingestion.simulator.breaks import OFF, Breaks, money
from ingestion.simulator.world import DAY, ENTITIES, iso, moment

UNKNOWN_LOGINS = 77_000_000
"""From here on numbers of trading accounts that no feed describes."""
PART = 700
"""Their file sorts behind those of the accounts."""
HELD = 100_000
"""Hundredths that a bank account of its own holds all the time."""


def snapshots(breaks: Breaks) -> pl.DataFrame:
    """End-of-day balances of unknown logins: with money on them a break, with none a decoy."""
    rows: list[dict[str, Any]] = []
    for number in range(2 * breaks.count):
        decoy = number % 2 == 1
        amount = 0 if decoy else OFF[number // 2 % len(OFF)]
        login = UNKNOWN_LOGINS + number
        at = breaks.world.start_us + (15 + number % 20) * DAY - 1
        rows.append({
            "platform": PLATFORMS[number % len(PLATFORMS)], "login": login, "captured_at": moment(at),
            **dict.fromkeys(("balance", "equity", "free_margin"), f"{amount / 100:.2f}"), "credit": "0", "margin": "0", "floating_pnl": "0",
        })  # fmt: skip
        breaks.note("platform", "account_unknown", str(login), -amount, decoy=decoy)
    money = pl.col("balance", "equity", "free_margin", "credit", "margin", "floating_pnl").str.to_decimal(scale=2)
    return pl.DataFrame(rows).with_columns(money, pl.col("captured_at").cast(pl.Datetime("us")))


def decisions(breaks: Breaks, frame: pl.DataFrame) -> pl.DataFrame:
    """Payouts nobody approved and approvals of what was never earned, for partners no one else decided on."""
    at = breaks.world.start_us + 50 * DAY
    rows = []
    others = [number for number in range(breaks.world.partners) if number % 3]
    for number, partner in enumerate(others[: 2 * breaks.count]):
        name, amount = f"P{partner + 1:04d}", 500 + number
        event = "paid" if number % 2 else "approved"
        rows.append({
            "event_id": f"CB-{number:05d}", "partner_id": name, "period": "2000-01", "event": event, "amount": f"{amount / 100:.2f}",
            "currency": "XTS", "reason": "monthly_review", "actor_id": "ST-05", "occurred_at": iso(at + number),
        })  # fmt: skip
        kind = "paid_above_approved" if number % 2 else "approved_above_accrued"
        breaks.note("partners", kind, f"{name}:XTS", -amount)
    # earned, approved and paid to the cent: both decoys at once
    for number, partner in enumerate(others[2 * breaks.count : 3 * breaks.count]):
        name = f"P{partner + 1:04d}"
        for place, (event, said) in enumerate(
            (("adjusted", f"{5 + number}.00"), ("approved", f"{5 + number}.00"), ("paid", None))
        ):
            rows.append({
                "event_id": f"CD-{number:05d}-{place}", "partner_id": name, "period": "2000-01", "event": event, "amount": said,
                "currency": "XTS", "reason": "monthly_review", "actor_id": "ST-05", "occurred_at": iso(at + place),
            })  # fmt: skip
        for kind in ("paid_above_approved", "approved_above_accrued"):
            breaks.note("partners", kind, f"{name}:XTS", 0, decoy=True)
    return pl.concat([frame, pl.DataFrame(rows, infer_schema_length=None)], how="diagonal_relaxed") if rows else frame


def _quiet_accounts(breaks: Breaks) -> list[tuple[str, str, int]]:
    """bank account, entity and by how many hundredths the ledger opens it with more than its first statement; zero is the decoy."""
    return [
        (f"{entity}-EUR-OLD{number:02d}", entity, 0 if number % 2 else OFF[number // 2 % len(OFF)])
        for number in range(2 * breaks.count)
        for entity in (ENTITIES[number % len(ENTITIES)],)
    ]


def bank_accounts(breaks: Breaks, described: pl.DataFrame) -> pl.DataFrame:
    """The bank_accounts feed with firm accounts that nothing ever moves."""
    rows = [
        {
            "bank_account": name, "valid_from": described["valid_from"][0], "entity": entity, "currency": "EUR", "bank": "Northbank",
            "is_client_money": False,
        }
        for name, entity, _ in _quiet_accounts(breaks)
    ]  # fmt: skip
    return pl.concat([described, pl.DataFrame(rows, schema=described.schema)])


def opening_balances(breaks: Breaks, opened: pl.DataFrame) -> pl.DataFrame:
    """The opening_balances feed with what the ledger says these accounts hold; capital is the other side."""
    empty = dict.fromkeys(("client_id", "login", "psp"), None)
    rows = []
    for name, entity, off in _quiet_accounts(breaks):
        common = {"entity": entity, "currency": "EUR", "as_of": opened["as_of"][0]}
        amount = f"{(HELD + off) / 100:.2f}"
        rows.append(common | {"account_code": "1020", "bank_account": name, "amount": amount} | empty)
        breaks.note("bank", "opening_differs", name, off, decoy=not off)
    sums: dict[str, int] = {}
    for _, entity, off in _quiet_accounts(breaks):
        sums[entity] = sums.get(entity, 0) + HELD + off
    for entity, total in sums.items():
        # a day later than the capital of the other accounts, whose row it would replace
        common = {"entity": entity, "currency": "EUR", "as_of": _day_after(opened["as_of"][0])}
        rows.append(common | {"account_code": "3000", "bank_account": None, "amount": f"-{total / 100:.2f}"} | empty)
    return pl.concat([opened, pl.DataFrame(rows, schema=opened.schema)])


def statements(breaks: Breaks, frame: pl.DataFrame) -> pl.DataFrame:
    """The bank_statements feed with the one statement of each such account, with statements of days on which nothing moved, and with broken ones."""
    frame = _broken(breaks, frame)
    day = breaks.world.start + timedelta(days=breaks.world.drawn_days - 3)
    held = f"{HELD / 100:.2f}"
    rows: list[dict[str, Any]] = [
        _statement(name, f"{name}-1", day, "EUR", held) for name, _, _ in _quiet_accounts(breaks)
    ]
    ordered = frame.filter(pl.col("bank_account").str.contains("-(EUR|USD)-FIRM$")).sort("opened_on", "bank_account")
    still = ordered.with_columns(after=pl.col("opened_on").shift(-1).over("bank_account")).filter(
        pl.col("after") > pl.col("opened_on") + pl.duration(days=1)
    )
    for row in still.head(2 * breaks.count).iter_rows(named=True):
        following = row["opened_on"] + timedelta(days=1)
        name = f"{row['bank_account']}-{following:%Y%m%d}"
        rows.append(_statement(row["bank_account"], name, following, row["currency"], str(row["closing_balance"])))
        for kind in ("statement_gap", "statement_does_not_foot"):
            breaks.note("bank", kind, f"{row['bank_account']}:{name}", 0, decoy=True)
    schema = frame.schema
    more = pl.DataFrame(rows).with_columns(
        pl.col(column).str.to_decimal(scale=2).cast(schema[column]) for column in ("opening_balance", "closing_balance")
    )
    return pl.concat([frame, more.select(frame.columns)])


def _broken(breaks: Breaks, frame: pl.DataFrame) -> pl.DataFrame:
    """Statements that open elsewhere than the one before closed, and statements that do not add up (with all after them)."""
    last = moment(breaks.end - 3 * DAY).date()
    usable = frame.filter(pl.col("bank_account").str.contains("-(EUR|USD)-") & (pl.col("opened_on") <= last)).sort(
        "opened_on", "bank_account"
    )
    usable = usable.filter(pl.int_range(pl.len()).over("bank_account") > 2)["statement_id"].to_list()
    step = max(len(usable) // (2 * breaks.count), 1)
    chosen = usable[::step][: 2 * breaks.count]
    gap = {one: OFF[number % len(OFF)] for number, one in enumerate(chosen[::2])}
    foot = {one: OFF[number % len(OFF)] for number, one in enumerate(chosen[1::2])}
    account = dict(frame.select("statement_id", "bank_account").iter_rows())
    for one, off in gap.items():
        breaks.note("bank", "statement_gap", f"{account[one]}:{one}", -off)
    for one, off in foot.items():
        breaks.note("bank", "statement_does_not_foot", f"{account[one]}:{one}", -off)
    cents = lambda known: pl.col("statement_id").replace_strict(known, default=0, return_dtype=pl.Int64)  # noqa: E731
    shifted = cents(foot).cum_sum().over("bank_account")
    kind = frame.schema["opening_balance"]
    return frame.sort("bank_account", "opened_on").with_columns(
        opening_balance=(pl.col("opening_balance") + money(shifted - cents(foot) + cents(gap))).cast(kind),
        closing_balance=(pl.col("closing_balance") + money(shifted)).cast(kind),
    )


def _statement(bank_account: str, statement_id: str, day: date, currency: str, balance: str) -> dict[str, Any]:
    return {
        "bank_account": bank_account, "statement_id": statement_id, "opened_on": day, "closed_on": day, "currency": currency,
        "opening_balance": balance, "closing_balance": balance, "is_client_money": False,
    }  # fmt: skip


def _day_after(text: str) -> str:
    return (date.fromisoformat(text) + timedelta(days=1)).isoformat()
