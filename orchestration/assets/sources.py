"""Each SQL source is an asset on a schedule of its own; one that does not answer is tried again, then fails alone."""

import re
from typing import Any

import dagster as dg

from apps import pipeline
from ingestion.connectors.mt5_pull import PullError
from ingestion.sources import SqlSource, sources
from orchestration.assets.feeds import WRITER
from orchestration.automation import pipeline_job
from warehouse.engine import WarehouseError
from warehouse.settings import Settings

AGAIN = dg.RetryPolicy(max_retries=4, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def source_asset(source: SqlSource) -> dg.AssetsDefinition:
    """Reads what is new, loads it, sweeps. Partitioned by day: a partition is a day on which the source was read."""

    @dg.asset(
        key=["source", _identifier(source.name)],
        group_name="sources",
        pool=WRITER,
        retry_policy=AGAIN,
        partitions_def=dg.DailyPartitionsDefinition(start_date="2026-01-01", end_offset=1),
        description=f"The database of {source.platform}, as {source.kind} reads it.",
        kinds={"sql"},
    )
    def read() -> dg.MaterializeResult:
        try:
            outcomes = pipeline.refresh(Settings(), source)
        except PullError as error:
            raise dg.Failure(str(error)) from error
        counts = {
            name: sum(getattr(one, f"rows_{name}") for one in outcomes)
            for name in ("read", "loaded", "duplicate", "quarantined")
        }
        return dg.MaterializeResult(metadata={"files": len(outcomes), **counts})

    return read


def definitions() -> dg.Definitions:
    """An asset, a job and a schedule a source. A list of sources that cannot be read makes none, and says so in the log."""
    try:
        known = sources(Settings())
    except WarehouseError as error:
        dg.get_dagster_logger().error(str(error))
        return dg.Definitions()
    assets = [source_asset(source) for source in known]
    jobs = [_job(source, asset) for source, asset in zip(known, assets, strict=True)]
    schedules = [_schedule(source, job) for source, job in zip(known, jobs, strict=True)]
    return dg.Definitions(assets=assets, jobs=jobs, schedules=schedules, sensors=[_builds_after(jobs)] if jobs else [])


def _job(source: SqlSource, asset: dg.AssetsDefinition) -> Any:
    return dg.define_asset_job(
        f"read_{_identifier(source.name)}", selection=[asset], executor_def=dg.in_process_executor
    )


def _builds_after(jobs: list[Any]) -> dg.SensorDefinition:
    """What a source brought is built and published by the ordinary pipeline."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=jobs,
        request_job=pipeline_job,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def source_was_read(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    return source_was_read


def _schedule(source: SqlSource, job: Any) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"every_{_identifier(source.name)}",
        job=job,
        cron_schedule=source.every,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def due(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Today's partition."""
        return dg.RunRequest(partition_key=f"{context.scheduled_execution_time:%Y-%m-%d}")

    return due


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


defs = definitions()
