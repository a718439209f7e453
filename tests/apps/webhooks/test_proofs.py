"""Each provider's way to prove a delivery: over the bytes as they came, and never once one of them, the secret or the proof is another."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ingestion.connectors import connectors
from ingestion.webhook_proofs import Delivery
from ingestion.webhooks import SCHEMES, happened_at, is_genuine
from tests.ingestion.connectors.samples import sample

SECRET = "a secret"
NOW = 1_790_000_000
ADYEN_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
ADYEN_ITEM = {
    "pspReference": "7914073381342284", "merchantAccountCode": "TestMerchant", "merchantReference": "TestPayment-1407325143704",
    "amount": {"value": 1130, "currency": "EUR"}, "eventCode": "AUTHORISATION", "success": "true", "eventDate": "2026-03-02T10:00:00+01:00",
}  # fmt: skip
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
Made = tuple[Delivery, str]
"""A genuine delivery and what it is checked with."""


def mac(content: bytes, digest: str = "sha256") -> str:
    return hmac.new(SECRET.encode(), content, digest).hexdigest()


def sumsub() -> Made:
    body = sample("kyc", "sumsub", "lana-bank", "02_applicantReviewed_GREEN.json").read_bytes()
    return Delivery({"x-payload-digest": mac(body, "sha512"), "x-payload-digest-alg": "HMAC_SHA512_HEX"}, body), SECRET


def onfido() -> Made:
    body = sample("kyc", "onfido", "onfido-python", "check_completed.raw.json").read_bytes()
    return Delivery({"x-sha2-signature": mac(body)}, body), SECRET


def veriff() -> Made:
    body = b'{"verification": {"id": "v", "decisionTime": "2026-03-02T10:00:00Z"}}'
    return Delivery({"x-hmac-signature": mac(body)}, body), SECRET


def coinspaid() -> Made:
    body = sample("coinspaid", "deposit_btc.json").read_bytes()
    return Delivery({"x-processing-signature": mac(body, "sha512")}, body), SECRET


def stripe() -> Made:
    body = b'{"id": "evt_1"}'
    signed = mac(f"{NOW}.".encode() + body)
    return Delivery({"stripe-signature": f"t={NOW},v1={'0' * 64},v1={signed}"}, body), SECRET


def adyen(signature: str = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=", **changed: object) -> Made:
    """Adyen's own example, with the signature that its documentation gives for it."""
    item = ADYEN_ITEM | changed | {"additionalData": {"hmacSignature": signature}}
    return Delivery({}, json.dumps({"notificationItems": [{"NotificationRequestItem": item}]}).encode()), ADYEN_KEY


def praxis() -> Made:
    body = sample("praxis", "notification_sale_approved_v1.3.json").read_bytes()
    fields = "API-cptinternational2cptinternational159061163587cfb23a8f1e68e162c276b754d9c061test-1560610955756850EUR1001.000000EUR100"
    return Delivery({"gt-authentication": hashlib.sha384((fields + SECRET).encode()).hexdigest()}, body), SECRET


def nuvei() -> Made:
    fields = {
        "totalAmount": "10.50", "currency": "EUR", "responseTimeStamp": "2026-03-02.10:00:00", "PPP_TransactionID": "7", "Status": "APPROVED",
        "productId": "P",
    }  # fmt: skip
    checksum = hashlib.sha256((SECRET + "".join(fields.values())).encode()).hexdigest()
    body = "&".join(f"{name}={value}" for name, value in (fields | {"advanceResponseChecksum": checksum}).items())
    return Delivery({}, body.encode()), SECRET


def rs512(content: bytes) -> bytes:
    return KEY.sign(content, padding.PKCS1v15(), hashes.SHA512())


def url64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def fireblocks() -> Made:
    body = sample("fireblocks", "transaction_status_updated_v1.json").read_bytes()
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Delivery({"fireblocks-signature": base64.b64encode(rs512(body)).decode()}, body), pem.decode()


def fireblocks_jws() -> Made:
    body = sample("fireblocks", "transaction_status_updated_v1.json").read_bytes()
    numbers = KEY.public_key().public_numbers()
    named = {"kty": "RSA", "kid": "k2", "alg": "RS512", "n": url64(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    head = url64(b'{"alg":"RS512","kid":"k2"}')
    signature = url64(rs512(f"{head}.{url64(body)}".encode()))
    keys = {"keys": [{"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB"}, named]}
    return Delivery({"fireblocks-webhook-signature": f"{head}..{signature}"}, body), json.dumps(keys)


def jumio() -> Made:
    return Delivery({}, b"callBackType=NETVERIFYID", "34.253.41.236"), "34.202.241.227, 34.253.41.0/24"


MADE: Mapping[str, tuple[str, Callable[[], Made]]] = {
    **{made.__name__: (made.__name__, made) for made in (sumsub, onfido, veriff, coinspaid, stripe, adyen, praxis, nuvei)},
    **{made.__name__: (made.__name__.partition("_")[0], made) for made in (fireblocks, fireblocks_jws, jumio)},
}  # fmt: skip


@pytest.mark.parametrize("case", MADE)
def test_a_genuine_delivery_is_taken_and_one_with_another_body_secret_or_proof_is_not(case: str) -> None:
    provider, make = MADE[case]
    delivery, secret = make()
    scheme = SCHEMES[provider]
    assert is_genuine(scheme, delivery, secret)
    other_secret = {"jumio": "10.0.0.1", "adyen": ADYEN_KEY[::-1], "fireblocks": "-----BEGIN PUBLIC KEY-----"}.get(
        provider, secret + "x"
    )
    for wrong in ("", other_secret):
        assert not is_genuine(scheme, delivery, wrong)
    if provider == "jumio":
        assert not is_genuine(scheme, replace(delivery, address="35.1.1.1"), secret)
        assert not is_genuine(scheme, replace(delivery, address="unix"), secret)
        return
    for place in (delivery.body.find(b"1"), delivery.body.find(b"A")):
        changed = delivery.body[:place] + b"2" + delivery.body[place + 1 :]
        if provider not in ("adyen", "praxis", "nuvei"):  # these sign fields, not bytes
            assert place < 0 or not is_genuine(scheme, replace(delivery, body=changed), secret)
    for body in (b"", b"[]", b"{}", b"null", b"[" * 100_000, b'{"notificationItems": [7]}', b"\xff\xfe"):
        assert not is_genuine(scheme, Delivery(delivery.headers, body), secret)
    assert not is_genuine(scheme, Delivery({}, delivery.body), secret) or provider in ("adyen", "nuvei")


def test_every_provider_that_is_answered_has_its_proof_tested_and_its_connector_and_its_files_reach_it() -> None:
    assert {provider for provider, _ in MADE.values()} == set(SCHEMES)
    for scheme in SCHEMES.values():
        assert f"*.{scheme.ending}" in connectors()[scheme.connector].patterns


@pytest.mark.parametrize(
    "changed", [{"success": "false"}, {"amount": {"value": 1131, "currency": "EUR"}}, {"originalReference": "x"}]
)
def test_a_field_that_adyen_signs_cannot_be_another(changed: dict[str, object]) -> None:
    delivery, key = adyen(**changed)
    assert not is_genuine(SCHEMES["adyen"], delivery, key)


def test_each_of_several_notifications_in_one_body_must_be_signed() -> None:
    first = json.loads(adyen()[0].body)["notificationItems"][0]
    for second, genuine in ((first, True), ({"NotificationRequestItem": ADYEN_ITEM}, False)):
        body = json.dumps({"notificationItems": [first, second]}).encode()
        assert is_genuine(SCHEMES["adyen"], Delivery({}, body), ADYEN_KEY) is genuine


@pytest.mark.parametrize("reference", ["a:b", "a\\:b"])
def test_adyens_reference_with_a_colon_is_signed_as_it_is_or_escaped(reference: str) -> None:
    text = f"7914073381342284::TestMerchant:{reference}:1130:EUR:AUTHORISATION:true"
    signature = base64.b64encode(hmac.digest(bytes.fromhex(ADYEN_KEY), text.encode(), "sha256")).decode()
    delivery, key = adyen(signature, merchantReference="a:b")
    assert is_genuine(SCHEMES["adyen"], delivery, key)


def test_a_token_of_another_algorithm_or_with_a_payload_of_its_own_is_none_of_fireblocks() -> None:
    delivery, keys = fireblocks_jws()
    head, _, signature = delivery.header("fireblocks-webhook-signature").split(".")
    none = url64(b'{"alg":"none","kid":"k2"}')
    for token in (
        f"{none}..",
        f"{none}..{signature}",
        f"{head}.{url64(delivery.body)}.{signature}",
        f"{head}..",
        "..",
        "x",
    ):
        assert not is_genuine(
            SCHEMES["fireblocks"], replace(delivery, headers={"fireblocks-webhook-signature": token}), keys
        )


@pytest.mark.parametrize(
    ("provider", "body", "moment"),
    [
        ("adyen", adyen()[0].body, 1772442000),
        ("sumsub", b'{"createdAtMs": "2026-03-02 09:00:00.500"}', 1772442000.5),
        ("fireblocks", b'{"timestamp": 1772442000500}', 1772442000.5),
        ("praxis", b'{"timestamp": 1772442000}', 1772442000),
        ("jumio", b'{"callbackSentAt": "2026-03-02T09:00:00.000Z"}', 1772442000),
        ("veriff", b'{"verification": {"decisionTime": true}}', None),
        ("coinspaid", b"{}", None),
    ],
)
def test_a_body_says_when_its_event_was(provider: str, body: bytes, moment: float | None) -> None:
    assert happened_at(SCHEMES[provider], body) == moment
