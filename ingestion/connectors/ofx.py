"""OFX statements, version 1 (SGML, tags without ends) and 2 (XML), as `bank_statements` and `bank_statement_lines`.

OFX states the closing (ledger) balance only; the opening one is what it must have been, so that a missing statement shows as a gap to the
one before. Amounts are signed, + is money in.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.bodies import batches
from ingestion.connectors.values import decimal_of, exact, trimmed

_MAX_BYTES = 64 * 1024 * 1024
_TOKEN = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z0-9._]+)\s*>(?P<text>[^<]*)")
_STATEMENTS = ("STMTRS", "CCSTMTRS")
_INNER = (
    "STMTTRN",
    "LEDGERBAL",
    "AVAILBAL",
    "BANKACCTFROM",
    "CCACCTFROM",
    "BANKACCTTO",
    "CCACCTTO",
    "BANKTRANLIST",
    "PAYEE",
)
_KINDS = {"FEE": "bank_fee", "SRVCHG": "bank_fee", "INT": "interest"}


@dataclass
class _Statement:
    """The leaves of a statement, of its account and of its balance; its transactions."""

    own: dict[str, str] = field(default_factory=dict)
    account: dict[str, str] = field(default_factory=dict)
    ledger: dict[str, str] = field(default_factory=dict)
    transactions: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Ofx:
    """Settings: `client_money_accounts` (accounts that hold client money)."""

    name: ClassVar[str] = "ofx"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.ofx", "*.qfx", "*.xml")
    feeds: ClassVar[tuple[str, ...]] = ("bank_statements", "bank_statement_lines")

    client_money_accounts: Sequence[str] = field(default_factory=tuple)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for either version's header with the root element."""
        return b"<OFX>" in head and b"OFXHEADER" in head

    def read(self, path: Path) -> Iterator[Batch]:
        """For each statement its row, then its lines, numbered through the file."""
        found = _statements(_text(path))
        if not found:
            raise BadFile(f"{path.name} holds no statement (STMTRS, CCSTMTRS).", "Download the statement again.")
        heads: list[dict[str, object]] = []
        rows: list[dict[str, object]] = []
        rejected: list[Rejected] = []
        said: list[str] = []
        number = 0
        for place, statement in enumerate(found, start=1):
            try:
                account, currency, identity, closed_on, closing = _identity(statement)
            except ValueError as error:
                raise BadFile(f"Statement {place} of {path.name}: {error}.", "Download the statement again.") from error
            total, line_no = Decimal(0), 0
            for transaction in statement.transactions:
                number += 1
                try:
                    row, value = _line(transaction, currency)
                except ValueError as error:
                    rejected.append(Rejected(number, (str(error),), dict(transaction)))
                    continue
                line_no += 1
                total += value
                key = {
                    "bank_account": account,
                    "statement_id": identity,
                    "line_no": str(line_no),
                    "_row_number": number,
                }
                rows.append({**row, **key})
            head = {
                "bank_account": account,
                "statement_id": identity,
                "closed_on": closed_on,
                "currency": currency,
                "_row_number": place,
            }
            opened_on = _day(statement.own.get("DTSTART"))
            if closing is None:
                said.append(f"statement {identity} has no ledger balance: its lines load, it has no row of its own")
                continue
            said.append(
                f"statement {identity} states no opening balance; {exact(closing - total)} is what it must have been"
            )
            balances = {
                "opened_on": opened_on,
                "opening_balance": exact(closing - total),
                "closing_balance": exact(closing),
            }
            is_client_money = str(account in self.client_money_accounts).lower() if self.client_money_accounts else None
            heads.append({**head, **balances, "is_client_money": is_client_money})
        yield from batches("bank_statements", heads, (), tuple(said))
        yield from batches("bank_statement_lines", rows, tuple(rejected))


def _text(path: Path) -> str:
    if path.stat().st_size > _MAX_BYTES:
        raise BadFile(f"{path.name} is larger than 64 MiB.", "Download one month at a time.")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    if "<OFX>" not in text:
        raise BadFile(f"{path.name} is no OFX (there is no <OFX>).", "Download the statement again.")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadFile(f"{path.name} carries a DOCTYPE, which no OFX has.", "Download the statement again.")
    return text.replace("\0", " ")


def _statements(text: str) -> list[_Statement]:
    """Walks the tags; a leaf belongs to the innermost part that is open, whether or not leaves are closed."""
    found: list[_Statement] = []
    parts: list[str] = []
    is_open = False
    for token in _TOKEN.finditer(text):
        name, value = token["name"].upper(), trimmed(html.unescape(token["text"]))
        if name in _STATEMENTS:
            is_open, parts = not token["end"], []
            if is_open:
                found.append(_Statement())
        elif not is_open:
            continue
        elif name in _INNER:
            if token["end"]:
                parts = parts[: parts.index(name)] if name in parts else parts
            else:
                parts.append(name)
                if name == "STMTTRN":
                    parts = [part for part in parts[:-1] if part != "STMTTRN"] + ["STMTTRN"]
                    found[-1].transactions.append({})
        elif not token["end"] and value is not None:
            _keep(found[-1], parts, name, value)
    return found


def _keep(statement: _Statement, parts: Sequence[str], name: str, value: str) -> None:
    if "STMTTRN" in parts:
        place = parts[-1]
        statement.transactions[-1].setdefault(name if place == "STMTTRN" else f"{place}.{name}", value)
    elif parts and parts[-1] == "LEDGERBAL":
        statement.ledger.setdefault(name, value)
    elif parts and parts[-1].endswith("ACCTFROM"):
        statement.account.setdefault(name, value)
    elif not parts or parts[-1] == "BANKTRANLIST":
        if name == "DTEND":
            statement.own[name] = max(value, statement.own.get(name, ""))
        else:
            statement.own.setdefault(name, value)


def _identity(statement: _Statement) -> tuple[str, str, str, str, Decimal | None]:
    """(account, currency, id, closing day, closing balance or None)."""
    account, currency = statement.account.get("ACCTID"), statement.own.get("CURDEF")
    if account is None or currency is None:
        raise ValueError("it has no account (ACCTID) or no currency (CURDEF)")
    balance = decimal_of(_point(statement.ledger.get("BALAMT")))
    closed_on = _day(statement.own.get("DTEND") or statement.ledger.get("DTASOF"))
    if closed_on is None:
        raise ValueError("it has no end (DTEND, DTASOF)")
    return account, currency, f"{_day(statement.own.get('DTSTART')) or ''}..{closed_on}", closed_on, balance


def _line(transaction: Mapping[str, str], currency: str) -> tuple[dict[str, object], Decimal]:
    value = decimal_of(_point(transaction.get("TRNAMT")))
    if value is None:
        raise ValueError("TRNAMT: is missing")
    booked_on = _day(transaction.get("DTPOSTED"))
    if booked_on is None:
        raise ValueError("DTPOSTED: is missing")
    kind = _KINDS.get(transaction.get("TRNTYPE", ""), "receipt" if value >= 0 else "payment")
    words = [word for name in ("MEMO", "CHECKNUM", "REFNUM") if (word := transaction.get(name))]
    return {
        "booked_on": booked_on,
        "value_on": _day(transaction.get("DTAVAIL")),
        "amount": exact(value),
        "currency": currency,
        "counterparty_name": transaction.get("NAME") or transaction.get("PAYEE.NAME"),
        "counterparty_account": transaction.get("BANKACCTTO.ACCTID") or transaction.get("CCACCTTO.ACCTID"),
        "reference": " ".join(words) or transaction.get("NAME"),
        "bank_code": transaction.get("TRNTYPE"),
        "kind": kind,
        "entry_reference": transaction.get("FITID"),
    }, value


def _point(text: str | None) -> str | None:
    """An amount whose decimal mark may be a comma."""
    return text.replace(",", ".") if text is not None and "." not in text else text


def _day(text: str | None) -> str | None:
    """YYYYMMDD..., the calendar day as the bank wrote it."""
    if text is None:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
    except ValueError:
        raise ValueError(f"{text!r} is not a date") from None


CONNECTOR = Ofx()
