"""The seat of whoever decides: their person, the desk their orders go to, and how an order is sent."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import streamlit as st

from apps.approvals import claims, decisions, people
from apps.approvals.desk import open_desk
from apps.approvals.marts import MartReader
from apps.approvals.orders import Answer, Desk, Order
from apps.approvals.people import Person, UnknownPerson
from apps.approvals.queue import Filters
from apps.dashboard import frame as frames
from apps.dashboard import session
from apps.dashboard.ui.header import Page
from warehouse.reader import Reader
from warehouse.settings import Settings

ANSWER = "inbox.answer"
"""Where the answer to the last order waits to be shown."""


@dataclass(frozen=True)
class Seat:
    """Whoever looks, as the machinery knows them, at its desk."""

    page: Page
    desk: Desk
    person: Person

    @property
    def file(self) -> Path:
        """The page, for links to itself."""
        return self.page.file

    @property
    def reader(self) -> MartReader:
        """The newest publish, unmasked: what is shown of it passes `masked_facts` first."""
        return self.desk.reader()

    @property
    def now(self) -> datetime:
        return self.desk.clock()

    @property
    def engine(self) -> sa.Engine:
        return self.desk.engine

    @property
    def role(self) -> str:
        return self.person.role or ""


def take_seat(page: Page) -> Seat | None:
    """The seat of the viewer; None (and words) for one whom no staff record names: they may look at other pages and decide nothing."""
    viewer = page.frame.viewer
    settings = page.frame.settings
    desk = _desk(str(settings.root), settings.ops_url.get_secret_value(), settings)
    if viewer.staff_id is not None:
        try:
            return Seat(page, desk, people.person(desk.reader(), viewer.staff_id))
        except (UnknownPerson, LookupError):
            pass
    st.info(
        "**You have no queue.** No published staff record bears your address, so nothing can wait for you. "
        "Staff records come with the feed `staff`: load it with `daybook run`, or ask the data team."
    )
    return None


def send(seat: Seat, order: Order) -> Answer:
    """Carries out one order of this person, as they sit here now."""
    return decisions.decide(seat.desk, _signed(seat, order))


def send_all(seat: Seat, orders: list[Order]) -> list[Answer]:
    """Carries out orders in bulk; an answer for every one."""
    return decisions.bulk(seat.desk, [_signed(seat, order) for order in orders])


def take_next(seat: Seat, key: str, filters: Filters) -> Answer:
    """Claims the most urgent subject for this person."""
    return claims.take_next(seat.desk, seat.person.staff_id, key, filters)


def may_decide_now() -> bool:
    """Whether the viewer proved who they are lately enough to decide."""
    return session.fresh_authentication() is not None


def _signed(seat: Seat, order: Order) -> Order:
    """The order with who sent it and from where, which nobody else fills in."""
    who = session.actor(seat.page.frame.viewer)
    return replace(order, actor_id=seat.person.staff_id, ip=who.ip, device=who.device)


@st.cache_resource(max_entries=4, show_spinner=False)
def _desk(home: str, store: str, _settings: Settings) -> Desk:
    """One desk a home and store. Its reader is the page's own: the same object that the checks on screen asked, so that asking again is free."""
    desk = open_desk(_settings)
    if _settings.lake_catalog:
        return desk  # a catalog on a server shows no file that changes: only asking it tells the newest publish

    def newest() -> Reader:
        found = frames.operator_reader(_settings)
        if found is None:
            raise LookupError("Nothing is published yet. Run `daybook run`.")
        return found

    return replace(desk, reader=newest)


def remember(answer: Answer, **more: Any) -> None:
    """Keeps the answer of an order for the run that follows the click."""
    st.session_state[ANSWER] = {"answer": answer, **more}


def remembered() -> dict[str, Any] | None:
    """The answer kept by `remember`, until another subject is opened."""
    return st.session_state.get(ANSWER)
