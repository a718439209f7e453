"""Whose webhook it is, and whether it is genuine: the signature over the exact bytes received, each provider's own way.

A provider is a row of SCHEMES: its connector, the headers it signs with, the algorithm. Its secret stands in the environment,
DAYBOOK_WEBHOOK_SECRETS='{"sumsub": "…"}'; a provider without one is not answered.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ingestion.connectors import connectors
from ingestion.connectors.sumsub import verify_signature as sumsub_signature
from warehouse.settings import Settings

Headers = Mapping[str, str]
"""Lower-case names."""
Place = tuple[str, ...]


@dataclass(frozen=True)
class Scheme:
    """How a provider signs. `signature` and `timestamp` are headers; `signed` names the bytes; `sent_at` is where a body says its time."""

    connector: str
    signature: str
    algorithm: str = "sha256"
    signed: str = "body"
    timestamp: str | None = None
    algorithm_header: str | None = None
    sent_at: Place = ()


SCHEMES: Mapping[str, Scheme] = {
    "sumsub": Scheme("sumsub", "x-payload-digest", algorithm_header="x-payload-digest-alg", sent_at=("createdAtMs",)),
    "onfido": Scheme("onfido", "x-sha2-signature", sent_at=("payload", "object", "completed_at_iso8601")),
    "veriff": Scheme("veriff", "x-hmac-signature", sent_at=("verification", "decisionTime")),
    "coinspaid": Scheme("coinspaid", "x-processing-signature", algorithm="sha512"),
    "stripe": Scheme("stripe_objects", "stripe-signature", signed="timestamp.body", timestamp="stripe-signature"),
}
"""Provider, as in the address `/webhooks/<provider>` -> how it signs."""


def taken(settings: Settings) -> dict[str, Scheme]:
    """The providers that are answered: those with a secret whose files a connector reads."""
    return {
        name: scheme
        for name, scheme in SCHEMES.items()
        if name in settings.webhook_secrets and scheme.connector in connectors()
    }


def is_genuine(scheme: Scheme, headers: Headers, body: bytes, secret: str) -> bool:
    """True when the signature is the provider's over exactly these bytes; compared in constant time."""
    given = headers.get(scheme.signature, "").strip()
    if not given or not secret:
        return False
    if scheme.algorithm_header:
        return sumsub_signature(body, given, headers.get(scheme.algorithm_header, ""), secret)
    signed = body if scheme.signed == "body" else f"{_stated(scheme, headers)}.".encode() + body
    expected = hmac.new(secret.encode(), signed, getattr(hashlib, scheme.algorithm)).hexdigest()
    candidates = re.findall(r"v1=([0-9a-fA-F]+)", given) or [given]
    return any(hmac.compare_digest(expected.encode(), one.lower().encode("utf-8", "replace")) for one in candidates)


def sent_at(scheme: Scheme, headers: Headers) -> float | None:
    """When it was sent, seconds since 1970, as the signature covers it; None where the provider signs no time."""
    text = _stated(scheme, headers)
    return float(text) if text else None


def _stated(scheme: Scheme, headers: Headers) -> str | None:
    if scheme.timestamp is None:
        return None
    value = headers.get(scheme.timestamp, "")
    found = re.search(r"(?:^|,)\s*t=(\d{1,15})", value) or re.fullmatch(r"\s*(\d{1,15})\s*", value)
    return found[1] if found else None


def happened_at(scheme: Scheme, body: bytes) -> float | None:
    """What a signed body itself says of its time, seconds since 1970; None where it says nothing that can be read."""
    try:
        value = json.loads(body)
        for name in scheme.sent_at:
            value = value[name]
        moment = datetime.fromisoformat(str(value)) if scheme.sent_at else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if moment is None:
        return None
    return moment.timestamp() if moment.tzinfo else datetime.fromisoformat(f"{moment.isoformat()}+00:00").timestamp()


def waiting(settings: Settings, scheme: Scheme) -> Path:
    """Where bodies wait for the ordinary ingestion."""
    return settings.landing / scheme.connector
