"""What the simulator planted for the reconciliations, compared with what they found."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

KNOWN = {
    "settlement_short": ("psp", "settlement_differs"),
    "bank_receipt_short": ("psp", "bank_receipt_differs"),
    "psp_row_missing": ("psp", "request_without_psp"),
    "psp_row_twice": ("psp", "duplicate_at_psp"),
    "statement_opening": ("bank", "statement_gap"),
    "unexplained_line": ("bank", "unidentified_receipt"),
}
"""The few breaks that every simulated broker has, as the reconciliations class them."""

Found = dict[tuple[str, str, str], list[Decimal]]

FOUND = """
select
    breaks.reconciliation,
    breaks.class,
    case
        when breaks.class = 'reserve_overdue' then lots.psp || ':' || lots.bank_account
        when breaks.reconciliation = 'platform' then split_part(breaks.reference, ':', 2)
        when breaks.reconciliation = 'client_money' then breaks.reference || ':' || breaks.first_seen_on
        when breaks.class in ('unidentified_receipt', 'line_not_posted', 'line_amount_differs') then coalesce(lines.reference, breaks.reference)
        else breaks.reference
    end as reference,
    breaks.amount
from finance.rec_breaks as breaks
left join finance.fct_psp_reserve_lots as lots on breaks.class = 'reserve_overdue' and breaks.reference = lots.psp || ':' || lots.event_id
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


def always_there(truth: Path) -> list[dict[str, Any]]:
    """The faults of truth/breaks.jsonl, each with the class it has in rec_breaks where it has one."""
    return [row | {"as": KNOWN.get(row["kind"])} for row in _rows(truth / "breaks.jsonl")]


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
