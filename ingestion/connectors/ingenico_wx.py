"""Ingenico (Worldline, GlobalCollect) WX financial statement: XML, often gzip; amounts in minor units, reductions negative.

A record's type says what it is: ON and OF are payments, CR a refund, CB a chargeback; another type moves the balance by its sign.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.bodies import batches
from ingestion.connectors.values import decimal_of, exact, from_minor, moment_of
from ingestion.connectors.xml_documents import Element, every, leaves, local, text, unpacked_head, xml_root

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("ON", "OF", "IP", "DD", "SP", "OC"), "deposit"),
    **{"CR": "refund", "RF": "refund", "CB": "chargeback", "RV": "chargeback", "CC": "chargeback_reversal"},
}
_AMOUNTS = (
    ("AmountDue", "CurrencyDue"),
    ("AmountDelivered", "CurrencyDelivered"),
    ("PaymentAmount", "PaymentCurrency"),
)
_CARD = "1"
_REMEDY = "Fetch the statement again."


@dataclass(frozen=True)
class IngenicoWx:
    """No settings."""

    name: ClassVar[str] = "ingenico_wx"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.xml", "*.xml.gz")
    feeds: ClassVar[tuple[str, ...]] = ("psp_transactions",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for the report element in GlobalCollect's namespace."""
        start = unpacked_head(head)
        return b"globalcollect.com" in start and b"DataRecord" in start

    def read(self, path: Path) -> Iterator[Batch]:
        """A row a record; what the records are due is compared with the totals the file states."""
        root = xml_root(path, "WX statement", _REMEDY)
        records = every(root, "DataRecord")
        if local(root) != "report" or (not records and not every(root, "NumberOfRecords")):
            raise BadFile(f"{path.name} is no WX statement (found {local(root)}).", "Drop the WX report instead.")
        batch = f"{text(root, 'Filename') or path.name}:{text(root, 'DateProduction') or ''}"
        good: list[dict[str, object]] = []
        bad: list[Rejected] = []
        due: dict[str, Decimal] = {}
        for number, record in enumerate(records, start=1):
            try:
                good.append({**_row(record, batch, due), "_row_number": number})
            except ValueError as error:
                bad.append(Rejected(number, (str(error),), leaves(record)))
        yield from batches("psp_transactions", good, tuple(bad), tuple(_totals(root, len(records), due)))


def _row(record: Element, batch: str, due: dict[str, Decimal]) -> dict[str, object]:
    data = next(iter(every(record, "PaymentData")), None)
    if data is None:
        raise ValueError("PaymentData: is missing")
    said = text(data, "Recordtype")
    found = [(value, text(data, unit)) for name, unit in _AMOUNTS if (value := _whole(data, name)) is not None]
    if not found:
        raise ValueError("AmountDue, AmountDelivered, PaymentAmount: are missing")
    minor, currency = found[0]
    value = from_minor(minor, currency) or Decimal(0)
    kind = _KINDS.get(said or "", "adjustment")
    if (kind in ("deposit", "chargeback_reversal") and value < 0) or (kind in ("refund", "chargeback") and value > 0):
        kind = "adjustment"
    if _whole(data, "AmountDue") is not None:
        due[currency or ""] = due.get(currency or "", Decimal(0)) + minor
    order = [part for name in ("MerchantID", "OrderID", "EffortID", "AttemptID") if (part := text(record, name))]
    if len(order) < 2:
        raise ValueError("OrderID: is missing")
    own = ":".join([*order, said or ""]) if kind != "deposit" else ":".join(order)
    return {
        "psp": "ingenico",
        "event_id": ":".join([*order, said or "", text(data, "PaymentStatus") or ""]),
        "psp_txn_id": own,
        "kind": kind,
        "status": "completed",
        "method": "card" if text(data, "PaymentMethodId") == _CARD else "local",
        "amount": exact(abs(value)),
        "currency": currency,
        "direction": "in" if value >= 0 else "out",
        "original_psp_txn_id": ":".join([*order[:2], "1", *order[3:]]) if kind in ("refund", "chargeback") else None,
        "client_reference": text(data, "AdditionalReference"),
        "instrument_id": text(data, "CardNumber"),
        "instrument_country": text(data, "IssuerCountry"),
        "settlement_batch_id": batch,
        "decline_code": text(data, "DeductionReasonID"),
        "occurred_at": moment_of(text(data, "TransactionDateTime") or ""),
        "record_type": said,
        "payment_reference": text(data, "PaymentReference"),
        "reason": text(data, "DeductionReasonDescription"),
        "due_on": text(data, "DateDue"),
    }


def _whole(data: Element, name: str) -> Decimal | None:
    try:
        return decimal_of(text(data, name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _totals(root: Element, records: int, due: Mapping[str, Decimal]) -> Iterator[str]:
    stated = text(root, "NumberOfRecords")
    if stated is not None and stated != str(records):
        yield f"the file states {stated} records and holds {records}"
    for total in every(root, "TotalAmount"):
        currency = text(total, "CurrencyDue") or ""
        try:
            expected = decimal_of(text(total, "TotalAmountDue"))
        except ValueError:
            expected = None
        if expected is not None and expected != due.get(currency, Decimal(0)):
            yield f"the file states {expected} {currency} due (minor units), its records add up to {due.get(currency, 0)}"


CONNECTOR = IngenicoWx()
