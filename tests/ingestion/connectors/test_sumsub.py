"""Sumsub's webhooks: the provider's time, the states that follow, and the signature over the exact bytes."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from ingestion.connectors.base import BadFile
from ingestion.connectors.sumsub import CONNECTOR, Sumsub, verify_signature
from tests.ingestion.connectors.samples import sample


def rows(path: Path, connector: Sumsub = CONNECTOR) -> list[dict[str, object]]:
    return [row for batch in connector.read(path) for row in batch.rows.to_dicts()]


@pytest.mark.parametrize(
    ("name", "status", "result"),
    [
        ("lana-bank/01_applicantCreated.json", "IN_PROGRESS", None),
        ("lana-bank/03_applicantPending.json", "SUBMITTED", None),
        ("lana-bank/02_applicantReviewed_GREEN.json", "APPROVED", "clear"),
        ("lana-bank/05_applicantReviewed_RED.json", "REJECTED", "fail"),
        ("docs/01_applicantWorkflowCompleted_RED_FINAL.json", "REJECTED", "fail"),
    ],
)
def test_a_webhook_says_which_state_the_client_is_in_now(name: str, status: str, result: str | None) -> None:
    events = rows(sample("kyc", "sumsub", *name.split("/")))
    assert [row["to_status"] for row in events if row["event"] == "status_changed"] == [status]
    assert [row["result"] for row in events if row["event"] == "check_completed"] == ([result] if result else [])


def test_the_labels_of_a_rejection_are_its_reason_codes() -> None:
    events = rows(sample("kyc", "sumsub", "lana-bank", "05_applicantReviewed_RED.json"))
    assert events[-1]["reason_codes"] == ["UNSATISFACTORY_PHOTOS", "GRAPHIC_EDITOR", "FORGERY"]


def test_a_time_with_and_without_an_offset_is_utc() -> None:
    with_offset = rows(sample("kyc", "sumsub", "docs", "02_applicantKytTxnRejected.json"))[0]
    assert (with_offset["occurred_at"], with_offset["event"]) == ("2025-01-30T11:41:55", "note")
    without = rows(sample("kyc", "sumsub", "docs", "01_applicantWorkflowCompleted_RED_FINAL.json"))[0]
    assert without["occurred_at"] == "2023-03-14T12:50:27.238000"


def body(kind: str, at: str, **more: object) -> dict[str, object]:
    return {"applicantId": "A1", "externalUserId": "C1", "type": kind, "createdAtMs": at, **more}


def test_events_come_in_the_order_of_the_providers_own_time(tmp_path: Path) -> None:
    path = tmp_path / "bodies.jsonl"
    late = body("applicantReviewed", "2026-01-02 10:00:00.002", reviewResult={"reviewAnswer": "GREEN"})
    early = body("applicantPending", "2026-01-02 10:00:00.001")
    path.write_text(f"{json.dumps(late)}\n{json.dumps(early)}\n")
    assert [(row["event"], row["_row_number"]) for row in rows(path)] == [
        ("status_changed", 2),
        ("check_completed", 1),
        ("status_changed", 1),
    ]


def test_a_delivery_repeated_by_sumsub_is_the_same_event(tmp_path: Path) -> None:
    path = tmp_path / "bodies.jsonl"
    line = json.dumps(body("applicantPending", "2026-01-02 10:00:00.001"))
    path.write_text(f"{line}\n{line}\n")
    first, second = rows(path)
    assert {**first, "_row_number": 0} == {**second, "_row_number": 0}


def test_a_retryable_rejection_asks_for_more_and_settings_name_the_checks_of_a_level(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    review = {"reviewAnswer": "RED", "reviewRejectType": "RETRY", "rejectLabels": ["ID_INVALID"]}
    path.write_text(
        json.dumps(body("applicantReviewed", "2026-01-02 10:00:00.001", reviewResult=review, levelName="full"))
    )
    events = rows(path, Sumsub(levels={"full": ("identity", "liveness")}))
    assert [(row["event"], row["check"], row["result"], row["to_status"]) for row in events] == [
        ("check_completed", "identity", "consider", None),
        ("check_completed", "liveness", "consider", None),
        ("status_changed", None, None, "INFO_REQUESTED"),
    ]


def test_a_sandbox_event_is_remarked_on() -> None:
    (batch,) = CONNECTOR.read(sample("kyc", "sumsub", "lana-bank", "01_applicantCreated.json"))
    assert batch.remarks == ("1 of 1 event(s) come from Sumsub's sandbox, not from a live check",)


@pytest.mark.parametrize("name", ["service_00_x.json", "service_01_x.json"])
def test_an_answer_of_the_api_is_no_webhook(name: str) -> None:
    with pytest.raises(BadFile, match="type: is missing"):
        list(CONNECTOR.read(sample("kyc", "sumsub", "go-kyc", name)))


@pytest.mark.parametrize(
    ("algorithm", "digest"), [("HMAC_SHA1_HEX", "sha1"), ("HMAC_SHA256_HEX", "sha256"), ("HMAC_SHA512_HEX", "sha512")]
)
def test_a_signature_holds_for_exactly_the_bytes_that_were_signed(algorithm: str, digest: str) -> None:
    raw = sample("kyc", "sumsub", "docs", "01_applicantWorkflowCompleted_RED_FINAL.json").read_bytes()
    signature = hmac.new(b"key", raw, getattr(hashlib, digest)).hexdigest()
    assert verify_signature(raw, signature, algorithm, "key")
    assert verify_signature(raw, signature.upper(), algorithm.lower(), "key")
    assert not verify_signature(json.dumps(json.loads(raw)).encode(), signature, algorithm, "key")
    assert not verify_signature(raw + b"\n", signature, algorithm, "key")
    assert not verify_signature(raw, signature, algorithm, "other")


def test_an_unknown_algorithm_or_an_empty_secret_proves_nothing() -> None:
    unsigned = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    assert not verify_signature(b"{}", unsigned, "HMAC_SHA256_HEX", "")
    assert not verify_signature(b"{}", hmac.new(b"k", b"{}", hashlib.md5).hexdigest(), "HMAC_MD5_HEX", "k")
    assert not verify_signature(b"{}", "nön-ascii", "HMAC_SHA256_HEX", "k")


def test_signatures_published_with_their_bodies_hold() -> None:
    """Onfido signs as Sumsub does with HMAC_SHA256_HEX, and its samples carry the secret."""
    folder = sample("kyc", "onfido", "onfido-python")
    proofs = sorted(folder.glob("*.signature.json"))
    assert proofs
    for path in proofs:
        proof = json.loads(path.read_text())
        raw = (folder / path.name.replace(".signature.", ".raw.")).read_bytes()
        secret = next(str(value) for name, value in proof.items() if "token" in name or "secret" in name)
        signature = next(str(value) for name, value in proof.items() if "signature" in name.lower())
        assert verify_signature(raw, signature, "HMAC_SHA256_HEX", secret), path.name
