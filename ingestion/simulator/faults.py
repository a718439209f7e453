"""What goes wrong between systems: breaks, late and corrected rows, malformed rows; each is named in the truth."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ingestion.simulator.network import Network
from ingestion.simulator.output import CORRECTIONS, FAULTY, LATE, Writer
from ingestion.simulator.source_side import SourceSide
from ingestion.simulator.stage import Stage
from ingestion.simulator.world import CURRENCIES, DAY, ENTITIES, HOUR, World, decimals, iso, moment

SHORT, SHORT_AT_BANK = 2_500, 1_000
"""Hundredths by which one settlement, and one bank receipt, are too small."""
FUNDED = 500
"""Euros that the clients of the PSP and platform breaks move to their trading account."""

MALFORMED_PSP = [
    ("status is not one of the closed set", {"status": "done"}),
    ("amount is not a number", {"amount": "12,50x"}),
    ("key is missing", {"event_id": None}),
    ("instrument_id is a full card number", {"instrument_id": "4111111111111111"}),
]
MALFORMED_LINKS = [("child_kind is not one of the closed set", {"child_kind": "agent"})]
MALFORMED_TALK = [
    ("channel is not one of the closed set", {"channel": "fax"}),
    ("time is not a moment", {"occurred_at": "yesterday"}),
]
MALFORMED_RULES = [("rate is negative", {"rate": "-2"})]


@dataclass
class Faults:
    """Plants faults in finished feeds. Breaks belong to the broker's life; late, corrected and malformed rows to the batches."""

    world: World
    writer: Writer
    breaks: list[dict[str, Any]] = field(default_factory=list)
    late: list[dict[str, Any]] = field(default_factory=list)
    corrections: list[dict[str, Any]] = field(default_factory=list)
    malformed: list[dict[str, Any]] = field(default_factory=list)
    missing_deposit: str = ""
    missing_owed: tuple[int, int, int, int] = (0, 0, 0, 0)
    doubled_deposit: str = ""
    sources: SourceSide = field(init=False)

    def __post_init__(self) -> None:
        self.sources = SourceSide(self.world)

    @property
    def batched(self) -> bool:
        return self.writer.since is None

    def recent(self, column: str = "occurred_at") -> pl.Expr:
        """Rows of the last days that still belong to the first batch."""
        low, high = moment(self.world.cut_us - 20 * DAY), moment(self.world.cut_us - 3 * DAY)
        return (pl.col(column) >= low) & (pl.col(column) < high)

    def cast(self, stage: Stage) -> None:
        """Clients whose money the PSP and platform breaks concern."""
        for place, kind in enumerate(("psp_row_missing", "psp_row_twice", "platform_balance")):
            who, day = stage.cast(), 17 + 4 * place
            request = stage.deposit(who, day, 750 + 10 * place)
            stage.fund(who, day, FUNDED)
            if kind == "platform_balance":
                stage.off_balance[who] = (stage.at(31), 1_234)
                stage.note("break", [who], until=32, reconciliation="platform", kind=kind, amount="12.34")
                continue
            stage.note("break", [who], until=day + 1, reconciliation="psp", kind=kind, request_id=request)
            if kind == "psp_row_missing":
                self.missing_deposit = request
                # without the deposit only what reached the trading account is owed
                more = (750 + 10 * place - FUNDED) * 100
                self.missing_owed = (ENTITIES.index("CY"), CURRENCIES.index("EUR"), stage.at(day) // DAY, -more)
            else:
                self.doubled_deposit = request

    def in_settlements(self, settlements: pl.DataFrame) -> pl.DataFrame:
        """One settlement is short by 25 against its own rows."""
        yen = CURRENCIES.index("JPY")
        candidates = settlements.filter(
            (pl.col("due") >= self.world.start_us + 15 * DAY) & (pl.col("currency") != yen) & (pl.col("net") > 50_000)
        )
        chosen = candidates.sort("due", "batch").head(2)
        if len(chosen) < 2:
            return settlements.with_columns(bank_short=pl.lit(0, pl.Int64))
        short, at_bank = chosen["batch"].to_list()
        for batch, amount, kind, due in (
            (short, SHORT, "settlement_short", chosen["due"][0]),
            (at_bank, SHORT_AT_BANK, "bank_receipt_short", chosen["due"][1]),
        ):
            self._break("psp", kind, due, settlement_batch_id=batch, amount=f"{amount / 100:.2f}")
        hit = pl.col("batch") == short
        return settlements.with_columns(
            net=pl.when(hit).then(pl.col("net") - SHORT).otherwise("net"),
            bank_short=pl.when(pl.col("batch") == at_bank).then(SHORT_AT_BANK).otherwise(0),
        )

    def in_psp(self, feed: pl.DataFrame) -> pl.DataFrame:
        """One completed deposit is missing, one is reported twice under two event ids."""
        twice = feed.filter(pl.col("event_id") == f"{self.doubled_deposit}-3").with_columns(
            event_id=pl.col("event_id") + "-again", occurred_at=pl.col("occurred_at") + pl.duration(minutes=3)
        )
        missing = pl.col("event_id") == f"{self.missing_deposit}-3"
        # the PSP's own count knows better than its report
        self.sources.differs("psp_transactions", feed.filter(missing), "unexplained")
        self.sources.differs("psp_transactions", twice, "unexplained", -1)
        return pl.concat([feed.filter(~missing), twice]).sort("occurred_at", "event_id")

    def in_bank_lines(self, lines: pl.DataFrame) -> pl.DataFrame:
        """A receipt nobody explains, on a client-money account."""
        day = (self.world.start_us + 22 * DAY) // DAY
        self._break(
            "bank",
            "unexplained_line",
            day * DAY,
            reference="TRANSFER 20931 SEE LETTER",
            amount="1234.56",
            bank_account="CY-EUR-CLIENT",
        )
        row = pl.DataFrame([{
            "entity": ENTITIES.index("CY"), "currency": CURRENCIES.index("EUR"), "client_money": True, "day": day, "amount": 123_456,
            "name": "H. Unbekannt", "account": "iban_unknown0001", "reference": "TRANSFER 20931 SEE LETTER", "kind": "receipt",
        }])  # fmt: skip
        return pl.concat([lines, row], how="diagonal_relaxed")

    def skipped_sweep(self) -> tuple[int, int, int]:
        """The segregation that is made a business day late."""
        day = (self.world.start_us + 26 * DAY) // DAY
        self._break(
            "client_money", "sweep_late", day * DAY, entity="CY", currency="EUR", on_or_after=iso(day * DAY)[:10]
        )
        return ENTITIES.index("CY"), CURRENCIES.index("EUR"), day

    def in_statements(self, frame: pl.DataFrame) -> pl.DataFrame:
        """One statement opens 5.00 above where the one before closed, and says so at its close too."""
        at = moment(self.world.start_us + 33 * DAY).date()
        own = frame.filter((pl.col("bank_account") == "UK-GBP-FIRM") & (pl.col("opened_on") >= at)).sort("opened_on")
        if own.is_empty():
            return frame
        chosen = own["statement_id"][0]
        self._break(
            "bank", "statement_opening", int(self.world.start_us + 33 * DAY), statement_id=chosen, amount="5.00"
        )
        five = decimals(pl.Series([500]).to_numpy(), 2)[0]
        opening = pl.col("opening_balance")
        return frame.with_columns(
            opening_balance=pl.when(pl.col("statement_id") == chosen)
            .then(opening + pl.lit(five))
            .otherwise(opening)
            .cast(frame.schema["opening_balance"])
        )

    def in_links(self, links: pl.DataFrame, network: Network) -> pl.DataFrame:
        """The first root is put below its own descendant: the link that closes the cycle must be left out."""
        at = self.world.start_us + 48 * DAY
        descendant = int((network.parent < 0).sum()) + 2  # the third partner of the long branch below that root
        root, below = network.ids(np.array([0, descendant]))
        self._break("partners", "partner_cycle", at, child_id=root, parent_partner_id=below, valid_from=iso(at))
        link = links.head(1).with_columns(
            child_kind=pl.lit("partner"),
            child_id=pl.lit(root),
            parent_partner_id=pl.lit(below),
            reason=pl.lit("re-parented"),
            valid_from=pl.lit(moment(at)).cast(pl.Datetime("us")),
        )
        return pl.concat([links, link]).sort("valid_from", "child_kind", "child_id")

    def delayed(
        self, feed: str, frame: pl.DataFrame, keys: list[str], chosen: pl.DataFrame, label: str
    ) -> pl.DataFrame:
        """Holds `chosen` rows back from the main files and writes them into a later batch. Returns the rest."""
        if not self.batched or chosen.is_empty():
            return frame
        self.sources.differs(feed, chosen, "late")
        path = self.writer.write_as(feed, chosen, label, LATE, "-late")
        for key in chosen.select(keys).iter_rows(named=True):
            self.late.append({"feed": feed, "key": key, "file": path.name if path else None, "batch": label})
        return frame.join(chosen.select(keys), on=keys, how="anti", maintain_order="left")

    def corrected(
        self, feed: str, wrong: pl.DataFrame, right: pl.DataFrame, keys: list[str], frame: pl.DataFrame, what: str
    ) -> pl.DataFrame:
        """The main files say `wrong` for these keys; the second batch brings `right`, stamped with a source version."""
        if not self.batched or right.is_empty():
            return frame
        path = self.writer.write_as(
            feed, right.with_columns(source_version=pl.lit(2)), "b2", CORRECTIONS, "-corrections"
        )
        for key in right.select(keys).iter_rows(named=True):
            self.corrections.append(
                {"feed": feed, "key": key, "columns": what, "file": path.name if path else None, "batch": "b2"}
            )
        return pl.concat([frame.join(right.select(keys), on=keys, how="anti", maintain_order="left"), wrong])

    def spoilt(
        self, feed: str, frame: pl.DataFrame, keys: list[str], bad: list[tuple[str, dict[str, Any]]]
    ) -> pl.DataFrame:
        """A CSV of a few good rows, taken from the main file, between malformed copies under keys of their own."""
        good = frame.head(len(bad) + 1)
        if not self.batched or len(good) <= len(bad):
            return frame
        text = good.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")).select(
            pl.all().cast(pl.String)
        )
        self.sources.differs(feed, good.head(len(bad)), "quarantined")
        rows: list[dict[str, Any]] = []
        for number, (rule, change) in enumerate(bad):
            rows += [text.row(number, named=True), text.row(number, named=True) | {keys[-1]: f"BAD-{number}"} | change]
            self.malformed.append(
                {
                    "feed": feed,
                    "file": self.writer.name(feed, "b1", FAULTY, "-faulty"),
                    "row_number": len(rows),
                    "rule": rule,
                    "columns": sorted(change),
                }
            )
        rows.append(text.row(len(bad), named=True))
        self.writer.write_as(feed, pl.DataFrame(rows, schema=text.schema), "b1", FAULTY, "-faulty")
        return frame.join(good.select(keys), on=keys, how="anti", maintain_order="left")

    def _break(self, reconciliation: str, kind: str, at: int, **facts: Any) -> None:
        if at + DAY < self.world.cut_us:
            self.breaks.append(
                {"case": "break", "reconciliation": reconciliation, "kind": kind, "seen_by": iso(at + 23 * HOUR)}
                | facts
            )

    def write_truth(self) -> None:
        """The lists of faults, next to the planted cases."""
        self.writer.write_truth("breaks", self.breaks)
        if self.batched:
            self.writer.write_truth("late_rows", self.late)
            self.writer.write_truth("corrected_rows", self.corrections)
            self.writer.write_truth("malformed_rows", self.malformed)
