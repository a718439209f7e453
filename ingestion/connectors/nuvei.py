"""Nuvei (SafeCharge) notifications (DMN): URL-encoded forms, one a line; amounts in major units; the time has no stated zone (UTC is taken).

`Status` decides, never `ErrCode`: real approved payments come with -1 there.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl

from ingestion.connectors.base import BadFile, Batch
from ingestion.connectors.bodies import batches, utf8_text
from ingestion.connectors.record_lines import Taken
from ingestion.connectors.values import decimal_of, exact, trimmed, utc_text, wall_to_utc

_STATUS = {
    "APPROVED": "completed",
    "SUCCESS": "completed",
    "DECLINED": "declined",
    "ERROR": "failed",
    "PENDING": "pending",
    "CANCELED": "cancelled",
}
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("", "Sale", "Settle", "Auth", "DEPOSIT"), "deposit"),
    **{
        "Credit": "refund",
        "Refund": "refund",
        "Void": "deposit",
        "Chargeback": "chargeback",
        "WITHDRAWAL": "withdrawal",
        "Payout": "withdrawal",
    },
}
_MAX_FIELDS = 500


def verify_checksum(form: Mapping[str, str], secret: str, *, digest: str = "sha256") -> bool:
    """True when `advanceResponseChecksum` is the hash of the secret and the six fields that it covers (older accounts: md5)."""
    if not secret or digest not in ("sha256", "md5"):
        return False
    names = ("totalAmount", "currency", "responseTimeStamp", "PPP_TransactionID", "Status", "productId")
    text = secret + "".join(form.get(name, "") for name in names)
    expected = hashlib.new(digest, text.encode()).hexdigest()
    return hmac.compare_digest(expected.encode(), form.get("advanceResponseChecksum", "").lower().encode())


@dataclass(frozen=True)
class Nuvei:
    """Settings: `time_zone` (of `responseTimeStamp`; UTC)."""

    name: ClassVar[str] = "nuvei"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.txt",)
    feeds: ClassVar[tuple[str, ...]] = ("psp_transactions",)

    time_zone: str = "UTC"

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for forms with Nuvei's own fields."""
        return b"ppp_status=" in head and b"PPP_TransactionID=" in head

    def read(self, path: Path) -> Iterator[Batch]:
        """A row a form."""
        text = utf8_text(path, "Split it by lines.", "Drop the forms as received.")
        taken = Taken()
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            form: dict[str, str] = {}
            try:
                form = dict(
                    parse_qsl(line.strip(), keep_blank_values=True, strict_parsing=False, max_num_fields=_MAX_FIELDS)
                )
                taken.rows.append({**self._row(form), "_row_number": number})
            except ValueError as error:
                taken.refuse(number, error, list(form.values()) or [line[:2000]], list(form))
        if not taken.rows and not any("PPP_TransactionID" in one.row for one in taken.rejected):
            raise BadFile(f"{path.name} holds no notification of Nuvei.", "Drop the forms as received, one a line.")
        yield from batches("psp_transactions", taken.rows, tuple(taken.rejected))

    def _row(self, form: Mapping[str, str]) -> dict[str, object]:
        stands, own = trimmed(form.get("Status")), trimmed(form.get("PPP_TransactionID"))
        if own is None or stands not in _STATUS:
            raise ValueError(f"PPP_TransactionID is missing, or Status {stands!r} is none of {', '.join(_STATUS)}")
        said = trimmed(form.get("transactionType")) or trimmed(form.get("type")) or ""
        if said not in _KINDS:
            raise ValueError(f"transactionType: {said!r} is not foreseen; known are {', '.join(_KINDS)}")
        kind, status = _KINDS[said], _STATUS[stands]
        if trimmed(form.get("type")) == "WITHDRAWAL":
            kind = "withdrawal"
        status = {"Auth": "authorised", "Void": "cancelled"}.get(said, status) if status == "completed" else status
        value = decimal_of(form.get("totalAmount"))
        if value is None:
            raise ValueError("totalAmount: is missing")
        method = (trimmed(form.get("payment_method")) or "").lower()
        return {
            "psp": "nuvei",
            "event_id": f"{own}:{trimmed(form.get('TransactionID')) or ''}:{said}:{stands}",
            "psp_txn_id": own,
            "kind": kind,
            "status": status,
            "method": "card" if method.startswith("cc_") else "local" if method else None,
            "amount": exact(abs(value)),
            "currency": trimmed(form.get("currency")),
            "original_psp_txn_id": trimmed(form.get("relatedTransactionId")),
            "client_id": trimmed(form.get("userid")),
            "client_reference": next((found for name in _REFERENCES if (found := trimmed(form.get(name)))), None),
            "instrument_id": trimmed(form.get("uniqueCC")) or trimmed(form.get("userPaymentOptionId")),
            "instrument_holder": trimmed(form.get("nameOnCard")),
            "payer_bank_country": trimmed(form.get("country")),
            "decline_code": trimmed(form.get("ExErrCode")) if status in ("declined", "failed") else None,
            "occurred_at": self._moment(form.get("responseTimeStamp") or ""),
            **{name: trimmed(form.get(name)) for name in _BESIDE},
        }

    def _moment(self, text: str) -> str:
        try:
            return utc_text(wall_to_utc(datetime.strptime(text.strip(), "%Y-%m-%d.%H:%M:%S"), self.time_zone))
        except (ValueError, OverflowError):
            raise ValueError(f"responseTimeStamp: {text!r} is not a time") from None


_REFERENCES = ("clientUniqueId", "merchant_unique_id", "customData", "productId")
_BESIDE = (
    "TransactionID",
    "AuthCode",
    "ErrCode",
    "ExErrCode",
    "productId",
    "customData",
    "merchant_site_id",
    "cardCompany",
    "email",
)

CONNECTOR = Nuvei()
