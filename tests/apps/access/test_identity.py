"""Who a token stands for, and the words for everybody who is not let in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.access.identity import Identity, NotAdmitted, identity, staff_by_email, staff_member
from tests.apps.dashboard.hand_made import MARTS, STAFF, make
from warehouse.reader import Reader
from warehouse.settings import Settings

AT = datetime(2026, 11, 23, 9, 0)


def seconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())


def token(**changed: Any) -> dict[str, Any]:
    """A token of somebody who proved a minute ago who they are; a change to None leaves the claim out."""
    claims = {
        "iss": "https://id.example", "sub": "1", "email": " Petra.Novak@Broker.example", "email_verified": True, "nonce": "n",
        "iat": seconds(AT), "auth_time": seconds(AT - timedelta(minutes=1)), "exp": seconds(AT + timedelta(hours=1)),
    } | changed  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


def known(claims: dict[str, Any], **settings: Any) -> Identity:
    return identity(claims, Settings(**settings), AT)


def test_an_identity_is_a_verified_address_and_when_it_was_proved() -> None:
    who = known(token())
    assert (who.email, who.authenticated_at) == ("petra.novak@broker.example", AT - timedelta(minutes=1))
    assert who.session_id == known(token()).session_id != known(token(nonce="m")).session_id


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": seconds(AT)}, "expired"),
        ({"exp": None}, "incomplete_token"),
        ({"exp": "tomorrow"}, "incomplete_token"),
        ({"iat": True}, "incomplete_token"),
        ({"sub": None}, "incomplete_token"),
        ({"email": None}, "no_email"),
        ({"email": "  "}, "no_email"),
        ({"email_verified": False}, "unverified_email"),
        ({"email_verified": None}, "unverified_email"),
        ({"auth_time": seconds(AT + timedelta(minutes=2))}, "future_token"),
        ({"iat": seconds(AT + timedelta(minutes=2))}, "future_token"),
    ],
)
def test_a_token_that_proves_nobody_is_not_admitted(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotAdmitted) as refused:
        known(token(**changed))
    assert refused.value.reason == reason


def test_a_provider_trusted_for_its_addresses_is_not_believed_against_its_own_word() -> None:
    assert known(token(email_verified=None), oidc_trust_email=True).email == "petra.novak@broker.example"
    with pytest.raises(NotAdmitted, match="has not verified"):
        known(token(email_verified=False), oidc_trust_email=True)


def test_a_provider_that_does_not_tell_when_leaves_the_proof_open() -> None:
    assert known(token(auth_time=None)).authenticated_at is None


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    settings = make(
        Settings(home=Path(tmp_path_factory.mktemp("staff"))), {"core.dim_clients": MARTS["core.dim_clients"]} | STAFF
    )
    return staff_by_email(Reader(settings))


def test_role_and_limit_are_those_of_the_staff_record(directory: dict) -> None:
    member = staff_member(directory, "petra.novak@broker.example")
    assert (member.staff_id, member.role, member.approval_limit_eur) == ("ST-07", "payments", Decimal(10_000))
    assert (
        staff_member(directory, "maeve.lynch@broker.example").staff_id == "ST-02"
    )  # written “Maeve.Lynch@… ” in the record


@pytest.mark.parametrize(
    ("name", "reason"),
    [("mallory", "unknown"), ("nina.petrova", "inactive"), ("shared", "ambiguous"), ("peter.vance", "no_role")],
)
def test_who_is_no_active_member_of_staff_with_a_page_is_not_admitted(directory: dict, name: str, reason: str) -> None:
    with pytest.raises(NotAdmitted) as refused:
        staff_member(directory, f"{name}@broker.example")
    assert refused.value.reason == reason


def test_without_staff_records_nobody_is_admitted() -> None:
    with pytest.raises(NotAdmitted, match="Load the feed `staff`"):
        staff_member(staff_by_email(None), "petra.novak@broker.example")


def test_a_record_without_an_address_admits_nobody() -> None:
    nameless = {
        "": [{"staff_id": "ST-1", "name": "X", "role": "payments", "approval_limit_eur": None, "is_active": True}]
    }
    with pytest.raises(NotAdmitted, match="no staff record"):
        staff_member(nameless, "")
