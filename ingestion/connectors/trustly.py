"""Trustly's record-typed reports: H, I (funded items), T (items received), F (a funding) and L lines, without column names.

Amounts are in major units and signed; the fee is negative when it costs. A negative item is a refund, or a payment the bank gave back.
An item received is not funded yet and stays pending; the funding line is the payout of its batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Total
from ingestion.connectors.bodies import batches
from ingestion.connectors.record_lines import Taken, cell, lines, money
from ingestion.connectors.values import exact, moment_of

_ITEM_CELLS = 21
_RECEIVED_CELLS = 15


@dataclass(frozen=True)
class Trustly:
    """Settings: `bank_account` (where a funding goes)."""

    name: ClassVar[str] = "trustly"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)
    feeds: ClassVar[tuple[str, ...]] = ("psp_transactions",)

    bank_account: str | None = None

    def recognises(self, path: Path, head: bytes) -> bool:
        """True when the first line is an H record of one of Trustly's products."""
        return head.lstrip(b"\xef\xbb\xbf").startswith((b"H,P11KFUN,", b"H,P11KREC,"))

    def read(self, path: Path) -> Iterator[Batch]:
        """A row an item and a row a funding; the counts and totals of the L line are compared."""
        taken, moved, funded, items = Taken(), Decimal(0), Decimal(0), 0
        started = closed = False
        fundings, counted = 0, None
        for number, cells in lines(path):
            record = cells[0].strip()
            try:
                if record == "H":
                    started = True
                elif record in ("I", "T"):
                    items += 1
                    row, value = _item(cells, record)
                    moved += value
                    taken.rows.append({**row, "_row_number": number})
                elif record == "F":
                    fundings += 1
                    row, value = self._funding(cells)
                    funded += value
                    taken.rows.append({**row, "_row_number": number})
                elif record == "L":
                    closed, counted = True, money(cells, 1, "count")
                    taken.said += _control(cells, items, funded)
                else:
                    raise ValueError(f"{record!r} is none of the records H, I, T, F, L")
            except ValueError as error:
                taken.refuse(number, error, cells)
        if not started:
            raise BadFile(f"{path.name} does not begin with an H line.", "Drop Trustly's report as delivered.")
        if not closed:
            taken.said.append("there is no L line at the end: the file may have been cut off")
        if funded and moved != funded:
            taken.said.append(f"the items add up to {exact(moved)}, the fundings to {exact(funded)}")
        yield from batches(
            "psp_transactions",
            taken.rows,
            tuple(taken.rejected),
            tuple(taken.said),
            _totals(counted, fundings, taken.newest),
        )

    def _funding(self, cells: list[str]) -> tuple[dict[str, object], Decimal]:
        batch, currency, value = cell(cells, 3), cell(cells, 4), money(cells, 5, "total")
        if batch is None or value is None:
            raise ValueError("F: has no batch or no total")
        paid_out = value >= 0
        return {
            "psp": "trustly",
            "event_id": f"funding:{batch}:{currency}",
            "psp_txn_id": f"funding:{batch}:{currency}",
            "kind": "settlement" if paid_out else "adjustment",
            "status": "completed",
            "method": "bank_wire",
            "amount": exact(abs(value)),
            "currency": currency,
            "direction": "out" if paid_out else "in",
            "bank_account": self.bank_account,
            "settlement_batch_id": batch,
            "occurred_at": moment_of(cell(cells, 7) or ""),
            "merchant": cell(cells, 1),
        }, value


def _item(cells: list[str], record: str) -> tuple[dict[str, object], Decimal]:
    """(the row, what it moves after its fee)."""
    if len(cells) < (_ITEM_CELLS if record == "I" else _RECEIVED_CELLS):
        raise ValueError(f"an {record} line of {len(cells)} cells is too short")
    money_at = 14 if record == "I" else 13
    own, parent, value = cell(cells, 1), cell(cells, 3), money(cells, money_at + 1, "amount")
    fee = money(cells, 22, "fee") if record == "I" else None
    if own is None or value is None:
        raise ValueError("transaction id or amount: is missing")
    said = (cell(cells, 19) if record == "I" else None) or cell(cells, 10) or ""
    kind = "deposit" if value >= 0 else "refund" if said == "Refund" else "chargeback"
    row: dict[str, object] = {
        "psp": "trustly",
        "event_id": f"{record}:{own}:{said}",
        "psp_txn_id": own if kind == "deposit" else f"{own}:{said}",
        "kind": kind,
        "status": "completed" if record == "I" else "pending",
        "method": "bank_wire",
        "amount": exact(abs(value)),
        "currency": cell(cells, money_at),
        "fee_amount": exact(-fee) if fee is not None else None,
        "fee_currency": cell(cells, money_at) if fee is not None else None,
        "original_psp_txn_id": (parent if kind == "refund" else own) if kind != "deposit" else None,
        "client_reference": cell(cells, 20) if record == "I" else None,
        "settlement_batch_id": cell(cells, 16) if record == "I" else None,
        "decline_code": cell(cells, 17) if kind == "chargeback" else None,
        "occurred_at": moment_of(cell(cells, 2) or ""),
        "parent_transaction": parent,
        "payment_status": cell(cells, 11),
        "status_code": cell(cells, 17) if record == "I" else None,
        "instrument_digits": cell(cells, 8),
        "merchant_reference_hash": cell(cells, 9),
        "provider_reference": cell(cells, 21) if record == "I" else cell(cells, len(cells) - 1),
    }
    return row, value + (fee or Decimal(0))


def _control(cells: list[str], items: int, funded: Decimal) -> Iterator[str]:
    count = money(cells, 1, "count")
    if count is not None and count != items:
        yield f"the L line counts {exact(count)} items, the file holds {items}"
    total = money(cells, 4, "total")
    if total is not None and total != funded:
        yield f"the L line states {exact(total)} funded, the F lines add up to {exact(funded)}"


def _totals(counted: Decimal | None, fundings: int, at: str | None) -> tuple[Total, ...]:
    """The L line counts the items; the fundings, which it only adds up, are rows as well."""
    return () if counted is None or at is None else (Total("trustly", at, row_count=int(counted) + fundings),)


CONNECTOR = Trustly()
