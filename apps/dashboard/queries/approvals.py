"""SQL of the evidence beside a decision: the client, their money of ninety days, what is usual, and how others were decided.

All of it is asked through the viewer's own reader, so a mart or a column that access.yml does not give the role is not shown here.
"""

from datetime import datetime, timedelta

import polars as pl

from warehouse.reader import Reader

CLIENTS = "core.dim_clients"
POSTINGS = "finance.fct_postings"
ENTRIES = "finance.fct_journal_entries"
BALANCES = "finance.fct_client_balances_daily"
ACCOUNTS = "trading.fct_account_daily"
WITHDRAWALS = "operations.fct_withdrawals"
DECISIONS = "compliance.fct_decisions"
EVENTS = "compliance.fct_audit_events"
CHECKS = "compliance.fct_checks"
WINDOW = timedelta(days=90)
PAID_IN = ("deposit", "bank_deposit")
PAID_OUT = ("withdrawal_paid", "withdrawal_sent", "refund", "chargeback")


def client(reader: Reader, client_id: str) -> pl.DataFrame:
    """The client's record, one row or none, masked for the role."""
    return reader.query(
        f"""
        select concat_ws(' ', first_name, last_name, company_name) as name, entity, client_type, category, country_of_residence, kyc_status,
            risk_rating, registered_at, first_deposit_at, last_trade_at, partner_id, is_test
        from {CLIENTS} where client_id = $1
        """,
        [client_id],
    )


def money_by_week(reader: Reader, client_id: str, until: datetime) -> pl.DataFrame:
    """week, currency, money_in and money_out (both positive) of the client in the ninety days before `until`, from the books.

    Money is in when a deposit is booked and out when a withdrawal is asked for leaves the wallet: the client's side of each entry.
    """
    return reader.query(
        f"""
        select date_trunc('week', postings.occurred_at)::date as week, postings.currency,
            sum(greatest(-postings.amount, 0)) filter (where entries.entry_type in {PAID_IN}) as money_in,
            sum(greatest(postings.amount, 0)) filter (where entries.entry_type in {PAID_OUT}) as money_out
        from {POSTINGS} as postings inner join {ENTRIES} as entries on postings.entry_id = entries.entry_id
        where postings.client_id = $1 and postings.occurred_at > $2 and postings.occurred_at <= $3
            and postings.account_code in ('2010', '2015', '2020') and entries.entry_type in {PAID_IN + PAID_OUT}
        group by all having money_in > 0 or money_out > 0 order by 1
        """,
        [client_id, until - WINDOW, until],
    )


def wallet(reader: Reader, client_id: str) -> pl.DataFrame:
    """currency and balance of what we owe the client outside trading accounts: positive is theirs."""
    return reader.query(
        f"""
        select currency, sum(closing) as balance from (
            select account_code, currency, -arg_max(closing, day) as closing from {BALANCES}
            where client_id = $1 and account_code in ('2010', '2015') group by all
        ) as newest group by currency having sum(closing) <> 0 order by currency
        """,
        [client_id],
    )


def accounts(reader: Reader, client_id: str) -> pl.DataFrame:
    """account, balance, equity, margin_level, at: the newest snapshot of each live trading account."""
    return reader.query(
        f"""
        select platform || ':' || login as account, arg_max(balance, captured_at) as balance, arg_max(equity, captured_at) as equity,
            arg_max(margin_level, captured_at) as margin_level, max(captured_at) as at
        from {ACCOUNTS} where client_id = $1 and not is_demo and captured_at is not null group by all order by equity desc
        """,
        [client_id],
    )


def usual_withdrawals(reader: Reader, client_id: str, currency: str) -> pl.DataFrame:
    """One row: paid, lowest, median and largest of the client's withdrawals that were paid in this currency."""
    return reader.query(
        f"""
        select count(*) as paid, min(amount) as lowest, median(amount) as median, max(amount) as largest
        from {WITHDRAWALS} where client_id = $1 and currency = $2 and paid_at is not null
        """,
        [client_id, currency],
    )


def similar_withdrawals(reader: Reader, subject_id: str, client_id: str, method: str, amount: float) -> pl.DataFrame:
    """How withdrawals like this one were decided: the client's own first, then the same method within half and double the amount."""
    return reader.query(
        f"""
        select request_id, client_id, amount, currency, method, decision, decision_reason, decided_by, decided_at,
            decision_seconds / 3600 as hours_to_decide, client_id = $2 as same_client
        from {WITHDRAWALS}
        where request_id <> $1 and decision is not null and (client_id = $2 or (method = $3 and amount between $4 / 2 and $4 * 2))
        order by client_id = $2 desc, decided_at desc limit 8
        """,
        [subject_id, client_id, method, amount],
    )


def similar_decisions(reader: Reader, subject_type: str, subject_id: str) -> pl.DataFrame:
    """The newest decisions on other subjects of the kind that the sources reported."""
    return reader.query(
        f"""
        select subject_id, client_id, decision, reason_code, actor_id, actor_role, decided_at
        from {DECISIONS} where subject_type = $1 and subject_id <> $2 order by decided_at desc limit 8
        """,
        [subject_type, subject_id],
    )


def events(reader: Reader, subject_id: str) -> pl.DataFrame:
    """What the sources reported about the subject, oldest first."""
    return reader.query(
        f"""
        select occurred_at, event_type, actor_type, actor_id, actor_role, reason from {EVENTS}
        where stream_id = $1 qualify row_number() over (partition by source_feed, source_key order by version desc) = 1
        order by occurred_at limit 200
        """,
        [subject_id],
    )
