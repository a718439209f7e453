"""The limit is a fair reference only while it makes the very same tables as the models."""

import contextlib
from pathlib import Path

import duckdb
import pytest

from apps.pipeline import Source, load
from bench.harness import RESULTS, parts_of
from bench.limit import PARTS, TOTALS, disagreements, run_limit, sections
from bench.new_deals import write_new_deals
from ingestion.simulator import simulate
from warehouse.build import build
from warehouse.dbt import Dbt
from warehouse.engine import connect, make_home
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """A simulated broker, loaded in one call and built up to the results of the four parts."""
    settings = Settings(home=tmp_path_factory.mktemp("bench"))
    make_home(settings)
    simulate(settings.landing, truth=settings.truth, deals=5_000, clients=400)
    load(settings, Source())
    dbt = Dbt(settings)
    results = [f"+{mart}" for marts in RESULTS.values() for mart in marts]
    outcome = build(settings, select=results, tests=False)
    assert outcome.green, [(node.name, node.message) for node in outcome.failures]
    return dbt


@pytest.fixture(scope="module")
def by_hand(dbt: Dbt) -> Path:
    file = dbt.settings.root / "limit.duckdb"
    assert set(run_limit(dbt.settings, file)) == set(PARTS)
    return file


def test_counts_and_control_totals_of_every_result_table_equal_those_of_the_marts(dbt: Dbt, by_hand: Path):
    assert disagreements(dbt.settings, by_hand) == []


def test_every_business_column_has_the_type_it_has_in_the_mart(dbt: Dbt, by_hand: Path):
    with contextlib.closing(connect(dbt.settings.build_file, dbt.settings, read_only=True)) as connection:
        connection.execute(f"attach '{by_hand}' as by_hand (read_only)")
        differing = connection.execute(
            """
            select built.schema_name, built.table_name, built.column_name, built.data_type, by_hand.data_type
            from duckdb_columns() as built
            left join duckdb_columns() as by_hand
                on by_hand.database_name = 'by_hand' and built.schema_name = by_hand.schema_name
                and built.table_name = by_hand.table_name and built.column_name = by_hand.column_name
            where built.database_name = current_database() and list_contains(?, built.schema_name || '.' || built.table_name)
                and built.column_name not in ('_run_id', '_horizon_load_id')
                and built.data_type is distinct from by_hand.data_type
            """,
            [list(TOTALS)],
        ).fetchall()
    assert differing == []


def test_one_row_more_or_less_is_a_disagreement(dbt: Dbt, by_hand: Path, tmp_path: Path):
    changed = tmp_path / "changed.duckdb"
    changed.write_bytes(by_hand.read_bytes())
    with contextlib.closing(duckdb.connect(str(changed))) as connection:
        connection.execute(
            "delete from finance.fct_postings where rowid = (select max(rowid) from finance.fct_postings)"
        )
    assert [one.split(":")[0] for one in disagreements(dbt.settings, changed)] == ["finance.fct_postings"]


def test_the_sections_are_the_parts_behind_their_setup():
    assert [name for name, _ in sections()] == ["setup", *PARTS]


def test_a_model_counts_to_the_first_part_that_needs_it(dbt: Dbt):
    parts = parts_of(dbt)
    assert parts["int_accounts"] == "deals"
    assert parts["int_ledger_deal_entries"] == "ledger"
    assert parts["int_commission_card"] == "commissions"
    assert parts["int_staff_known"] == "audit"
    assert "fct_kpi_daily" not in parts


def test_new_deals_are_whole_positions_under_ids_of_their_own(dbt: Dbt):
    file = write_new_deals(dbt.settings, 100, "later")
    with contextlib.closing(connect(dbt.settings.build_file, dbt.settings, read_only=True)) as connection:
        deals, entries, known = connection.execute(
            f"""
            select count(*), count(distinct entry), count(*) filter (deal_id in (select deal_id from raw.deals))
            from '{file}'
            """
        ).fetchone()
    file.unlink()
    assert (deals, entries, known) == (100, 2, 0)
