"""The dbt project as Dagster sees it: the manifest, parsed when it is missing or older than the project."""

import json
from functools import cache
from typing import Any

from warehouse.dbt import DBT_PROJECT, Dbt
from warehouse.engine import make_home
from warehouse.settings import Settings


@cache
def manifest() -> dict[str, Any]:
    """dbt's manifest of this checkout; parsing takes a few seconds, reading the prepared one does not."""
    settings = Settings()
    prepared = settings.dbt_target / "manifest.json"
    newest = max(path.stat().st_mtime for path in DBT_PROJECT.rglob("*") if path.is_file())
    if not prepared.exists() or prepared.stat().st_mtime < newest:
        make_home(settings)
        Dbt(settings).parse()
    return json.loads(prepared.read_text(encoding="utf-8"))


def tests() -> list[dict[str, Any]]:
    """Every data test with the one model it is attached to."""
    nodes = manifest()["nodes"].values()
    return [node for node in nodes if node["resource_type"] == "test" and node.get("attached_node")]
