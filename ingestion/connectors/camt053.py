"""ISO 20022 camt.053 bank statements (versions 02 to 08) as `bank_statements` and `bank_statement_lines`.

Amounts are signed by CdtDbtInd (+ is money in), also for reversals, whose indicator already is the booking's own. A
batch entry becomes one line per transaction when the transactions' amounts add up to the entry. A statement that does
not foot, or whose balances are in several currencies, loads and is remarked on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  lxml ships no type hints

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.values import decimal_of, exact, text_frame, trimmed

_OPENING = ("OPBD", "PRCD")  # PRCD: the previous closing, where a bank sends no opening
_MAX_BYTES = 256 * 1024 * 1024

# Sub-family codes of ISO 20022 bank transactions that say what a line is.
KIND_BY_SUB_FAMILY: Mapping[str, str] = {
    **dict.fromkeys(("CHRG", "FEES", "COMM", "COME", "COMI", "COMT"), "bank_fee"),
    **dict.fromkeys(("INTR", "DINT", "CINT"), "interest"),
}

_LINE_COLUMNS = (
    *("bank_account", "statement_id", "line_no", "booked_on", "value_on", "amount", "currency", "counterparty_name"),
    *("counterparty_account", "reference", "bank_code", "kind", "entry_reference", "end_to_end_id", "is_reversal"),
)
_STATEMENT_COLUMNS = (
    *("bank_account", "statement_id", "opened_on", "closed_on", "currency", "opening_balance", "closing_balance"),
    *("is_client_money", "sequence_number"),
)


@dataclass(frozen=True)
class _Line:
    """One transaction of an entry: its signed amount and the element that tells about it (None: the entry alone)."""

    amount: Decimal
    details: etree._Element | None


@dataclass(frozen=True)
class Camt053:
    """Settings: `client_money_accounts` (accounts that hold client money), `own_accounts` (transfers among these)."""

    name: ClassVar[str] = "camt053"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.xml",)
    feeds: ClassVar[tuple[str, ...]] = ("bank_statements", "bank_statement_lines")

    client_money_accounts: Sequence[str] = field(default_factory=tuple)
    own_accounts: Sequence[str] = field(default_factory=tuple)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for camt.053 and for its siblings camt.052 and camt.054, which `read` refuses by name."""
        return any(mark in head for mark in (b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn", b"BkToCstmrAcctRpt"))

    def read(self, path: Path) -> Iterator[Batch]:
        """For each statement of the file its head row, then its lines; lines are numbered through the file."""
        statements = _statements(path)
        number = 0
        for place, statement in enumerate(statements, start=1):
            account, identity = _account(statement), _text(statement, "Id")
            if account is None or identity is None:
                missing = "account (Acct/Id)" if account is None else "Id"
                raise BadFile(f"Statement {place} of {path.name} has no {missing}.", "Ask the bank to send it again.")
            currency = _currency(statement)
            rows, rejected, total = [], [], Decimal(0)
            remarks: list[str] = []
            for entry in _all(statement, "Ntry"):
                number += 1
                try:
                    lines, said = _lines(entry)
                    made = [self._line(entry, line, account, identity) for line in lines]
                except ValueError as error:
                    rejected.append(Rejected(number, (str(error),), _flat(entry)))
                    continue
                for row in made:
                    rows.append({**row, "line_no": str(len(rows) + 1), "_row_number": number})
                total += sum((line.amount for line in lines), Decimal(0))
                remarks += [f"entry {number}: {sentence}" for sentence in said]
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
        self, statement: etree._Element, account: str, identity: str, currency: str | None, total: Decimal
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

    def _line(self, entry: etree._Element, line: _Line, account: str, identity: str) -> dict[str, object]:
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


def _statements(path: Path) -> list[etree._Element]:
    """Every Stmt of the document. BadFile for anything that is not a camt.053."""
    if path.stat().st_size > _MAX_BYTES:
        raise BadFile(f"{path.name} is larger than 256 MiB.", "Ask the bank for one file per day.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        with path.open("rb") as handle:
            tree = etree.parse(handle, parser)
    except (etree.XMLSyntaxError, OSError, ValueError, LookupError) as error:
        raise BadFile(f"{path.name} is not well-formed XML: {error}.", "Fetch the statement again.") from error
    if tree.docinfo.doctype:
        raise BadFile(f"{path.name} carries a DOCTYPE, which no camt.053 has.", "Ask the bank for the plain message.")
    root = tree.getroot()
    body = next((child for child in root if isinstance(child.tag, str)), None)
    kind = _local(body) if body is not None else _local(root)
    if kind in ("BkToCstmrDbtCdtNtfctn", "BkToCstmrAcctRpt"):
        what = "camt.054 notification" if kind.endswith("Ntfctn") else "camt.052 intraday report"
        raise BadFile(
            f"{path.name} is a {what}: its entries come again in the statement.", "Drop the camt.053 statement instead."
        )
    if body is None or kind != "BkToCstmrStmt":
        raise BadFile(f"{path.name} is no camt.053 (found {kind}).", "Drop the camt.053 statement instead.")
    found = _all(body, "Stmt")
    if not found:
        raise BadFile(f"{path.name} holds no statement (Stmt).", "Ask the bank to send it again.")
    return found


def _lines(entry: etree._Element) -> tuple[list[_Line], list[str]]:
    """The entry as lines, and what there is to say about it. ValueError when it is not booked or not readable."""
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    if status != "BOOK":
        raise ValueError(f"Sts: {status!r} is not booked; only booked entries move a statement's balance")
    amount, currency = _signed(entry), _attribute(_child(entry, "Amt"), "Ccy")
    details = [part for group in _all(entry, "NtryDtls") for part in _all(group, "TxDtls")]
    if len(details) <= 1:
        return [_Line(amount, details[0] if details else None)], []
    parts = [_part(part, amount, currency) for part in details]
    if all(part is not None for part in parts) and sum(part for part in parts if part is not None) == amount:
        return [_Line(part, detail) for part, detail in zip(parts, details, strict=True) if part is not None], []
    return [_Line(amount, None)], [
        f"its {len(details)} transactions give no amounts that add up to {exact(amount)} {currency}; kept as one line"
    ]


def _part(details: etree._Element, whole: Decimal, currency: str | None) -> Decimal | None:
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


def _signed(element: etree._Element) -> Decimal:
    amount = _child(element, "Amt")
    value = decimal_of(amount.text) if amount is not None else None
    if value is None:
        raise ValueError("Amt: is missing")
    return value * _sign(_text(element, "CdtDbtInd"))


def _sign(side: str | None) -> int:
    if side not in ("CRDT", "DBIT"):
        raise ValueError(f"CdtDbtInd: {side!r} is neither CRDT nor DBIT")
    return 1 if side == "CRDT" else -1


def _balances(statement: etree._Element) -> dict[str, _Balance]:
    found: dict[str, _Balance] = {}
    for balance in _all(statement, "Bal"):
        code = _text(balance, "Tp/CdOrPrtry/Cd")
        if code in (*_OPENING, "CLBD") and code not in found:
            day = _day(balance, "Dt/Dt", "Dt/DtTm")
            found[code] = _Balance(_signed(balance), _attribute(_child(balance, "Amt"), "Ccy"), day)
    return found


def _account(statement: etree._Element) -> str | None:
    return _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")


def _currency(statement: etree._Element) -> str | None:
    """The account's currency: stated, else the opening balance's, else the first entry's."""
    stated = _text(statement, "Acct/Ccy")
    if stated:
        return stated
    amounts = [_child(item, "Amt") for item in (*_all(statement, "Bal"), *_all(statement, "Ntry"))]
    return next((_attribute(amount, "Ccy") for amount in amounts if amount is not None), None)


def _counterparty(line: _Line) -> tuple[str | None, str | None]:
    """(name, account) of the other side: the debtor of money in, the creditor of money out."""
    side = "Dbtr" if line.amount >= 0 else "Cdtr"
    parties = _child(line.details, "RltdPties")
    names = (f"{side}/Nm", f"{side}/Pty/Nm", f"Ultmt{side}/Nm", f"Ultmt{side}/Pty/Nm")
    accounts = (f"{side}Acct/Id/IBAN", f"{side}Acct/Id/Othr/Id")
    return _first(parties, names), _first(parties, accounts)


def _reference(details: etree._Element | None, entry: etree._Element) -> str | None:
    """Everything the payer wrote, joined by blanks; the bank's own text where nobody wrote anything."""
    remittance = _child(details, "RmtInf")
    words = [text for part in _all(remittance, "Ustrd") if (text := trimmed(part.text))]
    for part in _all(remittance, "Strd"):
        words += [text for at in ("CdtrRefInf/Ref", "AddtlRmtInf") if (text := _text(part, at))]
    end_to_end = _text(details, "Refs/EndToEndId")
    if end_to_end and end_to_end != "NOTPROVIDED":
        words.append(end_to_end)
    if not words:
        words = [text for text in (_text(details, "AddtlTxInf"), _text(entry, "AddtlNtryInf")) if text]
    return " ".join(dict.fromkeys(words)) or None


def _bank_code(details: etree._Element | None, entry: etree._Element) -> tuple[str | None, str | None]:
    """(the bank's code for the transaction, its ISO sub-family)."""
    for holder in (details, entry):
        code = _child(holder, "BkTxCd")
        domain = [_text(code, at) for at in ("Domn/Cd", "Domn/Fmly/Cd", "Domn/Fmly/SubFmlyCd")]
        if domain[0]:
            return "-".join(part for part in domain if part), domain[2]
        if proprietary := _text(code, "Prtry/Cd"):
            return proprietary, None
    return None, None


def _day(element: etree._Element | None, *paths: str) -> str | None:
    """The date (YYYY-MM-DD) at the first path that has one; a time keeps the calendar day the bank wrote."""
    text = _first(element, paths)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ValueError(f"{paths[0]}: {text!r} is not a date") from None


def _first(element: etree._Element | None, paths: Sequence[str]) -> str | None:
    return next((text for path in paths if (text := _text(element, path))), None)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _all(element: etree._Element | None, name: str) -> list[etree._Element]:
    return [] if element is None else [child for child in element if _local(child) == name]


def _child(element: etree._Element | None, path: str) -> etree._Element | None:
    for name in path.split("/"):
        element = next(iter(_all(element, name)), None)
    return element


def _text(element: etree._Element | None, path: str) -> str | None:
    found = _child(element, path)
    return trimmed(found.text) if found is not None else None


def _attribute(element: etree._Element | None, name: str) -> str | None:
    return None if element is None else trimmed(element.get(name))


def _flat(entry: etree._Element) -> dict[str, object]:
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
