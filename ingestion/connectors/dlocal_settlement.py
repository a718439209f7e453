"""dLocal's settlement (cross-border) report: a HEADER record under a header of its own, then a second header and the items below it.

Amounts are in the settlement currency with six decimals and signed; fees are negative when they cost. The record HEADER is the transfer
to the bank; its totals are rounded, so they are compared at their own precision.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Total
from ingestion.connectors.bodies import batches
from ingestion.connectors.record_lines import Taken, fitted, lines
from ingestion.connectors.values import decimal_of, exact, moment_of, trimmed

_TOTALS = {"GROSS_TOTAL_AMOUNT": "GROSS_AMOUNT", "FEE_TOTAL_AMOUNT": "FEE_AMOUNT", "NET_TOTAL_AMOUNT": "NET_AMOUNT"}
_KINDS: Mapping[str, tuple[str, str]] = {
    "PAYMENT": ("adjustment", "deposit"),
    "CAPTURE": ("adjustment", "deposit"),
    "REFUND": ("refund", "adjustment"),
    "CHARGEBACK": ("chargeback", "adjustment"),
    "CHARGEBACK_REVERSAL": ("adjustment", "chargeback_reversal"),
    "PAYOUT": ("withdrawal", "adjustment"),
    "SETTLEMENT_FEE": ("fee", "adjustment"),
    "FEE": ("fee", "adjustment"),
    "ADJUSTMENT": ("adjustment", "adjustment"),
}
"""Row type -> (kind when it takes from the balance, kind when it adds)."""
_READ = {
    *("ROW_TYPE", "GROSS_AMOUNT", "FEE_AMOUNT", "DLOCAL_TRANSACTION_ID", "TRANSACTION_ID", "COUNTRY", "APPROVED_DATE"),
}
"""Columns that the row's own fields hold; every other filled one is kept beside the row."""
_METHODS = {"CARD": "card", "BANK_TRANSFER": "bank_wire", "WALLET": "ewallet", "TICKET": "local"}


@dataclass(frozen=True)
class DlocalSettlement:
    """Settings: `bank_account` (where a transfer goes), `time_zone` (of the report's times; UTC)."""

    name: ClassVar[str] = "dlocal_settlement"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)
    feeds: ClassVar[tuple[str, ...]] = ("psp_transactions",)

    bank_account: str | None = None
    time_zone: str = "UTC"

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for a first header that begins with ROW_TYPE and names the totals."""
        start = head.lstrip(b"\xef\xbb\xbf")
        return start.startswith(b"ROW_TYPE,SETTLEMENT_CURRENCY") and b"TRANSFER_ID" in start

    def read(self, path: Path) -> Iterator[Batch]:
        """A row for the transfer and one for each item."""
        taken, header, top = Taken(), list[str](), dict[str, str]()
        sums = dict.fromkeys(_TOTALS, Decimal(0))
        for number, cells in lines(path):
            try:
                if cells[0].strip() == "ROW_TYPE":
                    header = [name.strip() for name in cells]
                    while header and not header[-1]:
                        header.pop()
                    continue
                if not header:
                    raise BadFile(f"{path.name} does not begin with its header.", "Drop dLocal's report as delivered.")
                row = dict(zip(header, fitted(cells, len(header)), strict=True))
                if row["ROW_TYPE"] == "HEADER":
                    top = row
                    made = self._transfer(row)
                else:
                    made = self._item(row, top)
                    for total, name in _TOTALS.items():
                        sums[total] += decimal_of(row.get(name)) or Decimal(0)
                taken.rows.append({**made, "_row_number": number})
            except ValueError as error:
                taken.refuse(number, error, cells, header)
        if not header or not (taken.rows or taken.rejected):
            raise BadFile(f"{path.name} holds no settlement.", "Drop dLocal's report as delivered.")
        taken.said += _footing(top, sums)
        totals = tuple(_totals(top, taken.newest))
        yield from batches("psp_transactions", taken.rows, tuple(taken.rejected), tuple(taken.said), totals)

    def _transfer(self, row: Mapping[str, str]) -> dict[str, object]:
        net, transfer = decimal_of(row.get("NET_TOTAL_AMOUNT")), trimmed(row.get("TRANSFER_ID"))
        if net is None or transfer is None:
            raise ValueError("NET_TOTAL_AMOUNT or TRANSFER_ID: is missing")
        return {
            "psp": "dlocal",
            "event_id": f"transfer:{transfer}",
            "psp_txn_id": f"transfer:{transfer}",
            "kind": "settlement" if net >= 0 else "adjustment",
            "status": "completed",
            "amount": exact(abs(net)),
            "currency": trimmed(row.get("SETTLEMENT_CURRENCY")),
            "direction": "out" if net >= 0 else "in",
            "bank_account": self.bank_account,
            "settlement_batch_id": transfer,
            "occurred_at": moment_of(trimmed(row.get("TRANSFER_DATE")) or "", self.time_zone),
            "items": trimmed(row.get("NUMBER_OF_ITEMS")),
        }

    def _item(self, row: Mapping[str, str], top: Mapping[str, str]) -> dict[str, object]:
        said = row["ROW_TYPE"].strip()
        if said not in _KINDS:
            raise ValueError(f"ROW_TYPE: {said!r} is not foreseen; known are {', '.join(_KINDS)}")
        gross, fee, net = (decimal_of(row.get(name)) for name in ("GROSS_AMOUNT", "FEE_AMOUNT", "NET_AMOUNT"))
        if net is None:
            raise ValueError("NET_AMOUNT: is missing")
        alone = not gross
        value = net if alone else gross or Decimal(0)
        kind = _KINDS[said][1 if value >= 0 else 0]
        currency, transfer = trimmed(top.get("SETTLEMENT_CURRENCY")), trimmed(top.get("TRANSFER_ID"))
        own = trimmed(row.get("DLOCAL_TRANSACTION_ID"))
        moment = next((found for name in ("APPROVED_DATE", "CREATION_DATE") if (found := trimmed(row.get(name)))), None)
        return {
            "psp": "dlocal",
            "event_id": ":".join(part for part in (transfer, said, own) if part),
            "psp_txn_id": own if said != "SETTLEMENT_FEE" else f"fee:{own}",
            "kind": kind,
            "status": "completed",
            "method": _METHODS.get((trimmed(row.get("PAYMENT_TYPE")) or "").upper(), "local")
            if kind == "deposit"
            else None,
            "amount": exact(abs(value)),
            "currency": currency,
            "fee_amount": exact(-fee) if fee is not None and not alone else None,
            "fee_currency": currency if fee is not None and not alone else None,
            "direction": "in" if value >= 0 else "out",
            "client_reference": trimmed(row.get("TRANSACTION_ID")),
            "payer_bank_country": trimmed(row.get("COUNTRY")),
            "settlement_batch_id": transfer,
            "occurred_at": moment_of(moment or trimmed(top.get("TRANSFER_DATE")) or "", self.time_zone),
            "row_type": said,
            **{name: text for name, value in row.items() if name not in _READ and (text := trimmed(value))},
        }


def _footing(top: Mapping[str, str], sums: Mapping[str, Decimal]) -> Iterator[str]:
    for total, name in _TOTALS.items():
        try:
            stated = decimal_of(top.get(total))
        except ValueError:
            continue
        if stated is None:
            continue
        rounded = sums[total].quantize(Decimal("0.01"), ROUND_HALF_UP)
        if stated not in (sums[total], rounded):
            yield f"{total} is {exact(stated)}, the items' {name} add up to {exact(sums[total])}"


def _totals(top: Mapping[str, str], at: str | None) -> Iterator[Total]:
    """The header's count of its items; the header itself is a row as well."""
    with suppress(ValueError):
        items = decimal_of(top.get("NUMBER_OF_ITEMS"))
        if items is not None and at is not None:
            yield Total("dlocal", at, row_count=int(items) + 1)


CONNECTOR = DlocalSettlement()
