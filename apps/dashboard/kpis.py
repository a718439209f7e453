"""The KPIs that the Overview shows, from kpis.yml: how each adds up over days, never what it means (that is the metric's to say)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from apps.metrics.definitions import metric

HOW = {"sum": "Sum over the period.", "mean": "Mean of the period’s days.", "ratio": "Ratio of the period’s sums."}


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


def over(kpi: Kpi, totals: Mapping[str, Mapping[str, Any]], when: Literal["now", "then"]) -> Decimal | float | None:
    """The KPI over the period, or the one before, of what `queries.overview.totals` gave, by KPI: a sum, a mean of days, or a ratio of two sums.

    None where there is no data, or nothing to divide by.
    """
    if kpi.how == "ratio" and all(name in totals for name in kpi.of):
        upper, lower = (totals[name][f"{when}_sum"] for name in kpi.of)
        # a cost against no revenue, or a loss, is no percentage of anything
        return None if upper is None or lower is None or lower <= 0 else upper / lower
    if kpi.kpi not in totals:
        return None
    return totals[kpi.kpi][f"{when}_{'mean' if kpi.how == 'ratio' else kpi.how}"]


def _kpi(entry: dict[str, Any]) -> Kpi:
    one = metric(entry["kpi"])
    unit = one.unit if one.unit in ("USD", "fraction") else "count"
    return Kpi(**{**entry, "label": one.label, "unit": unit, "better": one.better, "of": tuple(entry.get("of", ()))})
