"""Runs bench/limit.sql, part by part, over the raw tables of a build file into a fresh DuckDB file."""

import contextlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.engine import connect
from warehouse.settings import PROJECT, Settings

PARTS = ("deals", "commissions", "ledger", "audit")
SEEDS = PROJECT / "dbt_project" / "seeds" / "finance"

TOTALS = {
    "trading.fct_deals": (
        "count(*), sum(notional_usd), sum(profit), sum(holding_seconds), sum(fx_rate_usd), count(client_id) from {} limit 1"
    ),
    "finance.fct_journal_entries": "rule_id, entity, count(*) from {} group by all",
    "finance.fct_postings": "account_code, currency, count(*), sum(amount) from {} group by all",
    "finance.fct_client_balances_daily": "account_code, count(*), sum(movement), sum(closing) from {} group by all",
    "finance.fct_trial_balance": "account_code, count(*), sum(debit), sum(credit), sum(balance) from {} group by all",
    "partners.fct_commission_accruals": (
        "partner_id, plan_id, scheme, level, currency, count(*), sum(amount), sum(amount_usd) from {} group by all"
    ),
    "partners.fct_commission_zero": "reason, partner_id, count(*) from {} group by all",
    "compliance.fct_audit_events": (
        "stream, event_type, count(*), count(actor_role), count(client_id), count(before) from {} group by all"
    ),
    "compliance.fct_kyc_status": "status, count(*), max(valid_from) from {} group by all",
}
"""What must agree between the limit and the marts, for each result table."""


@dataclass(frozen=True)
class Spent:
    """Seconds of wall clock and of all cores together; the second is steady when others use the machine too."""

    seconds: float
    cpu_seconds: float


def run_limit(settings: Settings, file: Path) -> dict[str, Spent]:
    """Makes every result table by hand-written SQL; gives what each part took. The checkpoint counts to the last part."""
    connection = connect(file, settings)
    parts: dict[str, Spent] = {}
    with contextlib.closing(connection):
        _show_raw(connection, settings)
        for name, statements in sections():
            wall, cpu = time.monotonic(), time.process_time()
            for statement in statements:
                connection.execute(statement)
            if name == PARTS[-1]:
                connection.execute("checkpoint")
            parts[name] = Spent(time.monotonic() - wall, time.process_time() - cpu)
    return {name: spent for name, spent in parts.items() if name in PARTS}


def sections() -> list[tuple[str, list[duckdb.Statement]]]:
    """The sections of limit.sql in order: name and statements."""
    text = (Path(__file__).parent / "limit.sql").read_text(encoding="utf-8")
    found = re.split(r"^-- section: (\w+)$", text, flags=re.MULTILINE)[1:]
    return [(name, duckdb.extract_statements(body)) for name, body in zip(found[::2], found[1::2], strict=True)]


def disagreements(settings: Settings, file: Path) -> list[str]:
    """Result tables whose counts or control totals differ between the limit's file and the build, with the rows that do."""
    found = []
    with contextlib.closing(connect(settings.build_file, settings, read_only=True)) as connection:
        connection.execute(f"attach '{file}' as by_hand (read_only)")
        for table, query in TOTALS.items():
            built = {str(row) for row in connection.execute(f"select {query.format(table)}").fetchall()}
            by_hand = {str(row) for row in connection.execute(f"select {query.format('by_hand.' + table)}").fetchall()}
            if built != by_hand:
                found.append(f"{table}: by hand {sorted(by_hand - built)[:5]}, built {sorted(built - by_hand)[:5]}")
    return found


def _show_raw(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    connection.execute(f"attach '{settings.build_file}' as built (read_only)")
    connection.execute("create schema raw")
    feeds = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'built' and schema_name = 'raw'"
    ).fetchall()
    for (feed,) in feeds:
        connection.execute(f"create view raw.{feed} as from built.raw.{feed}")
    for seed in ("posting_rules", "ledger_accounts"):
        connection.execute(f"set variable {seed} = '{SEEDS / seed}.csv'")
