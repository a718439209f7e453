"""The Reconciliations questions: breaks with age, class and owner, their calendar, and both sides of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

BREAKS = "finance.rec_breaks"
MATCHES = "finance.rec_psp_matches"
PLATFORM = "finance.rec_platform_daily"
BANK = "finance.rec_bank_daily"
PARTNERS = "finance.rec_partner_daily"
CLIENT_MONEY = "finance.fct_client_money_daily"
SETTLED = "finance.fct_psp_settlement_daily"
RESERVES = "finance.fct_psp_reserve_lots"
ENTRIES = "finance.fct_journal_entries"
POSTINGS = "finance.fct_postings"
UNPOSTED = "finance.unposted_events"

AGES = ((0, 1), (2, 5), (6, 29), (30, 59), (60, 90), (91, None))
"""Business days; the last bucket is open (domain.md 2.3)."""
WHERE = """($1::varchar is null or entity = $1) and ($2::varchar is null or reconciliation = $2) and ($3::varchar is null or status = $3)
    and ($4::varchar is null or class = $4)"""


@dataclass(frozen=True)
class Wanted:
    """Which breaks; None is all."""

    entity: str | None = None
    reconciliation: str | None = None
    status: str | None = "open"
    kind: str | None = None

    @property
    def parameters(self) -> tuple[str | None, ...]:
        return self.entity, self.reconciliation, self.status, self.kind


@dataclass(frozen=True)
class Side:
    """One side of a break: what it is called and its rows."""

    title: str
    mart: str
    rows: pl.DataFrame


def classes(reader: Reader) -> pl.DataFrame:
    """class of every break there ever was."""
    return reader.query(f"select distinct class from {BREAKS} order by 1")


def breaks(wanted: Wanted) -> Rows:
    """The breaks, the oldest first."""
    return Rows(
        f"""
        select reconciliation, class, amount, currency, age_business_days, owner, reference, status, entity, comment, first_seen_on,
            last_seen_on, client_id, resolution, resolution_entry_id, resolved_by, resolved_at, break_id
        from {BREAKS} where {WHERE} order by status <> 'open', age_business_days desc, abs(amount) desc, break_id
        """,
        wanted.parameters,
    )


def one(reader: Reader, break_id: str) -> pl.DataFrame:
    """One break, or none."""
    return reader.query(f"select * exclude (_run_id) from {BREAKS} where break_id = $1", [break_id])


def ageing(reader: Reader, wanted: Wanted) -> pl.DataFrame:
    """reconciliation, class, owner role or person, and how many breaks there are in each age; the commonest first."""
    buckets = ", ".join(
        f'count(*) filter (age_business_days >= {low}{f" and age_business_days <= {high}" if high is not None else ""}) as "{age_label(low, high)}"'
        for low, high in AGES
    )
    return reader.query(
        f"select reconciliation, class, owner, count(*) as breaks, {buckets} from {BREAKS} where {WHERE} group by all order by 4 desc, 1, 2, 3",
        wanted.parameters,
    )


def age_label(low: int, high: int | None) -> str:
    """The name of a bucket of business days.

    >>> age_label(2, 5), age_label(91, None)
    ('2–5 days', '> 90 days')
    """
    return f"{low}–{high} days" if high is not None else f"> {low - 1} days"


def open_by_reconciliation(reader: Reader, entity: str | None) -> pl.DataFrame:
    """reconciliation, open_breaks, oldest (business days): one row for each that has any open."""
    return reader.query(
        f"""
        select reconciliation, count(*) as open_breaks, max(age_business_days) as oldest from {BREAKS}
        where status = 'open' and ($1::varchar is null or entity = $1) group by 1
        """,
        [entity],
    )


def calendar(reader: Reader, scope: Scope, wanted: Wanted) -> pl.DataFrame:
    """day, reconciliation, first_seen, open_at_close: how many breaks began on each day of the period, and how many stood at its end."""
    return reader.query(
        f"""
        with days as (select unnest(range($5::timestamp, $6::timestamp, interval 1 day))::date as day),
        found as (select * from {BREAKS} where {WHERE})
        select days.day, found.reconciliation, count(*) filter (found.first_seen_on = days.day) as first_seen, count(*) as open_at_close
        from days inner join found
            on found.first_seen_on <= days.day and (found.status = 'open' or found.last_seen_on >= days.day)
        group by all order by 1, 2
        """,
        [*wanted.parameters, scope.start, scope.until],
    )


def psp_matches(scope: Scope) -> Rows:
    """Every PSP event of the period with our request, its entry, its batch and the bank line, and how sure each match is."""
    return Rows(
        f"""
        select * exclude (_run_id) from {MATCHES}
        where occurred_at >= $1 and occurred_at < $2 and ($3::varchar is null or entity = $3) order by occurred_at desc, psp, event_id
        """,
        tuple(scope.now),
    )


def match_rules(reader: Reader, scope: Scope) -> pl.DataFrame:
    """kind, match_rule, events, least confidence, amount_difference and fee_variance summed by currency: how the PSP's rows were matched."""
    return reader.query(
        f"""
        select kind, currency, coalesce(match_rule, 'no match') as match_rule, count(*) as events, min(confidence) as least_confidence,
            sum(amount_difference) as amount_difference, sum(fee_variance) as fee_variance
        from {MATCHES} where status = 'completed' and occurred_at >= $1 and occurred_at < $2 and ($3::varchar is null or entity = $3)
        group by all order by 1, 2, 4 desc
        """,
        scope.now,
    )


def settlement_gap(reader: Reader, entity: str | None) -> pl.DataFrame:
    """psp, entity, currency, day, gap, reserve: what each PSP still owes on its newest day, the largest first."""
    return reader.query(
        f"""
        select psp, entity, currency, max(day) as day, arg_max(gap, day) as gap, arg_max(reserve, day) as reserve
        from {SETTLED} where ($1::varchar is null or entity = $1) group by 1, 2, 3 order by gap desc
        """,
        [entity],
    )


def reserves(entity: str | None) -> Rows:
    """Reserve lots not released yet, by when they fall due."""
    return Rows(
        f"""
        select * exclude (_run_id) from {RESERVES} where remaining <> 0 and ($1::varchar is null or entity = $1)
        order by matures_on, psp, event_id
        """,
        (entity,),
    )


DAILY = {
    "platform": (PLATFORM, "entity = $3", "abs(difference) desc, day desc, platform, login"),
    "bank": (BANK, "entity = $3", "day desc, bank_account"),
    "partners": (PARTNERS, "partner_id in (select partner_id from core.dim_partners where entity = $3)", "day desc, partner_id"),
    "client_money": (CLIENT_MONEY, "entity = $3", "day desc, entity, currency"),
}  # fmt: skip
"""Of each reconciliation by the day: its mart, its filter of the entity, its order."""


def daily(name: str, scope: Scope, *, differing: bool) -> Rows:
    """Both sides by day, of the reconciliation named; only the days that differ with `differing`."""
    mart, of_entity, order = DAILY[name]
    hidden = "_run_id, _horizon_load_id" if name in ("platform", "bank") else "_run_id"
    return Rows(
        f"""
        select * exclude ({hidden}) from {mart} where day >= $1 and day < $2 and ($3::varchar is null or {of_entity})
            and (not $4 or difference <> 0) order by {order}
        """,
        (*scope.now, differing),
    )


def sides(reader: Reader, found: dict) -> tuple[Side, Side]:
    """Ours and the other side of a break, to be looked at beside each other."""
    return SIDES[found["reconciliation"]](reader, found)


def _psp(reader: Reader, found: dict) -> tuple[Side, Side]:
    keys = [found["reference"], found["reference"].partition(":")[2]]
    theirs = reader.query(
        f"""
        select psp, event_id, kind, status, occurred_at, amount, currency, fee_actual, fee_expected, settlement_batch_id, bank_line_key,
            match_rule, confidence, request_id, entry_id
        from {MATCHES}
        where psp || ':' || event_id = $1 or settlement_batch_id in ($1, $2) or request_id = $1 order by occurred_at, event_id limit 500
        """,
        keys,
    )
    ours = reader.query(
        f"""
        select entries.entry_id, entries.entry_type, entries.occurred_at, lines.account_code, lines.currency, lines.amount
        from {ENTRIES} as entries inner join {POSTINGS} as lines on entries.entry_id = lines.entry_id
        where list_contains($2::varchar[], entries.entry_id) or entries.source_key = $1
            or (entries.source_feed = 'cash_requests' and entries.source_key in (
                select made.source_key from {ENTRIES} as made where made.entry_id = any($2::varchar[])))
        order by entries.occurred_at, entries.entry_id, lines.line_no limit 500
        """,
        [found["reference"], [one for one in theirs["entry_id"].to_list() if one]],
    )
    return Side("Our ledger", POSTINGS, ours), Side("The provider", MATCHES, theirs)


def _platform(reader: Reader, found: dict) -> tuple[Side, Side]:
    platform, _, login = found["reference"].rpartition(":")
    span = [platform, int(login), found["first_seen_on"] - timedelta(days=7), found["last_seen_on"]]
    ours = reader.query(
        f"""
        select booked_on as day, entry_id, account_code, amount, currency from {POSTINGS}
        where platform = $1 and login = $2 and booked_on >= $3 and booked_on <= $4 and account_code in ('2020', '9010')
        order by booked_on desc, entry_id limit 500
        """,
        span,
    )
    theirs = reader.query(
        f"""
        select day, platform_balance, ledger_balance, difference, currency from {PLATFORM}
        where platform = $1 and login = $2 and day >= $3 and day <= $4 order by day desc limit 500
        """,
        span,
    )
    return Side("Our ledger: cash and credit of the login", POSTINGS, ours), Side("The platform", PLATFORM, theirs)


def _bank(reader: Reader, found: dict) -> tuple[Side, Side]:
    reference = found["reference"]
    account = reference.partition(":")[0]
    days: list[str | date] = [
        account,
        found["first_seen_on"] - timedelta(days=3),
        found["first_seen_on"] + timedelta(days=3),
    ]
    ours = reader.query(
        f"""
        select lines.booked_on, entries.entry_id, lines.account_code, lines.amount, lines.currency, lines.bank_account
        from {ENTRIES} as entries inner join {POSTINGS} as lines on entries.entry_id = lines.entry_id
        where entries.source_key = $1 or (entries.source_feed = 'cash_requests' and entries.entry_id like $2)
        order by lines.booked_on, entries.entry_id, lines.line_no limit 500
        """,
        [reference, f"%{reference.partition(' ')[0]}%"],
    )
    if ours.is_empty():
        ours = reader.query(
            f"""
            select booked_on, entry_id, account_code, amount, currency, bank_account from {POSTINGS}
            where bank_account = $1 and booked_on >= $2 and booked_on <= $3 order by booked_on, entry_id limit 500
            """,
            days,
        )
    theirs = reader.query(
        f"""
        select day, bank_account, statement_balance, ledger_balance, difference, currency from {BANK}
        where (bank_account = $1 or list_contains($4::varchar[], bank_account)) and day >= $2 and day <= $3 order by day desc limit 500
        """,
        [*days, [one for one in ours["bank_account"].unique().to_list() if one]],
    )
    return Side("Our ledger", POSTINGS, ours), Side("The bank's statements", BANK, theirs)


def _client_money(reader: Reader, found: dict) -> tuple[Side, Side]:
    entity, _, currency = found["reference"].partition(":")
    span = [entity, currency, found["first_seen_on"] - timedelta(days=5), found["last_seen_on"] + timedelta(days=1)]
    query = f"from {CLIENT_MONEY} where entity = $1 and currency = $2 and day >= $3 and day <= $4 order by day desc limit 500"
    owed = reader.query(f"select day, client_balances, unidentified, requirement, regime {query}", span)
    held = reader.query(
        f"select day, resource, difference, funding_instruction, fund_by, funded, remaining, status {query}", span
    )
    return Side("Owed to clients", CLIENT_MONEY, owed), Side("Held in client accounts", CLIENT_MONEY, held)


def _partners(reader: Reader, found: dict) -> tuple[Side, Side]:
    partner, _, currency = found["reference"].partition(":")
    query = f"from {PARTNERS} where partner_id = $1 and currency = $2 order by day desc limit 90"
    ours = reader.query(f"select day, ledger_balance, open_accruals, payable {query}", [partner, currency])
    theirs = reader.query(f"select day, accrued_lines, adjustments, payouts, difference {query}", [partner, currency])
    return Side("Our ledger", PARTNERS, ours), Side("Commission lines and payouts", PARTNERS, theirs)


SIDES: dict[str, Callable[[Reader, dict], tuple[Side, Side]]] = {
    "psp": _psp, "platform": _platform, "bank": _bank, "client_money": _client_money, "partners": _partners,
}  # fmt: skip
