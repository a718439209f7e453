"""ISO 20022 camt.053 bank statements and camt.054 notifications (versions 02 to 08) as `bank_statements` and `bank_statement_lines`.

Amounts are signed by CdtDbtInd (+ is money in), also for reversals, whose indicator already is the booking's own. A
batch entry becomes one line per transaction when the transactions' amounts add up to the entry. A statement that does
not foot, or whose balances are in several currencies, loads and is remarked on. What a notification tells comes again in the
statement, so its lines are marked `is_interim` and have no statement row. A file may be gzip, or a zip archive of several.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.values import decimal_of, exact, text_frame, trimmed
from ingestion.connectors.xml_documents import Element, every, unpacked_head, xml_roots
from ingestion.connectors.xml_documents import child as _child
from ingestion.connectors.xml_documents import local as _local
from ingestion.connectors.xml_documents import text as _text

_DOCUMENTS = {"BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn"}
_OPENING = ("OPBD", "PRCD")  # PRCD: the previous closing, where a bank sends no opening

# Sub-family codes of ISO 20022 bank transactions that say what a line is.
KIND_BY_SUB_FAMILY: Mapping[str, str] = {
    **dict.fromkeys(("CHRG", "FEES", "COMM", "COME", "COMI", "COMT"), "bank_fee"),
    **dict.fromkeys(("INTR", "DINT", "CINT"), "interest"),
}

_LINE_COLUMNS = (
    *("bank_account", "statement_id", "line_no", "booked_on", "value_on", "amount", "currency", "counterparty_name"),
    *("counterparty_account", "reference", "bank_code", "kind", "entry_reference", "end_to_end_id", "is_reversal"),
    "is_interim",
)
_STATEMENT_COLUMNS = (
    *("bank_account", "statement_id", "opened_on", "closed_on", "currency", "opening_balance", "closing_balance"),
    *("is_client_money", "sequence_number"),
)


@dataclass(frozen=True)
class _Line:
    """One transaction of an entry: its signed amount and the element that tells about it (None: the entry alone)."""

    amount: Decimal
    details: Element | None


@dataclass(frozen=True)
class Camt053:
    """Settings: `client_money_accounts` (accounts that hold client money), `own_accounts` (transfers among these)."""

    name: ClassVar[str] = "camt053"
    version: ClassVar[str] = "2"
    patterns: ClassVar[tuple[str, ...]] = ("*.xml", "*.xml.gz", "*.zip")
    feeds: ClassVar[tuple[str, ...]] = ("bank_statements", "bank_statement_lines")

    client_money_accounts: Sequence[str] = field(default_factory=tuple)
    own_accounts: Sequence[str] = field(default_factory=tuple)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for camt.053 and camt.054, and for camt.052, which `read` refuses by name."""
        start = unpacked_head(head)
        return any(mark in start for mark in (b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn", b"BkToCstmrAcctRpt"))

    def read(self, path: Path) -> Iterator[Batch]:
        """For each statement of the file its head row, then its lines; lines are numbered through the file."""
        number = 0
        for place, (statement, is_interim) in enumerate(_statements(path), start=1):
            account, identity = _account(statement), _text(statement, "Id")
            identity = f"interim:{identity}" if is_interim and identity else identity
            if account is None or identity is None:
                missing = "account (Acct/Id)" if account is None else "Id"
                raise BadFile(f"Statement {place} of {path.name} has no {missing}.", "Ask the bank to send it again.")
            currency = _currency(statement)
            rows, rejected, total = [], [], Decimal(0)
            remarks: list[str] = []
            for entry in every(statement, "Ntry"):
                number += 1
                try:
                    lines, said = _lines(entry)
                    made = [self._line(entry, line, account, identity) for line in lines]
                    if is_interim:
                        made = [
                            {**row, "booked_on": row["booked_on"] or _told_on(statement), "is_interim": "true"}
                            for row in made
                        ]
                except ValueError as error:
                    rejected.append(Rejected(number, (str(error),), _flat(entry)))
                    continue
                for row in made:
                    rows.append({**row, "line_no": str(len(rows) + 1), "_row_number": number})
                total += sum((line.amount for line in lines), Decimal(0))
                remarks += [f"entry {number}: {sentence}" for sentence in said]
            if is_interim:
                yield Batch("bank_statement_lines", text_frame(rows, _LINE_COLUMNS), tuple(rejected), tuple(remarks))
                continue
            try:
                head, said = self._head(statement, account, identity, currency, total)
            except ValueError as error:
                raise BadFile(
                    f"Statement {identity} of {path.name}: {error}.", "Ask the bank to send it again."
                ) from error
            if rejected:
                said = [*said, f"{len(rejected)} entry(ies) of statement {identity} are set aside"]
            frame = text_frame([{**head, "_row_number": place}], _STATEMENT_COLUMNS)
            yield Batch("bank_statements", frame, (), tuple(said))
            yield Batch("bank_statement_lines", text_frame(rows, _LINE_COLUMNS), tuple(rejected), tuple(remarks))

    def _head(
        self, statement: Element, account: str, identity: str, currency: str | None, total: Decimal
    ) -> tuple[dict[str, object], list[str]]:
        balances = _balances(statement)
        opening = next((balances[code] for code in _OPENING if code in balances), None)
        closing = balances.get("CLBD")
        said = []
        for name, balance in (("opening", opening), ("closing", closing)):
            if balance is None:
                said.append(f"statement {identity} has no {name} balance")
            elif currency and balance.currency != currency:
                said.append(f"statement {identity}: {name} balance is in {balance.currency}, the account in {currency}")
        if opening and closing and opening.amount + total != closing.amount:
            gap = exact(closing.amount - opening.amount - total)
            said.append(
                f"statement {identity} does not foot: {exact(opening.amount)} + lines {exact(total)} is "
                f"{exact(opening.amount + total)}, it closes at {exact(closing.amount)} (difference {gap})"
            )
        period = _child(statement, "FrToDt")
        opened = _day(period, "FrDt", "FrDtTm") or (opening.day if opening else None)
        closed = _day(period, "ToDt", "ToDtTm") or (closing.day if closing else None)
        row: dict[str, object] = {
            "bank_account": account,
            "statement_id": identity,
            "opened_on": opened,
            "closed_on": closed or _day(statement, "CreDt", "CreDtTm"),
            "currency": currency,
            "opening_balance": exact(opening.amount) if opening else None,
            "closing_balance": exact(closing.amount) if closing else None,
            "is_client_money": ("true" if account in self.client_money_accounts else "false")
            if self.client_money_accounts
            else None,
            "sequence_number": _text(statement, "ElctrncSeqNb") or _text(statement, "LglSeqNb"),
        }
        return row, said

    def _line(self, entry: Element, line: _Line, account: str, identity: str) -> dict[str, object]:
        name, other = _counterparty(line)
        code, sub_family = _bank_code(line.details, entry)
        kind = KIND_BY_SUB_FAMILY.get(sub_family or "")
        if kind is None and other in self.own_accounts:
            kind = "own_transfer"
        end_to_end = _text(line.details, "Refs/EndToEndId")
        return {
            "bank_account": account,
            "statement_id": identity,
            "booked_on": _day(entry, "BookgDt/Dt", "BookgDt/DtTm") or _day(entry, "ValDt/Dt", "ValDt/DtTm"),
            "value_on": _day(entry, "ValDt/Dt", "ValDt/DtTm"),
            "amount": exact(line.amount),
            "currency": _attribute(_child(entry, "Amt"), "Ccy"),
            "counterparty_name": name,
            "counterparty_account": other,
            "reference": _reference(line.details, entry),
            "bank_code": code,
            "kind": kind or ("receipt" if line.amount >= 0 else "payment"),
            "entry_reference": _text(line.details, "Refs/AcctSvcrRef")
            or _text(entry, "AcctSvcrRef")
            or _text(entry, "NtryRef"),
            "end_to_end_id": end_to_end,
            "is_reversal": _text(entry, "RvslInd"),
        }


@dataclass(frozen=True)
class _Balance:
    amount: Decimal
    currency: str | None
    day: str | None


def _statements(path: Path) -> Iterator[tuple[Element, bool]]:
    """Every Stmt of the file's documents, or every Ntfctn; True with a notification. BadFile for any other document."""
    for root in xml_roots(path, "camt message", "Fetch the statement again."):
        body = next((child for child in root if isinstance(child.tag, str)), None)
        kind = _local(body) if body is not None else _local(root)
        if kind == "BkToCstmrAcctRpt":
            raise BadFile(
                f"{path.name} is a camt.052 intraday report: its entries come again in the statement.",
                "Drop the camt.053 statement instead.",
            )
        if body is None or kind not in _DOCUMENTS:
            raise BadFile(
                f"{path.name} is no camt.053 or camt.054 (found {kind}).", "Drop the statement or notification instead."
            )
        found = every(body, _DOCUMENTS[kind])
        if not found:
            raise BadFile(f"{path.name} holds no statement ({_DOCUMENTS[kind]}).", "Ask the bank to send it again.")
        for statement in found:
            yield statement, kind == "BkToCstmrDbtCdtNtfctn"


def _lines(entry: Element) -> tuple[list[_Line], list[str]]:
    """The entry as lines, and what there is to say about it. ValueError when it is not booked or not readable."""
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    if status != "BOOK":
        raise ValueError(f"Sts: {status!r} is not booked; only booked entries move a statement's balance")
    amount, currency = _signed(entry), _attribute(_child(entry, "Amt"), "Ccy")
    details = [part for group in every(entry, "NtryDtls") for part in every(group, "TxDtls")]
    if len(details) <= 1:
        return [_Line(amount, details[0] if details else None)], []
    parts = [_part(part, amount, currency) for part in details]
    if all(part is not None for part in parts) and sum(part for part in parts if part is not None) == amount:
        return [_Line(part, detail) for part, detail in zip(parts, details, strict=True) if part is not None], []
    return [_Line(amount, None)], [
        f"its {len(details)} transactions give no amounts that add up to {exact(amount)} {currency}; kept as one line"
    ]


def _part(details: Element, whole: Decimal, currency: str | None) -> Decimal | None:
    """A transaction's signed amount in the account's currency, or None when it gives none."""
    amount = _child(details, "Amt")
    if amount is None:
        amount = _child(details, "AmtDtls/TxAmt/Amt")
    if amount is None or _attribute(amount, "Ccy") != currency:
        return None
    value = decimal_of(amount.text)
    side = _text(details, "CdtDbtInd")
    if value is None:
        return None
    return value * (_sign(side) if side else (1 if whole >= 0 else -1))


def _signed(element: Element) -> Decimal:
    amount = _child(element, "Amt")
    value = decimal_of(amount.text) if amount is not None else None
    if value is None:
        raise ValueError("Amt: is missing")
    return value * _sign(_text(element, "CdtDbtInd"))


def _sign(side: str | None) -> int:
    if side not in ("CRDT", "DBIT"):
        raise ValueError(f"CdtDbtInd: {side!r} is neither CRDT nor DBIT")
    return 1 if side == "CRDT" else -1


def _balances(statement: Element) -> dict[str, _Balance]:
    found: dict[str, _Balance] = {}
    for balance in every(statement, "Bal"):
        code = _text(balance, "Tp/CdOrPrtry/Cd")
        if code in (*_OPENING, "CLBD") and code not in found:
            day = _day(balance, "Dt/Dt", "Dt/DtTm")
            found[code] = _Balance(_signed(balance), _attribute(_child(balance, "Amt"), "Ccy"), day)
    return found


def _account(statement: Element) -> str | None:
    return _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")


def _currency(statement: Element) -> str | None:
    """The account's currency: stated, else the opening balance's, else the first entry's."""
    stated = _text(statement, "Acct/Ccy")
    if stated:
        return stated
    amounts = [_child(item, "Amt") for item in (*every(statement, "Bal"), *every(statement, "Ntry"))]
    return next((_attribute(amount, "Ccy") for amount in amounts if amount is not None), None)


def _counterparty(line: _Line) -> tuple[str | None, str | None]:
    """(name, account) of the other side: the debtor of money in, the creditor of money out."""
    side = "Dbtr" if line.amount >= 0 else "Cdtr"
    parties = _child(line.details, "RltdPties")
    names = (f"{side}/Nm", f"{side}/Pty/Nm", f"Ultmt{side}/Nm", f"Ultmt{side}/Pty/Nm")
    accounts = (f"{side}Acct/Id/IBAN", f"{side}Acct/Id/Othr/Id")
    return _first(parties, names), _first(parties, accounts)


def _reference(details: Element | None, entry: Element) -> str | None:
    """Everything the payer wrote, joined by blanks; the bank's own text where nobody wrote anything."""
    remittance = _child(details, "RmtInf")
    words = [text for part in every(remittance, "Ustrd") if (text := trimmed(part.text))]
    for part in every(remittance, "Strd"):
        words += [text for at in ("CdtrRefInf/Ref", "AddtlRmtInf") if (text := _text(part, at))]
    end_to_end = _text(details, "Refs/EndToEndId")
    if end_to_end and end_to_end != "NOTPROVIDED":
        words.append(end_to_end)
    if not words:
        words = [text for text in (_text(details, "AddtlTxInf"), _text(entry, "AddtlNtryInf")) if text]
    return " ".join(dict.fromkeys(words)) or None


def _bank_code(details: Element | None, entry: Element) -> tuple[str | None, str | None]:
    """(the bank's code for the transaction, its ISO sub-family)."""
    for holder in (details, entry):
        code = _child(holder, "BkTxCd")
        domain = [_text(code, at) for at in ("Domn/Cd", "Domn/Fmly/Cd", "Domn/Fmly/SubFmlyCd")]
        if domain[0]:
            return "-".join(part for part in domain if part), domain[2]
        if proprietary := _text(code, "Prtry/Cd"):
            return proprietary, None
    return None, None


def _day(element: Element | None, *paths: str) -> str | None:
    """The date (YYYY-MM-DD) at the first path that has one; a time keeps the calendar day the bank wrote."""
    text = _first(element, paths)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ValueError(f"{paths[0]}: {text!r} is not a date") from None


def _told_on(statement: Element) -> str | None:
    """The day of the message, for an entry that names none."""
    return _day(statement, "CreDtTm")


def _first(element: Element | None, paths: Sequence[str]) -> str | None:
    return next((text for path in paths if (text := _text(element, path))), None)


def _attribute(element: Element | None, name: str) -> str | None:
    return None if element is None else trimmed(element.get(name))


def _flat(entry: Element) -> dict[str, object]:
    """An entry's texts by path, for quarantine."""
    row: dict[str, object] = {}
    for element in entry.iter():
        if isinstance(element.tag, str) and trimmed(element.text):
            above = [
                _local(part) for part in element.iterancestors() if part is not entry and entry in part.iterancestors()
            ]
            row.setdefault("/".join([*reversed(above), _local(element)]), trimmed(element.text))
    return row


CONNECTOR = Camt053()
