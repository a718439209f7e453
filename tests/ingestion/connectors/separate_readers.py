"""Reads the samples once more, by other means than the connectors do and without a line of theirs: rows, and sums per currency.

`Figures.amounts` are unsigned gross amounts of payments, signed amounts of bank lines; `fees` are signed, a cost is positive. None means
that a format states no sums that could be compared.
"""

import csv
import gzip
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

Sums = dict[str, Decimal]
HUNDRED = Decimal(100)


@dataclass
class Figures:
    rows: int = 0
    amounts: Sums = field(default_factory=lambda: defaultdict(Decimal))
    fees: Sums = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, currency: str, amount: Any, fee: Any = None, fee_currency: str | None = None) -> None:
        self.amounts[currency] += Decimal(str(amount))
        if fee not in (None, ""):
            self.fees[fee_currency or currency] += Decimal(str(fee))


def table(path: Path, delimiter: str = ",", encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding), newline=""), delimiter=delimiter))


def plain(text: str | None) -> Decimal:
    return Decimal((text or "0").replace(",", "") or "0")


def bodies(path: Path) -> list[Any]:
    text = path.read_text()
    try:
        document = json.loads(text, parse_float=Decimal)
    except ValueError:
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines() if line]
    return document if isinstance(document, list) else [document]


def minor(value: Any, currency: str) -> Decimal:
    return Decimal(str(value)) / (1 if currency == "JPY" else HUNDRED)


def stripe(path: Path) -> Figures:
    found = Figures()
    if path.suffix == ".json":
        body = json.loads(path.read_text())
        found.rows = 1
        if "amount" in body:
            found.add(body["currency"].upper(), minor(body["amount"], body["currency"].upper()))
        return found
    for row in table(path):
        found.rows += 1
        currency = row["currency"].upper()
        if "gross" in row:
            found.add(currency, abs(Decimal(row["gross"])), row["fee"])
        else:
            fee = minor(row["fee"], currency) if "fee" in row else None
            found.add(currency, abs(minor(row["amount"], currency)), fee)
    return found


def paypal(path: Path) -> Figures:
    found = Figures()
    if path.parent.name == "oca":
        for row in table(path):
            found.rows += 1
            found.add(row["Currency"], abs(plain(row["Gross"])), -plain(row["Fee"]))
        return found
    names: list[str] = []
    for cells in csv.reader(io.StringIO(path.read_text("utf-8-sig"))):
        if cells and cells[0] == "CH":
            names = cells
        if cells and cells[0] == "SB":
            row = dict(zip(names, cells, strict=False))
            found.rows += 1
            fee = Decimal(row["Fee Amount"] or 0) / HUNDRED * (-1 if row["Fee Debit or Credit"] == "CR" else 1)
            amount = Decimal(row["Gross Transaction Amount"]) / HUNDRED
            found.add(row["Gross Transaction Currency"], amount, fee, row["Fee Currency"] or None)
    return found


def adyen(path: Path) -> Figures:
    found = Figures()
    if path.suffix == ".json":
        body = json.loads(path.read_text())
        items = [one["NotificationRequestItem"] for one in body.get("notificationItems", [])] or [body]
        for item in items:
            found.rows += 1
            moves = item["eventCode"] not in ("RECURRING_CONTRACT", "REPORT_AVAILABLE")
            currency = item["amount"]["currency"]
            found.add(currency, minor(item["amount"]["value"], currency) if moves else 0)
        return found
    if path.name.startswith("payments_accounting"):
        header, *lines = csv.reader(io.StringIO(path.read_text(), newline=""))
        for cells in lines:
            row = {name: cells[place] for place, name in reversed(list(enumerate(header)))}
            found.rows += 1
            fees = sum(plain(row[f"{name} (SC)"]) for name in ("Commission", "Markup", "Scheme Fees", "Interchange"))
            if row["Record Type"] in ("Settled", "Chargeback"):
                found.add(row["Settlement Currency"], abs(plain(row["Payable (SC)"]) + fees), fees)
            else:
                found.add(row["Main Currency"], plain(row["Main Amount"]))
                if row["Record Type"] == "Received":
                    found.fees[row["Processing Fee Currency"]] += plain(row["Processing Fee (FC)"])
        return found
    if path.suffix == ".xlsx":
        import openpyxl

        cells = [list(row) for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)]
        start = next(place for place, row in enumerate(cells) if "Net Currency" in row)
        rows = [dict(zip(cells[start], row, strict=False)) for row in cells[start + 1 :] if any(row)]
    else:
        rows = table(path)
    for row in rows:
        found.rows += 1
        net = Decimal(str(row["Net Credit (NC)"] or 0)) - Decimal(str(row["Net Debit (NC)"] or 0))
        found.add(row["Net Currency"], net)
    return found


def checkout(path: Path) -> Figures:
    found = Figures()
    for row in table(path):
        found.rows += 1
        if "Payout Amount" in row:
            found.add(row["Holding Currency"], row["Payout Amount"])
            continue
        gross, net = (Decimal(row[f"{name} In Holding Currency"]) for name in ("Gross", "Net"))
        deduction = Decimal(row["Deduction In Holding Currency"])
        found.add(row["Holding Currency"], abs(gross or net), -deduction if gross else None)
    return found


def dlocal(path: Path) -> Figures:
    found = Figures()
    text = path.read_text()
    if not text.startswith("ROW_TYPE"):
        for row in table(path, ";"):
            found.rows += 1
            fee = plain(row["Fee"]) + plain(row["IOF"]) if row["Amount (USD)"] else None
            found.add(
                "USD" if row["Amount (USD)"] else row["currency"], row["Amount (USD)"] or row["Net Amount (local)"], fee
            )
        return found
    lines = [line.split(",") for line in text.splitlines() if not line.startswith("ROW_TYPE")]
    for cells in lines:
        found.rows += 1
        if cells[0] == "HEADER":
            found.add(cells[1], abs(Decimal(cells[5])))
        else:
            gross, fee, net = map(Decimal, cells[11:14])
            found.add("USD", abs(gross or net), -fee if gross else None)
    return found


def trustly(path: Path) -> Figures:
    found = Figures()
    for line in path.read_text().splitlines():
        cells = line.split(",")
        if cells[0] in ("I", "T", "F"):
            found.rows += 1
            currency = next(place for place, cell in enumerate(cells) if cell == "USD")
            fee = -Decimal(cells[-1]) if cells[0] == "I" and cells[-1] else None
            found.add("USD", abs(Decimal(cells[currency + 1])), fee)
    return found


def gravy(path: Path) -> Figures:
    found = Figures()
    for row in table(path):
        found.rows += 1
        paid = Decimal(row["captured_amount"]) or Decimal(row["amount"])
        found.add(row["currency"], minor(paid + Decimal(row["refunded_amount"]), row["currency"]))
    return found


def ingenico(path: Path) -> Figures:
    text = gzip.decompress(path.read_bytes()).decode()
    records = re.findall(r"<tns:DataRecord>.*?</tns:DataRecord>", text, re.S)
    found = Figures(len(records))
    for record in records:
        (value,) = re.findall(r"<tns:PaymentAmount>(-?\d+)<", record)
        found.add("USD", abs(minor(value, "USD")))
    return found


def braintree(path: Path) -> Figures:
    found = Figures()
    for body in bodies(path):
        found.rows += 1
        if "gross" in body:
            found.add(body["currency"], body["gross"])
        else:
            money = body.get("amountDisputed") or body["amount"]
            found.add(money["currencyCode"], money["value"])
    return found


def praxis(path: Path) -> Figures:
    found = Figures(1)
    paid = json.loads(path.read_text())["transaction"]
    found.add(paid["currency"], minor(paid["amount"], paid["currency"]), minor(paid["fee"], paid["currency"]))
    return found


def nuvei(path: Path) -> Figures:
    found = Figures()
    for line in path.read_text().splitlines():
        form = parse_qs(line)
        found.rows += 1
        found.add(form["currency"][0], form["totalAmount"][0])
    return found


def coinspaid(path: Path) -> Figures:
    found = Figures(1)
    body = json.loads(path.read_text())
    fees = sum(Decimal(fee["amount"]) for fee in body["fees"])
    found.add("BTC", body["currency_received" if body["type"] == "deposit" else "currency_sent"]["amount"], fees)
    return found


def fireblocks(path: Path) -> Figures:
    found = Figures(1)
    found.add("ETHTEST5", json.loads(path.read_text())["data"]["amountInfo"]["amount"])
    return found


def camt(path: Path) -> Figures:
    found = Figures()
    root = ElementTree.parse(path).getroot()
    for entry in root.iterfind(".//{*}Ntry"):
        found.rows += 1
        amount = entry.find("{*}Amt")
        assert amount is not None and amount.text is not None
        sign = 1 if entry.findtext("{*}CdtDbtInd") == "CRDT" else -1
        found.add(amount.attrib["Ccy"], sign * Decimal(amount.text))
    return found


def mt940(path: Path) -> Figures:
    found = Figures()
    text = path.read_bytes().decode("latin-1").replace("\r", "")
    currency = ""
    for tag, content in re.findall(r"^:(60F|60M|61|34F):(.*(?:\n(?!:|-).*)?)", text, re.M):
        if tag != "61":
            named = re.search(r"[A-Z]{3}", content[7:] if tag != "34F" else content)
            currency = named[0] if named else currency
            continue
        line = re.match(r"\d{6}(?:\d{4}|\s+)?(R?)([CD])[A-Z]?\n?\s*(\d+)[,.]?(\d*)", content)
        assert line
        found.rows += 1
        sign = (1 if line[2] == "C" else -1) * (-1 if line[1] else 1)
        found.add(currency, sign * Decimal(f"{line[3]}.{line[4] or 0}"))
    return found


def ofx(path: Path) -> Figures:
    found = Figures()
    for value in re.findall(r"<TRNAMT>([^<\s]+)", path.read_text()):
        found.rows += 1
        found.add("USD", value)
    return found


def one_body(path: Path) -> Figures:
    return Figures(1 if isinstance(json.loads(path.read_text()), dict) else 0)


def lines(path: Path) -> Figures:
    text = path.read_bytes().decode("utf-8").rstrip("\x1a\r\n ")
    return Figures(sum(1 for row in csv.reader(io.StringIO(text, newline="")) if row))


def records(path: Path) -> Figures:
    return Figures(len(table(path)))


READERS: dict[str, Callable[[Path], Figures]] = {
    **{"adyen": adyen, "braintree": braintree, "camt053": camt, "checkoutcom": checkout, "coinspaid": coinspaid},
    **{
        "crm": records,
        "dlocal": dlocal,
        "fireblocks": fireblocks,
        "gravy": gravy,
        "ingenico": ingenico,
        "kyc": one_body,
    },
    **{
        "mt940": mt940,
        "nuvei": nuvei,
        "ofac": lines,
        "ofx": ofx,
        "paypal": paypal,
        "praxis": praxis,
        "sanctions": records,
    },
    **{"stripe": stripe, "trustly": trustly},
}


def same(one: Sums, other: Sums) -> bool:
    """Equal sums, currencies without any left out."""
    return {name: value for name, value in one.items() if value} == {
        name: value for name, value in other.items() if value
    }


def total(pairs: Iterable[tuple[str, Decimal | None]]) -> Sums:
    """Sums by currency."""
    sums: Sums = defaultdict(Decimal)
    for currency, value in pairs:
        sums[currency] += value or 0
    return sums
