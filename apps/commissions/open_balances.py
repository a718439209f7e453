"""What is open for each partner: asked by whoever proposes a payout run, and anew by the check that judges it."""

import re
from datetime import date, datetime, timedelta

OPEN = """
with waiting as (
    select
        partner_id,
        sum(amount) filter (status = 'held' or executed_at >= $2) as kept,
        sum(amount) filter (status = 'held' and executed_at < $2) as held,
        list_sort(list_distinct(list(client_id) filter (status = 'held' and executed_at < $2))) as held_clients
    from partners.fct_commission_accruals where currency = $1 and status in ('accrued', 'held') group by partner_id
), balances as (
    select partner_id, arg_max(open_accruals, period) as open_accruals, arg_max(payable, period) as payable,
        arg_max(to_take_back, period) as to_take_back
    from partners.fct_partner_statement where currency = $1 group by partner_id
)
select balances.partner_id, balances.open_accruals - coalesce(waiting.kept, 0) as open, coalesce(waiting.held, 0) as held,
    coalesce(waiting.held_clients, []) as held_clients, balances.payable, balances.to_take_back
from balances left join waiting using (partner_id)
where $3::varchar[] is null or list_contains($3::varchar[], balances.partner_id)
order by 1
"""
"""By partner, in one currency ($1), of deals before $2: accrued and neither approved nor held. Adjustments and what late rows changed are in it."""

DUE = """
with due as (
    select statements.partner_id, arg_max(statements.held_back, statements.period) as held_back, max(statements.period) as until
    from partners.fct_partner_statement as statements join core.dim_partners as partners using (partner_id)
    where statements.currency = $1
        and last_day((statements.period || '-01')::date) + (coalesce(partners.holdback_days, 0) || ' days')::interval < $2
    group by statements.partner_id
)
select due.partner_id, greatest(any_value(due.held_back) - coalesce(sum(later.released), 0), 0) as due
from due left join partners.fct_partner_statement as later
    on due.partner_id = later.partner_id and later.currency = $1 and later.period > due.until
group by due.partner_id
"""
"""By partner: holdback of months that ended more than the plan's holdback days before $2, less what was released since."""


def period_end(period: str) -> datetime:
    """The instant at which a month YYYY-MM is over. Raises ValueError in words for anything else."""
    try:
        first = datetime.strptime(period, "%Y-%m")
    except ValueError as error:
        raise ValueError(f"{period!r} is no month; write it as 2026-10.") from error
    return datetime(first.year + first.month // 12, first.month % 12 + 1, 1)


def payable_on(period: str, schedule: str | None) -> date:
    """The first day on which all of a month YYYY-MM can be paid by a plan's schedule (`monthly+5`): days and weeks of it are over by then."""
    delay = re.search(r"\+ *([0-9]+)", schedule or "")
    end = period_end(period).date()
    if (schedule or "").startswith("weekly"):
        end += timedelta(days=-end.weekday() % 7)
    return end + timedelta(days=int(delay[1]) if delay else 0)
