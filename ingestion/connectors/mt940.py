"""SWIFT MT940 statements and MT942 interim reports as `bank_statements` and `bank_statement_lines`.

A statement that does not foot loads and is remarked on; the ledger's reconciliation makes it a break. What an MT942 tells comes again in
the statement, so its lines are marked `is_interim` and have no statement row.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.bodies import batches
from ingestion.connectors.mt940_message import (
    Balance,
    Details,
    Field,
    balance,
    details,
    entry,
    floor_currency,
    messages,
)
from ingestion.connectors.values import exact, trimmed

_MAX_BYTES = 64 * 1024 * 1024
_MARK = re.compile(rb"(?:^|\n):(?:20|25|28C?|60[FM]|61|62[FM]|64|86|34F):")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_KINDS = {"CHG": "bank_fee", "COM": "bank_fee", "BRF": "bank_fee", "INT": "interest"}
_REMEDY = "Ask the bank for the whole file."


@dataclass
class _Statement:
    """One message: whose it is, its balances, and its lines with what explains them."""

    account: str
    identity: str
    currency: str
    opening: Balance | None
    closing: Balance | None
    is_interim: bool
    entries: list[tuple[Field, list[Field]]]


@dataclass(frozen=True)
class Mt940:
    """Settings: `client_money_accounts` (accounts that hold client money), `own_accounts` (transfers among these)."""

    name: ClassVar[str] = "mt940"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.sta", "*.940", "*.942", "*.mt940", "*.mt942", "*.swi", "*.fin", "*.txt")
    feeds: ClassVar[tuple[str, ...]] = ("bank_statements", "bank_statement_lines")

    client_money_accounts: Sequence[str] = field(default_factory=tuple)
    own_accounts: Sequence[str] = field(default_factory=tuple)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True when a line begins with one of the messages' tags."""
        return any(path.match(pattern) for pattern in self.patterns) and bool(_MARK.search(head))

    def read(self, path: Path) -> Iterator[Batch]:
        """For each message its statement (none for an interim report), then its lines, numbered through the file."""
        text, said = _text(path)
        heads: list[dict[str, object]] = []
        rows: list[dict[str, object]] = []
        rejected: list[Rejected] = []
        seen: Counter[str] = Counter()
        number = 0
        for place, fields in enumerate(messages(text), start=1):
            statement = _statement(path, place, fields, seen)
            total, line_no = Decimal(0), 0
            for found, beside in statement.entries:
                number += 1
                try:
                    row, value = self._line(statement, found, beside)
                except ValueError as error:
                    rejected.append(
                        Rejected(
                            number, (str(error),), {f":{one.tag}:": "\n".join(one.lines) for one in (found, *beside)}
                        )
                    )
                    continue
                line_no += 1
                total += value
                rows.append({**row, "line_no": str(line_no), "_row_number": number})
            said += _footing(statement, total)
            if statement.opening is not None and statement.closing is not None:
                heads.append({**self._head(statement, statement.opening, statement.closing), "_row_number": place})
        if not heads and not rows and not rejected:
            raise BadFile(f"{path.name} holds no statement of MT940 or MT942.", _REMEDY)
        yield from batches("bank_statements", heads, (), tuple(said))
        yield from batches("bank_statement_lines", rows, tuple(rejected))

    def _head(self, statement: _Statement, opening: Balance, closing: Balance) -> dict[str, object]:
        is_client_money = statement.account in self.client_money_accounts
        return {
            "bank_account": statement.account,
            "statement_id": statement.identity,
            "opened_on": opening.day.isoformat(),
            "closed_on": closing.day.isoformat(),
            "currency": statement.currency,
            "opening_balance": exact(opening.amount),
            "closing_balance": exact(closing.amount),
            "is_client_money": str(is_client_money).lower() if self.client_money_accounts else None,
        }

    def _line(self, statement: _Statement, found: Field, beside: Sequence[Field]) -> tuple[dict[str, object], Decimal]:
        line = entry(found)
        told = [details(one) for one in beside if one.tag == "86"] or [Details(words=[one.text]) for one in beside]
        other = next((one.account for one in told if one.account), None)
        words = [word for one in told for word in one.words]
        kind = _KINDS.get((line.kind or "")[1:])
        if kind is None and other in self.own_accounts:
            kind = "own_transfer"
        return {
            "bank_account": statement.account,
            "statement_id": statement.identity,
            "booked_on": line.booked_on.isoformat(),
            "value_on": line.value_on.isoformat(),
            "amount": exact(line.amount),
            "currency": statement.currency,
            "counterparty_name": next((one.name for one in told if one.name), None),
            "counterparty_account": other,
            "reference": " ".join(dict.fromkeys(words)) or line.supplementary or line.reference,
            "bank_code": line.kind,
            "kind": kind or ("receipt" if line.amount >= 0 else "payment"),
            "is_interim": "true" if statement.is_interim else None,
            "entry_reference": line.bank_reference or line.reference,
            "supplementary": line.supplementary,
            "transaction_code": next((one.code for one in told if one.code), None),
            "is_reversal": "true" if line.is_reversal else None,
        }, line.amount


def _text(path: Path) -> tuple[str, list[str]]:
    """The file's text, and what had to be done to it: banks write UTF-8, Latin-1, and bytes that are no text."""
    if path.stat().st_size > _MAX_BYTES:
        raise BadFile(f"{path.name} is larger than 64 MiB.", "Ask the bank for one file per day.")
    data, said = path.read_bytes(), list[str]()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        said.append("the file is not UTF-8; it was read as Latin-1")
    cleaned = _CONTROL.sub(" ", text)
    if cleaned != text:
        said.append("control characters were taken for blanks")
    return cleaned, said


def _statement(path: Path, place: int, fields: Sequence[Field], seen: Counter[str]) -> _Statement:
    first = {one.tag: one for one in reversed(fields)}
    opening, closing = _balance(first, "60F", "60M"), _balance(first, "62F", "62M")
    is_interim = opening is None and closing is None and any(tag in first for tag in ("34F", "13D", "90D", "90C"))
    currency = next((one.currency for one in (opening, closing) if one and one.currency), None)
    if currency is None and "34F" in first:
        currency = floor_currency(first["34F"])
    account = _account(first, currency)
    if account is None or currency is None:
        missing = "account (:25:)" if account is None else "currency (:60F: or :34F:)"
        raise BadFile(f"Message {place} of {path.name} has no {missing}: a part of a statement.", _REMEDY)
    number = trimmed(first["28C"].text) if "28C" in first else trimmed(first["28"].text) if "28" in first else None
    day = closing.day.isoformat() if closing else opening.day.isoformat() if opening else None
    said = trimmed(first["13D"].lines[0][:10]) if "13D" in first else None
    identity = f"{'interim:' if is_interim else ''}{number or '0'}@{day or said or 'undated'}"
    seen[f"{account} {identity}"] += 1
    if (times := seen[f"{account} {identity}"]) > 1:
        identity = f"{identity}#{times}"
    return _Statement(account, identity, currency, opening, closing, is_interim, _entries(fields))


def _entries(fields: Sequence[Field]) -> list[tuple[Field, list[Field]]]:
    """Each `:61:` with the `:86:` and `:NS:` fields that follow it; those after the closing balance tell of the statement."""
    found: list[tuple[Field, list[Field]]] = []
    is_open = False
    for one in fields:
        if one.tag == "61":
            found.append((one, []))
            is_open = True
        elif one.tag in ("86", "NS") and is_open:
            found[-1][1].append(one)
        elif one.tag.startswith("6"):
            is_open = False
    return found


def _balance(first: dict[str, Field], *tags: str) -> Balance | None:
    """The balance, or None where it is missing or, as some banks write it, unreadable."""
    for tag in tags:
        if tag in first:
            try:
                return balance(first[tag])
            except ValueError:
                continue
    return None


def _account(first: dict[str, Field], currency: str | None) -> str | None:
    """The account without blanks and without the currency that some banks hang on to it."""
    one = first.get("25") or first.get("25P")
    if one is None:
        return None
    text = trimmed(one.lines[0]) or ""
    if currency and text.endswith(currency) and len(text) > len(currency):
        text = text[: -len(currency)].rstrip(" /")
    return text.replace(" ", "") or None


def _footing(statement: _Statement, total: Decimal) -> Iterator[str]:
    if statement.is_interim:
        return
    if statement.opening is None or statement.closing is None:
        missing = "opening" if statement.opening is None else "closing"
        yield f"statement {statement.identity} has no {missing} balance: its lines load, it has no row of its own"
        return
    gap = statement.closing.amount - statement.opening.amount - total
    if gap:
        yield (
            f"statement {statement.identity} does not foot: {exact(statement.opening.amount)} + lines {exact(total)} is not "
            f"{exact(statement.closing.amount)} (difference {exact(gap)})"
        )


CONNECTOR = Mt940()
