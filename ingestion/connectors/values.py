"""Exact values out of a source's text: decimals, times in the source's clock, and frames of text for a `Batch`.

Every function returns None for an empty cell and raises ValueError, naming the value, for one that cannot be read.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

import polars as pl

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE_DIGITS = 30  # DECIMAL(38,8): no number in this warehouse has more digits before the point

_ABBREVIATIONS = """UTC=0 GMT=0 WET=0 WEST=60 BST=60 CET=60 CEST=120 EET=120 EEST=180 MSK=180 SGT=480 HKT=480 AWST=480
JST=540 KST=540 AEST=600 AEDT=660 NZST=720 NZDT=780 BRT=-180 EST=-300 EDT=-240 CST=-360 CDT=-300 MST=-420 MDT=-360
PST=-480 PDT=-420 HST=-600"""
ABBREVIATIONS_MINUTES: Mapping[str, int] = {
    name: int(minutes) for name, _, minutes in (pair.partition("=") for pair in _ABBREVIATIONS.split())
}
"""Zones as payment providers abbreviate them; each already says whether daylight saving is in force."""

# A daylight rule is told by a place that follows it: (zone, its standard offset in minutes).
DAYLIGHT_RULES: Mapping[str, tuple[str, int]] = {"us": ("America/New_York", -300), "eu": ("Europe/London", 0)}


_WITHOUT_MINOR_UNIT = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905


def from_minor(value: Decimal | None, currency: str | None) -> Decimal | None:
    """An amount in a currency's smallest units as an amount of the currency: cents, but whole yen and thousandths of a dinar.

    >>> from_minor(Decimal(1234), "EUR"), from_minor(Decimal(1234), "JPY"), from_minor(Decimal(1234), "KWD")
    (Decimal('12.34'), Decimal('1234'), Decimal('1.234'))
    """
    if value is None:
        return None
    if not currency:
        raise ValueError("minor units need a currency")
    return value.scaleb(0 if currency in _WITHOUT_MINOR_UNIT else -3 if currency in _THOUSANDTHS else -2)


def from_epoch(text: object, per_second: int = 1) -> str:
    """Seconds (or `per_second` parts of one) since 1970 in UTC as `utc_text`. ValueError for what is no plausible time."""
    value = decimal_of(str(text)) if text is not None and not isinstance(text, bool) else None
    if value is None:
        raise ValueError(f"{text!r} is not a time in seconds since 1970")
    microseconds = int(value * 1_000_000 / per_second)
    if not 0 <= microseconds < 4_102_444_800_000_000:
        raise ValueError(f"{text!r} is not a plausible time")
    return utc_text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds))


def moment_of(text: str, zone: str | int = "UTC") -> str:
    """An ISO-8601 time as `utc_text`; one without an offset is a wall clock in `zone`."""
    try:
        moment = datetime.fromisoformat(text)
        return utc_text(moment) if moment.tzinfo is not None else utc_text(wall_to_utc(moment, zone))
    except OverflowError:
        raise ValueError(f"{text!r} is not a plausible time") from None
    except ValueError:
        raise ValueError(f"{text!r} is not a date and time") from None


def decimal_of(text: str | None) -> Decimal | None:
    """The exact number a plain cell holds (`.` as the decimal mark, an exponent allowed), or None when it is empty."""
    stripped = text.strip() if text else ""
    if not stripped:
        return None
    if len(stripped) > 80 or not _NUMBER.fullmatch(stripped):
        raise ValueError(f"{stripped[:80]!r} is not a number")
    value = Decimal(stripped)
    if value.adjusted() >= _WHOLE_DIGITS or value.adjusted() < -_WHOLE_DIGITS:
        if value:
            raise ValueError(f"{stripped!r} is out of range for DECIMAL(38,8)")
        return Decimal(0)
    return value


def exact(value: Decimal | None) -> str | None:
    """The number as plain text, without an exponent and without trailing zeros after the point."""
    if value is None:
        return None
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def utc_text(moment: datetime) -> str:
    """ISO-8601 in UTC without a zone suffix, microseconds only where there are any; an aware time is converted."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(sep="T")


def wall_to_utc(wall: datetime, zone: str | int) -> datetime:
    """A naive wall-clock time in `zone` as naive UTC.

    `zone` is minutes east of UTC, an abbreviation (CET, PDT), an IANA name, or `+120 us` / `+120 eu`: a standard offset
    in minutes with the daylight rule of the United States or of Europe. Of a repeated hour the first one is meant.
    Raises ValueError for an unknown zone and for a time outside the years 1900 to 2200.
    """
    if not 1900 <= wall.year <= 2200:
        raise ValueError(f"{wall.isoformat()} is not a plausible time")
    reference, shift = _zone(zone)
    if reference is None:
        return wall - shift
    return (wall - shift).replace(tzinfo=reference).astimezone(UTC).replace(tzinfo=None)


@lru_cache(maxsize=256)
def _zone(zone: str | int) -> tuple[ZoneInfo | None, timedelta]:
    """(place whose rule applies or None, minutes to take off before asking it)."""
    text = str(zone).strip()
    if re.fullmatch(r"[+-]?\d{1,3}", text):
        return None, timedelta(minutes=int(text))
    ruled = re.fullmatch(r"([+-]?\d{1,3})\s+(us|eu)", text)
    if ruled:
        place, standard = DAYLIGHT_RULES[ruled[2]]
        return ZoneInfo(place), timedelta(minutes=int(ruled[1]) - standard)
    if text.upper() in ABBREVIATIONS_MINUTES:
        return None, timedelta(minutes=ABBREVIATIONS_MINUTES[text.upper()])
    try:
        return ZoneInfo(text), timedelta()
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{text!r} is no time zone (minutes, CET, +120 us or Europe/Athens are)") from None


def check_zone(zone: str | int) -> str | int:
    """The zone itself when `wall_to_utc` understands it, else ValueError; for settings."""
    _zone(zone)
    return zone


def text_frame(
    rows: Sequence[Mapping[str, object]], columns: Iterable[str], *, lists: Collection[str] = ()
) -> pl.DataFrame:
    """A frame of text columns, `lists` among them as lists of text, and `_row_number` as Int64."""
    schema: dict[str, pl.DataType] = {name: pl.List(pl.Utf8()) if name in lists else pl.Utf8() for name in columns}
    schema["_row_number"] = pl.Int64()
    return pl.DataFrame({name: pl.Series([row.get(name) for row in rows], dtype=kind) for name, kind in schema.items()})


def trimmed(text: object) -> str | None:
    """The cell as text without blanks around it; None when nothing is left."""
    if text is None:
        return None
    stripped = str(text).strip()
    return stripped or None


def salesforce_id(text: str) -> str:
    """The 18-letter id that means the same as a case-sensitive one of 15; anything else as it is.

    >>> salesforce_id("0015500000Xyy06"), salesforce_id("0015500000Xyy06AAB")
    ('0015500000Xyy06AAB', '0015500000Xyy06AAB')
    """
    if not re.fullmatch(r"[A-Za-z0-9]{15}", text):
        return text
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    groups = [text[start : start + 5] for start in (0, 5, 10)]
    return text + "".join(
        letters[sum(1 << place for place, letter in enumerate(group) if letter.isupper())] for group in groups
    )
