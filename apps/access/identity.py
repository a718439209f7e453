"""From what an identity provider says to a member of staff with a role, or the words why not."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from warehouse.reader import access
from warehouse.settings import Settings

SKEW = timedelta(minutes=1)
"""How far the provider's clock may be ahead of ours."""
STAFF = "core.dim_staff"


class NotAdmitted(Exception):
    """Nobody is let in; `reason` is a code for the audit trail, the message is for the person."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


@dataclass(frozen=True)
class Identity:
    """A verified identity token. `authenticated_at` is when the person last proved who they are; None where the provider does not tell."""

    email: str
    subject: str
    issuer: str
    issued_at: datetime
    authenticated_at: datetime | None
    expires_at: datetime
    session_id: str


@dataclass(frozen=True)
class StaffMember:
    """A member of staff as the newest publish knows them. `approval_limit_eur` None approves no money."""

    staff_id: str
    name: str
    email: str
    role: str
    approval_limit_eur: Decimal | None


class StaffReader(Protocol):
    """warehouse.reader.Reader, as far as staff records need it."""

    marts: set[str]

    def query(self, sql: str) -> Any: ...


def identity(claims: Mapping[str, Any], settings: Settings, at: datetime) -> Identity:
    """The identity that the token's claims state at this moment (naive UTC). Raises NotAdmitted for one that proves nobody, or no longer does."""
    issued, expires = _moment(claims.get("iat")), _moment(claims.get("exp"))
    if issued is None or expires is None or not claims.get("sub"):
        raise NotAdmitted("incomplete_token", "Your identity provider sent a token without sub, iat or exp.")
    if expires <= at:
        raise NotAdmitted("expired", f"Your sign-in held until {expires:%H:%M} UTC and has run out. Sign in again.")
    authenticated = _moment(claims.get("auth_time"))
    if max(issued, authenticated or issued) > at + SKEW:
        raise NotAdmitted("future_token", "Your identity provider's clock is ahead of this server's. Tell the admin.")
    return Identity(
        email=_email(claims, settings),
        subject=str(claims["sub"]),
        issuer=str(claims.get("iss", "")),
        issued_at=issued,
        authenticated_at=authenticated,
        expires_at=expires,
        session_id=hashlib.sha256(json.dumps(dict(claims), sort_keys=True, default=str).encode()).hexdigest(),
    )


def _email(claims: Mapping[str, Any], settings: Settings) -> str:
    email = str(claims.get("email") or "").strip().lower()
    if not email:
        raise NotAdmitted(
            "no_email", "Your identity provider did not say your e-mail address. Daybook needs that claim."
        )
    verified = claims.get("email_verified")
    if verified is True or verified == "true" or (verified is None and settings.oidc_trust_email):
        return email
    raise NotAdmitted(
        "unverified_email",
        f"Your identity provider has not verified the address {email}. Verify it there and sign in again. "
        "A provider that never says so, and lets only its admins set addresses, is trusted by DAYBOOK_OIDC_TRUST_EMAIL=true.",
    )


def _moment(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


Directory = dict[str, list[dict[str, Any]]]


def staff_by_email(reader: StaffReader | None) -> Directory:
    """Every staff record of the publish by its e-mail address (trimmed, lower case); empty where none are published."""
    found: Directory = {}
    if reader is not None and STAFF in reader.marts:
        rows = reader.query(f"select staff_id, name, email, role, approval_limit_eur, is_active from {STAFF}")
        for row in rows.to_dicts():
            found.setdefault(str(row["email"] or "").strip().lower(), []).append(row)
    return found


def staff_member(directory: Directory, email: str) -> StaffMember:
    """The active member of staff with this address. Raises NotAdmitted for nobody, a leaver, an address of two, or a role without a page."""
    if not directory:
        raise NotAdmitted(
            "no_staff", "No staff records are published in this home, so nobody can be let in. Load the feed `staff`: `daybook run`."
        )  # fmt: skip
    records = directory.get(email, []) if email else []
    active = [record for record in records if record["is_active"]]
    if not records:
        raise NotAdmitted("unknown", f"{email} is on no staff record. New staff arrive with the staff feed.")
    if not active:
        raise NotAdmitted("inactive", f"The staff record of {email} is no longer active.")
    if len(active) > 1:
        ids = ", ".join(sorted(record["staff_id"] for record in active))
        raise NotAdmitted("ambiguous", f"Two active staff records bear {email} ({ids}); the staff feed must name one.")
    record = active[0]
    if not access()["roles"].get(record["role"], {}).get("pages"):
        raise NotAdmitted(
            "no_role",
            f"The role {record['role']} of {email} opens no page; `warehouse/access.yml` says which roles do.",
        )
    return StaffMember(record["staff_id"], record["name"], email, record["role"], record["approval_limit_eur"])
