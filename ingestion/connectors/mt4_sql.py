"""The MetaTrader 4 report database (`MT4_TRADES`, `MT4_USERS`), as a pull lands it (Parquet), as a CSV of one table, or as a dump.

A record of MT4_TRADES is a whole round trip and is rewritten when it closes; see `mt4_rows` for the deals it makes. Its times are the
server's clock (setting `time_zone`, else the pull's zone, else what the stamps say, else an assumed one, remarked on). `TIMESTAMP`, seconds
of UTC, is the closing deal's version and checks the clock: rows that disagree with it are remarked on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ingestion.connectors.base import Batch, Rejected
from ingestion.connectors.mt4_codes import CENTS, COMMANDS, REASONS
from ingestion.connectors.mt4_rows import Book, Ticket, batches
from ingestion.connectors.mt5_clock import Clock, zone_by_pairs
from ingestion.connectors.mt5_tables import MT4, SEEN_AGAIN
from ingestion.connectors.mt_export import WIDTH, Part, Source, canonical, chunks, parts, peeked, recognised
from ingestion.connectors.mt_settings import MtSettings, zone_or_assumed
from ingestion.connectors.values import check_zone, decimal_of, exact, text_frame, trimmed, utc_text, wall_to_utc

_NO_TIME = ("0000-00-00", "1970-01-01 00:00:00", "1970-01-01T00:00:00")
_SECONDS_A_DAY = 86_400
_CHANGES = ("MODIFY_TIME", "CLOSE_TIME", "OPEN_TIME")
"""What tells by the server's clock when a record changed, the surest first."""
_ACCOUNTS = """platform login changed_at account_group currency leverage entity status is_demo opened_at source_version agent
lead_source account_currency"""
_SNAPSHOTS = "platform login captured_at balance credit equity margin free_margin margin_level"


@dataclass(frozen=True)
class Mt4Sql(MtSettings):
    """Settings: `platform` (for CSV files and dumps), `time_zone`, `entity`, `cent_logins`, `comment_rules`."""

    name: ClassVar[str] = "mt4_sql"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.parquet", "*.csv", "*.sql")
    feeds: ClassVar[tuple[str, ...]] = (
        *("deals", "orders", "positions", "trading_accounts", "account_snapshots", "source_totals"),
    )
    untried: ClassVar[bool] = True
    """Built from the tables' description; no real export was at hand."""

    platform: str = "mt4"
    time_zone: str | int | None = None
    entity: str | None = None
    cent_logins: list[str] = field(default_factory=list)
    comment_rules: list[dict[str, str]] = field(default_factory=list)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for what a pull landed, a CSV of one of the tables, and a dump of them."""
        return recognised(path, head, MT4, {"LOGIN"})

    def read(self, path: Path) -> Iterator[Batch]:
        """Each table's rows as canonical feeds."""
        landed = canonical(path, MT4)
        if landed is not None:
            yield landed
            return
        number = 0
        for part in parts(path, MT4, self.platform):
            first, rows = peeked(iter(part.rows))
            clock, said = self._clock(part, first)
            for chunk in chunks(rows):
                numbered = list(enumerate(chunk, start=number + 1))
                number += len(chunk)
                for row in chunk:
                    _compare(clock, row)
                if part.table == "mt4_users":
                    yield from self._accounts(part.about, numbered, clock.zone, said)
                else:
                    yield from self._trades(part.about, numbered, clock.zone, said)
                said = ()
            if clock.remark():
                yield Batch(self.feeds[0], text_frame([], ()), (), clock.remark())

    def _clock(self, part: Part, first: Sequence[Source]) -> tuple[Clock, tuple[str, ...]]:
        """The server's clock: the setting, the pull's zone, what the first rows' own stamps say, or the usual one."""
        told = self.time_zone if self.time_zone is not None else part.about.get("zone")
        if isinstance(told, str | int):
            return Clock(check_zone(told)), part.said
        clock, said = clock_by_rows(first)
        return clock, (*part.said, *said)

    def _trades(
        self, about: Mapping[str, Any], numbered: list[tuple[int, Source]], zone: str | int, said: tuple[str, ...]
    ) -> list[Batch]:
        cents = frozenset(map(str, [*self.cent_logins, *(about.get("cent_logins") or [])]))
        book = Book(str(about["platform"]), about.get("captured_at"), self.rules, cents)
        rows = ((number, row, partial(_ticket, row, zone)) for number, row in numbered)
        return batches(rows, book, ("deals", "orders", "positions"), said)

    def _accounts(
        self, about: Mapping[str, Any], numbered: list[tuple[int, Source]], zone: str | int, said: tuple[str, ...]
    ) -> Iterator[Batch]:
        accounts: list[dict[str, object]] = []
        snapshots: list[dict[str, object]] = []
        bad: list[Rejected] = []
        for number, row in numbered:
            try:
                accounts.append({**self._account(about, row, zone), "_row_number": number})
                snapshots.append({**_snapshot(about, row), "_row_number": number})
            except ValueError as error:
                del accounts[len(snapshots) :]
                bad.append(Rejected(number, (str(error),), dict(row)))
        yield Batch("trading_accounts", text_frame(accounts, _ACCOUNTS.split()), tuple(bad), said)
        yield Batch("account_snapshots", text_frame(snapshots, _SNAPSHOTS.split()))

    def _account(self, about: Mapping[str, Any], row: Source, zone: str | int) -> dict[str, object]:
        _whole_line(row)
        group, currency = trimmed(row.get("GROUP")), trimmed(row.get("CURRENCY"))
        opened = _utc(row, "REGDATE", zone)
        changed = _changed(row, zone) or opened
        if changed is None:
            raise ValueError("TIMESTAMP, MODIFY_TIME, REGDATE: none says when the account changed")
        enabled, read_only = row.get("ENABLE") != "0", row.get("ENABLE_READONLY") not in (None, "", "0")
        return {
            "platform": about["platform"],
            "login": _whole(row, "LOGIN"),
            "changed_at": changed,
            "account_group": group,
            "currency": CENTS.get(currency or "", currency),
            "leverage": _set(row, "LEVERAGE"),
            "entity": self.entity,
            "status": ("read_only" if read_only else "open") if enabled else "closed",
            "is_demo": None if group is None else str("demo" in group.lower()).lower(),
            "opened_at": opened,
            "source_version": row.get(SEEN_AGAIN) or _set(row, "TIMESTAMP"),
            "agent": _set(row, "AGENT_ACCOUNT"),
            "lead_source": trimmed(row.get("LEAD_SOURCE")),
            "account_currency": currency if currency in CENTS else None,
        }


def _snapshot(about: Mapping[str, Any], row: Source) -> dict[str, object]:
    cents = -2 if trimmed(row.get("CURRENCY")) in CENTS else 0
    level = decimal_of(row.get("MARGIN_LEVEL"))
    return {
        "platform": about["platform"],
        "login": _whole(row, "LOGIN"),
        "captured_at": about.get("captured_at"),
        "balance": _number(row, "BALANCE", cents),
        "credit": _number(row, "CREDIT", cents),
        "equity": _number(row, "EQUITY", cents),
        "margin": _number(row, "MARGIN", cents),
        "free_margin": _number(row, "MARGIN_FREE", cents),
        "margin_level": None if level is None else exact(round(level / 100, 6)),  # MetaTrader writes per cent
    }


def _ticket(row: Source, zone: str | int) -> Ticket:
    _whole_line(row)
    code = int(_whole(row, "CMD"))
    if code not in COMMANDS:
        raise ValueError(f"CMD: {row.get('CMD')!r} is no command of MetaTrader 4")
    opened = _utc(row, "OPEN_TIME", zone)
    if opened is None:
        raise ValueError("OPEN_TIME: is a null date")
    reason = trimmed(row.get("REASON"))
    return Ticket(
        number=_whole(row, "TICKET"),
        login=_whole(row, "LOGIN"),
        kind=COMMANDS[code],
        opened_at=opened,
        closed_at=_utc(row, "CLOSE_TIME", zone),
        symbol=trimmed(row.get("SYMBOL")),
        lots=_number(row, "VOLUME", -2),
        open_price=_price(row, "OPEN_PRICE"),
        close_price=_price(row, "CLOSE_PRICE"),
        sl=_price(row, "SL"),
        tp=_price(row, "TP"),
        commission=_number(row, "COMMISSION"),
        taxes=_number(row, "TAXES"),
        swap=_number(row, "SWAPS"),
        profit=_number(row, "PROFIT"),
        reason=REASONS.get(int(reason))
        if reason and reason.isascii() and reason.isdigit() and len(reason) < 4
        else None,
        comment=trimmed(row.get("COMMENT")),
        version=row.get(SEEN_AGAIN) or _set(row, "TIMESTAMP"),
    )


def clock_by_rows(first: Sequence[Source]) -> tuple[Clock, tuple[str, ...]]:
    """The clock that the rows' own stamps tell, else the usual one; and what had to be assumed."""
    estimated = zone_by_pairs([pair for row in first if (pair := _pair(row))])
    if estimated is not None:
        said = f"the database names no time zone; {estimated} estimated from the rows' stamps: set time_zone"
        return Clock(estimated), (said,)
    zone, assumed = zone_or_assumed(None, "the database names")
    return Clock(zone), assumed


def _compare(clock: Clock, row: Source) -> None:
    """Notes what the record's own stamp says of the clock; a row that says nothing of it is left to its reader."""
    pair = _pair(row)
    if pair is not None:
        clock.compare(wall_to_utc(pair[0], clock.zone), pair[1])


def _pair(row: Source) -> tuple[datetime, datetime] | None:
    """When the record last changed, by the server's clock and by its stamp (UTC); None where one of them does not tell."""
    stamp = _set(row, "TIMESTAMP") or ""
    text = next((text for name in _CHANGES if (text := trimmed(row.get(name))) and not text.startswith(_NO_TIME)), "")
    if not (stamp.isascii() and stamp.isdigit() and _SECONDS_A_DAY < int(stamp) < 2**32):
        return None
    try:
        wall = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
    return (wall, datetime.fromtimestamp(int(stamp), UTC).replace(tzinfo=None)) if 1970 < wall.year < 2100 else None


def _whole_line(row: Source) -> None:
    if WIDTH in row:
        raise ValueError(f"has {row[WIDTH]} columns, not as many as the header")


def _utc(row: Source, name: str, zone: str | int) -> str | None:
    """A time of the server's clock in UTC; None for the null date, which says "still open"."""
    text = trimmed(row.get(name))
    if text is None or text.startswith(_NO_TIME):
        return None
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not a date and time") from None
    return utc_text(wall_to_utc(wall.replace(tzinfo=None), zone))


def _changed(row: Source, zone: str | int) -> str | None:
    """When the record changed: `TIMESTAMP`, seconds since 1970, else `MODIFY_TIME`."""
    stamp = _set(row, "TIMESTAMP")
    if stamp and stamp.isascii() and stamp.isdigit() and _SECONDS_A_DAY < int(stamp) < 2**32:
        return utc_text(datetime.fromtimestamp(int(stamp), UTC))
    return _utc(row, "MODIFY_TIME", zone)


def _whole(row: Source, name: str) -> str:
    text = trimmed(row.get(name))
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError(f"{name}: {text!r} is not a whole number")
    return text


def _set(row: Source, name: str) -> str | None:
    text = trimmed(row.get(name))
    return None if text in (None, "0") else text


def _number(row: Source, name: str, places: int = 0) -> str | None:
    """A double's text as the exact decimal it stands for, shifted by `places`."""
    try:
        value = decimal_of(row.get(name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return None if value is None else exact(round(value.scaleb(places), 8))


def _price(row: Source, name: str) -> str | None:
    digits = trimmed(row.get("DIGITS")) or ""
    text = _number(row, name)
    value = decimal_of(text)
    if value is None or not (digits.isascii() and digits.isdigit() and len(digits) == 1):
        return text
    return exact(round(value, int(digits)))


CONNECTOR = Mt4Sql()
