"""What the simulator planted for the reconciliations, compared with what they found."""

import contextlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from warehouse.dbt import Dbt
from warehouse.engine import connect
from warehouse.settings import Settings

KNOWN = {
    "settlement_short": ("psp", "settlement_differs"),
    "bank_receipt_short": ("psp", "bank_receipt_differs"),
    "psp_row_missing": ("psp", "request_without_psp"),
    "psp_row_twice": ("psp", "duplicate_at_psp"),
    "statement_opening": ("bank", "statement_gap"),
    "unexplained_line": ("bank", "unidentified_receipt"),
}
"""The few breaks that every simulated broker has, as the reconciliations class them."""

DEFECTS = tuple(map(Decimal, ("0.00000001", "-0.01", "5", "-123.45")))
"""By how much a defect of ours leaves a partner's accounts above or below what the commission lines say; nothing is tolerated."""
PARTNERS = """
select partner_id, currency, min(entry_id) from finance.fct_postings
where partner_id is not null and currency <> 'XTS' and account_code = '2060' group by all order by all
"""
DEFECT = """
insert into finance.fct_postings select * replace (? as entry_id, ? as account_code, ?::decimal(38, 8) as amount)
from finance.fct_postings where entry_id = ? and partner_id = ? and account_code = '2060' limit 1
"""

Found = dict[tuple[str, str, str], list[Decimal]]

FOUND = """
select
    breaks.reconciliation,
    breaks.class,
    case
        when breaks.reconciliation = 'platform' then split_part(breaks.reference, ':', 2)
        when breaks.reconciliation = 'client_money' then breaks.reference || ':' || breaks.first_seen_on
        when breaks.class in ('unidentified_receipt', 'line_not_posted', 'line_amount_differs') then coalesce(lines.reference, breaks.reference)
        else breaks.reference
    end as reference,
    breaks.amount
from finance.rec_breaks as breaks
left join (
    select bank_account || ':' || statement_id || ':' || line_no as line_key, reference from raw.bank_statement_lines
) as lines on breaks.reference = lines.line_key
"""


def planted(truth: Path, *, decoys: bool = False) -> Found:
    """reconciliation, class, reference → amounts (ledger less the other side) of what must be found, or must not."""
    rows: Found = {}
    file = truth / "planted_breaks.jsonl"
    for row in _rows(file) if file.exists() else []:
        if row["decoy"] is not decoys:
            continue
        reference = str(row["reference"])
        if row["reconciliation"] == "client_money":
            reference += f":{row['first_seen_on']}"
        if row.get("by_request"):
            reference = f"request {reference}"
        rows.setdefault((row["reconciliation"], row["class"], reference), []).append(Decimal(row["amount"]))
    return rows


def spoilt_partner_accounts(settings: Settings, count: int) -> tuple[Found, Found]:
    """Writes into the built ledger what no feed can make it say, since it posts the commission lines themselves; then reconciles partners anew.

    Returns what must be found, and what must not: amounts that moved from one account of a partner to another.
    """
    wanted: Found = {}
    decoys: Found = {}
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        chosen = connection.execute(PARTNERS).fetchall()[: 2 * count]
        for number, (partner, currency, entry) in enumerate(chosen):
            amount = DEFECTS[number // 2 % len(DEFECTS)]
            lines = [("2065", -amount)] if number % 2 else [("2065", abs(amount)), ("2060", -abs(amount))]
            for account, moved in lines:
                connection.execute(DEFECT, [f"defect:{number}", account, moved, entry, partner])
            (wanted if number % 2 else decoys)[("partners", "ledger_differs", f"{partner}:{currency}")] = [amount]
    nodes = Dbt(settings).run(["run", "--select", "rec_partner_daily", "rec_breaks"])
    assert nodes and not [node.message for node in nodes if node.failed]
    return wanted, decoys


def always_there(truth: Path) -> list[dict[str, Any]]:
    """The faults of truth/breaks.jsonl, each with the class it has in rec_breaks where it has one."""
    return [row | {"as": KNOWN.get(row["kind"])} for row in _rows(truth / "breaks.jsonl")]


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
