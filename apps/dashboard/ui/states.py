"""What a page says when it cannot show a number: three different things, in three different ways, never a zero."""

import contextlib
import logging
import re
import secrets
from collections.abc import Iterator

import streamlit as st

from apps.dashboard.frame import Frame
from apps.dashboard.ui import problem
from warehouse.reader import Refused

log = logging.getLogger("daybook.dashboard")


def plain(text: object) -> str:
    """Text of the data or of the address as it is, where Streamlit would read Markdown: no link, colour or formula comes of it."""
    return re.sub(r"([\\\\`*_{}\[\]()#+\-.!:|~$<>])", r"\\\1", str(text))


def nothing_matches(what: str = "rows") -> None:
    """The data are there; the filters leave none of them."""
    st.info(
        f"**Nothing matches these filters.** There are {what}, but none for this entity and period. Widen the filters above."
    )


def not_loaded(what: str, feed: str) -> None:
    """The mart is empty or missing: its feed has not come yet."""
    st.warning(
        f"**Not loaded yet.** {what} come from the feed `{feed}`, of which nothing is published. "
        "Put its files into the landing folder and run `daybook run`."
    )


def not_granted(what: str, role: str) -> None:
    """The role is not given the mart: it may be there, it is not for this role."""
    st.info(f"**Not yours to see.** The role {role} is not given {what}.")


def refused(words: str) -> None:
    """Something was asked for that is not allowed or does not exist."""
    st.error(f"**Refused.** {words}")


def nothing_published() -> None:
    """The home is empty."""
    st.warning(
        "**Not loaded yet.** Nothing is published in this home. Put files into the landing folder, or try `daybook simulate`, then `daybook run`."
    )


def failed(error: Exception) -> str:
    """Tells the visitor that it failed, with a reference that stands in the log beside the whole error; gives the reference."""
    reference = secrets.token_hex(3)
    log.error("reference %s", reference, exc_info=error)
    st.error(
        f"**Failed (reference {reference}).** This part could not be read; the other parts are not affected. "
        "The data team finds the cause under this reference in `logs/dashboard.log`."
    )
    problem.happened(reference)
    return reference


@contextlib.contextmanager
def panel() -> Iterator[None]:
    """A part of a page: when it fails, it says so in its own place and the rest of the page stands."""
    try:
        yield
    except Refused as error:
        refused(plain(str(error).splitlines()[0]))
    except Exception as error:
        failed(error)


def available(frame: Frame, what: str, mart: str, feed: str) -> bool:
    """Whether the mart is there to be read by this role; if not, says which of the two reasons holds."""
    if not frame.loaded(mart):
        not_loaded(what, feed)
        return False
    if not frame.granted(mart):
        not_granted(what, frame.viewer.role)
        return False
    return True
