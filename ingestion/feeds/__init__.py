"""The canonical feeds of feeds.md: one module a feed; `FEEDS` by name. A new feed is a new module and a line here."""

from types import MappingProxyType

from ingestion.feeds import (
    account_snapshots,
    bank_accounts,
    bank_statement_lines,
    bank_statements,
    cash_requests,
    client_sessions,
    clients,
    commission_decisions,
    commission_plans,
    commission_rules,
    communications,
    crm_events,
    deals,
    fx_rates,
    kyc_events,
    leads,
    lp_trades,
    opening_balances,
    operational_events,
    orders,
    partner_links,
    partners,
    period_events,
    positions,
    psp_transactions,
    risk_checks,
    risk_lists,
    source_totals,
    staff,
    symbols,
    tickets,
    trading_accounts,
)
from ingestion.feeds.contract import Feed

FEEDS = MappingProxyType(
    {
        feed.name: feed
        for feed in (
            trading_accounts.FEED,
            deals.FEED,
            orders.FEED,
            lp_trades.FEED,
            account_snapshots.FEED,
            positions.FEED,
            symbols.FEED,
            fx_rates.FEED,
            psp_transactions.FEED,
            bank_statement_lines.FEED,
            bank_accounts.FEED,
            bank_statements.FEED,
            cash_requests.FEED,
            risk_checks.FEED,
            clients.FEED,
            leads.FEED,
            kyc_events.FEED,
            client_sessions.FEED,
            tickets.FEED,
            communications.FEED,
            crm_events.FEED,
            partners.FEED,
            partner_links.FEED,
            commission_plans.FEED,
            commission_rules.FEED,
            commission_decisions.FEED,
            opening_balances.FEED,
            period_events.FEED,
            staff.FEED,
            risk_lists.FEED,
            operational_events.FEED,
            source_totals.FEED,
        )
    }
)

__all__ = ["FEEDS", "Feed"]
