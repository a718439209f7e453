"""Before a client's personal data are erased: nothing is owed, nothing is pending, nothing obliges us to keep them."""

from datetime import timedelta
from decimal import Decimal

from apps.approvals.checks.registry import Context, Finding, Missing, check

# a credit is the firm's, and its memo accounts are no money
OWED = """
select balances.account_code, balances.currency, -arg_max(balances.closing, balances.day) as balance
from finance.fct_client_balances_daily as balances
left join finance.dim_ledger_accounts as accounts on balances.account_code = accounts.account_code
where balances.client_id = $1 and accounts.kind is distinct from 'memo'
group by balances.account_code, balances.currency having arg_max(balances.closing, balances.day) <> 0
order by balances.account_code, balances.currency
"""

OPEN_ACCOUNTS = "select platform, login from core.dim_accounts where client_id = $1 and status <> 'closed' and not is_demo order by all"

LAST_DEALT = """
select entity, greatest(
    registered_at, coalesce(last_trade_at, registered_at), coalesce(first_deposit_at, registered_at),
    coalesce((select max(occurred_at) from compliance.fct_audit_events where stream = 'payment' and client_id = $1), registered_at)
) as last_at
from core.dim_clients where client_id = $1
"""


@check("nothing_owed")
def nothing_owed(context: Context) -> Finding:
    """The client has no balance and no open account."""
    balances = context.ask(OWED, context.client_id)
    accounts = [f"{row['platform']}:{row['login']}" for row in context.ask(OPEN_ACCOUNTS, context.client_id)]
    inputs = {"balances": balances, "open_accounts": accounts}
    if balances:
        one = balances[0]
        return Finding(
            False, f"The ledger still holds {one['balance'] + Decimal(0):,.2f} {one['currency']} of the client.", inputs
        )
    said = f"The account {accounts[0]} is open." if accounts else "No balance and no open account."
    return Finding(not accounts, said, inputs)


@check("retention_over")
def retention_over(context: Context) -> Finding:
    """The years for which the law keeps records of the client's entity are over since the last dealing, and no legal hold stands."""
    found = context.ask(LAST_DEALT, context.client_id)
    if not found or found[0]["last_at"] is None:
        raise Missing(f"nothing tells when client {context.client_id} last dealt with us")
    years = dict(context.parameters.get("years") or {})
    keep = int(years.get(found[0]["entity"], years.get("default", 7)))
    ends = found[0]["last_at"] + timedelta(days=round(365.25 * keep))
    hold = bool(context.subject.facts.get("legal_hold"))
    inputs = {"last_at": found[0]["last_at"], "years": keep, "ends": ends, "legal_hold": hold}
    if hold:
        return Finding(False, "A legal hold stands.", inputs)
    return Finding(context.now >= ends, f"Records must be kept for {keep} years, until {ends:%Y-%m-%d}.", inputs)
