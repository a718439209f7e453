"""The pipeline's own tables in the build file: runs, steps, what each model has taken, and check results."""

import duckdb

DDL = """
create schema if not exists control;
-- the step under way: exactly one row while a build runs; the dbt macros read it
create table if not exists control.run (
    run_id bigint, horizon_load_id bigint, recorded_at timestamp, check_from_run_id bigint
);
create table if not exists control.runs (
    run_id bigint primary key, started_at timestamp, finished_at timestamp, status varchar, full_refresh boolean,
    horizon_load_id bigint, project_hash varchar, message varchar
);
-- steps that are built: one a recorded_at, so that a build after two ingest calls equals two builds; `background_built` when the models that
-- follow (tag background) have taken everything up to it too; `followed` when those of them that keep a history looked at this very step
create table if not exists control.steps (
    horizon_load_id bigint primary key, recorded_at timestamp, run_id bigint, background_built boolean, followed boolean
);
-- homes made before they were there
alter table control.steps add column if not exists background_built boolean;
alter table control.steps add column if not exists followed boolean;
-- what each model has taken, and how a mart goes out: append (rows of new runs), keyed (touched keys replaced), replace
create table if not exists control.models (
    model varchar primary key, schema_name varchar, is_mart boolean, high_water bigint, run_id bigint, full_run_id bigint,
    publish_mode varchar, publish_key varchar[], control_totals varchar[], sorted_by varchar[]
);
create table if not exists control.check_results (
    run_id bigint, check_name varchar, kind varchar, relation varchar, status varchar, severity varchar, failures bigint,
    message varchar, ran_at timestamp
);
"""


def ensure_control(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates the control tables where they are missing."""
    connection.execute(DDL)


def scalar(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[object] | None = None) -> object:
    """The first column of the first row, or None."""
    row = connection.execute(sql, parameters or []).fetchone()
    return row[0] if row else None
