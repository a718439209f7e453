"""The KPIs that the Overview shows, from kpis.yml: how each adds up over days, never what it means (that is the metric's to say)."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from apps.metrics.definitions import metric


@dataclass(frozen=True)
class Kpi:
    """One daily KPI. `unit` is USD, count, hours or fraction; `of` names numerator and denominator of a ratio, or a sum's parts."""

    kpi: str
    label: str
    unit: str
    how: str
    better: str
    tile: int
    page: str | None = None
    suffix: str = ""
    of: tuple[str, ...] = ()


@cache
def kpis() -> tuple[Kpi, ...]:
    """All of them, in the order of the tiles."""
    entries = yaml.safe_load((Path(__file__).parent / "kpis.yml").read_text(encoding="utf-8"))
    return tuple(sorted((_kpi(entry) for entry in entries), key=lambda kpi: kpi.tile))


def _kpi(entry: dict[str, Any]) -> Kpi:
    one = metric(entry["kpi"])
    unit = one.unit if one.unit in ("USD", "fraction") else "count"
    return Kpi(**{**entry, "label": one.label, "unit": unit, "better": one.better, "of": tuple(entry.get("of", ()))})
