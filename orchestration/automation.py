"""When things run: files that land, and the daily close. The writer pool has one slot, so runs queue and never collide."""

import hashlib

import dagster as dg

from warehouse.settings import Settings

pipeline_job = dg.define_asset_job(
    "pipeline",
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.groups("sources"),  # those have days and schedules of their own
    description="Load, build, check, publish.",
    executor_def=dg.in_process_executor,
)


@dg.sensor(job=pipeline_job, minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def landing_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Whole files in the landing folder start a run; temporary names do not count."""
    landing = Settings().landing
    files = [
        path for path in sorted(landing.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path.suffix not in {".part", ".tmp"}
    ]  # fmt: skip
    if not files:
        return dg.SkipReason(f"{landing} is empty")
    state = "".join(f"{path}{path.stat().st_mtime_ns}" for path in files)
    return dg.RunRequest(run_key=hashlib.sha256(state.encode()).hexdigest())


daily_close = dg.ScheduleDefinition(
    name="daily_close",
    job=pipeline_job,
    cron_schedule="15 0 * * *",
    execution_timezone="UTC",
    description="After the UTC day's end: whatever came late, and every check.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

defs = dg.Definitions(jobs=[pipeline_job], sensors=[landing_files], schedules=[daily_close])
