"""Breaks at scale: of each class a reconciliation knows as many as asked for, with sizes on both sides of its tolerance, and as many decoys.

Each is named in truth/planted_breaks.jsonl by reconciliation, class, reference and amount (ledger less the other side), so that a test can
ask for exactly these. The decoys are what looks like one and is none.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ingestion.simulator import deadlines
from ingestion.simulator.bank import SENT_BACK
from ingestion.simulator.output import Writer
from ingestion.simulator.stage import Stage
from ingestion.simulator.withdrawals import next_business_day
from ingestion.simulator.world import CURRENCIES, DAY, ENTITIES, World, moment

WAITING = "decoy:not_settled_yet"
DEPOSITS = (
    "request_without_psp", "psp_without_request", "duplicate_at_psp", "amount_differs", "fee_differs", "not_settled",
    "decoy:reference_missing", "decoy:authorised_twice", "decoy:initiated_otherwise", "decoy:fee_within_tolerance", WAITING,
)  # fmt: skip
WIRES = ("entry_without_line", "line_amount_differs", "decoy:line_late", "decoy:paid_in_two_lines")
OFF = (1, 2, 500, 12_345)
"""Hundredths by which amounts differ where nothing is tolerated."""
SWEPT_OFF = (None, 1, 2, -2, -1)
"""Hundredths by which sweeps are too small; one is tolerated, and where none stands the whole sweep is a day late."""
FEES_OFF = (2, -2, 5, 100)
"""Hundredths by which a fee is wrong; one is tolerated."""


@dataclass
class Breaks:
    """Plants `count` breaks a class; with none, every frame comes back as it went in."""

    world: World
    count: int
    requests: dict[str, list[str]] = field(default_factory=dict)
    truth: list[dict[str, Any]] = field(default_factory=list)

    def cast(self, stage: Stage) -> None:
        """Clients whose money the breaks concern: one deposit or one wire out each, all long before the end."""
        room = max(self.world.drawn_days - 40, 5)
        for number in range(self.count):
            for place, name in enumerate(DEPOSITS):
                who = stage.cast(ENTITIES[number % 2])
                # what is left out of a batch shows once later rows are settled
                day = 6 + (number * 3 + place) % (room // 2 if name == "not_settled" else room)
                if name == WAITING:
                    since = deadlines.may_wait_since(ENTITIES[number % 2], moment(self.end).date())
                    day = (since - self.world.start).days
                euros = 210 + number * 10 + place + 0.01 * number
                self.requests.setdefault(name, []).append(stage.deposit(who, day, euros, hour=10))
            for place, name in enumerate(WIRES):
                who = stage.cast(ENTITIES[number % 2])
                day = 6 + (number * 3 + place) % room
                stage.deposit(who, day, 800 + number, method="bank_wire")
                asked = stage.withdraw(who, day + 4, 300 + number + place / 100, method="bank_wire")
                self.requests.setdefault(name, []).append(asked)
            amount = OFF[number % len(OFF)] * (1 if number % 2 else -1)
            who = self._trader(stage, number)
            stage.off_balance[who] = (stage.at(20), amount)
            stage.note("planted_platform", [who], until=21, amount=f"{-amount / 100:.2f}")
            who = self._trader(stage, number)
            moved = stage.at(20, 13)
            stage.fund(who, 20, abs(amount) / 100)
            # a balance captured before the day's last movement, or in the same moment and with it
            stage.captured_early[who] = (moved, 0) if number % 2 else (moved - 1, abs(amount))
            stage.note("planted_platform", [who], decoy=True, until=21, amount="0.00")

        deadlines.keep_reserves(stage, self.count, self.end)

    def _trader(self, stage: Stage, number: int) -> int:
        who = stage.cast(ENTITIES[number % 2])
        stage.deposit(who, 8, 700 + number)
        stage.fund(who, 8, 500)
        return who

    @property
    def end(self) -> int:
        """The midnight that the broker was first drawn up to: appended days change nothing of what is planted."""
        return self.world.start_us + self.world.drawn_days * DAY

    def of(self, name: str) -> list[str]:
        return self.requests.get(name, [])

    def note(
        self, reconciliation: str, kind: str, reference: str, amount: int, decoy: bool = False, **more: Any
    ) -> None:
        self.truth.append({
            "reconciliation": reconciliation, "class": kind, "reference": reference, "amount": f"{amount / 100:.2f}", "decoy": decoy,
        } | more)  # fmt: skip

    def write_truth(self, writer: Writer, platform: list[dict[str, Any]]) -> None:
        """What was planted, and of the platform breaks the logins that only now have numbers."""
        named = [
            {"reconciliation": "platform", "class": "balance_differs", "reference": login, "amount": row["amount"], "decoy": row["decoy"]}
            for row in platform for login in row["logins"]
        ]  # fmt: skip
        if self.count:
            writer.write_truth("planted_breaks", [*self.truth, *named])

    def in_events(self, events: pl.DataFrame) -> pl.DataFrame:
        """The PSPs' events before they are put into batches: rows that never came, and wrong fees."""
        if not self.count:
            return events
        request, done = pl.col("client_reference"), pl.col("status") == "completed"
        deposits = {
            row["client_reference"]: row
            for row in events.filter(done & (pl.col("kind") == "deposit")).iter_rows(named=True)
        }
        wrong: dict[str, int] = {}
        for one in self.of("request_without_psp"):
            self.note("psp", "request_without_psp", one, deposits[one]["amount"])
        for name in ("fee_differs", "decoy:fee_within_tolerance"):
            for number, one in enumerate(self.of(name)):
                off = FEES_OFF[number % len(FEES_OFF)] if name == "fee_differs" else 1 - 2 * (number % 2)
                wrong[one] = off
                self.note("psp", "fee_differs", _key(deposits[one]), off, decoy=name != "fee_differs")
        for one in self.of("decoy:reference_missing"):
            self.note("psp", "request_without_psp", one, 0, decoy=True)
            self.note("psp", "psp_without_request", _key(deposits[one]), 0, decoy=True)
        for one in self.of("psp_without_request"):
            self.note("psp", "psp_without_request", _key(deposits[one]), deposits[one]["amount"])
        for one in (*self.of("not_settled"), *self.of(WAITING)):
            left = deposits[one]["amount"] - deposits[one]["fee"]
            self.note("psp", "not_settled", _key(deposits[one]), left, decoy=one in self.of(WAITING))
        for number, one in enumerate(self.of("amount_differs")):
            self.note("psp", "amount_differs", _key(deposits[one]), OFF[number % len(OFF)])
        off = pl.when(done).then(request.replace_strict(wrong, default=0, return_dtype=pl.Int64)).otherwise(0)
        return events.filter(~request.is_in(self.of("request_without_psp")) | request.is_null()).with_columns(
            fee=pl.col("fee") + off,
            client_reference=pl.when(request.is_in(self.of("decoy:reference_missing"))).then(None).otherwise(request),
        )

    def left_out(self, events: pl.DataFrame) -> list[str]:
        """The events that the PSP forgets to settle."""
        return events.filter(pl.col("client_reference").is_in(self.of("not_settled")))["event_id"].to_list()

    def settled_late(self, events: pl.DataFrame) -> dict[str, int]:
        """The events that wait for a later batch than those of their day, on the last day on which they are not late, and when it is due."""
        waiting = events.filter(pl.col("client_reference").is_in(self.of(WAITING)))["event_id"].to_list()
        return dict.fromkeys(waiting, int(next_business_day(np.array(self.end))))

    def in_settlements(self, settlements: pl.DataFrame, taken: list[str]) -> pl.DataFrame:
        """Settlements that are too small, reserves that stay where they are, and what the bank makes of the rest."""
        base = settlements.with_columns(
            bank_way=pl.lit(None, pl.String), bank_off=pl.lit(0, pl.Int64), fee_row=pl.lit(0, pl.Int64)
        )
        if not self.count:
            return base
        inside = pl.col("due").is_between(self.world.start_us + 12 * DAY, self.end - 21 * DAY)
        free = base.filter(
            inside & (pl.col("net") - pl.col("held") > 60_000) & (pl.col("currency") != CURRENCIES.index("JPY")) & (pl.col("released") == 0)
            & (pl.col("bank_short") == 0) & ~pl.col("batch").is_in(taken)
        ).sort("due", "batch")["batch"].to_list()  # fmt: skip
        names = ("short", "fee_row", "bank_off", "missing", "late", "two_lines", "no_reference")
        chosen = {name: free[place :: len(names)][: self.count] for place, name in enumerate(names)}
        rows = {row["batch"]: row for row in base.iter_rows(named=True)}
        sizes = {name: {batch: OFF[number % len(OFF)] for number, batch in enumerate(chosen[name])} for name in names}
        for batch, off in sizes["short"].items():
            self.note("psp", "settlement_differs", batch, off)
        for batch, off in sizes["bank_off"].items():
            self.note("psp", "bank_receipt_differs", batch, off)
        for batch in chosen["missing"]:
            one = rows[batch]
            self.note("psp", "bank_not_received", batch, one["net"] - one["held"])
        for name, kind in (
            ("fee_row", "settlement_differs"),
            ("late", "bank_not_received"),
            ("two_lines", "bank_receipt_differs"),
            ("no_reference", "bank_not_received"),
        ):
            for batch in chosen[name]:
                self.note("psp", kind, batch, 0, decoy=True, why=name)
        size = lambda name: pl.col("batch").replace_strict(sizes[name], default=0, return_dtype=pl.Int64)  # noqa: E731
        way = {batch: name for name in ("missing", "late", "two_lines", "no_reference") for batch in chosen[name]}
        for reference, amount, overdue in deadlines.mature_lots(base, self.world.cut_us):
            self.note("psp", "reserve_overdue", reference, amount, decoy=not overdue)
        kept = deadlines.kept(base)["batch"].to_list()
        return base.with_columns(
            net=pl.col("net") - size("short") - size("fee_row"), fee_row=size("fee_row"), bank_off=size("bank_off"),
            bank_way=pl.col("batch").replace_strict(way, default=None, return_dtype=pl.String),
            released=pl.when(pl.col("batch").is_in(kept)).then(0).otherwise("released"),
        )  # fmt: skip

    def in_psp(self, feed: pl.DataFrame) -> pl.DataFrame:
        """Transactions reported twice: completed is a break, authorised is none."""
        if not self.count:
            return feed
        parts = [feed]
        for name, status in (("duplicate_at_psp", "completed"), ("decoy:authorised_twice", "authorised")):
            again = feed.filter(
                pl.col("client_reference").is_in(self.of(name)) & (pl.col("status") == status)
            ).with_columns(
                event_id=pl.col("event_id") + "-again", occurred_at=pl.col("occurred_at") + pl.duration(minutes=3)
            )
            parts.append(again)
            for row in again.iter_rows(named=True):
                self.note(
                    "psp",
                    "duplicate_at_psp",
                    f"{row['psp']}:{row['event_id']}",
                    -round(row["amount"] * 100),
                    decoy=status != "completed",
                )
        other = pl.col("client_reference").is_in(self.of("decoy:initiated_otherwise")) & (
            pl.col("status") == "initiated"
        )
        whole = pl.concat(parts).with_columns(
            amount=pl.when(other).then(pl.col("amount") + 5).otherwise("amount").cast(feed.schema["amount"])
        )
        for row in whole.filter(other).iter_rows(named=True):
            self.note("psp", "amount_differs", f"{row['psp']}:{row['event_id']}", 500, decoy=True)
        return whole.sort("occurred_at", "event_id")

    def in_requests(self, asked: pl.DataFrame) -> pl.DataFrame:
        """Requests nobody recorded, and deposits asked for with another amount."""
        off = {one: OFF[number % len(OFF)] for number, one in enumerate(self.of("amount_differs"))}
        less = pl.col("request_id").replace_strict(off, default=0, return_dtype=pl.Int64)
        return asked.filter(~pl.col("request_id").is_in(self.of("psp_without_request"))).with_columns(
            amount=(pl.col("amount") - money(less)).cast(asked.schema["amount"])
        )

    def in_wires(self, wires: pl.DataFrame) -> pl.DataFrame:
        """Payments of the client accounts: missing, wrong, three business days late, or in two parts."""
        if not self.count:
            return wires
        request = pl.col("reference").str.split(" ").list.first()
        own = wires.with_columns(request=request)
        rows = {row["request"]: row for row in own.filter(pl.col("kind") == "payment").iter_rows(named=True)}
        for one in self.of("entry_without_line"):
            self.note("bank", "entry_without_line", one, rows[one]["amount"])
        off = {one: OFF[number % len(OFF)] for number, one in enumerate(self.of("line_amount_differs"))}
        for one, more in off.items():
            self.note("bank", "line_amount_differs", one, -more, by_request=True)
        for one in (*self.of("decoy:line_late"), *self.of("decoy:paid_in_two_lines")):
            self.note("bank", "entry_without_line", one, 0, decoy=True)
        for one in self.of("decoy:paid_in_two_lines"):
            self.note("bank", "line_amount_differs", one, 0, decoy=True, by_request=True)
        payment = pl.col("kind") == "payment"
        late = payment & pl.col("request").is_in(self.of("decoy:line_late"))
        two = own.filter(payment & pl.col("request").is_in(self.of("decoy:paid_in_two_lines")))
        changed = own.filter(~(payment & pl.col("request").is_in(self.of("entry_without_line")))).with_columns(
            amount=pl.when(payment)
            .then(pl.col("amount") + pl.col("request").replace_strict(off, default=0, return_dtype=pl.Int64))
            .otherwise("amount")
            + pl.when(payment & pl.col("request").is_in(two["request"].to_list())).then(10_000).otherwise(0),
            day=pl.when(late).then(pl.col("day") + 1).otherwise("day"),
        )
        return pl.concat([changed, two.with_columns(amount=pl.lit(-10_000, pl.Int64))]).drop("request")

    def in_settled_lines(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Receipts of settlements: wrong, missing, late, in two lines or without a reference."""
        way = pl.col("bank_way")
        five = pl.col("day") + 7  # five business days, whatever the weekday
        two = lines.filter(way == "two_lines")
        kept = lines.filter((way != "missing") | way.is_null()).with_columns(
            amount=pl.col("amount") - pl.col("bank_off") - pl.when(way == "two_lines").then(20_000).otherwise(0),
            day=pl.when(way == "late").then(five).otherwise("day"),
            reference=pl.when(way == "no_reference").then(None).otherwise("reference"),
        )
        return pl.concat([kept, two.with_columns(amount=pl.lit(20_000, pl.Int64))]).drop("bank_way", "bank_off")

    def more_lines(self) -> pl.DataFrame | None:
        """Receipts nobody explains, payments the ledger knows nothing of, and a bank's own charges, which it books by itself."""
        if not self.count:
            return None
        rows = []
        room = max(self.world.drawn_days - 40, 5)
        for number in range(self.count):
            day = (self.world.start_us + (10 + number * 3 % room) * DAY) // DAY
            entity = number % 2
            common = {
                "entity": entity,
                "currency": CURRENCIES.index("EUR"),
                "day": day,
                "name": f"Unknown {number}",
                "account": f"iban_x{number:06d}",
            }
            amount = 10_000 + number * 111
            rows.append(
                common
                | {"client_money": True, "amount": amount, "reference": f"LETTER FOLLOWS {number}", "kind": "receipt"}
            )
            self.note("bank", "unidentified_receipt", f"LETTER FOLLOWS {number}", amount, by_reference=True)
            rows.append(
                common
                | {"client_money": False, "amount": -amount - 7, "reference": f"INVOICE {number}", "kind": "payment"}
            )
            self.note("bank", "line_not_posted", f"INVOICE {number}", amount + 7, by_reference=True)
            rows.append(
                common
                | {"client_money": False, "amount": -300 - number, "reference": f"CHARGES {number}", "kind": "bank_fee"}
            )
            self.note("bank", "line_not_posted", f"CHARGES {number}", 300 + number, decoy=True, by_reference=True)
            sent_back = common | {
                "client_money": True,
                "amount": amount,
                "reference": f"{SENT_BACK}{number} NO NAME",
                "kind": "receipt",
            }
            rows += [
                sent_back,
                sent_back
                | {
                    "amount": -amount,
                    "reference": f"RETURN {number}",
                    "kind": "payment",
                    "returns": f"{SENT_BACK}{number}",
                },
            ]
            self.note("bank", "unidentified_receipt", f"{SENT_BACK}{number} NO NAME", amount, decoy=True)
        return pl.DataFrame(rows, infer_schema_length=None)

    def in_sweeps(self, moves: pl.DataFrame) -> pl.DataFrame:
        """Sweeps made a business day late (breaks), or wrong by a hundredth (decoys) or by two (breaks), too little and too much."""
        if not self.count:
            return moves
        yen = CURRENCIES.index("JPY")
        ordered = (
            moves.filter(pl.col("currency") != yen)
            .sort("entity", "currency", "booked")
            .with_columns(
                after=pl.col("booked").shift(-1).over("entity", "currency"),
                place=pl.int_range(pl.len()).over("entity", "currency"),
            )
        )
        last, first = self.end // DAY - 5, self.world.start_us // DAY + 12
        usable = ordered.filter(
            pl.col("after").is_not_null() & (pl.col("place") % 4 == 1) & (pl.col("gap").abs() > 1_000) & pl.col("booked").is_between(first, last)
            & ~((pl.col("entity") == ENTITIES.index("CY")) & (pl.col("currency") == CURRENCIES.index("EUR")))
        ).join(_days_off(moves.schema), on=["entity", "booked"], how="anti")  # fmt: skip
        parts = [moves]
        for number, row in enumerate(
            usable.sort("booked", "entity", "currency").head(len(SWEPT_OFF) * self.count).iter_rows(named=True)
        ):
            kept = SWEPT_OFF[number % len(SWEPT_OFF)] or row["gap"]
            group = {"entity": row["entity"], "currency": row["currency"]}
            parts.append(pl.DataFrame(
                [group | {"booked": row["booked"], "gap": -kept}, group | {"booked": row["after"], "gap": kept}], schema=moves.schema,
            ))  # fmt: skip
            kind = "shortfall_not_funded" if kept > 0 else "excess_not_withdrawn"
            reference = f"{ENTITIES[row['entity']]}:{CURRENCIES[row['currency']]}"
            seen = moment(row["booked"] * DAY).date().isoformat()
            self.note("client_money", kind, reference, -kept, decoy=abs(kept) == 1, first_seen_on=seen)
        keys = ["entity", "currency", "booked"]
        return pl.concat(parts).group_by(keys).agg(pl.col("gap").sum()).sort(keys).filter(pl.col("gap") != 0)


def money(hundredths: pl.Expr) -> pl.Expr:
    """Hundredths as exact decimals."""
    return hundredths.cast(pl.Decimal(18, 0)) * pl.lit("0.01").cast(pl.Decimal(18, 2))


def _key(row: dict[str, Any]) -> str:
    return f"{row['psp']}:{row['event_id']}"


def _days_off(like: pl.Schema) -> pl.DataFrame:
    """entity and booked, as numbers of the types in `like`, of the bank holidays."""
    numbers = {name: number for number, name in enumerate(ENTITIES)}
    return deadlines.holidays().select(
        pl.col("entity").replace_strict(numbers, return_dtype=pl.Int64).cast(like["entity"]),
        pl.col("booked").cast(pl.Int32).cast(like["booked"]),
    )
