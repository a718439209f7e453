"""CoinsPaid (CryptoProcessing) callbacks: amounts are texts of eight or more decimals, `foreign_id` is our client or request.

No callback states its own time: a deposit's and a withdrawal's is the time its file was received.
"""

from collections.abc import Mapping
from decimal import Decimal

from ingestion.connectors.bodies import Bodies, Body, Row, amount, at, known, need, number, word
from ingestion.connectors.values import exact

_STATUS = {
    "not_confirmed": "pending",
    "processing": "pending",
    "pending": "pending",
    "confirmed": "completed",
    "cancelled": "cancelled",
}
_KINDS: Mapping[str, str] = {
    **{"deposit": "deposit", "deposit_exchange": "deposit"},
    **{"withdrawal": "withdrawal", "withdrawal_exchange": "withdrawal", "exchange": "adjustment"},
}


def rows(body: Body) -> list[Row]:
    """The transfer, and a fee of its own for each fee in another currency."""
    said, stands, own = need(body, "type"), need(body, "status"), need(body, "id")
    kind, status = known(_KINDS, said, "type"), known(_STATUS, stands, "status")
    side = "currency_received" if kind == "deposit" else "currency_sent"
    currency = need(body, side, "currency").upper()
    same, others = _fees(body, currency)
    is_deposit = kind == "deposit"
    base: dict[str, object] = {
        "psp": "coinspaid",
        "event_id": f"{said}:{own}:{stands}",
        "psp_txn_id": f"{said}:{own}",
        "kind": kind,
        "status": status,
        "method": "crypto",
        "amount": exact(amount(body, side, "amount")),
        "currency": currency,
        "fee_amount": exact(same),
        "fee_currency": currency if same is not None else None,
        "direction": "out" if kind == "adjustment" else None,
        "client_reference": word(body, "foreign_id")
        or (word(body, "crypto_address", "foreign_id") if is_deposit else None),
        "instrument_id": word(body, "crypto_address", "address"),
        "blockchain_txid": word(body, "transactions", 0, "txid"),
        "risk_score": word(body, "transactions", 0, "riskscore"),
        "error": word(body, "error"),
    }
    fees: list[dict[str, object]] = [
        {
            **{
                "psp": "coinspaid",
                "event_id": f"{said}:{own}:{stands}:fee:{name}",
                "psp_txn_id": f"{said}:{own}:fee:{name}",
            },
            **{"kind": "fee", "status": status, "method": "crypto", "amount": exact(value), "currency": name},
        }
        for name, value in others.items()
    ]
    return [("psp_transactions", row) for row in (base, *fees)]


def _fees(body: Body, currency: str) -> tuple[Decimal | None, dict[str, Decimal]]:
    """(the fee in the transfer's currency or None, other fees by currency)."""
    listed = at(body, "fees")
    sums: dict[str, Decimal] = {}
    for place, _ in enumerate(listed if isinstance(listed, list) else []):
        name = (word(body, "fees", place, "currency") or currency).upper()
        sums[name] = sums.get(name, Decimal(0)) + (number(body, "fees", place, "amount") or Decimal(0))
    same = sums.pop(currency, None)
    return same, {name: value for name, value in sums.items() if value}


def _marks(head: bytes) -> bool:
    return b'"currency_sent"' in head and b'"crypto_address"' in head


CONNECTOR = Bodies(name="coinspaid", feeds=("psp_transactions",), marks=_marks, rows=rows, received=True)
