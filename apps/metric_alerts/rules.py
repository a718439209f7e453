"""The rules, read from YAML and checked as a whole: one that nobody could judge is refused with the sentence that mends it."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from apps.metrics.definitions import MetricError, dimensions, metric
from warehouse.engine import WarehouseError
from warehouse.reader import access
from warehouse.settings import Settings

DEFAULT = Path(__file__).with_name("metric_alerts.yml")
NEEDS = {
    "above": ("limit", "period"), "below": ("limit", "period"), "change_above": ("limit", "period"), "change_below": ("limit", "period"),
    "no_data": ("days",), "stale": ("hours", "feed"),
}  # fmt: skip


class AlertRuleError(WarehouseError):
    """The rules cannot be used; the message says which and why."""


class Rule(BaseModel):
    """One rule; which of the fields it has follows from `when` (metric_alerts.yml says what each means)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    metric: str
    when: Literal["above", "below", "change_above", "change_below", "no_data", "stale"]
    owner: str
    severity: Literal["high", "medium", "low"]
    advice: str = Field(min_length=1)
    limit: Decimal | None = None
    least: Decimal = Decimal(0)
    period: Literal["7d", "30d", "90d", "mtd", "qtd"] | None = None
    by: str | None = None
    days: Annotated[int, Field(ge=1)] | None = None
    hours: Annotated[int, Field(ge=1)] | None = None
    feed: str | None = None

    @model_validator(mode="after")
    def is_whole(self) -> "Rule":
        if missing := [name for name in NEEDS[self.when] if getattr(self, name) is None]:
            raise ValueError(f"{self.name}: a rule with when: {self.when} needs {' and '.join(missing)}")
        if self.owner not in access()["roles"]:
            raise ValueError(f"{self.name}: the owner is one of the roles {', '.join(access()['roles'])}")
        try:
            known = dimensions(metric(self.metric))
        except MetricError as error:
            raise ValueError(f"{self.name}: {error}") from error
        if self.by is not None and (self.by not in known or self.when in ("no_data", "stale")):
            raise ValueError(
                f"{self.name}: above, below and change can be cut by {', '.join(known)}; no_data and stale by nothing"
            )
        return self


_LIST = TypeAdapter(list[Rule])


def rules(settings: Settings) -> dict[str, Rule]:
    """Every rule by name: of the home's metric_alerts.yml where there is one, else of ours. Raises AlertRuleError."""
    path = settings.root / DEFAULT.name
    path = path if path.exists() else DEFAULT
    try:
        found = _LIST.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or [])
    except (ValidationError, yaml.YAMLError) as error:
        raise AlertRuleError(f"{path.name} cannot be used, and no metric is watched until it can: {error}") from error
    by_name = {one.name: one for one in found}
    if len(by_name) < len(found):
        raise AlertRuleError(f"{path.name} names a rule twice; a name is what an alert is known by.")
    return by_name
