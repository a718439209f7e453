"""A replay of rules for a page: dbt runs in a process of its own, as it keeps what it knows of a home in the process that runs it."""

import json
import os
import subprocess
import sys
from typing import Any

from warehouse.settings import Settings

SECONDS = 900
"""After this a replay is given up; the copy goes with it."""
COMMAND = "from apps.cli.main import main; main()"


def replayed(settings: Settings, change: str) -> dict[str, Any] | str:
    """What `daybook rules replay --set CHANGE --json` gives; a sentence when it could not."""
    environment = os.environ | {"DAYBOOK_HOME": str(settings.root)}
    try:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "rules", "replay", "--set", change, "--json"],
            capture_output=True, text=True, timeout=SECONDS, env=environment, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"The replay took more than {SECONDS // 60} minutes. Run it at the command line: daybook rules replay --set {change}"
    if done.returncode:
        return " ".join(done.stderr.split()) or f"The replay ended with code {done.returncode}."
    return json.loads(done.stdout)
