"""How a delivery proves that it comes from its provider: each way a function of the delivery and of what the provider gave us to check it with.

What is signed are the exact bytes received, or fields of them as they are written there; comparisons take constant time. A delivery that is
no JSON, or of another shape, proves nothing.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ingestion.connectors.nuvei import verify_checksum
from ingestion.connectors.sumsub import verify_signature

Headers = Mapping[str, str]
"""Lower-case names."""


@dataclass(frozen=True)
class Delivery:
    """What came: the exact bytes, the headers, and the address it came from (behind the proxy: the one the proxy saw)."""

    headers: Headers
    body: bytes
    address: str = ""

    def header(self, name: str) -> str:
        """The header's text without blanks around it; empty where there is none."""
        return self.headers.get(name, "").strip()


Proof = Callable[[Delivery, str], bool]
"""(delivery, secret) -> genuine. The secret is a signing key, a public key or addresses, as the provider has it."""


def hmac_of_body(header: str, digest: str = "sha256") -> Proof:
    """The header is the hex HMAC of the body."""

    def proof(delivery: Delivery, secret: str) -> bool:
        expected = hmac.new(secret.encode(), delivery.body, digest).hexdigest()
        return _same(expected, delivery.header(header).lower())

    return proof


def hmac_of_time_and_body(header: str) -> Proof:
    """Stripe's: `t=SECONDS,v1=HEX[,v1=HEX]`, the HMAC of the time, a full stop and the body."""

    def proof(delivery: Delivery, secret: str) -> bool:
        given = delivery.header(header)
        signed = f"{stated_seconds(given) or ''}.".encode() + delivery.body
        expected = hmac.new(secret.encode(), signed, "sha256").hexdigest()
        return any(_same(expected, one.lower()) for one in re.findall(r"v1=([0-9a-fA-F]+)", given))

    return proof


def stated_seconds(text: str) -> str | None:
    """The seconds since 1970 of `t=SECONDS,…`."""
    found = re.search(r"(?:^|,)\s*t=(\d{1,15})", text)
    return found[1] if found else None


def sumsub(delivery: Delivery, secret: str) -> bool:
    """Sumsub names the algorithm in a header of its own."""
    return verify_signature(
        delivery.body, delivery.header("x-payload-digest"), delivery.header("x-payload-digest-alg"), secret
    )


_ADYEN = (
    *(("pspReference",), ("originalReference",), ("merchantAccountCode",), ("merchantReference",)),
    *(("amount", "value"), ("amount", "currency"), ("eventCode",), ("success",)),
)


def adyen(delivery: Delivery, secret: str) -> bool:
    """Every notification item bears its own signature: base64 HMAC-SHA256 under the key's bytes (given as hex) of eight fields between colons.

    Of a value with a colon or a backslash in it, some of Adyen's own libraries sign an escaped form: either is taken.
    """
    listed = _at(_json(delivery.body), ("notificationItems",))
    items = [_at(one, ("NotificationRequestItem",)) for one in listed] if isinstance(listed, list) else []
    try:
        key = bytes.fromhex(secret)
    except ValueError:
        return False
    return bool(items) and all(_adyen_item(item, key) for item in items)


def _adyen_item(item: Any, key: bytes) -> bool:
    values = [_text(_at(item, place)) for place in _ADYEN]
    escaped = [value.replace("\\", "\\\\").replace(":", "\\:") for value in values]
    given = _text(_at(item, ("additionalData", "hmacSignature")))
    made = (base64.b64encode(hmac.digest(key, ":".join(form).encode(), "sha256")) for form in (values, escaped))
    return any([_same(one.decode(), given) for one in made])


_PRAXIS = (
    *(("merchant_id",), ("application_key",), ("timestamp",), ("customer", "customer_token"), ("session", "order_id")),
    *(
        ("transaction", "tid"),
        ("transaction", "currency"),
        ("transaction", "amount"),
        ("transaction", "conversion_rate"),
    ),
    *(("transaction", "processed_currency"), ("transaction", "processed_amount")),
)


def praxis(delivery: Delivery, secret: str) -> bool:
    """`GT-Authentication` is the SHA-384 of eleven fields, one after another without those that are null, and the merchant's secret.

    A number is signed as it is written, or as its shortest form (1.000000 is 1).
    """
    given = delivery.header("gt-authentication").lower()
    body = _json(delivery.body)
    if not isinstance(body, dict) or not secret:
        return False
    written = [_text(_at(body, place)) for place in _PRAXIS]
    shortest = [re.sub(r"^(-?\d+)(?:\.0+|(\.\d*[1-9])0+)$", r"\1\2", value) for value in written]
    made = (hashlib.sha384(("".join(form) + secret).encode()).hexdigest() for form in (written, shortest))
    return any([_same(one, given) for one in made])


def nuvei(delivery: Delivery, secret: str) -> bool:
    """A form with a checksum among its fields; older accounts use MD5."""
    try:
        form = dict(parse_qsl(delivery.body.decode(), keep_blank_values=True, max_num_fields=500))
    except ValueError:
        return False
    return any([verify_checksum(form, secret, digest=digest) for digest in ("sha256", "md5")])


def fireblocks(delivery: Delivery, secret: str) -> bool:
    """RSA with SHA-512: a detached JWS in `Fireblocks-Webhook-Signature`, or base64 over the body in `Fireblocks-Signature`.

    The secret is public: Fireblocks' key as PEM, or its key set as JSON (`{"keys": […]}`), of the workspace's own environment.
    """
    jws, plain = delivery.header("fireblocks-webhook-signature"), delivery.header("fireblocks-signature")
    if jws:
        head, between, signature = [*jws.split("."), "", "", ""][:3]
        told = _json(_from_url(head))
        if between or not isinstance(told, dict) or told.get("alg") != "RS512":
            return False
        signed = f"{head}.{base64.urlsafe_b64encode(delivery.body).rstrip(b'=').decode()}".encode()
        return any(_signed(key, _from_url(signature), signed) for key in _keys(secret, _text(told.get("kid"))))
    try:
        given = base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(_signed(key, given, delivery.body) for key in _keys(secret, ""))


def _signed(key: rsa.RSAPublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA512())
    except InvalidSignature:
        return False
    return True


def _keys(secret: str, wanted: str) -> Iterator[rsa.RSAPublicKey]:
    """The public keys of a PEM or a key set; of a set only the one wanted, where one is named."""
    if secret.lstrip().startswith("{"):
        listed = _at(_json(secret.encode()), ("keys",))
        for one in listed if isinstance(listed, list) else []:
            if wanted in ("", _text(_at(one, ("kid",)))):
                numbers = [int.from_bytes(_from_url(_text(_at(one, (name,)))), "big") for name in ("e", "n")]
                with suppress(ValueError):
                    yield rsa.RSAPublicNumbers(*numbers).public_key()
        return
    with suppress(ValueError, UnsupportedAlgorithm):
        key = serialization.load_pem_public_key(secret.replace("\\n", "\n").encode())
        if isinstance(key, rsa.RSAPublicKey):
            yield key


def from_its_addresses(delivery: Delivery, secret: str) -> bool:
    """A provider that signs nothing is known by the addresses it calls from; the secret lists them, networks too, between commas."""
    try:
        address = ipaddress.ip_address(delivery.address)
        networks = [ipaddress.ip_network(one.strip()) for one in secret.split(",") if one.strip()]
    except ValueError:
        return False
    return any(address in network for network in networks)


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _json(body: bytes) -> Any:
    """The document with every number as the text it is written as; None for what is no JSON."""
    try:
        return json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None


def _at(body: Any, place: Sequence[str]) -> Any:
    for name in place:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _text(value: Any) -> str:
    """A value as it is signed: nothing is empty, a truth is `true` or `false`."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else ""


def _from_url(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
