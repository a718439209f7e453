"""SQL sources as Dagster sees them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.servers import free_port
from warehouse.settings import PROJECT

CHECK = """
import dagster as dg
from orchestration.assets.sources import AGAIN, defs
assert [key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()] == ["source/live_5"]
schedule = defs.resolve_schedule_def("every_live_5")
assert schedule.cron_schedule == "*/5 * * * *"
assert AGAIN.backoff == dg.Backoff.EXPONENTIAL and AGAIN.max_retries == 4
with dg.instance_for_test() as instance:
    import datetime
    from orchestration.definitions import defs as all_of_it
    repository = all_of_it.get_repository_def()
    context = dg.build_schedule_context(instance, repository_def=repository, scheduled_execution_time=datetime.datetime(2026, 3, 2, 10, 5))
    (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == "2026-03-02"
    assert "source/live_5" not in {key.to_user_string() for key in all_of_it.resolve_job_def("pipeline").asset_layer.executable_asset_keys}
print("ok")
"""


def test_a_source_is_an_asset_with_a_schedule_a_partition_a_day_and_retries_that_back_off(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sources.yml").write_text('- {name: live-5, kind: mt5_sql, every: "*/5 * * * *"}\n', encoding="utf-8")
    url = f"mysql://reader@127.0.0.1:{free_port()}/mt5"
    environment = {**os.environ, "DAYBOOK_HOME": str(home), "DAYBOOK_SOURCE_URLS": f'{{"live-5": "{url}"}}'}
    environment.pop("DAGSTER_HOME", None)
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stdout.strip().endswith("ok"), done.stderr[-4000:]
