"""A small published broker with things to decide on, whose staff are the demo users and whose data are an hour old."""

import re
from datetime import datetime, timedelta

from apps.approvals import chain
from tests.apps.approvals.hand_made import MARTS as BROKER
from tests.apps.dashboard.hand_made import make
from warehouse.settings import Settings

LAST_DAY = datetime(2026, 11, 22)
"""The newest day in the hand-made broker's marts; it is moved to yesterday."""
DAY = re.compile(r"2026-(?:09|10|11)-\d\d")

STAFF = """
    select staff_id, name, lower(replace(name, ' ', '.')) || '@broker.example' as email, null::varchar as client_id, role,
        approval_limit_eur::decimal(38, 8) as approval_limit_eur, is_active
    from (values ('ST-01', 'Lena Hart', 'leadership', null, true), ('ST-02', 'Maeve Lynch', 'mlro', null, true),
        ('ST-03', 'Costas Demetriou', 'compliance', null, true), ('ST-04', 'Victor Hale', 'compliance', null, true),
        ('ST-05', 'Farid Osman', 'finance', 250000, true), ('ST-06', 'Simon Achterberg', 'finance', 100000, true),
        ('ST-07', 'Petra Novak', 'payments', 20000, true), ('ST-08', 'Omar Said', 'payments', 20000, true),
        ('ST-09', 'Ruth Adeyemi', 'payments', 5000, true), ('ST-11', 'Paolo Conti', 'partners', null, true),
        ('ST-12', 'Sunita Rao', 'support', null, true), ('ST-13', 'Dmitri Vale', 'data', null, true),
        ('ST-14', 'Astrid Berg', 'auditor', null, true), ('ST-15', 'Adam Okoro', 'admin', null, true)
    ) as s (staff_id, name, role, approval_limit_eur, is_active)"""

ENTRIES = """
    select 'e' || i as entry_id, if(i % 4 = 0, 'withdrawal_paid', 'deposit') as entry_type from range(40) t (i)"""
POSTINGS = """
    select 'e' || i as entry_id, '2010' as account_code, 'EUR' as currency, 'c-good' as client_id,
        if(i % 4 = 0, 180 + 7 * i, -240 - 11 * i)::decimal(38, 8) as amount, timestamp '2026-11-22 08:00:00' - interval (i * 50) hour as occurred_at
    from range(40) t (i)"""
PAST = """
    union all
    select 'w-past-' || i, if(i % 3 = 0, 'c-good', 'c-balance'), (180 + 7 * i)::decimal(38, 8), 'EUR', 'card', asked, asked + interval 3 hour,
        asked + interval 1 day, if(i = 5, 'rejected', 'approved'), 'ST-07', if(i = 5, 'rejected', 'paid'), 'client', 'c-good', 'adyen',
        'card-good', 'Ann Lee good', 'wallet', 'web'
    from (select i, timestamp '2026-10-22 08:00:00' - interval (i) day as asked from range(8) t (i))"""


def marts(moved: timedelta) -> dict[str, str]:
    """The hand-made broker's marts with every day moved, and with what pages show beside what checks ask."""
    found = {
        **BROKER,
        "core.dim_staff": STAFF,
        "finance.fct_journal_entries": ENTRIES,
        "finance.fct_postings": POSTINGS,
    }
    found["operations.fct_withdrawals"] = f"""
        select *, decision as decision_reason, 10800::bigint as decision_seconds from ({BROKER["operations.fct_withdrawals"]} {PAST})"""
    found["compliance.fct_audit_events"] = f"""
        {BROKER["compliance.fct_audit_events"]}
        union all by name select null::bigint as seq, null::varchar as actor_role, null::varchar as reason where false"""
    return {name: DAY.sub(lambda day: _moved(day[0], moved), sql) for name, sql in found.items()}


def _moved(day: str, moved: timedelta) -> str:
    return f"{datetime.fromisoformat(day) + moved:%Y-%m-%d}"


def deciding(settings: Settings, *, age: timedelta = timedelta(hours=1), now: datetime | None = None) -> Settings:
    """Publishes it; `age` is how old its newest load is."""
    at = now or chain.now()
    yesterday = datetime(at.year, at.month, at.day) - timedelta(days=1)
    return make(settings, marts(yesterday - LAST_DAY), loaded_at=(at - age).replace(microsecond=0))
