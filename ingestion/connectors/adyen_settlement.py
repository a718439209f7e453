"""Adyen's settlement detail report (CSV, or the same sheet as XLSX) as `psp_transactions`.

Amounts are in the currency Adyen settles in (`Net Currency`), because that is the balance a batch moves: `amount` is
the gross in that currency, `fee_amount` the fees beside it (a cost is positive), and `settlement` rows carry what
reaches the bank. The shopper's own amount stays in `gross_amount`, `gross_currency` and `exchange_rate`. Rows whose
own figures disagree, and batches whose rows do not add up to their payout, load and are remarked on.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import islice
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected, Total
from ingestion.connectors.tables import csv_rows, header_index, xlsx_rows
from ingestion.connectors.values import decimal_of, exact, text_frame, trimmed, utc_text, wall_to_utc

_DETAIL = {"Psp Reference", "Type", "Modification Reference", "Net Currency", "Net Debit (NC)", "Net Credit (NC)"}
_NEEDED = _DETAIL | {"Creation Date", "TimeZone", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)"}
_FEES = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
_BATCH_ROWS = 20_000
_CENT = Decimal("0.01")

# Journal type (lower case; hand-edited files vary) -> (kind when the merchant is debited, kind when credited).
JOURNAL_KINDS: Mapping[str, tuple[str, str]] = {
    "settled": ("adjustment", "deposit"),
    "refunded": ("refund", "adjustment"),
    "refundedreversed": ("adjustment", "adjustment"),
    "chargeback": ("chargeback", "adjustment"),
    "secondchargeback": ("chargeback", "adjustment"),
    "chargebackreversed": ("adjustment", "chargeback_reversal"),
    "reserveadjustment": ("reserve_hold", "reserve_release"),
    "merchantpayout": ("settlement", "adjustment"),
    "paidout": ("withdrawal", "adjustment"),
    "bppaidout": ("withdrawal", "adjustment"),
    "epapaid": ("withdrawal", "adjustment"),
    **dict.fromkeys(
        ("fee", "misccosts", "invoicededuction", "authorisationschemefee", "paymentcost", "settlecost"),
        ("fee", "adjustment"),
    ),
    **dict.fromkeys(
        (
            *("depositcorrection", "matchedstatement", "manualcorrected", "bankinstructionreturned"),
            *("balancetransfer", "internalcompanypayout", "paidoutreversed"),
        ),
        ("adjustment", "adjustment"),
    ),
}
_ELSEWHERE = {"settledexternally", "refundedexternally", "chargebackexternally"}
_UNDOES = {"refund", "chargeback", "chargeback_lost", "chargeback_reversal", "adjustment"}

# Beginning of `Payment Method` -> method. What is not named here is `local`.
METHODS: Sequence[tuple[str, str]] = (
    *((name, "card") for name in ("visa", "mc", "amex", "jcb", "diners", "discover", "maestro", "cup", "bcmc")),
    *((name, "card") for name in ("cartebancaire", "electron", "vpay", "hipercard", "elo", "uatp")),
    *((name, "ewallet") for name in ("paypal", "alipay", "wechatpay", "skrill", "neteller", "moneybookers", "venmo")),
    *((name, "bank_wire") for name in ("banktransfer", "sepadirectdebit", "ach", "directdebit")),
)

_COLUMNS = (
    *("psp", "event_id", "psp_txn_id", "kind", "status", "method", "amount", "currency", "fee_amount", "fee_currency"),
    *("direction", "original_psp_txn_id", "bank_account", "client_reference", "settlement_batch_id", "occurred_at"),
    *(
        "journal_type",
        "gross_amount",
        "gross_currency",
        "exchange_rate",
        "net_amount",
        "merchant_account",
        "description",
    ),
)


@dataclass
class _Batches:
    """What the rows read so far add up to; it becomes the remarks at the end of the file."""

    moved: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    paid: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    unequal: list[int] = field(default_factory=list)
    two_sided: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    newest: str = ""

    def totals(self, psp: str) -> tuple[Total, ...]:
        """What the file states itself: in each currency what it pays out, where every batch of that currency pays out."""
        open_ended = {currency for batch, currency in self.moved if (batch, currency) not in self.paid}
        stated: dict[str, Decimal] = defaultdict(Decimal)
        for (_, currency), paid in self.paid.items():
            stated[currency] += paid
        return tuple(
            Total(psp, self.newest, currency, amount=amount, measure="net")
            for currency, amount in sorted(stated.items())
            if currency not in open_ended
        )

    def remarks(self) -> tuple[str, ...]:
        """One sentence for each thing a reader of the load should know."""
        said = []
        for (batch, currency), moved in sorted(self.moved.items()):
            paid = self.paid.get((batch, currency))
            if paid is None:
                said.append(f"batch {batch}: no MerchantPayout in {currency}; {exact(moved)} {currency} stays at Adyen")
            elif paid != moved:
                said.append(
                    f"batch {batch}: pays out {exact(paid)} {currency}, its rows add up to {exact(moved)} {currency}"
                )
        for rows, what in (
            (self.unequal, "net is not gross less fees"),
            (self.two_sided, "debit and credit are both filled; the one the journal type calls for was taken"),
            (self.damaged, "a reference was rounded by a spreadsheet and no longer identifies its payment"),
            (self.repeated, "same type and reference as an earlier row; told apart by their order"),
        ):
            if rows:
                said.append(f"{len(rows)} row(s) ({', '.join(map(str, rows[:5]))}): {what}")
        return tuple(said)


@dataclass(frozen=True)
class AdyenSettlement:
    """Settings: `psp` (how this provider is called), `bank_accounts` (currency -> account a payout goes to)."""

    name: ClassVar[str] = "adyen_settlement"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv", "*.xlsx")
    feeds: ClassVar[tuple[str, ...]] = ("psp_transactions",)

    psp: str = "adyen"
    bank_accounts: Mapping[str, str] = field(default_factory=dict)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for Adyen's settlement detail report; the payments accounting report has a connector of its own."""
        if head[:2] == b"PK":
            try:
                return header_index(xlsx_rows(path), _DETAIL) is not None
            except BadFile:
                return False
        first = head.decode("utf-8", "replace")
        return (
            "Merchant Account" in first
            and "Psp Reference" in first
            and "Modification" in first
            and "Record Type" not in first
        )

    def read(self, path: Path) -> Iterator[Batch]:
        """Every row of the report as one event; the remarks come with the last batch."""
        header, rows = _open(path)
        state = _Batches()
        waiting: Batch | None = None
        while chunk := list(islice(rows, _BATCH_ROWS)):
            if waiting is not None:
                yield waiting
            waiting = self._batch(header, chunk, state)
        if waiting is None:
            raise BadFile(f"{path.name} has a header and no rows.", "Fetch the report again.")
        yield Batch(waiting.feed, waiting.rows, waiting.rejected, state.remarks(), state.totals(self.psp))

    def _batch(self, header: list[str], chunk: list[tuple[int, list[str]]], state: _Batches) -> Batch:
        good: list[dict[str, object]] = []
        bad: list[Rejected] = []
        for number, cells in chunk:
            source = dict(zip(header, cells, strict=False))
            try:
                if len(cells) != len(header):
                    raise ValueError(f"has {len(cells)} columns where the header has {len(header)}")
                good.append({**self._row(source, number, state), "_row_number": number})
            except ValueError as error:
                bad.append(Rejected(number, (str(error),), dict(source)))
        return Batch("psp_transactions", text_frame(good, _COLUMNS), tuple(bad))

    def _row(self, source: Mapping[str, str], number: int, state: _Batches) -> dict[str, object]:
        journal = (trimmed(source["Type"]) or "").lower()
        if journal in _ELSEWHERE:
            raise ValueError(f"Type: {source['Type']!r} was settled outside Adyen and moves no balance there")
        if journal not in JOURNAL_KINDS:
            raise ValueError(f"Type: {source['Type']!r} is no journal type this connector knows")
        net = (decimal_of(source["Net Credit (NC)"]) or Decimal(0)) - (
            decimal_of(source["Net Debit (NC)"]) or Decimal(0)
        )
        money_in = _credited(source, net)
        kind = JOURNAL_KINDS[journal][1 if money_in else 0]
        amount, fees = _amounts(source, net, money_in, number, state)
        currency = trimmed(source["Net Currency"])
        batch = trimmed(source.get("Batch Number"))
        key = (batch or "?", currency or "?")
        if kind == "settlement":
            state.paid[key] = state.paid.get(key, Decimal(0)) - net
        else:
            state.moved[key] += net
        own, original = _references(source, kind)
        if any(_is_rounded(reference) for reference in (own, original)):
            state.damaged.append(number)
        moment = _moment(source)
        state.newest = max(state.newest, moment)
        return {
            "psp": self.psp,
            "event_id": _event_id(source, batch, journal, number, state),
            "psp_txn_id": own,
            "kind": kind,
            "status": "completed",
            "method": _method(source.get("Payment Method")),
            "amount": exact(amount),
            "currency": currency,
            "fee_amount": exact(fees),
            "fee_currency": currency if fees is not None else None,
            "direction": "in" if money_in else "out",
            "original_psp_txn_id": original,
            "bank_account": self.bank_accounts.get(currency or "") if kind == "settlement" else None,
            "client_reference": trimmed(source.get("Merchant Reference")),
            "settlement_batch_id": batch,
            "occurred_at": moment,
            "journal_type": trimmed(source["Type"]),
            "gross_amount": trimmed(source["Gross Credit (GC)"]) or trimmed(source["Gross Debit (GC)"]),
            "gross_currency": trimmed(source["Gross Currency"]),
            "exchange_rate": trimmed(source.get("Exchange Rate")),
            "net_amount": exact(net),
            "merchant_account": trimmed(source.get("Merchant Account")),
            "description": None if trimmed(source["Psp Reference"]) else trimmed(source["Modification Reference"]),
        }


def _open(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The header and the numbered rows below it; BadFile where this is not a settlement detail report."""
    if path.suffix.lower() == ".xlsx":
        sheet = xlsx_rows(path)
        at = header_index(sheet, _DETAIL)
        if at is None:
            raise _not_ours(path, {str(cell) for row in sheet[:20] for cell in row if cell})
        places = [place for place, cell in enumerate(sheet[at]) if cell]
        header = [str(sheet[at][place]).strip() for place in places]
        body = [[(row[place] or "") if place < len(row) else "" for place in places] for row in sheet[at + 1 :]]
        rows = ((number, row) for number, row in enumerate(body, start=1) if any(row))
    else:
        lines = csv_rows(path)
        header = [cell.strip() for cell in next(lines, [])]
        rows = ((number, row) for number, row in enumerate(lines, start=1) if row)
    missing = _NEEDED - set(header)
    if missing:
        raise _not_ours(path, set(header))
    repeated = [name for name, count in Counter(header).items() if count > 1 and name]
    if repeated:
        raise BadFile(f"{path.name} names the column {repeated[0]!r} twice.", "Export the report again.")
    return header, rows


def _not_ours(path: Path, header: set[str]) -> BadFile:
    remedy = "Order Adyen's 'Settlement detail report' and drop that file instead."
    if "Record Type" in header:
        return BadFile(
            f"{path.name} is Adyen's payments accounting report.", "Drop it in landing/adyen_accounting/ instead."
        )
    if "Journal Type" in header:
        return BadFile(f"{path.name} is Adyen's aggregate settlement report, without single payments.", remedy)
    missing = ", ".join(sorted(_NEEDED - header)[:3])
    return BadFile(f"{path.name} is no Adyen settlement detail report (missing: {missing}).", remedy)


def _credited(source: Mapping[str, str], net: Decimal) -> bool:
    """True when the row moves the merchant's balance up before fees (fees can exceed a small payment)."""
    debit, credit = decimal_of(source["Gross Debit (GC)"]), decimal_of(source["Gross Credit (GC)"])
    if bool(debit) != bool(credit):
        return bool(credit)
    return net > 0


def _amounts(
    source: Mapping[str, str], net: Decimal, money_in: bool, number: int, state: _Batches
) -> tuple[Decimal, Decimal | None]:
    """(gross in the settlement currency, fees or None), both as moves of the merchant's own side; gross is positive."""
    debit, credit = decimal_of(source["Gross Debit (GC)"]), decimal_of(source["Gross Credit (GC)"])
    if debit and credit:
        state.two_sided.append(number)
    gross = credit if money_in else debit
    charged = [decimal_of(source.get(name)) for name in _FEES]
    fees = sum((fee for fee in charged if fee is not None), Decimal(0)) if any(f is not None for f in charged) else None
    if gross is None:
        return abs(net), None  # a fee, correction or payout row has a net side only
    implied = (net + (fees or Decimal(0))) * (1 if money_in else -1)
    rate = decimal_of(source.get("Exchange Rate")) or Decimal(1)
    same = trimmed(source["Gross Currency"]) == trimmed(source["Net Currency"])
    stated = gross if same else (gross * rate).quantize(_CENT, rounding=ROUND_HALF_EVEN)
    if stated == implied or (not same and abs(stated - implied) <= _CENT):
        return implied, fees
    state.unequal.append(number)
    return abs(stated), fees


def _references(source: Mapping[str, str], kind: str) -> tuple[str | None, str | None]:
    """(the event's own reference, that of the payment it undoes)."""
    payment, change = trimmed(source["Psp Reference"]), trimmed(source["Modification Reference"])
    if payment is None:
        return change, None
    if kind in _UNDOES:
        return change or payment, payment
    return payment, None


def _event_id(source: Mapping[str, str], batch: str | None, journal: str, number: int, state: _Batches) -> str:
    currency = trimmed(source["Net Currency"])
    payment, change = trimmed(source["Psp Reference"]), trimmed(source["Modification Reference"])
    parts = [batch, journal, payment, change] if payment else [batch, journal, change, currency, _moment(source)]
    key = ":".join(part or "" for part in parts)
    state.seen[key] += 1
    if state.seen[key] == 1:
        return key
    state.repeated.append(number)
    return f"{key}:{state.seen[key]}"


def _is_rounded(reference: str | None) -> bool:
    """Spreadsheets keep 15 digits of a 16-digit reference and write zeros, or an exponent, for the rest."""
    if reference is None:
        return False
    digits = reference.removesuffix(".0")
    return (digits.isdigit() and len(digits) >= 16 and digits.endswith("0000000")) or "E+" in reference


def _method(name: str | None) -> str | None:
    cleaned = (name or "").strip().lower()
    if not cleaned:
        return None
    return next((method for prefix, method in METHODS if cleaned.startswith(prefix)), "local")


def _moment(source: Mapping[str, str]) -> str:
    """When the row was booked (UTC); the payment's own creation where the report has no booking date."""
    booked, zone = trimmed(source.get("Booking Date")), trimmed(source.get("Booking Date TimeZone"))
    if booked is None:
        booked, zone = trimmed(source["Creation Date"]), trimmed(source["TimeZone"])
    if booked is None or zone is None:
        raise ValueError("Booking Date and Creation Date are empty, or have no time zone")
    try:
        wall = datetime.fromisoformat(booked)
    except ValueError:
        raise ValueError(f"Booking Date: {booked!r} is not a date and time") from None
    return utc_text(wall if wall.tzinfo else wall_to_utc(wall, zone))


CONNECTOR = AdyenSettlement()
