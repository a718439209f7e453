"""Tiles of metrics: the value, the same elapsed part of the period before, and the metric's own words; nothing about it is said twice."""

from apps.dashboard.kpis import Kpi
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.tiles import Tile, tiles
from apps.metrics.definitions import dimensions, marts, metric
from apps.metrics.query import Asked, query


def metric_tiles(page: Page, names: tuple[str, ...], links: dict[str, dict[str, str]] | None = None) -> None:
    """One tile a metric, at most eight, narrowed to the page's entity where the metric knows entities.

    A metric of which this role may not read a mart, or whose mart is not published, has no tile. `links`: by metric the query parameters
    that show its rows.
    """
    shown = []
    for name in names:
        if not all(page.frame.granted(mart) for mart in marts(metric(name))):
            continue
        one = metric(name)
        unit = one.unit if one.unit in ("USD", "fraction", "hours") else "count"
        kpi = Kpi(name, one.label, unit, "", one.better, 0, suffix=one.unit if one.unit == "lots" else "")
        by_entity = (("entity", page.entity),) if page.entity and "entity" in dimensions(one) else ()
        now, then = (
            page.read(query, name, Asked((), start, until, by_entity))["value"][0]
            for start, until in (
                (page.scope.start, page.scope.until),
                (page.scope.previous_start, page.scope.previous_until),
            )
        )
        words = (
            f"{one.description} {one.formula if one.ratio or one.plus else ''} Sign: {one.sign}. Owner: {one.owner}."
        )
        if page.entity and not by_entity:
            words += " Of all entities: it cannot be narrowed to one."
        shown.append(Tile(kpi, now, then, [], words.replace("  ", " "), (links or {}).get(name)))
    tiles(page, shown)
