"""The pages there are. Which of them a role may open stands in access.yml; the others refuse, also by their address."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from apps.dashboard.frame import roles_with
from apps.dashboard.ui import states
from apps.dashboard.viewer import Viewer

# not `pages/`: a folder of that name makes Streamlit run its files by itself, past the router and its refusals
FOLDER = Path(__file__).parent / "app_pages"


@dataclass(frozen=True)
class Listed:
    """A page: its name in access.yml and in the address, and what the menu calls it."""

    name: str
    title: str
    section: str


PAGES = (
    Listed("overview", "Overview", "Business"),
    Listed("payments", "Payments", "Business"),
    Listed("partners", "Partners", "Business"),
    Listed("regulator_query", "Regulator query", "Evidence"),
    Listed("data", "Data", "Evidence"),
)


def router(viewer: Viewer) -> "st.Page":
    """The page that the address names: the viewer's pages in the menu, the others hidden and refusing."""
    granted = [page for page in PAGES if page.name in viewer.pages]
    menu: dict[str, list] = {}
    for page in granted:
        file = FOLDER / f"{page.name}.py"
        menu.setdefault(page.section, []).append(
            st.Page(file, title=page.title, url_path=page.name, default=page is granted[0])
        )
    for page in PAGES:
        if page not in granted:
            refusal = st.Page(_refusal(page, viewer), title=page.title, url_path=page.name, visibility="hidden")
            menu.setdefault(granted[-1].section, []).append(refusal)
    return st.navigation(menu)


def page_file(name: str) -> Path:
    """The file of a page, for links to it."""
    return FOLDER / f"{name}.py"


def _refusal(page: Listed, viewer: Viewer) -> Callable[[], None]:
    def refuse() -> None:
        st.title(page.title)
        states.refused(
            f"The role {viewer.role} may not open {page.title}. The roles that may: {', '.join(roles_with(page.name))}. "
            "Who needs it asks the data team for a change of `warehouse/access.yml`."
        )

    return refuse
