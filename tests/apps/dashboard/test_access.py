"""Who may open what, and from where the demo users may be used."""

import pytest

from apps.dashboard.navigation import FOLDER, PAGES
from apps.dashboard.viewer import OpenDoor, demo_users, require_loopback
from ingestion.simulator.world import reference
from warehouse.reader import access


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "10.0.0.4", "example.com"])
def test_the_demo_switcher_refuses_any_address_but_loopback(address: str | None) -> None:
    with pytest.raises(OpenDoor, match="no password"):
        require_loopback(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_is_let_in(address: str) -> None:
    require_loopback(address)


def test_every_role_has_a_demo_user() -> None:
    assert {viewer.role for viewer in demo_users()} == set(access()["roles"])


def test_every_demo_user_is_a_simulated_member_of_staff() -> None:
    staff = {(person["name"], person["role"]) for person in reference("staff")}
    assert {(viewer.name, viewer.role) for viewer in demo_users()} <= staff
    for viewer in demo_users():
        assert viewer.email == viewer.name.lower().replace(" ", ".") + "@broker.example"


def test_every_granted_page_exists_and_every_page_is_granted_to_someone() -> None:
    granted = {page for rules in access()["roles"].values() for page in rules["pages"]}
    assert granted == {page.name for page in PAGES} == {file.stem for file in FOLDER.glob("*.py")}


def test_no_folder_wakes_the_discovery_that_runs_pages_past_the_router() -> None:
    assert not (FOLDER.parent / "pages").exists()


def test_a_role_that_is_not_known_opens_nothing() -> None:
    stranger = type(demo_users()[0])("x", "X", "stranger")
    assert stranger.pages == ()
