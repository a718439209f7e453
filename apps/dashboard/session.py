"""The session of whoever looks: who they are on every run, whether they may go on, and whether they proved it lately enough to decide.

Nothing here trusts the browser: the identity cookie is judged anew on each run, the role comes from the newest staff record, and
the account of the session is the operational store's.
"""

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle
from typing import NoReturn
from urllib.parse import urlparse

import streamlit as st

from apps.access import journal, sessions
from apps.access.identity import Identity, NotAdmitted, StaffMember, identity, staff_member
from apps.approvals import chain
from apps.approvals.chain import Actor
from apps.approvals.store import open_store
from apps.dashboard import demo
from apps.dashboard.frame import Frame, directory
from apps.dashboard.ui import states
from apps.dashboard.viewer import Viewer, require_loopback
from warehouse.settings import Settings

PROVIDER = "daybook"
AGAIN = "again"
"""The two names in Streamlit's secrets: the same provider, and the same asking for the password whatever it remembers."""
OVER = ("expired", "idle", "too_long", "signed_out", "another_person")
"""Ends of a session; every other reason is a refused sign-in and counts against the limit."""
WATCH_SECONDS = 60
RETURN_SECONDS = 600
RETURNS = 1_000


def current(settings: Settings) -> Viewer:
    """Whoever looks, resolved from the newest publish; draws the reason and stops where nobody may. Raises OpenDoor for an open demo."""
    try:
        journal.require_written(settings)
    except NotAdmitted as refusal:
        states.refused(str(refusal))
        st.stop()
    if settings.oidc_metadata_url:
        return _by_provider(settings)
    require_loopback(st.get_option("server.address"))
    host = st.context.headers.get("Host")
    if isinstance(host, str):  # a proxy in front would open the door just as a wider address does
        require_loopback(urlparse(f"//{host}").hostname)
    return _demo(settings)


def fresh_authentication() -> datetime | None:
    """When the viewer last proved who they are, or None when that is too long ago to decide. Draws nothing: good in callbacks."""
    frame: Frame = st.session_state["frame"]
    settings, at = frame.settings, chain.now()
    if settings.oidc_metadata_url:
        try:
            who = identity(st.user.to_dict(), settings, at)
        except NotAdmitted:
            return None
        # a callback runs before the script, which would have looked whether the session goes on
        proved = who.authenticated_at if sessions.going_on(open_store(settings), who, settings, at) else None
    else:
        proved = demo.confirmed_at(frame.viewer)
    limit = timedelta(minutes=settings.reauthentication_minutes)
    return proved if proved is not None and at - proved <= limit else None


def require_fresh_authentication() -> datetime:
    """As `fresh_authentication`; where it is too long ago, draws the way to do it again, in place, and stops the run."""
    proved = fresh_authentication()
    if proved is not None:
        return proved
    frame: Frame = st.session_state["frame"]
    minutes = frame.settings.reauthentication_minutes
    if not frame.settings.oidc_metadata_url:
        demo.ask_to_confirm(frame.viewer, minutes)
    else:
        st.info(
            f"**Who decides proves who they are**, at most {minutes:g} minutes before. What you have written stays."
        )
        if st.user.get("auth_time") is None:
            st.warning("Your identity provider does not say when you signed in (claim `auth_time`); nobody can decide.")
        elif st.button("Sign in again to decide", key="session.again", type="primary"):
            _start(frame.settings, AGAIN, f"again:{frame.viewer.staff_id}", actor(frame.viewer))
    return st.stop()


def actor(viewer: Viewer) -> Actor:
    """The viewer as the audit trail names them, with the address and the browser they use now."""
    device = st.context.headers.get("User-Agent")
    device = device[:200] if isinstance(device, str) else None
    return Actor(viewer.staff_id or f"demo:{viewer.user}", role=viewer.role, ip=_ip(), device=device)


def _demo(settings: Settings) -> Viewer:
    chosen = demo.choose()
    try:
        return _viewer(chosen, staff_member(directory(settings), chosen.email))
    except NotAdmitted as refusal:
        if refusal.reason in ("no_staff", "unknown"):
            return chosen
        states.refused(str(refusal))
        st.stop()


def _viewer(known: Viewer, member: StaffMember) -> Viewer:
    return replace(
        known, name=member.name, role=member.role, email=member.email, staff_id=member.staff_id,
        approval_limit_eur=member.approval_limit_eur,
    )  # fmt: skip


def _by_provider(settings: Settings) -> Viewer:
    if not st.user.is_logged_in:
        _welcome(settings)
    at, who = chain.now(), None
    try:
        who = identity(st.user.to_dict(), settings, at)
        member = staff_member(directory(settings), who.email)
        viewer = _viewer(Viewer(who.email, "", "", session_id=who.session_id), member)
        admission = sessions.admit(open_store(settings), who, actor(viewer), _origin(), settings, at)
    except NotAdmitted as refusal:
        _turn_away(settings, refusal, who)
    if admission.stale:
        journal.seen(settings, who.session_id, at)
    with st.sidebar:
        st.caption(f"**{states.plain(viewer.name)}** · {viewer.role}")
        if st.button("Sign out", key="session.out"):
            sessions.end(open_store(settings), who.session_id, actor(viewer), "signed_out", at)
            st.logout()
            st.stop()
        _watch(settings, who)
    return viewer


def _welcome(settings: Settings) -> NoReturn:
    st.title("Daybook", anchor=False)
    st.markdown("Sign in with your work account. What you may see follows from your staff record.")
    if st.button("Sign in", key="session.in", type="primary"):
        _start(settings, PROVIDER, _origin(), Actor("nobody", ip=_ip()))
    st.stop()


def _turn_away(settings: Settings, refusal: NotAdmitted, who: Identity | None) -> NoReturn:
    """Says why, in words, and how to go on; a refusal is recorded once a browser session, not once a run."""
    if refusal.reason not in OVER and st.session_state.get("session.refused") != refusal.reason:
        email = who.email if who else str(st.user.get("email") or "no address")
        sessions.refuse(open_store(settings), email, refusal.reason, _origin(), settings, chain.now(), _ip())
        st.session_state["session.refused"] = refusal.reason
    st.title("Daybook", anchor=False)
    states.refused(states.plain(refusal))
    over = refusal.reason in OVER
    with st.container(horizontal=True):
        if st.button("Sign in again" if over else "Sign in as somebody else", key="session.other", type="primary"):
            _start(settings, AGAIN, _origin(), Actor("nobody", ip=_ip()))
        if not over and st.button("Sign out", key="session.out"):
            st.logout()
    st.stop()


def _start(settings: Settings, provider: str, counted: str, who: Actor) -> NoReturn:
    """Off to the identity provider, unless there were too many tries; remembers the page to come back to."""
    try:
        sessions.try_sign_in(open_store(settings), counted, who, settings, chain.now())
    except NotAdmitted as refusal:
        states.refused(str(refusal))
        st.stop()
    _remember_return()
    st.login(provider)
    st.stop()


@st.fragment(run_every=WATCH_SECONDS)
def _watch(settings: Settings, who: Identity) -> None:
    """Blanks the screen of a session that has ended meanwhile, by time or in another window."""
    if not sessions.going_on(open_store(settings), who, settings, chain.now()):
        st.rerun()


def _ip() -> str | None:
    """The visitor's address: the connection's, or what the proxy on this machine says it is."""
    for said in (st.context.ip_address, st.context.headers.get("X-Real-IP")):
        if isinstance(said, str):
            return said
    return None


def _origin() -> str:
    return f"address:{_ip() or 'loopback'}"


@dataclass(frozen=True)
class Return:
    """The page that somebody left to sign in."""

    page: str
    query: dict[str, str]
    left_at: float


@st.cache_resource
def _returns() -> dict[str, Return]:
    return {}


def _browser() -> str | None:
    """A digest of the random value by which the server knows this browser, before and after signing in; None where it is not told.

    The cookie (`2|mask|masked value|time`) shows the same value under a new mask in each answer.
    """
    try:
        _, mask, masked, _ = st.context.cookies.get("_streamlit_xsrf", "").strip("\"'").split("|")
        value = bytes(byte ^ key for byte, key in zip(bytes.fromhex(masked), cycle(bytes.fromhex(mask)), strict=False))
    except (AttributeError, TypeError, ValueError):
        return None
    return hashlib.sha256(value).hexdigest()


def _remember_return() -> None:
    key, returns = _browser(), _returns()
    if key:
        while len(returns) >= RETURNS:
            returns.pop(next(iter(returns)))
        page = urlparse(st.context.url or "").path.rsplit("/", 1)[-1]
        returns[key] = Return(page, st.query_params.to_dict(), time.monotonic())


def take_return() -> Return | None:
    """The page that this browser left to sign in, once; None when there is none or it is long ago."""
    found = _returns().pop(_browser() or "", None)
    return found if found and time.monotonic() - found.left_at < RETURN_SECONDS else None
