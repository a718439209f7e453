"""A tiny warehouse made by hand: one keyed mart and one append mart, so that publishing can be tested alone."""

from contextlib import closing

import pytest

from warehouse.control import ensure_control
from warehouse.engine import connect
from warehouse.settings import Settings


class TinyWarehouse:
    """Writes runs into the build file as dbt's models would."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.execute(
            "create schema raw",
            "create table raw.loads (load_id bigint, recorded_at timestamp, connector varchar)",
            "create schema core",
            "create schema finance",
            "create table core.dim_clients (client_id varchar, first_name varchar, partner_id varchar, amount decimal(38, 8), _run_id bigint)",
            "create table finance.fct_postings (entry_id varchar, amount decimal(38, 8), _run_id bigint)",
        )

    def execute(self, *statements: str) -> None:
        with closing(connect(self.settings.build_file, self.settings)) as connection:
            ensure_control(connection)
            for statement in statements:
                connection.execute(statement)

    def run(self, run_id: int, *statements: str, status: str = "green") -> None:
        """A run that executed the statements and touched both marts."""
        self.execute(
            *statements,
            f"insert into control.runs values ({run_id}, now()::timestamp, now()::timestamp, '{status}', false, {run_id}, 'hash', null)",
            f"""
            insert or replace into control.models by name
            select 'dim_clients' as model, 'core' as schema_name, true as is_mart, {run_id} as high_water, {run_id} as run_id,
                coalesce((select min(full_run_id) from control.models), {run_id}) as full_run_id, 'keyed' as publish_mode,
                ['client_id'] as publish_key, ['amount'] as control_totals, ['client_id'] as sorted_by
            union all by name
            select 'fct_postings' as model, 'finance' as schema_name, true as is_mart, {run_id} as high_water, {run_id} as run_id,
                coalesce((select min(full_run_id) from control.models), {run_id}) as full_run_id, 'append' as publish_mode,
                []::varchar[] as publish_key, ['amount'] as control_totals, []::varchar[] as sorted_by
            """,
        )


@pytest.fixture
def tiny(home: Settings) -> TinyWarehouse:
    warehouse = TinyWarehouse(home)
    warehouse.run(
        1,
        "insert into core.dim_clients values ('c1', 'Ann', 'p1', 10.5, 1), ('c2', 'Bob', null, 20, 1)",
        "insert into finance.fct_postings values ('e1', 5, 1), ('e1', -5, 1)",
    )
    return warehouse
