"""Whose webhook it is, whether it is genuine and of now: a row of SCHEMES for each provider.

What proves a provider's deliveries stands in the environment, DAYBOOK_WEBHOOK_SECRETS='{"sumsub": "…"}'; a provider without an entry is
not answered.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion import webhook_proofs as proofs
from ingestion.connectors import connectors
from ingestion.webhook_proofs import Delivery, Proof
from warehouse.settings import Settings

Place = tuple[str | int, ...]
_DAY = 24 * 3600
_ADYEN_TIME: Place = ("notificationItems", 0, "NotificationRequestItem", "eventDate")


@dataclass(frozen=True)
class Scheme:
    """A provider: its connector, its proof, where a body says its time, and what it wants to hear once the body is safe."""

    connector: str
    proof: Proof
    dated: tuple[Place, ...] = ()
    """Places of the event's own time in the body, the first filled one counts: ISO-8601, or seconds or milliseconds since 1970."""
    age_seconds: int = 4 * _DAY
    """How old an event may be: providers try again for days."""
    signed_at: Callable[[Delivery], str | None] | None = None
    """The time of sending (seconds since 1970) that the signature covers, for a provider that signs one."""
    ending: str = "json"
    answer: str = '{"status":"stored"}'


SCHEMES: Mapping[str, Scheme] = {
    "sumsub": Scheme("sumsub", proofs.sumsub, (("createdAtMs",),)),
    "onfido": Scheme(
        "onfido", proofs.hmac_of_body("x-sha2-signature"), (("payload", "object", "completed_at_iso8601"),)
    ),
    "veriff": Scheme("veriff", proofs.hmac_of_body("x-hmac-signature"), (("verification", "decisionTime"),)),
    "jumio": Scheme("jumio", proofs.from_its_addresses, (("callbackDate",), ("callbackSentAt",)), ending="txt"),
    "coinspaid": Scheme("coinspaid", proofs.hmac_of_body("x-processing-signature", "sha512")),
    "fireblocks": Scheme("fireblocks", proofs.fireblocks, (("timestamp",), ("createdAt",)), age_seconds=30 * _DAY),
    "stripe": Scheme(
        "stripe_objects",
        proofs.hmac_of_time_and_body("stripe-signature"),
        signed_at=lambda delivery: proofs.stated_seconds(delivery.header("stripe-signature")),
    ),
    "adyen": Scheme("adyen_webhook", proofs.adyen, (_ADYEN_TIME,), age_seconds=30 * _DAY, answer="[accepted]"),
    "praxis": Scheme(
        "praxis", proofs.praxis, (("timestamp",),), answer='{"status":0,"description":"Ok","version":"1.3"}'
    ),
    "nuvei": Scheme("nuvei", proofs.nuvei, ending="txt", answer="OK"),
}
"""Provider, as in the address `/webhooks/<provider>`."""


def taken(settings: Settings) -> dict[str, Scheme]:
    """The providers that are answered: those with a secret whose files a connector reads."""
    return {
        name: scheme
        for name, scheme in SCHEMES.items()
        if name in settings.webhook_secrets and scheme.connector in connectors()
    }


def is_genuine(scheme: Scheme, delivery: Delivery, secret: str) -> bool:
    """True when the delivery proves to be the provider's, over exactly the bytes received; never without a secret."""
    return bool(secret) and scheme.proof(delivery, secret)


def happened_at(scheme: Scheme, body: bytes) -> float | None:
    """What a body itself says of its time, seconds since 1970; None where it says nothing that can be read."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return next((found for place in scheme.dated if (found := _moment(_at(document, place))) is not None), None)


def _at(value: Any, place: Place) -> Any:
    for name in place:
        try:
            value = value[name]
        except (KeyError, TypeError, IndexError):
            return None
    return value


def _moment(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) / (1000 if value > 10**11 else 1)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def waiting(settings: Settings, scheme: Scheme) -> Path:
    """Where bodies wait for the ordinary ingestion."""
    return settings.landing / scheme.connector
