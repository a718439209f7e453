"""The canonical feed `clients` (feeds.md)."""

import datetime as dt

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, UtcTimestamp, key, optional
from warehouse.vocabulary import ClientCategory, ClientType


class Clients(CanonicalFeed):
    """A client as of a change: one row per change."""

    client_id: str = key()
    changed_at: UtcTimestamp = key()
    entity: str = optional()
    client_type: str = optional(closed_set=ClientType)
    category: str = optional(closed_set=ClientCategory)
    first_name: str = optional()
    last_name: str = optional()
    company_name: str = optional()
    birth_date: dt.date = optional()
    country_of_residence: str = optional()
    nationality: str = optional()
    email: str = optional()
    phone: str = optional()
    address: str = optional()
    language: str = optional()
    occupation: str = optional()
    declared_income_eur: Money = optional()
    declared_net_worth_eur: Money = optional()
    expected_deposits_eur: Money = optional()
    registered_at: UtcTimestamp = optional()
    terms_accepted_at: UtcTimestamp = optional()
    lead_id: str = optional()
    sales_agent: str = optional()
    is_test: bool = optional()
    marketing_consent: bool = optional()


FEED = Feed("clients", Clients, event_time="changed_at")
