"""The dbt project as Dagster sees it: the manifest, parsed when the project as it stands has none."""

import json
from functools import cache
from typing import Any

from warehouse.dbt import Dbt
from warehouse.engine import make_home
from warehouse.settings import Settings


@cache
def manifest() -> dict[str, Any]:
    """dbt's manifest of this checkout; parsing takes a while the first time, reading the prepared one does not."""
    settings = Settings()
    dbt = Dbt(settings)
    if not dbt.manifest_file.exists():
        make_home(settings)
        dbt.parse()
    return json.loads(dbt.manifest_file.read_text(encoding="utf-8"))


def tests() -> list[dict[str, Any]]:
    """Every data test with the one model it is attached to."""
    nodes = manifest()["nodes"].values()
    return [node for node in nodes if node["resource_type"] == "test" and node.get("attached_node")]
