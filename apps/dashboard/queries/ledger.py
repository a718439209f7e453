"""The Ledger questions: what stands on each account, the lines that made it, one entry whole, and the row of the source it came from."""

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

BALANCES = "finance.fct_trial_balance"
ACCOUNTS = "finance.dim_ledger_accounts"
ENTRIES = "finance.fct_journal_entries"
POSTINGS = "finance.fct_postings"
COVERAGE = "finance.fct_posting_coverage"
UNPOSTED = "finance.unposted_events"
LOADS = "quality.fct_loads"

BOOKED = "booked_on >= $1 and booked_on < $2 and ($3::varchar is null or coalesce(entity, 'unassigned') = $3)"
CHOSEN = "($4::varchar is null or account_code = $4) and ($5::varchar is null or currency = $5)"


def accounts(reader: Reader) -> pl.DataFrame:
    """account_code and name of every account of the chart."""
    return reader.query(f"select account_code, name from {ACCOUNTS} order by account_code")


def currencies(reader: Reader) -> pl.DataFrame:
    """Every currency that the ledger holds."""
    return reader.query(f"select distinct currency from {BALANCES} order by 1")


def trial_balance(reader: Reader, scope: Scope, account: str | None, currency: str | None) -> pl.DataFrame:
    """account_code, name, kind, currency with opening, debit, credit and closing of the period, a debit positive; accounts at rest left out."""
    return reader.query(
        f"""
        with each as (
            select entity, account_code, currency, coalesce(sum(debit) filter (day >= $1), 0) as debit,
                coalesce(sum(credit) filter (day >= $1), 0) as credit, arg_max(balance, day) as closing,
                coalesce(arg_max(balance, day) filter (day < $1), 0) as opening
            from {BALANCES} where day < $2 and ($3::varchar is null or entity = $3) and {CHOSEN} group by all
        )
        select each.account_code, accounts.name, accounts.kind, each.currency, sum(opening) as opening, sum(debit) as debit,
            sum(credit) as credit, sum(closing) as closing
        from each left join {ACCOUNTS} as accounts on each.account_code = accounts.account_code
        group by all having sum(opening) <> 0 or sum(debit) <> 0 or sum(credit) <> 0 order by 1, 4
        """,
        [*scope.now, account, currency],
    )


def postings(scope: Scope, account: str | None, currency: str | None) -> Rows:
    """The lines booked in the period on an account, the newest first."""
    return Rows(
        f"""
        select entry_id, line_no, booked_on, occurred_at, account_code, currency, amount, client_id, entity, platform, login, psp,
            bank_account, partner_id, recorded_at
        from {POSTINGS} where {BOOKED} and {CHOSEN} order by booked_on desc, occurred_at desc, entry_id, line_no
        """,
        (*scope.now, account, currency),
    )


def entry(reader: Reader, entry_id: str) -> pl.DataFrame:
    """One entry, or none: what it books, its two clocks, what it reverses, its rule in words, and the load and row it came from."""
    return reader.query(
        f"""
        select entry_id, entry_type, source_feed, source_key, rule_id, description, client_id, entity, occurred_at, recorded_at, booked_on,
            reverses_entry_id, source_load_id, source_row_number
        from {ENTRIES} where entry_id = $1
        """,
        [entry_id],
    )


def lines(reader: Reader, entry_id: str) -> pl.DataFrame:
    """The lines of one entry with the accounts' names, in order."""
    return reader.query(
        f"""
        select lines.line_no, lines.account_code, accounts.name, lines.currency, lines.amount, lines.client_id, lines.platform, lines.login,
            lines.psp, lines.bank_account, lines.partner_id, lines.booked_on
        from {POSTINGS} as lines left join {ACCOUNTS} as accounts on lines.account_code = accounts.account_code
        where lines.entry_id = $1 order by lines.line_no
        """,
        [entry_id],
    )


def same_event(reader: Reader, source_feed: str, source_key: str) -> pl.DataFrame:
    """Every entry of the same source event, in the order they were made: corrections are reversals and new entries."""
    return reader.query(
        f"""
        select entry_id, entry_type, version, recorded_at, booked_on, reverses_entry_id from {ENTRIES}
        where source_feed = $1 and source_key = $2 order by recorded_at, version, entry_id
        """,
        [source_feed, source_key],
    )


def source(reader: Reader, load_id: int) -> pl.DataFrame:
    """The load that brought the row: connector, feed, path, the file's hash, when it was recorded."""
    return reader.query(
        f"select connector, feed, path, file_sha256, recorded_at from {LOADS} where load_id = $1", [load_id]
    )


def coverage() -> Rows:
    """Every posting rule with how often it made an entry, how often one was reversed, and when."""
    return Rows(f"select * exclude (_run_id) from {COVERAGE} order by entries desc, rule_id")


def unposted_reasons(reader: Reader, scope: Scope) -> pl.DataFrame:
    """source_feed, event_kind, reason, events: what no rule posted in the period, by why."""
    return reader.query(
        f"""
        select source_feed, event_kind, reason, count(*) as events, min(occurred_at)::date as first_on, max(occurred_at)::date as last_on
        from {UNPOSTED} where {_OCCURRED} group by all order by events desc
        """,
        scope.now,
    )


def unposted(scope: Scope, reason: str | None) -> Rows:
    """The events of the period that no rule posted, the newest first."""
    return Rows(
        f"""
        select * exclude (_run_id) from {UNPOSTED} where {_OCCURRED} and ($4::varchar is null or reason = $4)
        order by occurred_at desc, source_feed, source_key
        """,
        (*scope.now, reason),
    )


_OCCURRED = "occurred_at >= $1 and occurred_at < $2 and ($3::varchar is null or entity is null or entity = $3)"
