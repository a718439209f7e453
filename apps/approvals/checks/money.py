"""Is the money there, and may it leave: limit, balance, margin, repetition, speed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps.approvals.checks.registry import Context, Finding, Missing, check
from apps.approvals.checks.store import decided_amounts, dropped
from apps.approvals.euros import in_euros

WALLET = "wallet"
KINDS = {"withdrawal": "withdrawal", "refund": "refund", "transfer": "internal_transfer"}
"""What the cash_requests feed calls the subject."""

WALLET_BALANCES = """
select account_code, arg_max(-closing, day) as balance
from finance.fct_client_balances_daily where client_id = $1 and currency = $2 and account_code in ('2010', '2015') group by account_code
"""

# requests that hold money in the wallet: asked for and not yet sent, paid or given up
OTHER_REQUESTS = """
select request_id, amount, status from operations.fct_withdrawals
where client_id = $1 and currency = $2 and request_id <> $3 and coalesce(from_account, 'wallet') = $4
    and status in ('requested', 'info_requested', 'info_given', 'approved')
"""

ACCOUNTS = """
with newest as (
    select
        platform, login,
        arg_max({'equity': equity, 'balance': balance, 'level': margin_level, 'at': captured_at}, captured_at)
            filter (where captured_at is not null) as last,
        sum(deals) as deals
    from trading.fct_account_daily where client_id = $1 and not is_demo group by platform, login
)
select
    accounts.platform, accounts.login, accounts.currency, newest.last.equity as equity, newest.last.balance as balance,
    newest.last.level as margin_level, newest.last.at as captured_at, newest.deals
from core.dim_accounts as accounts left join newest on accounts.platform = newest.platform and accounts.login = newest.login
where accounts.client_id = $1 and not accounts.is_demo and accounts.status <> 'closed'
"""

SAME_REQUESTS = """
select asked.stream_id as request_id, asked.occurred_at
from compliance.fct_audit_events as asked
where asked.stream = 'payment' and asked.source_feed = 'cash_requests' and asked.event_type = $1 || '.requested'
    and asked.client_id = $2 and asked.stream_id <> $3 and asked.occurred_at between $4 and $5
    and (asked.after ->> 'amount')::decimal(38, 8) = $6 and (asked.after ->> 'currency') = $7
    and coalesce(asked.after ->> 'instrument_id', asked.after ->> 'to_account', '') = $8
    and asked.stream_id not in (
        select gone.stream_id from compliance.fct_audit_events as gone
        where gone.stream = 'payment' and gone.source_feed = 'cash_requests'
            and split_part(gone.event_type, '.', 2) in ('rejected', 'cancelled', 'failed', 'returned')
    )
"""

RECENT_WITHDRAWALS = """
select request_id, amount, currency from operations.fct_withdrawals
where client_id = $1 and requested_at >= $2 and request_id <> $3 and status not in ('rejected', 'cancelled', 'failed', 'returned')
"""


@check("approver_limit")
def approver_limit(context: Context) -> Finding:
    """The amount in EUR is within what the approver may approve; a step that pays nothing needs no limit."""
    if context.approver is None:
        raise Missing("nobody is named as approver")
    limit, amount = context.approver.approval_limit_eur, context.subject.amount_eur
    inputs = {"approver": context.approver.staff_id, "limit_eur": limit, "amount_eur": amount}
    if context.step is not None and not context.step.needs_limit:
        return Finding(True, f"Step {context.step.number} judges and pays nothing; it needs no limit.", inputs)
    if context.subject.amount is None:
        raise Missing("the subject states no amount")
    if amount is None:
        raise Missing(f"there is no rate from {context.subject.currency} to EUR")
    if limit is None:
        return Finding(False, f"{context.approver.staff_id} may approve no money.", inputs)
    return Finding(abs(amount) <= limit, f"EUR {abs(amount):,.2f} against a limit of EUR {limit:,.2f}.", inputs)


@check("balance")
def balance(context: Context) -> Finding:
    """What the client has where the money comes from, less what other requests hold, covers the amount."""
    amount, currency = context.money()
    source = str(context.subject.facts.get("from_account") or WALLET)
    if source == WALLET:
        found = context.ask(WALLET_BALANCES, context.client_id, currency)
        if not found:
            raise Missing(f"nothing is known of a wallet of client {context.client_id} in {currency}")
        funds = sum((row["balance"] for row in found), Decimal(0))
    else:
        account = account_named(context, source)
        if account["currency"] != currency or account["balance"] is None or account["equity"] is None:
            raise Missing(f"there is no balance of {source} in {currency}")
        funds = min(account["balance"], account["equity"])
    held = _held_by_others(context, currency, source)
    inputs = {"from": source, "funds": funds, "held_by_others": held, "amount": amount, "currency": currency}
    others = f", of which {held:,.2f} are held for other requests" if held else ""
    return Finding(
        funds - held >= amount, f"{source} has {funds:,.2f} {currency}{others}; {amount:,.2f} are asked.", inputs
    )


@check("margin")
def margin(context: Context) -> Finding:
    """After the withdrawal every account of the client with open positions keeps the margin level the policy names."""
    lowest = Decimal(str(context.parameters["lowest_level"]))
    amount, currency = context.money()
    source = str(context.subject.facts.get("from_account") or WALLET)
    taken_from = None if source == WALLET else account_named(context, source)
    levels: dict[str, Decimal] = {}
    for account in context.ask(ACCOUNTS, context.client_id):
        name = f"{account['platform']}:{account['login']}"
        if account["captured_at"] is None:
            if account["deals"]:
                raise Missing(f"{name} has traded and has no snapshot")
            continue
        if account["margin_level"] is None:
            continue
        oldest = context.now - timedelta(hours=float(context.parameters["snapshot_max_age_hours"]))
        if account["captured_at"] < oldest:
            raise Missing(f"the last snapshot of {name} is of {account['captured_at']:%Y-%m-%d %H:%M}")
        used = account["equity"] / account["margin_level"] if account["margin_level"] else Decimal(0)
        left = account["equity"]
        if taken_from is not None and name == f"{taken_from['platform']}:{taken_from['login']}":
            if account["currency"] != currency:
                raise Missing(f"{name} is kept in {account['currency']}, not {currency}")
            left -= amount
        levels[name] = (left / used).quantize(Decimal("0.0001")) if used else Decimal(0)
    short = {name: level for name, level in levels.items() if level < lowest}
    inputs = {"levels_after": levels, "lowest_level": lowest}
    if not levels:
        return Finding(True, "No account of the client has open positions.", inputs)
    worst = min(levels, key=lambda name: levels[name])
    said = f"{worst} keeps a margin level of {levels[worst]:.0%}; {lowest:.0%} must be left."
    return Finding(not short, said, inputs)


@check("duplicate")
def duplicate(context: Context) -> Finding:
    """Nobody asked for the same amount to the same place within the hours that the policy names."""
    amount, currency = context.money()
    facts = context.subject.facts
    span = timedelta(hours=float(context.parameters["hours"]))
    target = str(facts.get("instrument_id") or facts.get("to_account") or "")
    at = context.subject.opened_at
    found = context.ask(
        SAME_REQUESTS,
        *(KINDS[context.subject.subject_type], context.client_id, context.subject.subject_id),
        *(at - span, at + span, amount, currency, target),
    )
    gone = dropped(context.connection, context.subject.subject_type)
    same = sorted(row["request_id"] for row in found if row["request_id"] not in gone)
    hours = f"{span.total_seconds() / 3600:g} hours"
    said = f"{same[0]} asks for the same within {hours}." if same else f"Nothing the same was asked for within {hours}."
    return Finding(not same, said, {"same": same, "amount": amount, "currency": currency, "to": target})


@check("velocity")
def velocity(context: Context) -> Finding:
    """The client's withdrawals within the hours before this one until now stay below the number and the sum that the policy names."""
    start = context.subject.opened_at - timedelta(hours=float(context.parameters["hours"]))
    found = context.ask(RECENT_WITHDRAWALS, context.client_id, start, context.subject.subject_id)
    gone = dropped(context.connection, context.subject.subject_type)
    amounts = [
        in_euros(context.reader, row["amount"], row["currency"]) for row in found if row["request_id"] not in gone
    ]
    amounts.append(context.subject.amount_eur)
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        raise Missing("an amount has no rate to EUR")
    total, most, limit = (
        sum(known, Decimal(0)),
        int(context.parameters["requests"]),
        Decimal(str(context.parameters["sum_eur"])),
    )
    said = f"{len(known)} withdrawals of EUR {total:,.2f} in all since {start:%Y-%m-%d %H:%M}; allowed are {most} of EUR {limit:,.0f}."
    return Finding(
        len(known) <= most and total <= limit, said, {"requests": len(known), "sum_eur": total, "since": start}
    )


def account_named(context: Context, name: str) -> dict[str, Any]:
    """The client's own account of that name (`platform:login`). Raises Missing when the client has none of it."""
    platform, _, login = name.rpartition(":")
    for account in context.ask(ACCOUNTS, context.client_id):
        if str(account["login"]) == login and platform in (account["platform"], "platform", ""):
            return account
    raise Missing(f"client {context.client_id} has no open account {name}")


def _held_by_others(context: Context, currency: str, source: str) -> Decimal:
    """What other requests hold: those the marts show as pending, and what was approved here and the marts do not show yet."""
    subject = context.subject
    pending = context.ask(OTHER_REQUESTS, context.client_id, currency, subject.subject_id, source)
    gone = dropped(context.connection, "withdrawal")
    held = {row["request_id"]: row["amount"] for row in pending if row["request_id"] not in gone}
    approved = decided_amounts(context.connection, context.client_id, currency, tuple(KINDS))
    approved.pop((subject.subject_type, subject.subject_id), None)
    if approved:
        shown = {row["request_id"] for row in context.ask(SHOWN, [request_id for _, request_id in approved])}
        held |= {request_id: amount for (_, request_id), amount in approved.items() if request_id not in shown}
    return sum(held.values(), Decimal(0))


# whose effect the marts show already: it was sent, paid or given up
SHOWN = """
select distinct stream_id as request_id from compliance.fct_audit_events
where stream = 'payment' and source_feed = 'cash_requests' and list_contains($1::varchar[], stream_id)
    and split_part(event_type, '.', 2) in ('sent', 'paid', 'rejected', 'cancelled', 'failed', 'returned')
"""
