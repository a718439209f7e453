"""The owners' suites: one a business area, met by the simulated broker, and missed by one whose feeds dry up."""

from contextlib import closing
from pathlib import Path

from expectations.run import Expectation, run_suites
from expectations.suites import suites
from warehouse.engine import connect
from warehouse.settings import Settings

AREAS = {"compliance", "data", "finance", "growth", "partners", "payments", "support", "trading"}


def outcomes(home: Settings, docs: Path) -> list[Expectation]:
    with closing(connect(home.build_file, home, read_only=True)) as connection:
        return run_suites(connection, docs)


def test_every_business_area_has_one_suite_with_an_owner_and_a_page_and_the_simulated_broker_meets_them(
    built_home: Settings, tmp_path: Path
):
    found = outcomes(built_home, tmp_path)
    assert {one.suite for one in found} == AREAS == {suite.expectations.name for suite in suites()}
    assert all(one.owner for one in found)
    assert [(one.suite, one.name, one.observed) for one in found if not one.passed] == []
    assert {page.stem for page in tmp_path.glob("*.html")} == AREAS


def test_feeds_that_dry_up_miss_what_their_owners_expect(built_copy: Settings, tmp_path: Path):
    with closing(connect(built_copy.build_file, built_copy)) as connection:
        newest = "(select max(recorded_at) from quality.fct_loads)"
        connection.execute(f"delete from operations.fct_tickets where opened_at > {newest} - interval 20 day")
        connection.execute(f"delete from core.dim_clients where registered_at > {newest} - interval 20 day")
        connection.execute(f"delete from finance.fct_journal_entries where occurred_at > {newest} - interval 20 day")
        connection.execute(
            f"delete from partners.fct_commission_accruals where executed_at > {newest} - interval 20 day"
        )
    missed = {(one.suite, one.name.split(" ")[0]) for one in outcomes(built_copy, tmp_path) if not one.passed}
    assert {(area, "age_days") for area in ("finance", "growth", "partners", "support")} <= missed
