"""Everything Dagster knows of Daybook; a module with `defs` below `orchestration/` is enough to be part of it."""

import importlib
import pkgutil

import dagster as dg

import orchestration


def _modules() -> list[str]:
    found = pkgutil.walk_packages(orchestration.__path__, "orchestration.")
    return sorted(module.name for module in found if not module.ispkg and module.name != __name__)


defs = dg.Definitions.merge(
    *(
        module.defs
        for module in map(importlib.import_module, _modules())
        if isinstance(getattr(module, "defs", None), dg.Definitions)
    )
)
