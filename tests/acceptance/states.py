"""What two homes are compared by: the marts row for row, or the net state that no order of arrival may change."""

from contextlib import closing

from warehouse.engine import connect
from warehouse.settings import Settings

# when a process ran, and which step wrote a row anew, is no fact about the broker
VOLATILE = {"_run_id", "_horizon_load_id", "run_id", "started_at", "finished_at", "ran_at", "published_at", "message"}
SOURCES = {
    "compliance.fct_audit_events": """(
        select * replace (if(stream = 'load', recorded_at, occurred_at) as occurred_at) from compliance.fct_audit_events
    )""",
}
MARTS = """
select schema_name || '.' || model from control.models where is_mart and model <> 'fct_checks_history' order by 1
"""

NET_STATE = {
    "postings": """
        select account_code, currency, client_id, platform, login, psp, bank_account, occurred_at, sum(amount) as amount
        from finance.fct_postings group by all having sum(amount) <> 0
    """,
    "accruals": """
        select platform, deal_id, partner_id, scheme, currency, sum(amount) as amount
        from partners.fct_commission_accruals group by all having sum(amount) <> 0
    """,
    "deals": "select platform, deal_id, client_id, profit, swap, commission, notional_usd, opened_at from trading.fct_deals",
    "zeros": "select platform, deal_id, partner_id, reason from partners.fct_commission_zero",
    "clients": "select client_id, entity, category, kyc_status, partner_id, first_deposit_at, first_trade_at from core.dim_clients",
    "kyc": "select client_id, status, valid_from, valid_to from compliance.fct_kyc_status where superseded_at is null",
    "withdrawals": "select request_id, amount, decision, decided_by, paid_at, kyc_status_at_decision from operations.fct_withdrawals",
    "payments": "select day, entity, psp, method, currency, deposits, withdrawals, fees from operations.fct_payments_daily",
}

COMPARED = (
    "fct_postings", "fct_commission_accruals", "fct_deals", "fct_commission_zero", "dim_clients", "fct_kyc_status", "fct_withdrawals",
    "fct_payments_daily",
)  # fmt: skip
"""The marts that the net state is read from."""


def fingerprints(settings: Settings) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every mart, without the columns that tell when a process ran."""
    with closing(connect(settings.build_file, settings, read_only=True)) as connection:
        found = {}
        for (mart,) in connection.execute(MARTS).fetchall():
            columns = [name for (name, *_) in connection.execute(f"describe {mart}").fetchall() if name not in VOLATILE]
            hashed = ", ".join(f'"{column}"' for column in columns)
            source = SOURCES.get(mart, mart)
            row = connection.execute(f"select count(*), coalesce(bit_xor(hash({hashed})), 0) from {source}").fetchone()
            assert row is not None
            found[mart] = (row[0], row[1])
        return found


def net_state(settings: Settings) -> dict[str, set[tuple]]:
    """The facts that stay the same however the files arrived."""
    with closing(connect(settings.build_file, settings, read_only=True)) as connection:
        return {name: set(connection.execute(query).fetchall()) for name, query in NET_STATE.items()}
