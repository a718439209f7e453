"""Where money came from and where it goes: return to source, whose instrument it is, refunds, own accounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.approvals.checks.client import SYSTEM_CHECKS
from apps.approvals.checks.money import WALLET, account_named
from apps.approvals.checks.registry import Context, Finding, Missing, check
from apps.approvals.euros import in_euros
from apps.approvals.people import comparable_name

ORDER = ("card", "ewallet", "local", "crypto", "bank_wire")
"""Money goes back in this order of methods, so that what came by card is not paid out by wire first."""

# deposits count for an instrument; refunds, chargebacks and payouts to it count against
MOVEMENTS = """
select
    after ->> 'instrument_id' as instrument_id, after ->> 'method' as method, after ->> 'currency' as currency,
    (after ->> 'amount')::decimal(38, 8) as amount, split_part(event_type, '.', 2) as kind, occurred_at
from (
    select after, event_type, occurred_at from compliance.fct_audit_events
    where stream = 'payment' and source_feed = 'psp_transactions' and client_id = $1 and event_type like 'psp.%.completed'
    qualify row_number() over (partition by source_key order by version desc) = 1
) as events
where split_part(event_type, '.', 2) in ('deposit', 'withdrawal', 'refund', 'chargeback', 'chargeback_reversal')
"""

PENDING = """
select instrument_id, amount, currency from operations.fct_withdrawals
where client_id = $1 and request_id <> $2 and status in ('requested', 'info_requested', 'info_given', 'approved', 'sent')
"""

HOLDERS = """
select client_id, after ->> 'instrument_holder' as holder
from compliance.fct_audit_events
where stream = 'payment' and source_feed = 'psp_transactions' and event_type = 'psp.deposit.completed'
    and contains(after, $1) and (after ->> 'instrument_id') = $1
group by all
"""

NAMES = "select client_id, first_name, last_name, company_name from core.dim_clients where client_id = $1"


@dataclass
class Source:
    """An instrument's deposits less what went back to it, in EUR."""

    method: str
    left: Decimal = Decimal(0)
    last_deposit_at: datetime = datetime.min


@check("return_to_source")
def return_to_source(context: Context) -> Finding:
    """Money goes back where it came from: what is left of deposits by an earlier method first, and to a card no more than came from it."""
    ran = context.ask(SYSTEM_CHECKS, context.subject.subject_id, "return_to_source")
    if ran and ran[-1]["result"] != "pass":
        said = f"The system that planned it says {ran[-1]['result']} ({ran[-1]['ran_at']:%Y-%m-%d %H:%M})."
        return Finding(False, said, {"check_id": ran[-1]["check_id"]}, review=ran[-1]["result"] == "review")
    target, method = str(context.fact("instrument_id")), str(context.fact("method"))
    amount = context.subject.amount_eur
    if amount is None:
        raise Missing("the amount has no rate to EUR")
    sources = _sources(context)
    own = sources.get(target, Source(method))
    inputs = {"instrument_id": target, "amount_eur": amount, "left_eur": {one: it.left for one, it in sources.items()}}
    if method == "card" and amount > own.left + Decimal("0.01"):
        said = f"EUR {max(own.left, Decimal(0)):,.2f} of deposits are left to return to …{target[-4:]}; EUR {amount:,.2f} are asked."
        return Finding(False, said, inputs)
    since = context.now - timedelta(days=int(context.parameters.get("card_window_days", 180)))
    first = [
        (one, it)
        for one, it in sources.items()
        if one != target and it.left > Decimal("0.01") and _rank(it.method) < _rank(method)
        and (it.method != "card" or it.last_deposit_at >= since)
    ]  # fmt: skip
    if first:
        instrument, source = min(first, key=lambda found: _rank(found[1].method))
        said = f"EUR {source.left:,.2f} must go back to {source.method} …{instrument[-4:]} first."
        return Finding(False, said, inputs)
    if method != "bank_wire" and target not in sources:
        return Finding(False, f"Nothing was ever deposited from {method} …{target[-4:]}.", inputs)
    return Finding(True, f"Nothing must go back elsewhere before {method} …{target[-4:]}.", inputs)


@check("instrument_owner")
def instrument_owner(context: Context) -> Finding:
    """The destination is in the client's own name, and no other client ever paid with it."""
    target = str(context.fact("instrument_id"))
    client = next(iter(context.ask(NAMES, context.client_id)), None)
    if client is None:
        raise Missing(f"client {context.client_id} is not known")
    known = context.ask(HOLDERS, target)
    others = sorted({row["client_id"] for row in known if row["client_id"] not in (None, context.client_id)})
    stated = context.subject.facts.get("destination_holder")
    holders = sorted({name for name in (stated, *(row["holder"] for row in known)) if name})
    if not holders:
        raise Missing(f"nobody states who holds …{target[-4:]}")
    names = [
        comparable_name(f"{client['first_name'] or ''} {client['last_name'] or ''}"),
        comparable_name(client["company_name"]),
    ]
    likeness = {
        holder: _likeness(context, comparable_name(holder), [name for name in names if name]) for holder in holders
    }
    least = Decimal(str(context.parameters.get("likeness", "0.85")))
    strangers = [holder for holder in holders if likeness[holder] < least]
    inputs = {"instrument_id": target, "holders": holders, "likeness": likeness, "other_clients": others}
    if others:
        return Finding(False, f"Client {others[0]} deposited from …{target[-4:]} too.", inputs)
    if strangers:
        said = f"The holder of …{target[-4:]} is like the client by {likeness[strangers[0]]:.2f}; {least} is needed."
        return Finding(False, said, inputs)
    return Finding(True, f"…{target[-4:]} is in the client's name.", inputs)


@check("refund_of_deposit")
def refund_of_deposit(context: Context) -> Finding:
    """The refund goes to an instrument the client deposited from, and gives back no more than what is left of it."""
    target = str(context.fact("instrument_id"))
    amount = context.subject.amount_eur
    if amount is None:
        raise Missing("the amount has no rate to EUR")
    source = _sources(context).get(target)
    if source is None:
        return Finding(False, f"Nothing was ever deposited from …{target[-4:]}.", {"instrument_id": target})
    said = f"EUR {source.left:,.2f} of deposits from …{target[-4:]} are left; EUR {amount:,.2f} are asked back."
    return Finding(amount <= source.left + Decimal("0.01"), said, {"left_eur": source.left, "amount_eur": amount})


@check("own_accounts")
def own_accounts(context: Context) -> Finding:
    """Both ends of an internal transfer are the client's own."""
    named = [str(context.fact(end)) for end in ("from_account", "to_account")]
    for account in named:
        if account != WALLET:
            try:
                account_named(context, account)
            except Missing as error:
                return Finding(False, f"Not an own account: {error}.", {"accounts": named})
    return Finding(True, f"{named[0]} and {named[1]} are the client's own.", {"accounts": named})


def _sources(context: Context) -> dict[str, Source]:
    """What is left of the client's deposits by instrument, in EUR at one and the same rate."""
    found: dict[str, Source] = {}
    for row in sorted(context.ask(MOVEMENTS, context.client_id), key=lambda row: row["occurred_at"]):
        if row["instrument_id"] is None:
            continue
        amount = _euros(context, row)
        source = found.setdefault(row["instrument_id"], Source(row["method"] or "bank_wire"))
        if row["kind"] == "deposit":
            source.last_deposit_at = row["occurred_at"]
        source.left += amount if row["kind"] in ("deposit", "chargeback_reversal") else -amount
    for row in context.ask(PENDING, context.client_id, context.subject.subject_id):
        if row["instrument_id"] in found:
            found[row["instrument_id"]].left -= _euros(context, row)
    return found


def _euros(context: Context, row: dict[str, Any]) -> Decimal:
    amount = in_euros(context.reader, row["amount"], row["currency"])
    if amount is None:
        raise Missing(f"there is no rate from {row['currency']} to EUR")
    return amount


def _rank(method: str) -> int:
    return ORDER.index(method) if method in ORDER else len(ORDER)


def _likeness(context: Context, holder: str, names: list[str]) -> Decimal:
    """Jaro-Winkler of the sorted words, the best over the client's names; 0 when either says nothing."""
    if not holder or not names:
        return Decimal(0)
    found = context.ask(
        "select max(jaro_winkler_similarity($1, name)) as likeness from unnest($2::varchar[]) as t (name)",
        holder,
        names,
    )
    return Decimal(str(found[0]["likeness"])).quantize(Decimal("0.0001"))
