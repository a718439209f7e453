"""What a pack says: read by the very functions that the Overview draws its tiles from, so that sheet and screen cannot differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl

from apps.dashboard.kpis import HOW, Kpi, kpis, over
from apps.dashboard.period import Period, complete_until, period
from apps.dashboard.queries import overview
from apps.dashboard.queries.common import Scope
from apps.dashboard.ui import figures
from apps.metric_alerts.standing import Alert
from apps.metrics.definitions import metric
from warehouse.reader import Reader

MOST_DRIVERS = 5
MONEY = pl.Decimal(38, 8)


@dataclass(frozen=True)
class Pack:
    """The figures of one period beside the same elapsed part of the one before, of one publish.

    `figures`: figure, label, unit, value, before (exact, 8 digits; null without data), shown, change (as the tile has them), definition.
    `days`: day and a column a figure. `drivers`: figure, entity, part, now, previous, change. `alerts`: those that are open.
    """

    period: Period
    entity: str | None
    publish_id: int
    as_of: datetime | None
    loaded_at: datetime | None
    checks: dict[str, int]
    figures: pl.DataFrame
    days: pl.DataFrame
    drivers: pl.DataFrame
    alerts: pl.DataFrame

    @property
    def link(self) -> str:
        """The Overview's address, below the dashboard's, that shows the same figures."""
        last = self.period.until - timedelta(days=1)
        entity = f"&entity={self.entity}" if self.entity else ""
        return f"overview?period=custom&from={self.period.start}&to={last}{entity}"


def week(reader: Reader, at: datetime) -> Period:
    """The seven days up to the last Sunday before `at` (naive UTC), or up to the last complete day in the data where that is earlier."""
    publish = reader.publish
    complete = complete_until(publish.latest_event_at, publish.loaded_at) - timedelta(days=1)
    last = min(complete, at.date() - timedelta(days=at.isoweekday()))
    return period("custom", last, (last - timedelta(days=6), last))


def pack(reader: Reader, period: Period, entity: str | None, alerts: Sequence[Alert]) -> Pack:
    """The pack of this period with this reader's eyes. Raises Refused for a role that may not read the daily figures."""
    scope = Scope(period.start, period.until, period.previous_start, period.previous_until, entity)
    totals = {row["kpi"]: row for row in overview.totals(reader, scope).iter_rows(named=True)}
    publish = reader.publish
    return Pack(
        period, entity, publish.publish_id, publish.latest_event_at, publish.loaded_at, dict(publish.checks),
        pl.DataFrame(
            [_figure(kpi, over(kpi, totals, "now"), over(kpi, totals, "then")) for kpi in kpis()],
            schema_overrides={"value": MONEY, "before": MONEY}, infer_schema_length=None,
        ),
        _days(reader, scope, [kpi.kpi for kpi in kpis() if kpi.kpi in totals]), _drivers(reader, scope), _alerts(alerts),
    )  # fmt: skip


def _figure(kpi: Kpi, now: Decimal | float | None, then: Decimal | float | None) -> dict[str, str | Decimal | None]:
    return {
        "figure": kpi.kpi, "label": kpi.label, "unit": kpi.unit, "value": _exact(now), "before": _exact(then), "shown": figures.figure(kpi, now),
        "change": figures.change(now, then, points=kpi.unit == "fraction"),
        "definition": f"{metric(kpi.kpi).description} {HOW[kpi.how]}",
    }  # fmt: skip


def _exact(value: Decimal | float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.00000001"))


def _days(reader: Reader, scope: Scope, names: list[str]) -> pl.DataFrame:
    series = overview.by_day(reader, scope, tuple(names))
    if series.is_empty():
        return pl.DataFrame(schema={"day": pl.Date})
    wide = series.pivot(on="kpi", index="day", values="value").sort("day")
    return wide.select("day", *[name for name in names if name in wide.columns])


def _drivers(reader: Reader, scope: Scope) -> pl.DataFrame:
    explained = [kpi for kpi in kpis() if kpi.how == "sum" and kpi.of]
    frames = [
        overview.drivers(reader, scope, kpi.kpi, kpi.of).head(MOST_DRIVERS).select(pl.lit(kpi.kpi).alias("figure"), pl.all())
        for kpi in explained
    ]  # fmt: skip
    return pl.concat(frames, how="vertical_relaxed").rename({"kpi": "part"})


def _alerts(alerts: Sequence[Alert]) -> pl.DataFrame:
    columns = ("label", "state", "severity", "owner", "words", "fired_at")
    rows = [{name: getattr(one, name) for name in columns} for one in alerts if one.is_open]
    return pl.DataFrame(rows, schema={**dict.fromkeys(columns[:-1], pl.Utf8), "fired_at": pl.Datetime("us")})


def span(first: date, until: date) -> str:
    """`2026-11-16 to 2026-11-22`: both days included."""
    return f"{first} to {until - timedelta(days=1)}"
