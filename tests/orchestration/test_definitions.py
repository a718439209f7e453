"""Dagster sees the same chain as the command line."""

import os
import subprocess
import sys
from pathlib import Path

from warehouse.settings import PROJECT

CHECK = """
import dagster as dg
from ingestion.feeds import FEEDS
from orchestration.definitions import defs

keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
assert {f"raw/{feed}" for feed in FEEDS} <= keys
assert any(key.endswith("fct_postings") for key in keys), sorted(keys)[:20]
checks = defs.resolve_asset_graph().asset_check_keys
assert len(checks) > 50
assert defs.resolve_job_def("pipeline") and defs.resolve_sensor_def("landing_files") and defs.resolve_schedule_def("daily_close")
with dg.instance_for_test() as instance:
    from warehouse.engine import make_home
    from warehouse.settings import Settings
    settings = Settings()
    make_home(settings)
    folder = settings.landing / "fx_rates"
    folder.mkdir()
    (folder / "a.csv").write_text("base_currency,quote_currency,quoted_at,rate\\nEUR,USD,2026-01-01T00:00:00Z,1.1\\n")
    outcome = defs.resolve_job_def("pipeline").execute_in_process(instance=instance, raise_on_error=True)
    assert outcome.success
    evaluated = [event for event in outcome.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
    built = {e.asset_key.path[-1] for e in outcome.get_asset_materialization_events() if e.asset_key}
    assert len(evaluated) > 50 and "fct_postings" in built
    from warehouse.reader import Reader
    assert Reader(settings).query("select count(*) as n from core.fct_fx_rates")["n"][0] == 1
    from apps.approvals.anchors import trail
    assert defs.resolve_job_def("day_anchor").execute_in_process(instance=instance).success
    anchors = trail(settings.anchors)
    assert [one.occasion for one in anchors.anchors][-1] == "day" and not anchors.faults
    for job, schedule in (("week_pack", "monday_pack"), ("hour_alerts", "hourly_alerts")):
        assert defs.resolve_schedule_def(schedule).job_name == job
        assert defs.resolve_job_def(job).execute_in_process(instance=instance).success
    from apps.approvals.chain import Actor, Event, append
    from apps.approvals.store import open_store, writing
    with writing(open_store(settings)) as connection:
        (seq,) = append(connection, [Event("note.made", Actor("service", "test"), "note", "n1")])
    decisions = defs.resolve_sensor_def("decisions_taken")
    woken = decisions(dg.build_sensor_context(instance=instance, cursor=str(seq - 1)))
    assert woken.run_requests and woken.cursor == str(seq)
    assert isinstance(decisions(dg.build_sensor_context(instance=instance, cursor=woken.cursor)), dg.SkipReason)
print("ok")
"""


def test_feeds_models_and_checks_are_assets_and_one_run_loads_builds_checks_and_publishes(tmp_path: Path):
    environment = {**os.environ, "DAYBOOK_HOME": str(tmp_path / "home"), "DAGSTER_HOME": ""}
    environment.pop("DAGSTER_HOME")
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stdout.strip().endswith("ok"), done.stderr[-4000:]
