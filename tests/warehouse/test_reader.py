"""Reading: default deny, rows and columns by role, one cursor per query."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.warehouse.conftest import TinyWarehouse
from warehouse.publish import publish
from warehouse.reader import OPERATOR, Reader, Refused, access


@pytest.fixture
def published(tiny: TinyWarehouse) -> TinyWarehouse:
    publish(tiny.settings)
    return tiny


def test_a_column_is_masked_for_a_role_that_may_not_see_it_and_clear_for_one_that_may(published: TinyWarehouse):
    masked = Reader(published.settings, "finance").query("select first_name from core.dim_clients order by 1")
    clear = Reader(published.settings, "compliance").query("select first_name from core.dim_clients order by 1")
    assert masked["first_name"].to_list() == ["A…", "B…"]
    assert clear["first_name"].to_list() == ["Ann", "Bob"]


def test_a_role_sees_only_its_rows(published: TinyWarehouse):
    found = Reader(published.settings, "partners").query("select client_id from core.dim_clients")
    assert found["client_id"].to_list() == ["c1"]


def test_a_mart_that_a_role_is_not_given_does_not_exist_for_it(published: TinyWarehouse):
    with pytest.raises(Refused, match="The role support sees"):
        Reader(published.settings, "support").query("from finance.fct_postings")


@pytest.mark.parametrize(
    "attempt",
    [
        "select * from lake.core.dim_clients",
        'select * from "lake".core.dim_clients',
        "select * from LAKE.finance.fct_postings",
        "select * from __ducklake_metadata_lake.ducklake_table",
        "from duckdb_tables()",
        "select 1; select 2",
        "delete from core.dim_clients",
        "drop view core.dim_clients",
        "attach ':memory:' as other",
        "copy (select 1) to 'stolen.csv'",
    ],
)
def test_going_around_the_roles_is_refused(published: TinyWarehouse, attempt: str):
    with pytest.raises(Refused):
        Reader(published.settings, "support").query(attempt)


def test_files_outside_the_lake_cannot_be_read(published: TinyWarehouse):
    with pytest.raises(Exception, match="disabled by configuration"):
        Reader(published.settings, OPERATOR).query("select * from read_text('/etc/hostname')")


def test_an_unknown_role_is_refused_by_name(published: TinyWarehouse):
    with pytest.raises(Refused, match="There is no role intruder"):
        Reader(published.settings, "intruder")


def test_queries_of_many_threads_get_their_own_rows(published: TinyWarehouse):
    reader = Reader(published.settings)

    def ask(number: int) -> bool:
        return (
            reader.query("select ?::int as n, count(*) as c from core.dim_clients, range(2000)", [number])["n"][0]
            == number
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(200)))


def test_every_mask_and_role_named_in_the_access_table_exists():
    rules = access()
    for column, rule in rules["columns"].items():
        assert rule["mask"] in rules["masks"], column
        assert set(rule["clear"]) <= set(rules["roles"]), column
