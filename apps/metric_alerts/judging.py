"""What each rule says of one publish at one moment. Only complete days count: a day under way looks like a fall."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from apps.dashboard import period as periods
from apps.dashboard.period import Period
from apps.metric_alerts.rules import Rule
from apps.metrics.definitions import Metric, marts, metric, metrics, sources
from apps.metrics.query import Asked, query
from warehouse.reader import Reader

LOADS = "quality.fct_loads"


@dataclass(frozen=True)
class Finding:
    """A rule judged, for one value of its dimension where it has one. `value` and `compared` are in the metric's unit."""

    rule: Rule
    key: str | None
    holds: bool
    words: str
    value: Decimal | None = None
    compared: Decimal | None = None

    @property
    def alert_id(self) -> str:
        """The rule's name, and the value of its dimension where it has one: one alert, however often it is judged."""
        return self.rule.name if self.key is None else f"{self.rule.name}:{self.key}"


def judge(reader: Reader, rules: Iterable[Rule], at: datetime) -> list[Finding]:
    """Each rule that can be judged on this publish at this moment (naive UTC).

    One whose marts are not published, whose metric was never seen, or which has nothing to compare with gives nothing: not loaded yet is
    another thing than no data, and no verdict leaves an alert as it is.
    """
    last = last_complete_day(reader)
    return [finding for rule in rules for finding in _judged(reader, rule, last, at)]


def last_complete_day(reader: Reader) -> date:
    """The newest broker day (UTC) that is over in the data."""
    publish = reader.publish
    return periods.complete_until(publish.latest_event_at, publish.loaded_at) - timedelta(days=1)


def _judged(reader: Reader, rule: Rule, last: date, at: datetime) -> Iterator[Finding]:
    if rule.when == "stale":
        yield from _stale(reader, rule, at)
    elif not marts(metric(rule.metric)) <= reader.marts:
        return
    elif rule.when == "no_data":
        yield from _no_data(reader, rule, last)
    else:
        yield from _figures(reader, rule, periods.period(rule.period or "", last))


def _figures(reader: Reader, rule: Rule, period: Period) -> Iterator[Finding]:
    now = _values(reader, rule, period.start, period.until)
    then = _values(reader, rule, period.previous_start, period.previous_until) if "change" in rule.when else {}
    unit, limit = metric(rule.metric).unit, rule.limit or Decimal(0)
    for key, value in now.items():
        compared = then.get(key)
        if rule.when in ("above", "below"):
            if value is None:
                continue
            holds = value > limit if rule.when == "above" else value < limit
            words = f"{plain(value, unit)} over {period.label}; the rule says {rule.when} {plain(limit, unit)}"
            yield Finding(rule, key, holds, words, value)
        elif compared is not None and compared != 0 and abs(compared) >= rule.least:
            change = ((value or Decimal(0)) - compared) / abs(compared)
            holds = change > limit if rule.when == "change_above" else change < limit
            words = (
                f"{plain(value or Decimal(0), unit)} over {period.label} after {plain(compared, unit)} over {period.previous_label}: "
                f"{change:+.1%}; the rule says {rule.when.replace('change_', 'a change ')} {limit:+.0%}"
            )
            yield Finding(rule, key, holds, words, value, compared)


def _values(reader: Reader, rule: Rule, start: date, until: date) -> dict[str | None, Decimal | None]:
    frame = query(reader, rule.metric, Asked((rule.by,) if rule.by else (), start, until))
    if rule.by is None:
        return {None: frame["value"][0]}
    return {"none" if key is None else str(key): value for key, value in frame.iter_rows()}


def _no_data(reader: Reader, rule: Rule, last: date) -> Iterator[Finding]:
    newest = _newest(reader, metric(rule.metric), last)
    if newest is None:
        return
    silent = (last - newest).days
    words = f"newest of {newest:%d %b %Y}, {silent} complete days before {last:%d %b %Y}; the rule says {rule.days}"
    yield Finding(rule, None, silent >= (rule.days or 0), words, Decimal(silent))


def _newest(reader: Reader, one: Metric, last: date) -> date | None:
    """The newest day up to `last` of the source that lags most among those the metric is made of; None where one never had a row."""
    names = sorted({part.source for part in _leaves(one)})
    found = []
    for name in names:
        source = sources()[name]
        sql = f"select max({source.time})::date as day from {source.mart} where ({source.where}) and {source.time} < $1"
        found.append(reader.query(sql, [last + timedelta(days=1)])["day"][0])
    return None if None in found else min(found)


def _leaves(one: Metric) -> Iterator[Metric]:
    if one.source:
        yield one
    for name in one.parts:
        yield from _leaves(metrics()[name])


def _stale(reader: Reader, rule: Rule, at: datetime) -> Iterator[Finding]:
    if LOADS not in reader.marts:
        return
    sql = f"select max(recorded_at) as at from {LOADS} where feed = $1 and status = 'loaded'"
    loaded: datetime | None = reader.query(sql, [rule.feed])["at"][0]
    if loaded is None:
        return
    hours = int((at - loaded).total_seconds() // 3600)
    words = f"{rule.feed} was last loaded {loaded:%d %b %Y %H:%M} UTC, {hours} h ago; the rule says {rule.hours} h"
    yield Finding(rule, None, hours >= (rule.hours or 0), words, Decimal(hours))


def plain(value: Decimal, unit: str) -> str:
    """A figure with its unit, as a sentence has it.

    >>> plain(Decimal("0.5"), "fraction"), plain(Decimal("1234.5"), "USD"), plain(Decimal("7"), "clients")
    ('50.0 %', 'USD 1,234.50', '7 clients')
    """
    if unit == "fraction":
        return f"{value * 100:,.1f} %"
    if unit == "USD":
        return f"USD {value:,.2f}"
    return f"{value:,f} {unit}" if value != value.to_integral() else f"{value:,.0f} {unit}"
