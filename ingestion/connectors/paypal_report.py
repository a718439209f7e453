"""PayPal's settlement (STL) and transaction detail (TRR) reports: the first cell of a line says what it is (SH, CH, SB, SF, RF ...).

Amounts are unsigned integers, hundredths of every currency (PayPal's exponent is 2 for the yen too), with CR or DR beside them. The
section and report footers (SF, RF) state totals per currency; where the rows differ the load says so.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Total
from ingestion.connectors.bodies import batches
from ingestion.connectors.record_lines import Taken, cell, fitted, lines
from ingestion.connectors.values import decimal_of, exact, trimmed, utc_text

_BESIDE = {"RH", "FH", "SH", "SF", "SC", "RF", "RC", "FF", "FC", "RV"}
# Beginning of the T-code -> (kind when our balance is debited, kind when it is credited); the longest one that fits counts.
EVENT_KINDS: Mapping[str, tuple[str, str]] = {
    "T00": ("withdrawal", "deposit"),
    "T01": ("fee", "adjustment"),
    "T03": ("adjustment", "adjustment"),
    "T04": ("settlement", "adjustment"),
    "T1106": ("chargeback", "chargeback_reversal"),
    "T1107": ("refund", "adjustment"),
    "T1110": ("reserve_hold", "reserve_release"),
    "T1111": ("reserve_hold", "reserve_release"),
    "T12": ("chargeback", "chargeback_reversal"),
    "T15": ("reserve_hold", "reserve_release"),
    "T21": ("reserve_hold", "reserve_release"),
    "T": ("adjustment", "adjustment"),
}
_WITHOUT_MONEY = {"T1300": "authorised", "T1301": "authorised", "T1302": "cancelled"}
_READ = {
    *(
        "CH",
        "Transaction ID",
        "Invoice ID",
        "PayPal Reference ID",
        "PayPal Reference ID Type",
        "Transaction Event Code",
    ),
    *(
        "Transaction Completion Date",
        "Transaction Debit or Credit",
        "Gross Transaction Amount",
        "Gross Transaction Currency",
    ),
    *("Fee Debit or Credit", "Fee Amount", "Fee Currency", "Consumer ID", "First Name", "Last Name"),
}
"""Columns that the row's own fields hold; every other filled one is kept beside the row."""
_STATUS = {"": "completed", "S": "completed", "F": "completed", "V": "completed", "P": "pending", "D": "declined"}
_UNDOES = {"refund", "chargeback", "chargeback_reversal", "reserve_hold", "reserve_release", "fee", "adjustment"}

Sums = dict[str, dict[str, Decimal]]
"""Currency -> hundredths credited, debited, and fees credited, debited."""


@dataclass(frozen=True)
class PaypalReport:
    """Settings: `bank_account` (where a withdrawal goes)."""

    name: ClassVar[str] = "paypal_report"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv", "*.txt")
    feeds: ClassVar[tuple[str, ...]] = ("psp_transactions",)

    bank_account: str | None = None

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for a column header line (CH) with PayPal's event code."""
        squeezed = head.replace(b'"', b"")
        return (
            b"\nCH," in squeezed or squeezed.lstrip(b"\xef\xbb\xbf").startswith(b"CH,")
        ) and b"Transaction Event Code" in head

    def read(self, path: Path) -> Iterator[Batch]:
        """A row for each body line (SB)."""
        taken, header, account = Taken(), list[str](), None
        sums: Sums = defaultdict(lambda: dict.fromkeys(("CR", "DR", "fee CR", "fee DR"), Decimal(0)))
        footers: dict[str, Sequence[str]] = {}
        counts: dict[str, list[str | None]] = {"SC": [], "RC": []}
        for number, cells in lines(path):
            record = cells[0].strip()
            if record == "CH":
                header = [name.strip() for name in cells]
                while header and not header[-1]:
                    header.pop()
                continue
            if record == "SH":
                account = cell(cells, 3)
            if record in ("SF", "RF") and (currency := cell(cells, 1)):
                footers.setdefault(currency, cells)
            if record in counts:
                counts[record].append(cell(cells, 1))
            if record in _BESIDE:
                continue
            try:
                if record != "SB":
                    raise ValueError(f"{record!r} is no record of a PayPal report")
                if not header:
                    raise BadFile(
                        f"{path.name} has a body line before its columns are named.", "Fetch the report again."
                    )
                row = dict(zip(header, fitted(cells, len(header)), strict=True))
                taken.rows.append({**self._row(row, account, sums), "_row_number": number})
            except ValueError as error:
                taken.refuse(number, error, cells, header)
        if not header:
            raise BadFile(f"{path.name} names no columns (CH).", "Drop PayPal's STL or TRR report as delivered.")
        taken.said += _footing(footers, sums)
        totals = tuple(_totals(footers, counts["RC"] or counts["SC"], taken.newest))
        yield from batches("psp_transactions", taken.rows, tuple(taken.rejected), tuple(taken.said), totals)

    def _row(self, row: Mapping[str, str], account: str | None, sums: Sums) -> dict[str, object]:
        own, code = trimmed(row.get("Transaction ID")), trimmed(row.get("Transaction Event Code"))
        if own is None or code is None:
            raise ValueError("Transaction ID or Transaction Event Code: is missing")
        side, currency = trimmed(row.get("Transaction Debit or Credit")), trimmed(row.get("Gross Transaction Currency"))
        if side not in ("CR", "DR"):
            raise ValueError(f"Transaction Debit or Credit: {side!r} is neither CR nor DR")
        gross, fee = _hundredths(row, "Gross Transaction Amount"), _hundredths(row, "Fee Amount")
        fee_side = trimmed(row.get("Fee Debit or Credit"))
        if gross is None or (fee and fee_side not in ("CR", "DR")):
            raise ValueError("Gross Transaction Amount is missing, or the fee has no side")
        status = _WITHOUT_MONEY.get(code) or _STATUS.get(trimmed(row.get("Transactional Status")) or "", "completed")
        kind = "deposit" if code in _WITHOUT_MONEY else _kind(code, credited=side == "CR")
        if status == "completed":
            sums[currency or ""][side] += gross
        fee_currency = trimmed(row.get("Fee Currency")) or currency
        if fee and status == "completed":
            sums[fee_currency or ""][f"fee {fee_side}"] += fee
        names = [name for part in ("First Name", "Last Name") if (name := trimmed(row.get(part)))]
        reference, reference_kind = (
            trimmed(row.get("PayPal Reference ID")),
            trimmed(row.get("PayPal Reference ID Type")),
        )
        return {
            "psp": "paypal",
            "event_id": f"{own}:{code}",
            "psp_txn_id": own,
            "kind": kind,
            "status": status,
            "method": "ewallet",
            "amount": exact(gross.scaleb(-2)),
            "currency": currency,
            "fee_amount": exact((fee if fee_side == "DR" else -fee).scaleb(-2)) if fee is not None else None,
            "fee_currency": fee_currency if fee is not None else None,
            "direction": "in" if side == "CR" else "out",
            "original_psp_txn_id": reference if reference_kind == "TXN" and kind in _UNDOES else None,
            "bank_account": self.bank_account if kind == "settlement" else None,
            "client_reference": trimmed(row.get("Invoice ID")) or trimmed(row.get("Custom Field")),
            "instrument_id": trimmed(row.get("Consumer ID")),
            "instrument_holder": " ".join(names) or None,
            "occurred_at": _moment(row),
            "event_code": code,
            "account": account,
            "reference": reference,
            "reference_type": reference_kind,
            **{name: text for name, value in row.items() if name not in _READ and (text := trimmed(value))},
        }


def _kind(code: str, *, credited: bool) -> str:
    fitting = max((start for start in EVENT_KINDS if code.startswith(start)), key=len, default="")
    if not fitting:
        raise ValueError(f"Transaction Event Code: {code!r} is no T-code")
    return EVENT_KINDS[fitting][1 if credited else 0]


def _hundredths(row: Mapping[str, str], name: str) -> Decimal | None:
    try:
        value = decimal_of(row.get(name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if value is not None and (value < 0 or value != value.to_integral_value()):
        raise ValueError(f"{name}: {row[name]!r} is no whole number of hundredths")
    return value


def _moment(row: Mapping[str, str]) -> str:
    text = trimmed(row.get("Transaction Completion Date")) or trimmed(row.get("Transaction Initiation Date")) or ""
    try:
        return utc_text(datetime.strptime(text, "%Y/%m/%d %H:%M:%S %z"))
    except (ValueError, OverflowError):
        raise ValueError(f"Transaction Completion Date: {text!r} is not a time with its offset") from None


def _footing(footers: Mapping[str, Sequence[str]], sums: Sums) -> Iterator[str]:
    for currency, cells in footers.items():
        for place, side in enumerate(("CR", "DR", "fee CR", "fee DR"), start=2):
            try:
                stated = decimal_of(cell(cells, place)) or Decimal(0)
            except ValueError:
                continue
            found = sums[currency][side] if currency in sums else Decimal(0)
            if stated != found:
                yield f"{currency} {side}: the footer states {exact(stated)}, the rows add up to {exact(found)} (hundredths)"
    for currency in sums.keys() - footers.keys():
        if footers and currency:
            yield f"{currency}: no footer, so its movements were converted on the fly"


def _totals(footers: Mapping[str, Sequence[str]], counts: Sequence[str | None], at: str | None) -> Iterator[Total]:
    """The report's count of its body lines, and per currency all that was credited and debited (gross amounts)."""
    if at is None:
        return
    with suppress(ValueError):
        if counts:
            yield Total("paypal", at, row_count=int(sum(decimal_of(one) or 0 for one in counts)))
    for currency, cells in footers.items():
        with suppress(ValueError):
            moved = sum((decimal_of(cell(cells, place)) or Decimal(0) for place in (2, 3)), Decimal(0))
            yield Total("paypal", at, currency, amount=moved.scaleb(-2))


CONNECTOR = PaypalReport()
