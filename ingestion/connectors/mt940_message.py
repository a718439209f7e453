"""SWIFT MT940 and MT942 as text: messages of tags, the parts of a `:61:` line, balances, and what an `:86:` field holds.

Banks wrap lines anywhere, leave tags out and write what they like into `:86:`; only known tags begin a field, so that a time
(`:12:11`) at the start of a wrapped line stays text. Nothing here raises anything but ValueError.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from ingestion.connectors.values import decimal_of

_TAG = re.compile(r":(20|21|25P?|28C?|60[FM]|61|62[FM]|64|65|86|13D?|34F|90[CD]|NS):(.*)")
_LINE = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4}|\s{4})?\s*(?P<side>R?[CDcd])(?P<funds>[A-Z]?)\s*(?P<amount>\d[\d ]*(?:[,.]\d*)?)\s*"
    r"(?P<kind>[A-Z][A-Z0-9 ]{3})?(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_BALANCE = re.compile(
    r"\s*(?P<side>[CD])(?P<day>\d{6})\s*(?P<currency>[A-Z]{3})?\s*(?P<amount>\d[\d ]*(?:[,.]\d*)?)", re.ASCII
)
_SIGN = {"C": 1, "RD": 1, "D": -1, "RC": -1}
_FLOOR = re.compile(r"\s*([A-Z]{3})[DC]?\s*\d", re.ASCII)


@dataclass(frozen=True)
class Field:
    """A tag and its text, the lines of it as they were wrapped."""

    tag: str
    lines: tuple[str, ...]
    line_number: int

    @property
    def text(self) -> str:
        """The lines put together again, as they were before they were wrapped."""
        return "".join(self.lines)


@dataclass(frozen=True)
class Entry:
    """A `:61:` line: what it moves (+ is money in), when, and its codes."""

    amount: Decimal
    value_on: date
    booked_on: date
    kind: str | None
    reference: str | None
    bank_reference: str | None
    supplementary: str | None
    is_reversal: bool


@dataclass(frozen=True)
class Balance:
    """A `:60:` or `:62:` balance; some banks leave the currency out of all but the first."""

    amount: Decimal
    day: date
    currency: str | None


@dataclass
class Details:
    """What an `:86:` field tells of the other side and of the purpose."""

    name: str | None = None
    account: str | None = None
    code: str | None = None
    words: list[str] = field(default_factory=list)


def messages(text: str) -> Iterator[list[Field]]:
    """The fields of each message; a `:20:` begins one. Envelopes (`{1:...}`), ends (`-`) and what stands before are left out."""
    current: list[Field] = []
    for one in _fields(text.splitlines()):
        if one.tag == "20" and current:
            yield current
            current = []
        current.append(one)
    if current:
        yield current


def _fields(lines: list[str]) -> Iterator[Field]:
    open_field: Field | None = None
    for number, line in enumerate(lines, start=1):
        tag = _TAG.match(line)
        if tag:
            if open_field is not None:
                yield open_field
            open_field = Field(tag[1], (tag[2],), number)
        elif _is_envelope(line, lines[number : number + 1]):
            if open_field is not None:
                yield open_field
            open_field = None
        elif open_field is not None and line.strip():
            open_field = Field(open_field.tag, (*open_field.lines, line), open_field.line_number)
    if open_field is not None:
        yield open_field


def _is_envelope(line: str, following: list[str]) -> bool:
    stripped = line.strip()
    if stripped.startswith(("{1:", "{2:", "{4:", "-}")):
        return True
    if stripped != "-":
        return False
    after = following[0].strip() if following else ""
    return not after or after.startswith("{") or bool(_TAG.match(after))


def entry(one: Field) -> Entry:
    """A `:61:` field; ValueError when date, side or amount cannot be read."""
    found = _LINE.match(one.lines[0]) or _LINE.match(one.text)
    if found is None:
        raise ValueError(f":61: {one.text[:60]!r} holds no date, side and amount")
    value_on = day(found["value"])
    entered = (found["entry"] or "").strip()
    side = found["side"].upper()
    rest, wrapped = found["rest"], list(one.lines[1:]) if _LINE.match(one.lines[0]) else []
    reference, _, bank = rest.partition("//")
    return Entry(
        _SIGN[side] * number(found["amount"]),
        value_on,
        _entry_day(entered, value_on) if entered else value_on,
        (found["kind"] or "").strip() or None,
        reference.strip() or None,
        bank.strip() or None,
        " ".join(part.strip() for part in wrapped) or None,
        side.startswith("R"),
    )


def balance(one: Field) -> Balance:
    """A balance field; ValueError when it cannot be read."""
    found = _BALANCE.match(one.text)
    if found is None:
        raise ValueError(f":{one.tag}: {one.text[:60]!r} is no balance")
    sign = 1 if found["side"] == "C" else -1
    return Balance(sign * number(found["amount"]), day(found["day"]), found["currency"])


def floor_currency(one: Field) -> str | None:
    """The currency of an MT942's floor limit (`:34F:`)."""
    found = _FLOOR.match(one.text)
    return found[1] if found else None


def number(text: str) -> Decimal:
    """An amount with a decimal comma, which may end in it (`15,`)."""
    value = decimal_of(text.replace(" ", "").replace(",", "."))
    if value is None:
        raise ValueError(f"{text!r} is no amount")
    return value


def day(text: str) -> date:
    """YYMMDD. Thirty-day months are a bank's custom: the 30th of February is its last day."""
    if not re.fullmatch(r"\d{6}", text, re.ASCII):
        raise ValueError(f"{text!r} is no date YYMMDD")
    year, month, wanted = int(text[:2]), int(text[2:4]), int(text[4:])
    return _in_month(2000 + year if year < 70 else 1900 + year, month, wanted)


def _in_month(year: int, month: int, wanted: int) -> date:
    if not (1 <= month <= 12 and 1 <= wanted <= 31):
        raise ValueError(f"month {month}, day {wanted} is no date")
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    if wanted > last and (month != 2 or wanted > 30):
        raise ValueError(f"month {month}, day {wanted} is no date")
    return date(year, month, min(wanted, last))


def _entry_day(text: str, value_on: date) -> date:
    """MMDD in the year that brings it nearest to the value date, across New Year."""
    candidates = [_in_month(value_on.year + shift, int(text[:2]), int(text[2:])) for shift in (-1, 0, 1)]
    return min(candidates, key=lambda candidate: abs(candidate - value_on))


def details(one: Field) -> Details:
    """The other side and the purpose, out of any of the forms that banks use."""
    text = one.text
    if re.match(r"\d{3}\?", text) or re.search(r"\?2\d", text):
        return _parted(text, r"\?(\d\d)")
    if re.search(r">2\d", text):
        return _parted(text, r">(\d\d)")
    if re.match(r"\s*/[A-Z]{3,4}/", text):
        return _slashed(text)
    words = " ".join(part.strip() for part in one.lines if part.strip())
    return Details(words=[words] if words else [])


def _parted(text: str, mark: str) -> Details:
    """`?20..?29 ?60..?63` purpose, `?31` account, `?32 ?33` name; before the first part stands the bank's code."""
    parts = re.split(mark, text)
    by_code: dict[str, list[str]] = {}
    for code, value in zip(parts[1::2], parts[2::2], strict=False):
        by_code.setdefault(code, []).append(value)
    purpose = "".join(
        "".join(by_code[code]) for code in sorted(by_code) if code[0] == "2" or code in ("60", "61", "62", "63")
    )
    name = "".join("".join(by_code.get(code, [])) for code in ("32", "33")).strip()
    account = "".join(by_code.get("31", [])).strip()
    head = "".join(by_code.get("00", [])).strip()
    words = [word for word in (purpose.strip() or head,) if word]
    return Details(name or None, account or None, parts[0].strip()[:3] or None, words)


def _slashed(text: str) -> Details:
    """`/EREF/.../BENM//NAME/.../REMI/.../`, and `/CNTP/account/bic/name///`."""
    found: Mapping[str, str] = dict(
        re.findall(r"/(EREF|PREF|MARF|CNTP|NAME|REMI|RTRN|IBAN)/(.*?)(?=/(?:[A-Z]{4})/|/?$)", text)
    )
    other = found.get("CNTP", "").split("/")
    name = found.get("NAME") or (other[2] if len(other) > 2 else "")
    account = found.get("IBAN") or (other[0] if other else "")
    words = [word.strip("/ ") for tag in ("REMI", "EREF") if (word := found.get(tag, "")).strip("/ ")]
    return Details(name.strip() or None, account.strip() or None, None, words or [text.strip()])
