"""The Payments questions. Amounts are of one currency at a time, or all of them in US dollars at the rate of the day."""

import polars as pl

from apps.dashboard.queries.common import IN_PERIOD, Rows, Scope
from warehouse.reader import Reader

DAILY = "operations.fct_payments_daily"
IN_USD = "all"
"""In the place of a currency: every currency, in US dollars. A day without a rate adds nothing; `without_rate` counts them."""
WITHDRAWALS = "operations.fct_withdrawals"
EVENTS = "compliance.fct_audit_events"
CLIENTS = "core.dim_clients"
MATCHES = "finance.rec_psp_matches"

SELECTED = (
    f"{IN_PERIOD} and currency = $4 and ($5::varchar is null or psp = $5) and ($6::varchar is null or method = $6)"
)
SUMS = "sum(deposits) as deposits, sum(withdrawals) as withdrawals, sum(net) as net, sum(attempts) as attempts, sum(approved) as approved"


def _daily(currency: str) -> str:
    """The daily mart, or the same with its money in US dollars; narrow factors, since wide ones overflow."""
    if currency != IN_USD:
        return DAILY
    money = ", ".join(
        f"{name}::decimal(20, 4) * fx_rate_usd::decimal(18, 8) as {name}"
        for name in ("deposits", "withdrawals", "net", "fees")
    )
    return f"(select day, entity, psp, method, '{IN_USD}' as currency, attempts, approved, chargebacks, {money} from {DAILY})"


def without_rate(reader: Reader, scope: Scope) -> pl.DataFrame:
    """currency, days: what the dollars leave out for want of a rate."""
    return reader.query(
        f"select currency, count(distinct day) as days from {DAILY} where {IN_PERIOD} and fx_rate_usd is null group by 1 order by 1",
        scope.now,
    )


def currencies(reader: Reader) -> pl.DataFrame:
    """Every currency, the one with most attempts first."""
    return reader.query(
        f"select currency from {DAILY} where currency is not null group by 1 order by sum(attempts) desc nulls last, 1"
    )


def choices(reader: Reader) -> pl.DataFrame:
    """Every psp and method there is, for the filters."""
    return reader.query(f"select distinct psp, method from {DAILY} order by 1, 2")


def totals(reader: Reader, scope: Scope, currency: str, psp: str | None, method: str | None) -> pl.DataFrame:
    """Two rows at most: `is_now` true for the period, false for the elapsed part of the one before."""
    return reader.query(
        f"""
        select day >= $1 as is_now, {SUMS}, sum(chargebacks) as chargebacks, sum(fees) as fees
        from {_daily(currency)}
        where ((day >= $1 and day < $2) or (day >= $7 and day < $8)) and ($3::varchar is null or entity = $3)
            and currency = $4 and ($5::varchar is null or psp = $5) and ($6::varchar is null or method = $6)
        group by 1
        """,
        [*scope.now, currency, psp, method, scope.previous_start, scope.previous_until],
    )


def by_day(reader: Reader, scope: Scope, currency: str, psp: str | None, method: str | None) -> pl.DataFrame:
    """day with deposits, withdrawals, net, attempts, approved, chargebacks, fees."""
    return reader.query(
        f"select day, {SUMS}, sum(chargebacks) as chargebacks, sum(fees) as fees from {_daily(currency)} where {SELECTED} group by day order by day",
        [*scope.now, currency, psp, method],
    )


def by_method(reader: Reader, scope: Scope, currency: str, psp: str | None, method: str | None) -> pl.DataFrame:
    """method with deposits, withdrawals, net, attempts, approved; the largest flow first."""
    return reader.query(
        f"select method, {SUMS} from {_daily(currency)} where {SELECTED} group by method order by sum(deposits) + sum(withdrawals) desc",
        [*scope.now, currency, psp, method],
    )


def by_psp(reader: Reader, scope: Scope, currency: str, psp: str | None, method: str | None) -> pl.DataFrame:
    """psp with attempts, approved, approval_rate (approved ÷ attempts; and of the period before), chargebacks, fees, most attempts first."""
    now = "filter (day >= $1 and day < $2)"
    then = "filter (day >= $7 and day < $8)"
    both = SELECTED.replace("day >= $1 and day < $2", "(day >= $1 and day < $2 or day >= $7 and day < $8)")
    return reader.query(
        f"""
        select psp, coalesce(sum(attempts) {now}, 0) as attempts, coalesce(sum(approved) {now}, 0) as approved,
            round(sum(approved) {now} / nullif(sum(attempts) {now}, 0), 6) as approval_rate,
            round(sum(approved) {then} / nullif(sum(attempts) {then}, 0), 6) as previous_approval_rate,
            coalesce(sum(chargebacks) {now}, 0) as chargebacks, coalesce(sum(fees) {now}, 0) as fees
        from {_daily(currency)} where {both} group by psp
        having sum(attempts) {now} > 0 or sum(fees) {now} <> 0 order by 2 desc, psp
        """,
        [*scope.now, currency, psp, method, scope.previous_start, scope.previous_until],
    )


def approval_by_day(reader: Reader, scope: Scope, currency: str, psp: str | None, method: str | None) -> pl.DataFrame:
    """day, psp, approval_rate: of days with attempts only, since a day without any has no rate."""
    return reader.query(
        f"""
        select day, psp, sum(approved) / sum(attempts) as approval_rate
        from {_daily(currency)} where {SELECTED} group by day, psp having sum(attempts) > 0 order by day, psp
        """,
        [*scope.now, currency, psp, method],
    )


def daily_rows(scope: Scope, currency: str, psp: str | None, method: str | None) -> Rows:
    """The rows of the mart behind every number of the page, each in its own currency."""
    selected = SELECTED.replace("currency = $4", f"(currency = $4 or $4 = '{IN_USD}')")
    return Rows(
        f"select * exclude (_run_id) from {DAILY} where {selected} order by day desc, psp, method, currency",
        (*scope.now, currency, psp, method),
    )


def declines(reader: Reader, scope: Scope) -> pl.DataFrame:
    """reason, declines: why the providers said no, the commonest first, over all currencies."""
    return reader.query(
        f"""
        select coalesce(events.reason, 'no reason given') as reason, count(*) as declines
        from {EVENTS} as events left join {CLIENTS} as clients using (client_id)
        where events.source_feed = 'psp_transactions' and events.event_type like '%declined'
            and events.occurred_at >= $1 and events.occurred_at < $2 and ($3::varchar is null or clients.entity = $3)
        group by 1 order by 2 desc, 1
        """,
        scope.now,
    )


def settlement(reader: Reader, scope: Scope, currency: str, psp: str | None) -> pl.DataFrame:
    """Per provider, the slowest first: deposits of the period, how many are settled and at the bank, the median and 90th percentile of days
    from the deposit to the bank's booking, and since when the oldest one waits that is not settled."""
    return reader.query(
        f"""
        select psp, count(*) as deposits, count(settled_at) as settled, count(received_on) as at_bank,
            round(median(date_diff('hour', occurred_at, settled_at)) / 24, 1) as median_days_to_settle,
            median(date_diff('day', occurred_at::date, received_on)) as median_days_to_bank,
            quantile_cont(date_diff('day', occurred_at::date, received_on), 0.9) as p90_days_to_bank,
            min(occurred_at) filter (settled_at is null) as oldest_unsettled_at
        from {MATCHES}
        where kind = 'deposit' and status = 'completed' and occurred_at >= $1 and occurred_at < $2 and ($3::varchar is null or entity = $3)
            and ($4 = '{IN_USD}' or currency = $4) and ($5::varchar is null or psp = $5)
        group by psp order by median_days_to_bank desc nulls first, psp
        """,
        [*scope.now, currency, psp],
    )


def withdrawals(scope: Scope, request: str | None) -> Rows:
    """Requests made in the period, the newest first; or one request whatever the period."""
    return Rows(
        f"""
        select requests.* exclude (_run_id) from {WITHDRAWALS} as requests
        where {_requested("requests")} and ($4::varchar is null or requests.request_id = $4)
        order by requests.requested_at desc, requests.request_id
        """,
        (*scope.now, request),
    )


def turnaround(reader: Reader, scope: Scope) -> pl.DataFrame:
    """One row: requests, paid, median and 90th percentile of hours from request to payment, and the share paid within 24 hours."""
    return reader.query(
        f"""
        select count(*) as requests, count(paid_at) as paid, count(*) filter (decision = 'rejected') as rejected,
            count(*) filter (decision is null) as undecided,
            median(turnaround_seconds) / 3600 as median_hours, quantile_cont(turnaround_seconds, 0.9) / 3600 as p90_hours,
            count(*) filter (turnaround_seconds <= 86400) / nullif(count(paid_at), 0) as within_day
        from {WITHDRAWALS} as requests where {_requested("requests")}
        """,
        scope.now,
    )


def turnaround_classes(reader: Reader, scope: Scope) -> pl.DataFrame:
    """class, paid: how many were paid within how many hours, in the order of the classes; empty classes are there."""
    return reader.query(
        f"""
        with classes (number, class, above, upto) as (
            values (1, '≤ 1 h', -1, 1), (2, '≤ 4 h', 1, 4), (3, '≤ 12 h', 4, 12), (4, '≤ 24 h', 12, 24), (5, '≤ 48 h', 24, 48),
                (6, '≤ 96 h', 48, 96), (7, 'longer', 96, 1000000)
        ), paid as (
            select turnaround_seconds / 3600.0 as hours from {WITHDRAWALS} as requests
            where {_requested("requests")} and turnaround_seconds is not null
        )
        select class, count(hours) as paid from classes left join paid on hours > above and hours <= upto group by number, class order by number
        """,
        scope.now,
    )


def _requested(requests: str) -> str:
    return (
        f"{requests}.requested_at >= $1 and {requests}.requested_at < $2 and ($3::varchar is null or {requests}.client_id in "
        f"(select client_id from {CLIENTS} where entity = $3))"
    )
