"""Pages, run as they are on a small publish, without a browser."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.dashboard.navigation import PAGES
from apps.dashboard.ui import figures
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.hand_made import MARTS, make
from warehouse.settings import Settings


def words(app: AppTest) -> str:
    """Everything that the page says in words."""
    return " ".join(
        str(element.value)
        for kind in ("error", "warning", "info", "success", "markdown", "caption", "text")
        for element in getattr(app, kind)
    )


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_a_page_opens(open_page: Open, page: str) -> None:
    app = open_page(page, "astrid")
    assert not app.exception
    assert not app.error, words(app)
    assert app.title[0].value


@pytest.mark.parametrize(
    ("page", "tab"), [("overview", "drivers"), ("payments", "psp"), ("partners", "tree"), ("data", "checks")]
)
def test_the_tab_in_the_address_is_the_one_that_queries(open_page: Open, page: str, tab: str) -> None:
    first, other = open_page(page, "astrid"), open_page(page, "astrid", tab=tab)
    assert not other.exception
    assert [item.value for item in first.subheader] != [item.value for item in other.subheader]


@pytest.mark.parametrize(
    "parameters",
    [
        {"entity": "XX"},
        {"period": "9d"},
        {"tab": "nothing"},
        {"method": "shells"},
        {"entitty": "UK"},
        {"user": "mallory"},
    ],
)
def test_an_unknown_filter_is_refused_and_never_widened(open_page: Open, parameters: dict[str, str]) -> None:
    app = open_page("payments", parameters.pop("user", "petra"), **parameters)
    assert "Refused" in words(app)
    assert not app.metric


def test_a_refusal_does_not_turn_an_address_into_a_link(open_page: Open) -> None:
    app = open_page("payments", "petra", entity="[click](https://example.com)")
    assert "[click](" not in app.error[0].value


def test_a_day_that_is_none_is_refused(open_page: Open) -> None:
    assert "Refused" in words(
        open_page("payments", "petra", period="custom", **{"from": "2026-13-01", "to": "2026-11-01"})
    )
    assert "Refused" in words(
        open_page("payments", "petra", period="custom", **{"from": "2026-11-02", "to": "2026-11-01"})
    )


def test_the_period_of_the_address_bounds_the_rows(open_page: Open) -> None:
    app = open_page(
        "payments", "petra", tab="rows", period="custom", currency="EUR", **{"from": "2026-11-02", "to": "2026-11-03"}
    )
    days = app.dataframe[0].value["day"]
    assert {str(day)[:10] for day in days} == {"2026-11-02", "2026-11-03"}


def test_a_tile_is_the_sum_of_the_rows_it_leads_to(open_page: Open) -> None:
    app = open_page("payments", "petra", tab="rows", period="7d", entity="CY", currency="EUR")
    rows = app.dataframe[0].value
    assert app.metric[0].value == figures.compact(sum(rows["deposits"]))
    assert set(rows["entity"]) == {"CY"}


def test_nothing_matches_is_not_not_loaded(open_page: Open) -> None:
    said = words(open_page("payments", "petra", period="custom", **{"from": "2020-01-01", "to": "2020-01-02"}))
    assert "Nothing matches" in said
    assert "Not loaded" not in said


def test_an_empty_home_says_that_nothing_is_loaded(open_page: Open, home: Settings) -> None:
    app = open_page("overview", "lena", home=home.root)
    assert "Not loaded yet" in words(app)
    assert not app.exception
    assert not app.metric


def test_a_mart_without_rows_is_not_loaded_yet(open_page: Open, tmp_path) -> None:
    empty = {
        name: f"select * from ({sql}) where false" if name == "operations.fct_payments_daily" else sql
        for name, sql in MARTS.items()
    }
    settings = make(Settings(home=tmp_path / "home"), empty)
    assert "Not loaded yet" in words(open_page("payments", "petra", home=settings.root))


def test_what_fails_says_so_with_a_reference_that_stands_in_the_log(open_page: Open, tmp_path) -> None:
    broken = {
        **MARTS,
        "operations.fct_payments_daily": MARTS["operations.fct_payments_daily"].replace(" as fees", " as costs"),
    }
    settings = make(Settings(home=tmp_path / "home"), broken)
    app = open_page("payments", "petra", home=settings.root)
    assert "Failed (reference" in words(app)
    assert not app.exception


def test_a_red_build_is_told_and_the_publish_before_it_stays(open_page: Open, tmp_path) -> None:
    settings = make(Settings(home=tmp_path / "home"))
    (settings.root / "build" / "last_run.json").write_text(
        '{"run_id": 2, "status": "red", "finished_at": "2026-11-22", "message": "unbalanced"}'
    )
    app = open_page("payments", "petra", home=settings.root)
    assert "The last build is red" in words(app)
    assert app.metric


def test_a_role_without_the_mart_is_told_that_it_is_not_its_own(open_page: Open) -> None:
    assert "Not yours to see" in words(open_page("partners", "lena", tab="zeros"))


def test_quarantined_rows_are_masked_for_who_may_not_see_personal_data(open_page: Open) -> None:
    for user, seen in (("astrid", True), ("dmitri", False)):
        app = open_page("data", user, tab="quarantine")
        rows = app.dataframe[1].value
        assert any("deal_id" in str(row) for row in rows["row"]) is seen


def test_the_sources_tab_tells_what_differs_what_is_stale_and_what_lies_before_the_period(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make(Settings(home=tmp_path / "home"))
    (settings.root / "sources.yml").write_text("- {name: live5, kind: mt5_sql}\n- {name: live6, kind: mt5_sql}\n")
    settings.sources.mkdir()
    now = datetime.now(UTC).replace(tzinfo=None)
    told = {
        "name": "live5",
        "failures": 3,
        "error": "[the](server) is silent",
        "succeeded_at": f"{now - timedelta(hours=5):%Y-%m-%dT%H:%M:%S}",
    }
    (settings.sources / "live5.json").write_text(json.dumps(told))
    (settings.sources / "live6.json").write_text(json.dumps({"name": "live6", "succeeded_at": now.isoformat()}))
    monkeypatch.setenv("DAYBOOK_SOURCE_URLS", '{"live5": "mysql://x/y", "live6": "mysql://x/z"}')
    app = open_page("data", "dmitri", home=settings.root, tab="sources", period="7d")
    assert not app.exception
    assert "live5 is stale" in words(app) and "3 failures in a row" in words(app) and "live6 is stale" not in words(app)
    assert "[the](" not in words(app)
    assert "5 days before this period differ" in words(app)
    databases, totals = (table.value for table in app.dataframe)
    assert databases["state"].to_list() == ["stale", "fresh"]
    assert totals["status"].to_list()[0] == "differs"
    only = open_page(
        "data", "dmitri", home=settings.root, tab="sources", period="7d", source="acme", status="explained"
    )
    assert set(only.dataframe[1].value["source"]) == {"acme"} and set(only.dataframe[1].value["status"]) == {
        "explained"
    }


def test_a_role_without_the_totals_of_sources_is_told_so_and_a_broken_list_is_a_sentence(
    open_page: Open, tmp_path: Path
) -> None:
    assert "Not yours to see" in words(open_page("data", "lena", tab="sources"))
    settings = make(Settings(home=tmp_path / "home"))
    (settings.root / "sources.yml").write_text("- {name: a, kind: oracle}\n")
    app = open_page("data", "dmitri", home=settings.root, tab="sources")
    assert "The list of databases cannot be used" in words(app) and not app.exception
    assert len(app.dataframe) == 1


def test_quarantined_rows_are_counted_over_time_by_rule(open_page: Open) -> None:
    app = open_page("data", "dmitri", tab="quarantine")
    assert next(item.value for item in app.subheader) == "Rows set aside by day and rule"
    assert {"open", "first_day", "last_day"} <= set(app.dataframe[0].value.columns)


def test_long_rules_are_cut_for_a_chart_and_stay_apart() -> None:
    names = figures.brief(["kind: must be one of a", "kind: must be one of b", "short"], 12)
    assert names == {
        "kind: must be one of a": "kind: must …",
        "kind: must be one of b": "kind: must … 2",
        "short": "short",
    }
