"""Numbers as people read them: currency first, thousands set apart, a real minus sign, never a bare ratio."""

from collections.abc import Sequence
from decimal import Decimal

from apps.dashboard.kpis import Kpi

MINUS = "\u2212"
MOST = 999
"""A change beyond this many per cent says only that the value before was close to nothing."""


def number(value: Decimal | float | int | None, digits: int = 0) -> str:
    """`1,234.50` with a real minus sign; an em dash for nothing.

    >>> number(Decimal("-1234.5"), 2), number(None), number(0)
    ('\u22121,234.50', '\u2014', '0')
    """
    if value is None:
        return "—"
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and any(character not in "0.," for character in text)
    return f"{MINUS if negative else ''}{text}"


def compact(value: Decimal | float | int | None) -> str:
    """`1.23 m` for what does not fit a tile; below a hundred thousand the whole number.

    >>> compact(1_234_567), compact(-98_765), compact(2_500_000_000)
    ('1.23 m', '\u221298,765', '2.50 bn')
    """
    if value is None:
        return "—"
    for size, unit in ((10**9, "bn"), (10**6, "m"), (10**5, "k")):
        if abs(value) >= size:
            divisor = 1_000 if unit == "k" else size
            return f"{number(Decimal(value) / divisor, 1 if unit == 'k' else 2)} {unit}"
    return number(value)


def brief(texts: Sequence[str], most: int = 44) -> dict[str, str]:
    """Each text with a label for a chart: cut where it is long, and numbered where two would then be the same.

    >>> brief(["kind: is wrong", "kind: is wronger"], 8)
    {'kind: is wrong': 'kind: i…', 'kind: is wronger': 'kind: i… 2'}
    """
    labels: dict[str, str] = {}
    for text in texts:
        label = text if len(text) <= most else f"{text[: most - 1]}…"
        same = sum(one.startswith(label) for one in labels.values())
        labels[text] = f"{label} {same + 1}" if same else label
    return labels


def percent(value: Decimal | float | None, digits: int = 1) -> str:
    """A fraction as a percentage.

    >>> percent(0.1234), percent(None)
    ('12.3 %', '\u2014')
    """
    return "—" if value is None else f"{number(Decimal(str(value)) * 100, digits)} %"


def figure(kpi: Kpi, value: Decimal | float | None) -> str:
    """The value of a KPI in its own unit."""
    if value is None:
        return "—"
    if kpi.unit == "fraction":
        return percent(value)
    if kpi.unit == "USD":
        return f"USD {compact(value)}"
    if kpi.unit == "hours":
        return f"{number(value, 1)} h"
    return f"{compact(value)}{f' {kpi.suffix}' if kpi.suffix else ''}"


def change(value: Decimal | float | None, previous: Decimal | float | None, *, points: bool = False) -> str | None:
    """`+12.3 %` against the previous value, or the difference in percentage points; None when there is nothing to compare.

    >>> change(110, 100), change(0.5, 0.45, points=True), change(1, 0)
    ('+10.0 %', '+5.0 pp', None)
    """
    if value is None or previous is None:
        return None
    if points:
        difference = (Decimal(str(value)) - Decimal(str(previous))) * 100
        return f"{difference:+.1f} pp"
    if previous == 0:
        return None
    ratio = (Decimal(str(value)) - Decimal(str(previous))) / abs(Decimal(str(previous))) * 100
    if abs(ratio) >= MOST:
        return f"{'+' if ratio > 0 else '-'}>{MOST} %"
    return f"{ratio:+,.1f} %"
