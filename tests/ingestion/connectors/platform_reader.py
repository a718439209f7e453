"""The samples of MetaTrader read a second time, by nothing but regular expressions and the standard library.

Shares no code with the connectors: what both find must be so.
"""

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

MONEY = re.compile(r"^-?\d{1,3}(?: \d{3})*(?:\.\d+)?$|^-?\d+(?:\.\d+)?$")


@dataclass(frozen=True)
class Found:
    """Source rows that say something, the canonical rows they make, and the money of all deals."""

    rows: int
    canonical: dict[str, int]
    moved: Decimal


def money(text: str) -> Decimal:
    assert MONEY.match(text), text
    return Decimal(text.replace(" ", ""))


def statement(path: Path) -> Found:
    """A terminal's HTML: a row is one whose first cell is a number."""
    text = path.read_text(encoding="utf-8")
    deals = orders = positions = rows = 0
    moved = Decimal(0)
    for section, body in re.findall(
        r"<b>(Closed Transactions|Open Trades|Working Orders):</b>(.*?)(?=<b>(?:Open Trades|Working Orders|Summary):)",
        text,
        re.S,
    ):
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S):
            cells = re.findall(r"<td[^>]*?(?:title=\"[^\"]*\")?[^>]*>(.*?)</td>", row, re.S)
            if not re.fullmatch(r"\d+", cells[0]):
                continue
            rows += 1
            if cells[2] in ("balance", "credit"):
                deals, moved = deals + 1, moved + money(cells[-1])
            elif " " in cells[2]:
                orders += 1
            elif section == "Open Trades":
                deals, positions = deals + 1, positions + 1
            else:
                deals += 2
                moved += sum(map(money, cells[10:14]))
    return Found(rows, {"deals": deals, "orders": orders, "positions": positions}, moved)


def raw_report(path: Path) -> Found:
    deals = orders = rows = 0
    moved = Decimal(0)
    for line in path.read_text(encoding="utf-8").splitlines()[2:]:
        cells = line.split(";")
        if not cells[0]:
            continue
        rows += 1
        if cells[3] == "balance":
            deals, moved = deals + 1, moved + Decimal(cells[20])
        elif " " in cells[3]:
            orders += 1
        else:
            deals += 2
            moved += sum(Decimal(cells[place]) for place in (17, 18, 19, 20))
    return Found(rows, {"deals": deals, "orders": orders}, moved)


def lines(path: Path) -> Found:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = len(list(csv.reader(handle))) - 1
    return Found(rows, {"trading_accounts": rows}, Decimal(0))


def dump(path: Path) -> Found:
    """One INSERT of a Sequel Pro dump: a row a line that begins with a tab and a bracket."""
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("\t(")]
    if "deals" in path.name:
        cells = [next(csv.reader(io.StringIO(line[2:].rstrip(",;)")), quotechar="'")) for line in rows]
        moved = sum((Decimal(row[17]) + Decimal(row[18]) + Decimal(row[19]) for row in cells), Decimal(0))
        return Found(len(rows), {"deals": len(rows)}, moved)
    return Found(len(rows), {"account_snapshots": len(rows)} if "accounts" in path.name else {}, Decimal(0))


def web_api(path: Path) -> Found:
    found = json.loads(path.read_text(encoding="utf-8"))
    moved = sum(Decimal(row[name]) for row in found for name in ("Profit", "Storage", "Commission", "Fee"))
    return Found(len(found), {"deals": len(found)}, Decimal(moved))


def report(path: Path) -> Found:
    """The terminal's XLSX, from its XML parts."""
    with zipfile.ZipFile(path) as book:
        names = {name.lower(): name for name in book.namelist()}
        strings = ["".join(one.itertext()) for one in ElementTree.fromstring(book.read(names["xl/sharedstrings.xml"]))]
        sheet = ElementTree.fromstring(
            book.read(next(name for low, name in names.items() if "worksheets/sheet1" in low))
        )
    tag = sheet.tag.partition("}")[0] + "}"
    grid: list[dict[str, str]] = []
    for row in sheet.iter(f"{tag}row"):
        cells: dict[str, str] = {}
        for cell in row.iter(f"{tag}c"):
            value = cell.find(f"{tag}v")
            text = "".join(cell.itertext()) if value is None else str(value.text)
            cells[re.sub(r"\d", "", cell.attrib["r"])] = strings[int(text)] if cell.get("t") == "s" else text
        grid.append(cells)
    section, counts, moved = "", {"deals": 0, "orders": 0, "positions": 0}, Decimal(0)
    feeds = {"Deals": "deals", "Orders": "orders", "Open Positions": "positions"}
    for cells in grid:
        first = cells.get("A", "").strip()
        section = first if not re.match(r"\d{4}\.", first) and not first.endswith("Time") and first else section
        if section in feeds and re.match(r"\d{4}\.\d\d\.\d\d", first):
            counts[feeds[section]] += 1
            moved += sum(map(money, (cells[name] for name in "IJKL"))) if section == "Deals" else 0
    return Found(sum(counts.values()), counts, moved)


READERS = {
    "mt4/lab2acs_Statement.htm": statement,
    "mt4/tianyeshiye_DetailedStatement.htm": statement,
    "mt4/kvb/KVB_MT4_RawReport_2026-10-04.csv": raw_report,
    "mt4/kvb/KVB_MT4_Account_Types_sample.csv": lines,
    "mt5/ReportHistory_wizard.xlsx": report,
    "mt5/gana_mt5_sql_export_2019/mt5_deals.sql": dump,
    "mt5/gana_mt5_sql_export_2019/mt5_accounts.sql": dump,
    "mt5/gana_mt5_sql_export_2019/mt5_time.sql": dump,
    "mt5/gana_mt5_sql_export_2019/mt5_users_no_pii.csv": lines,
    "mt5/webapi/deal_get_page.json": web_api,
}
