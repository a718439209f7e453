"""When things run: files that land, decisions that are taken, and the daily close. The writer pool has one slot, so runs queue and never collide."""

import hashlib

import dagster as dg

from apps import operations, pipeline
from apps.approvals.anchors import anchor
from apps.monday_pack.sending import send_pack
from ingestion.files import lying
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
    settings = Settings()
    files = lying(settings)
    if not files:
        return dg.SkipReason(f"{settings.landing} is empty")
    return dg.RunRequest(run_key=hashlib.sha256(repr(files).encode()).hexdigest())


@dg.sensor(job=pipeline_job, minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def decisions_taken(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """What is decided in the operational store starts a run, so that it is in the marts within seconds."""
    settings = Settings()
    end, seen = operations.head(settings), int(context.cursor or 0)
    if not operations.urgent(settings, seen):
        return dg.SkipReason(f"nothing that readers wait for after event {seen}")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=end.hash)], cursor=str(end.seq))


@dg.op
def sign_head(context: dg.OpExecutionContext) -> None:
    """Signs the audit chain's head, so that a day without a publish is anchored too."""
    made = anchor(Settings())
    context.log.info(f"anchor {made.number} at event {made.seq}")


@dg.job
def day_anchor() -> None:
    """The audit chain's day anchor."""
    sign_head()


@dg.op
def put_pack(context: dg.OpExecutionContext) -> None:
    """Puts the week's pack into the outbox; a week that is there already is not sent again."""
    context.log.info(f"{send_pack(Settings())} messages put into the outbox")


@dg.job
def week_pack() -> None:
    """The Monday pack: the Overview's figures of the week, as PDF and workbook."""
    put_pack()


@dg.op
def judge_rules(context: dg.OpExecutionContext) -> None:
    """Judges the rules over metrics by the clock: what nobody sends any more grows stale without a publish."""
    pipeline.judge_metrics(Settings(), context.log.info)


@dg.job
def hour_alerts() -> None:
    """Alerts on metrics, judged between publishes."""
    judge_rules()


SCHEDULES = [
    dg.ScheduleDefinition(
        name=name, job=job, cron_schedule=cron, description=why, execution_timezone="UTC", default_status=dg.DefaultScheduleStatus.RUNNING
    )
    for name, job, cron, why in (
        ("daily_close", pipeline_job, "15 0 * * *", "After the UTC day's end: whatever came late, and every check."),
        ("daily_anchor", day_anchor, "5 0 * * *", "Every UTC day, whether anything was published or not."),
        ("monday_pack", week_pack, "0 6 * * 1", "Monday morning, after the night's close: the pack of the week before."),
        ("hourly_alerts", hour_alerts, "25 * * * *", "Alerts on metrics, also when nothing is published."),
    )
]  # fmt: skip

defs = dg.Definitions(
    jobs=[pipeline_job, day_anchor, week_pack, hour_alerts],
    sensors=[landing_files, decisions_taken],
    schedules=SCHEDULES,
)
