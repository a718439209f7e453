"""Statement, accruals, the ledger's partner accounts and payouts, added up apart: to the last decimal for every partner, currency and month."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.broker import Broker
from warehouse.dbt import Dbt
from warehouse.engine import make_home
from warehouse.reader import Reader
from warehouse.settings import Settings

Key = tuple[str, str, str]
Ask = Callable[[str], list[tuple[Any, ...]]]
ZERO = Decimal(0)
STATEMENTS = """
    select partner_id, currency, period, opening, accrued, adjustments, paid, closing from partners.fct_partner_statement order by 1, 2, 3
"""
LINES = "select partner_id, currency, strftime(executed_at, '%Y-%m'), sum(amount) from partners.fct_commission_accruals group by all"
LEDGER = """
    select partner_id, currency, strftime(occurred_at, '%Y-%m'), -sum(amount) from finance.fct_postings
    where partner_id is not null and account_code in ('2060', '2061', '2065', '1070') group by all
"""
MONEY_OUT = """
    with entries as (select distinct entry_id, partner_id, currency, occurred_at from finance.fct_postings where account_code = '2061'),
    moved as (
        select entries.partner_id, entries.currency, strftime(entries.occurred_at, '%Y-%m') as period, -sum(money.amount) as amount
        from entries inner join finance.fct_postings as money on entries.entry_id = money.entry_id and entries.currency = money.currency
        where money.account_code in ('1020', '2062', '2090') group by entries.entry_id, entries.partner_id, entries.currency, entries.occurred_at
    )
    select partner_id, currency, period, sum(amount), coalesce(sum(amount) filter (amount > 0), 0) from moved group by all
"""
"""What left for the partner less what came back, and what left."""
PAYOUTS = """
    select partner_id, currency, strftime(paid_at, '%Y-%m'), sum(amount) from partners.fct_payouts where paid_at is not null group by all
"""


def keyed(rows: list[tuple[Any, ...]]) -> dict[Key, tuple[Decimal, ...]]:
    found = {(row[0], row[1], row[2]): tuple(row[3:]) for row in rows}
    assert len(found) == len(rows)
    return found


def disagreements(ask: Ask) -> list[tuple[str, Key, Decimal, Decimal]]:
    """(which two, partner with currency and month, the one, the other) wherever two of the four do not agree."""
    statements, lines, ledger, out, payouts = (
        keyed(ask(sql)) for sql in (STATEMENTS, LINES, LEDGER, MONEY_OUT, PAYOUTS)
    )
    found, before = [], {}
    for key in sorted(statements.keys() | lines.keys() | ledger.keys() | out.keys() | payouts.keys()):
        carried = before.get(key[:2], ZERO)
        opening, accrued, adjustments, paid, closing = statements.get(key, (carried, ZERO, ZERO, ZERO, carried))
        before[key[:2]] = closing
        net, gross = out.get(key, (ZERO, ZERO))
        found += [
            (what, key, one, other)
            for what, one, other in (
                ("the month begins with what the one before ended with", opening, carried),
                ("the statement adds up", opening + accrued + adjustments - paid, closing),
                ("accrued is the lines", accrued, lines.get(key, (ZERO,))[0]),
                ("the balance moved as the ledger's", closing - opening, ledger.get(key, (ZERO,))[0]),
                ("paid is what left the ledger", paid, net),
                ("payouts are what left the ledger", payouts.get(key, (ZERO,))[0], gross),
            )
            if one != other
        ]  # fmt: skip
    return found


def test_all_four_agree_for_every_partner_currency_and_month_of_the_simulated_broker(built_home: Settings) -> None:
    reader = Reader(built_home)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return reader.query(sql).rows()

    assert disagreements(ask) == []
    partners, currencies, months = ask(
        "select count(distinct partner_id), count(distinct currency), count(*) from partners.fct_partner_statement where accrued > 0"
    )[0]
    assert partners > 10 and currencies > 1 and months > 30
    assert ask("select count(*) from partners.fct_partner_statement where approved > 0 and adjustments = 0")[0][0] > 5


def test_all_four_agree_where_money_was_held_back_taken_back_paid_and_came_back(partner_home: Broker) -> None:
    assert disagreements(partner_home.rows) == []
    paid = dict(partner_home.rows("select status, count(*) from partners.fct_payouts group by all"))
    assert paid["paid"] > 1 and paid["failed"] > 0
    assert len(partner_home.rows("from partners.fct_partner_statement where clawed_back > 0 and held_back > 0")) > 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "update partners.fct_partner_statement set closing = closing + 0.01 where partner_id = 'W' and period = '2026-02'",
            {"the statement adds up", "the balance moved as the ledger's"},
        ),
        (
            "update partners.fct_commission_accruals set amount = amount + 0.00000001 where accrual_id = 'mt5:11:per_lot:W:r1'",
            {"accrued is the lines"},
        ),
        (
            "update finance.fct_postings set amount = amount - 0.01 where partner_id = 'W' and account_code = '2060' and amount = -1200",
            {"the balance moved as the ledger's"},
        ),
        (
            "create or replace table partners.fct_payouts as select * replace (amount + 0.01 as amount) from partners.was where payout_id <> 'P-L'",
            {"payouts are what left the ledger"},
        ),
        (
            "delete from finance.fct_postings where partner_id = 'W' and account_code = '2061' and amount > 0",
            {"the balance moved as the ledger's", "paid is what left the ledger", "payouts are what left the ledger"},
        ),
    ],
    ids=("statement", "line", "posting", "payout", "payment not posted"),
)
def test_a_cent_more_or_less_in_any_of_them_is_told(
    partner_home: Broker, tmp_path: Path, change: str, told: set[str]
) -> None:
    changed = Broker(Settings(home=tmp_path), Dbt(Settings(home=tmp_path)))
    make_home(changed.settings)
    shutil.copy(partner_home.settings.build_file, changed.settings.build_file)
    # payouts are a view, which could not be changed
    changed.rows("create table partners.was as select * from partners.fct_payouts")
    changed.rows("drop view partners.fct_payouts")
    changed.rows("create table partners.fct_payouts as select * from partners.was")
    assert disagreements(changed.rows) == []
    changed.rows(change)
    assert {what for what, *_ in disagreements(changed.rows)} == told
