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
    Listed("clients", "Clients", "Business"),
    Listed("trading", "Trading", "Business"),
    Listed("partners", "Partners", "Business"),
    Listed("support", "Support", "Business"),
    Listed("approvals", "Approvals", "Decisions"),
    Listed("ledger", "Ledger", "Books"),
    Listed("reconciliations", "Reconciliations", "Books"),
    Listed("client_money", "Client money", "Books"),
    Listed("close_board", "Close board", "Books"),
    Listed("restatements", "Restatements", "Books"),
    Listed("kyc_queue", "KYC queue", "Compliance"),
    Listed("loss_percentage", "Loss percentage", "Compliance"),
    Listed("control_failures", "Control failures", "Compliance"),
    Listed("alerts", "Alerts", "Compliance"),
    Listed("rules", "Rules", "Compliance"),
    Listed("linked_persons", "Linked persons", "Compliance"),
    Listed("regulator_query", "Regulator query", "Compliance"),
    Listed("audit_explorer", "Audit explorer", "Compliance"),
    Listed("data", "Data", "Evidence"),
)


def router(viewer: Viewer) -> "st.Page":
    """The page that the address names: the viewer's pages in the menu, the others hidden and refusing."""
    granted = [page for page in PAGES if page.name in viewer.pages]
    # every page keeps its own address, so the bare address is a page of its own that leads on to the first
    menu: dict[str, list] = {
        granted[0].section: [st.Page(_first(granted[0]), title="Daybook", default=True, visibility="hidden")]
    }
    for page in granted:
        menu.setdefault(page.section, []).append(st.Page(page_file(page.name), title=page.title, url_path=page.name))
    for page in PAGES:
        if page not in granted:
            refusal = st.Page(_refusal(page, viewer), title=page.title, url_path=page.name, visibility="hidden")
            menu.setdefault(granted[-1].section, []).append(refusal)
    return st.navigation(menu)


def _first(page: Listed) -> Callable[[], None]:
    def lead_on() -> None:
        st.switch_page(page_file(page.name), query_params=st.query_params.to_dict())

    return lead_on


def lead_back(name: str, query: dict[str, str]) -> None:
    """Opens the page that somebody left to sign in; an address that names no page leads nowhere."""
    if name in {page.name for page in PAGES}:
        st.switch_page(page_file(name), query_params=query)


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
