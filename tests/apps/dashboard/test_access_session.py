"""What a run of the pages makes of the person before them, without a browser."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from streamlit import config
from streamlit.testing.v1 import AppTest

from apps.access import journal
from apps.approvals.store import open_store, reading
from apps.approvals.tables import events
from apps.cli import processes, sign_in
from apps.dashboard import session, trail
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.hand_made import MARTS, STAFF, make
from tests.apps.dashboard.test_pages import words
from warehouse.engine import WarehouseError
from warehouse.settings import PROJECT, Settings


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A published home in which Petra is staff with a limit, and Omar has left."""
    gone = {
        "core.dim_staff": STAFF["core.dim_staff"].replace(
            "'payments', 10000, true),\n            ('ST-10'", "'payments', 10000, false),\n            ('ST-10'"
        )
    }
    return make(Settings(home=tmp_path_factory.mktemp("staffed")), MARTS | gone)


def said(settings: Settings) -> list[dict]:
    journal.journal(settings).flush()
    with reading(open_store(settings)) as connection:
        return [json.loads(body) for body in connection.scalars(sa.select(events.c.body).order_by(events.c.seq))]


def test_a_demo_user_has_role_and_limit_of_the_staff_record(open_page: Open, staffed: Settings) -> None:
    app = open_page("payments", "petra", home=staffed.root)
    viewer = app.session_state["frame"].viewer
    assert (viewer.staff_id, viewer.role, viewer.approval_limit_eur) == ("ST-07", "payments", 10_000)


def test_a_demo_user_who_has_left_opens_nothing(open_page: Open, staffed: Settings) -> None:
    app = open_page("payments", "omar", home=staffed.root)
    assert "no longer active" in words(app)
    assert not app.metric and "frame" not in app.session_state


def test_a_demo_user_without_a_record_may_look_and_is_nobody_who_decides(open_page: Open, staffed: Settings) -> None:
    viewer = open_page("payments", "farid", home=staffed.root).session_state["frame"].viewer
    assert (viewer.role, viewer.staff_id, viewer.approval_limit_eur) == ("finance", None, None)


def test_each_different_view_is_recorded_once_and_a_refused_page_as_refused(open_page: Open, staffed: Settings) -> None:
    before = len(said(staffed))
    app = open_page("payments", "petra", home=staffed.root, entity="CY", period="7d")
    app.run()
    open_page("partners", "petra", home=staffed.root)
    views = said(staffed)[before:]
    assert [(event["type"], event["subject_id"], event["actor"]["id"]) for event in views] == [
        ("page.viewed", "payments", "ST-07"),
        ("page.refused", "partners", "ST-07"),
    ]
    assert views[0]["after"]["query"] == {"entity": "CY", "period": "7d"}


def test_an_export_is_in_the_chain_before_it_is_handed_over_and_fails_where_it_cannot_be(
    open_page: Open, staffed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = open_page("payments", "petra", home=staffed.root).session_state["frame"]
    manifest = export_manifest(frame)
    monkeypatch.setattr(session, "_ip", lambda: "10.0.0.7")
    assert trail.exporting(frame, manifest, "rows.zip", lambda: b"rows")() == b"rows"
    event = said(staffed)[-1]
    assert (event["type"], event["actor"], event["after"]["filters"]) == (
        "data.exported", {"id": "ST-07", "type": "human", "role": "payments", "ip": "10.0.0.7"}, {"entity": "CY"},
    )  # fmt: skip
    made = []
    monkeypatch.setattr(journal, "open_store", broken)
    with pytest.raises(WarehouseError):
        trail.exporting(frame, manifest, "rows.zip", lambda: made.append(1) or b"")()
    assert made == []


def broken(_: Settings) -> sa.Engine:
    raise WarehouseError("no store")


def export_manifest(frame: object) -> object:
    from apps.export import Manifest

    return Manifest("payments: rows", {"entity": "CY"}, "Petra (petra)", "payments", 1, None, None, "0.1.0")


DECIDING = PROJECT / "tests" / "browser" / "deciding.py"


@pytest.fixture
def deciding(staffed: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    config.set_option("server.address", "127.0.0.1")
    monkeypatch.setenv("DAYBOOK_HOME", str(staffed.root))
    app = AppTest.from_file(str(DECIDING), default_timeout=60)
    app.query_params["user"] = "petra"
    yield app.run()


def test_a_demo_user_confirms_before_deciding_and_again_after_a_while(
    deciding: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Who decides confirms" in words(deciding) and "May decide" not in words(deciding)
    deciding.text_area[0].input("half a decision")
    deciding.button(key="session.again").click().run()
    assert "May decide" in words(deciding)
    assert deciding.text_area[0].value == "half a decision"
    monkeypatch.setenv("DAYBOOK_REAUTHENTICATION_MINUTES", "0.0001")
    assert "May decide" not in words(deciding.run())


def test_another_demo_user_has_confirmed_nothing(deciding: AppTest) -> None:
    deciding.button(key="session.again").click().run()
    assert "May decide" in words(deciding)
    deciding.selectbox(key="viewer.choice").select("farid").run()
    assert "Who decides confirms" in words(deciding) and "May decide" not in words(deciding)
    deciding.selectbox(key="viewer.choice").select("petra").run()
    assert "May decide" not in words(deciding)


def provider(home: Path, **more: object) -> Settings:
    given = {
        "public_url": "https://daybook.example", "oidc_metadata_url": "https://id.example/.well-known/openid-configuration",
        "oidc_client_id": "daybook", "oidc_client_secret": SecretStr('quo"te'),
    }  # fmt: skip
    return Settings(home=home, **(given | more))  # type: ignore[arg-type]


def test_secrets_are_written_for_streamlit_alone_and_the_cookie_key_stays(tmp_path: Path) -> None:
    settings = provider(tmp_path)
    sign_in.write_secrets(settings)
    file = sign_in.secrets_file(settings)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    first = tomllib.loads(file.read_text(encoding="utf-8"))["auth"]
    assert first["redirect_uri"] == "https://daybook.example/oauth2callback"
    assert first["daybook"]["client_secret"] == 'quo"te' and first["again"]["client_kwargs"]["prompt"] == "login"
    assert len(first["cookie_secret"]) >= 64
    sign_in.write_secrets(settings)
    assert tomllib.loads(file.read_text(encoding="utf-8"))["auth"] == first
    assert 'quo"te' not in " ".join(processes.services(settings)[0].command)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"public_url": ""}, "DAYBOOK_PUBLIC_URL"),
        ({"oidc_client_secret": SecretStr("")}, "DAYBOOK_OIDC_CLIENT_SECRET"),
        ({"public_url": "http://daybook.example"}, "not https"),
        ({"oidc_metadata_url": "http://id.example/x"}, "not https"),
    ],
)
def test_half_of_a_provider_is_refused_before_anything_starts(tmp_path: Path, more: dict, said: str) -> None:
    with pytest.raises(WarehouseError, match=said):
        sign_in.write_secrets(provider(tmp_path, **more))


def test_the_pages_are_served_hardened(tmp_path: Path) -> None:
    shipped = tomllib.loads((PROJECT / "apps/dashboard/.streamlit/config.toml").read_text(encoding="utf-8"))
    assert shipped["server"] | {"enableCORS": True, "enableXsrfProtection": True} == shipped["server"]
    assert shipped["client"] == {"showErrorDetails": "none", "toolbarMode": "minimal"}
    assert shipped["browser"]["gatherUsageStats"] is False
    assert config.get_option("server.enableAgentApi") is False and not config.get_option("server.trustedUserHeaders")
    command = processes.services(provider(tmp_path))[0].command
    assert command[command.index("--server.allowedHosts") + 1] == "daybook.example"
    assert "--secrets.files" not in processes.services(Settings(home=tmp_path))[0].command
