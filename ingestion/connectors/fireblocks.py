"""Fireblocks' transaction webhooks, versions 1 and 2: times in milliseconds, amounts as text in `amountInfo` (as JSON numbers beside it).

A transfer into a vault is a deposit, one out of it a withdrawal, one between vaults an adjustment of nothing. The network's fee is paid
in the chain's own coin, which may be another one than was sent.
"""

from collections.abc import Mapping
from decimal import Decimal

from ingestion.connectors.bodies import Bodies, Body, Row, at, need, number, word
from ingestion.connectors.values import exact, from_epoch

_DONE = {
    "COMPLETED": "completed",
    "REJECTED": "declined",
    "BLOCKED": "declined",
    "CANCELLED": "cancelled",
    "CANCELLING": "pending",
}
_STATUS: Mapping[str, str] = {
    **_DONE,
    **dict.fromkeys(("FAILED", "TIMEOUT", "PARTIALLY_COMPLETED"), "failed"),
    **dict.fromkeys(
        ("SUBMITTED", "QUEUED", "PENDING_AUTHORIZATION", "PENDING_SIGNATURE", "PENDING_ENRICHMENT"), "initiated"
    ),
    **dict.fromkeys(("PENDING_3RD_PARTY", "PENDING_3RD_PARTY_MANUAL_APPROVAL", "PENDING_AML_SCREENING"), "pending"),
    **dict.fromkeys(("BROADCASTING", "CONFIRMING", "PENDING_CONSOLE_APPROVAL"), "pending"),
}
_OURS = {"VAULT_ACCOUNT", "GAS_STATION"}


def rows(body: Body) -> list[Row]:
    """One row an event about a transaction."""
    data = at(body, "data")
    if not isinstance(data, dict):
        raise ValueError("data: is missing")
    own, stands = need(data, "id"), need(data, "status")
    if stands not in _STATUS:
        raise ValueError(f"status: {stands!r} is not foreseen; known are {', '.join(_STATUS)}")
    came, went = word(data, "source", "type") in _OURS, word(data, "destination", "type") in _OURS
    kind = "deposit" if went and not came else "withdrawal" if came and not went else "adjustment"
    value = number(data, "amountInfo", "amount")
    value = value if value is not None else number(data, "amount")
    if value is None:
        raise ValueError("amountInfo.amount: is missing")
    fee = number(data, "feeInfo", "networkFee")
    fee = fee if fee is not None else number(data, "networkFee")
    paid = fee if kind != "deposit" else None  # the sender pays the network
    told = at(body, "timestamp") if at(body, "timestamp") is not None else at(body, "createdAt")
    row: dict[str, object] = {
        "psp": "fireblocks",
        "event_id": f"{own}:{stands}:{word(data, 'subStatus') or ''}",
        "psp_txn_id": own,
        "kind": kind,
        "status": _STATUS[stands],
        "method": "crypto",
        "amount": exact(value if kind != "adjustment" else Decimal(0)),
        "currency": _coin(need(data, "assetId")),
        "fee_amount": exact(paid),
        "fee_currency": _coin(word(data, "feeCurrency") or need(data, "assetId")) if paid is not None else None,
        "direction": "out" if kind == "adjustment" else None,
        "client_reference": word(data, "externalTxId") or word(data, "customerRefId") or word(data, "note"),
        "instrument_id": word(data, "sourceAddress" if kind == "deposit" else "destinationAddress"),
        "occurred_at": from_epoch(told if told is not None else at(data, "lastUpdated"), 1000),
        "asset_id": word(data, "assetId"),
        "moved_amount": exact(value),
        "network_fee": exact(fee),
        "amount_usd": word(data, "amountInfo", "amountUSD") or word(data, "amountUSD"),
        "blockchain_txid": word(data, "txHash"),
        "vault_account": word(data, "destination" if went else "source", "id"),
    }
    return [("psp_transactions", row)]


def _coin(asset: str) -> str:
    """The currency of an asset id, kept apart by chain and test net: ETH_TEST5 is no ether."""
    return "".join(letter for letter in asset.upper() if letter.isalnum())[:12]


def _marks(head: bytes) -> bool:
    return b'"assetId"' in head and (b'"TRANSACTION_' in head or b'"transaction.' in head)


CONNECTOR = Bodies(name="fireblocks", feeds=("psp_transactions",), marks=_marks, rows=rows)
