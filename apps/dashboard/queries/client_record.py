"""Everything about one client, from the marts that this role may read; masks are the reader's."""

import polars as pl

from apps.dashboard.queries.common import Rows
from warehouse.reader import Reader

CLIENTS = "core.dim_clients"
ACCOUNTS = "core.dim_accounts"
DAYS = "trading.fct_account_daily"
TRADES = "trading.fct_profitability_daily"
SEGMENTS = "growth.dim_segments"
STAGES = "growth.fct_lifecycle_events"
MONTHS = "growth.fct_client_months"
TRIGGERS = "growth.fct_triggers"
TICKETS = "operations.fct_tickets"
TALK = "operations.fct_communications"
WITHDRAWALS = "operations.fct_withdrawals"
INSTRUMENTS = "operations.dim_instruments"
KYC = "compliance.fct_kyc_status"
DECISIONS = "compliance.fct_decisions"
ALERTS = "compliance.fct_alerts"
EVENTS = "compliance.fct_audit_events"
BALANCES = "finance.fct_client_balances_daily"
PARTNERS = "core.dim_partners"

MOMENTS: dict[str, tuple[str, ...]] = {
    STAGES: ("select entered_at, 'stage', 'entered ' || stage, reason, null from {mart} where client_id = $1",),
    TICKETS: (
        "select opened_at, 'support', if(is_complaint, 'complaint opened', 'ticket opened'), topic, ticket_id from {mart} where client_id = $1",
        "select closed_at, 'support', 'ticket closed', topic, ticket_id from {mart} where client_id = $1",
    ),
    TALK: (
        "select occurred_at, 'contact', concat_ws(' ', channel, direction), subject, communication_id from {mart} where client_id = $1",
    ),
    WITHDRAWALS: (
        "select requested_at, 'money', 'withdrawal requested', amount || ' ' || currency, request_id from {mart} where client_id = $1",
        "select decided_at, 'decision', 'withdrawal ' || decision, decided_by, request_id from {mart} where client_id = $1",
        "select paid_at, 'money', 'withdrawal paid', amount || ' ' || currency, request_id from {mart} where client_id = $1",
    ),
    TRIGGERS: (
        "select fired_at, 'trigger', replace(rule, '_', ' '), coalesce(suppressed_reason, outcome), trigger_id from {mart} where client_id = $1",
    ),
    KYC: (
        "select valid_from, 'identity', 'status ' || status, actor_id, event_id from {mart} "
        "where client_id = $1 and superseded_at is null and status_since = valid_from",
    ),
    DECISIONS: (
        "select decided_at, 'decision', concat_ws(' ', replace(subject_type, '_', ' '), decision), actor_id, subject_id from {mart} "
        "where client_id = $1",
    ),
    ALERTS: ("select created_at, 'alert', 'alert ' || scenario, status, alert_id from {mart} where client_id = $1",),
    EVENTS: (
        "select occurred_at, 'money', event_type, reason, source_key from {mart} where client_id = $1 and source_feed = 'psp_transactions'",
        "select occurred_at, 'session', event_type, null, source_key from {mart} where client_id = $1 and stream = 'session'",
    ),
}
"""Of each mart the moments it gives a client's timeline: when, lane, what, detail, key."""


def client(reader: Reader, client_id: str) -> pl.DataFrame:
    """The client's row, or none."""
    return reader.query(f"select * exclude (_run_id) from {CLIENTS} where client_id = $1", [client_id])


def segments(reader: Reader, client_id: str) -> pl.DataFrame:
    """segment, reason, since: those the client is in now."""
    return reader.query(
        f"select segment, reason, valid_from as since from {SEGMENTS} where client_id = $1 and valid_to is null order by segment",
        [client_id],
    )


def sums(reader: Reader, client_id: str) -> pl.DataFrame:
    """One row: deposits, net deposits, revenue, net revenue in US dollars, lots and trades, of all time."""
    return reader.query(
        f"""
        select coalesce(sum(deposits_usd), 0) as deposits_usd, coalesce(sum(net_deposits_usd), 0) as net_deposits_usd,
            coalesce(sum(revenue_usd), 0) as revenue_usd, coalesce(sum(net_revenue_usd), 0) as net_revenue_usd,
            coalesce(sum(lots), 0) as lots, coalesce(sum(deals), 0)::bigint as trades
        from {MONTHS} where client_id = $1
        """,
        [client_id],
    )


def months(reader: Reader, client_id: str) -> pl.DataFrame:
    """month, deposits_usd, net_deposits_usd, revenue_usd, lots, trades: month by month."""
    return reader.query(
        f"""
        select month, deposits_usd, net_deposits_usd, revenue_usd, commission_usd, net_revenue_usd, lots, deals as trades from {MONTHS}
        where client_id = $1 order by month desc
        """,
        [client_id],
    )


def accounts(reader: Reader, client_id: str) -> pl.DataFrame:
    """Every trading account with its newest snapshot."""
    snapshot = f"""
        left join (
            select platform, login, arg_max(balance, day) as balance, arg_max(equity, day) as equity, arg_max(margin_level, day) as margin_level,
                max(captured_at) as captured_at
            from {DAYS} where client_id = $1 and captured_at is not null group by all
        ) as snapshots using (platform, login)
    """
    columns = "balance, equity, margin_level, captured_at" if DAYS in reader.marts else ""
    return reader.query(
        f"""
        select accounts.platform, accounts.login, accounts.account_type, accounts.book, accounts.currency, accounts.leverage, accounts.status,
            accounts.is_demo, accounts.opened_at{", " if columns else ""}{columns}
        from {ACCOUNTS} as accounts {snapshot if columns else ""} where accounts.client_id = $1 order by accounts.opened_at, accounts.login
        """,
        [client_id],
    )


def by_symbol(reader: Reader, client_id: str) -> pl.DataFrame:
    """symbol with trades, lots, volume, the client's result, revenue, revenue per million and the share held for under a minute."""
    return reader.query(
        f"""
        select symbol, sum(deals)::bigint as trades, sum(lots) as lots, sum(notional_usd) as volume_usd, sum(client_result_usd) as client_result_usd,
            sum(revenue_usd) as revenue_usd, round(sum(revenue_usd) * 1000000.0 / nullif(sum(notional_usd), 0), 2) as revenue_per_million,
            round(sum(short_held_closings) / nullif(sum(closings), 0), 4) as short_held_share
        from {TRADES} where client_id = $1 and not is_demo group by symbol having sum(deals) > 0 order by sum(notional_usd) desc
        """,
        [client_id],
    )


def balances(reader: Reader, client_id: str) -> pl.DataFrame:
    """account_code, currency, closing, day: what the ledger owes the client now, by account and currency."""
    return reader.query(
        f"""
        select account_code, currency, arg_max(closing, day) as closing, max(day) as day from {BALANCES} where client_id = $1
        group by all order by account_code, currency
        """,
        [client_id],
    )


def timeline(reader: Reader, client_id: str) -> pl.DataFrame:
    """happened_at, lane, what, detail, key: everything that this role may know happened to the client, the newest first."""
    parts = [part.format(mart=mart) for mart, selects in MOMENTS.items() if mart in reader.marts for part in selects]
    if not parts:
        return pl.DataFrame(
            schema={"happened_at": pl.Datetime, "lane": pl.Utf8, "what": pl.Utf8, "detail": pl.Utf8, "key": pl.Utf8}
        )
    return reader.query(
        f"""
        with moments (happened_at, lane, what, detail, key) as ({" union all ".join(parts)})
        select happened_at, lane, what, detail, key from moments where happened_at is not null order by happened_at desc, what, key
        """,
        [client_id],
    )


def of_client(mart: str, client_id: str, order: str) -> Rows:
    """Every row of a mart about the client."""
    return Rows(f"select * exclude (_run_id) from {mart} where client_id = $1 order by {order}", (client_id,))


def documents(client_id: str) -> Rows:
    """The documents of the client's file, as the provider's events state them."""
    fields = ("document_type", "document_country", "document_issued_on", "document_expires_on", "document_fingerprint")
    listed = ", ".join(f"json_extract_string(after, '$.{name}') as {name}" for name in fields)
    return Rows(
        f"""
        select occurred_at, {listed}, source_key from {EVENTS}
        where client_id = $1 and event_type = 'kyc.document_received' and json_valid(after) order by occurred_at desc
        """,
        (client_id,),
    )
