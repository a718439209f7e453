"""The metrics and what they are computed from, read from YAML and checked as a whole: a name nobody defines is a sentence, not a trace."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from warehouse.engine import WarehouseError

FOLDER = Path(__file__).parent
BETTER = ("up", "down", "neither")
MART = re.compile(r"\b[a-z]+\.(?:dim|fct|rec)_\w+")


class MetricError(WarehouseError):
    """A metric or dimension is unknown, or its definition is wrong; the message says which there are."""


@dataclass(frozen=True)
class Dimension:
    """What rows are grouped by; `join` is added to the source when the dimension is asked for."""

    expression: str
    join: str = ""


@dataclass(frozen=True)
class Source:
    """Rows that metrics aggregate: a mart, which of its rows count, when each happened, and what they can be cut by.

    `newest` keeps the newest moment before the end of a period, `newest_of` the newest row of each of these keys: levels, not flows.
    """

    name: str
    mart: str
    time: str
    dimensions: Mapping[str, Dimension]
    where: str = "true"
    newest: str = ""
    newest_of: tuple[str, ...] = ()

    @property
    def is_level(self) -> bool:
        return bool(self.newest or self.newest_of)


@dataclass(frozen=True)
class Metric:
    """One metric. Exactly one of `source`, `plus` or `ratio` says how it is computed."""

    name: str
    label: str
    description: str
    unit: str
    owner: str
    sign: str
    better: str
    source: str = ""
    expression: str = ""
    over: str = ""
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    ratio: tuple[str, ...] = ()
    times: int = 1
    parts: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", (*self.plus, *self.minus, *self.ratio))

    @property
    def formula(self) -> str:
        """How it is computed, in one line."""
        if self.ratio:
            above, below = self.ratio
            return f"{above} ÷ {below}" + (f" × {self.times:,}" if self.times != 1 else "")
        if self.plus:
            return " + ".join(self.plus) + "".join(f" − {name}" for name in self.minus)
        return f"{self.expression} ÷ {self.over}" if self.over else self.expression


@cache
def sources() -> dict[str, Source]:
    """Every source by name."""
    entries = yaml.safe_load((FOLDER / "sources.yml").read_text(encoding="utf-8"))
    return {name: _source(name, entry) for name, entry in entries.items()}


@cache
def metrics() -> dict[str, Metric]:
    """Every metric by name, in the order of the files. Raises MetricError where one is half defined or refers to what is not there."""
    found: dict[str, Metric] = {}
    for path in sorted((FOLDER / "definitions").glob("*.yml")):
        for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            if name in found:
                raise MetricError(f"The metric {name} is defined twice, again in {path.name}.")
            found[name] = _metric(name, entry)
    for metric in found.values():
        _check(metric, found)
    return found


def metric(name: str) -> Metric:
    """The metric of that name. Raises MetricError with the names that come near."""
    found = metrics().get(name)
    if found is None:
        near = [known for known in metrics() if name in known or known in name]
        raise MetricError(f"There is no metric {name}. {_list('Near it', near)}`daybook metrics list` shows all.")
    return found


def dimensions(one: Metric) -> list[str]:
    """What the metric can be cut by: the dimensions that all of its parts have."""
    if one.source:
        return list(sources()[one.source].dimensions)
    first, *others = (dimensions(metrics()[name]) for name in one.parts)
    return [name for name in first if all(name in other for other in others)]


def marts(one: Metric) -> set[str]:
    """The marts that the metric reads, `schema.mart`."""
    if one.source:
        source = sources()[one.source]
        return set(MART.findall(f"{source.mart} {source.where} {one.expression} {one.over}"))
    return set().union(*(marts(metrics()[name]) for name in one.parts))


def _source(name: str, entry: Mapping[str, Any]) -> Source:
    cut = {
        key: Dimension(value) if isinstance(value, str) else Dimension(**value)
        for key, value in entry["dimensions"].items()
    }
    return Source(**{**entry, "name": name, "dimensions": cut, "newest_of": tuple(entry.get("newest_of", ()))})


def _metric(name: str, entry: Mapping[str, Any]) -> Metric:
    known = {one.name for one in fields(Metric) if one.init}
    if unknown := set(entry) - known:
        raise MetricError(f"The metric {name} has {', '.join(sorted(unknown))}, which no metric has.")
    lists = {key: tuple(entry[key]) for key in ("plus", "minus", "ratio") if key in entry}
    return Metric(name=name, **{**entry, **lists})


def _check(one: Metric, known: Mapping[str, Metric]) -> None:
    wrong = [name for name in one.parts if name not in known]
    if wrong:
        raise MetricError(f"The metric {one.name} is made of {', '.join(wrong)}, which nobody defines.")
    if sum(map(bool, (one.source, one.plus, one.ratio))) != 1 or bool(one.source) != bool(one.expression):
        raise MetricError(f"The metric {one.name} needs exactly one of source with expression, plus, or ratio.")
    if one.source and one.source not in sources():
        raise MetricError(f"The metric {one.name} reads the source {one.source}, which nobody defines.")
    if one.better not in BETTER or (one.ratio and len(one.ratio) != 2):
        raise MetricError(f"The metric {one.name}: better is one of {', '.join(BETTER)}, a ratio has two parts.")


def _list(words: str, names: list[str]) -> str:
    return f"{words}: {', '.join(names)}. " if names else ""
