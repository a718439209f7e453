"""On a small broker by hand: lists that are published whole, bank lines that come again in the statement, and two partner trees."""

from pathlib import Path

from tests.dbt.broker import Row, new_broker


def entry(entry_id: str, published: str, **more: str) -> Row:
    row = {
        "list_name": "ofac_sdn",
        "entry_id": entry_id,
        "valid_from": published,
        "kind": "individual",
        "name": entry_id,
    }
    return {**row, "publication": published, **more}


def line(line_no: int, amount: str, **more: str) -> Row:
    row = {
        "bank_account": "B",
        "statement_id": "S",
        "line_no": line_no,
        "booked_on": "2026-02-10",
        "amount": amount,
        "currency": "EUR",
    }
    return {**row, **more}


def test_an_entry_holds_until_the_next_publication_and_an_interim_line_stays_in_raw(tmp_path: Path) -> None:
    broker = new_broker(tmp_path)
    country = {
        "list_name": "fatf_black",
        "entry_id": "KP",
        "valid_from": "2020-01-01",
        "kind": "country",
        "country": "KP",
    }
    broker.learn(
        "2026-02-10",
        risk_lists=[
            entry("a", "2026-02-01"),
            entry("b", "2026-02-01"),
            entry("a:alt:1", "2026-02-01", kind="alias"),
            country,
        ],
        bank_statement_lines=[line(1, "10", statement_id="interim:1", is_interim="true"), line(1, "10")],
    )
    broker.learn("2026-02-11", risk_lists=[entry("a", "2026-02-08"), entry("c", "2026-02-08", valid_to="2026-02-09")])
    broker.build("stg_risk_lists", "stg_bank_statement_lines")
    held = broker.rows(
        "select entry_id, valid_from::date::varchar, holds_until::date::varchar from staging.stg_risk_lists order by 1, 2"
    )
    assert held == [
        ("KP", "2020-01-01", None),
        ("a", "2026-02-01", "2026-02-08"),
        ("a", "2026-02-08", None),
        ("a:alt:1", "2026-02-01", None),
        ("b", "2026-02-01", "2026-02-08"),
        ("c", "2026-02-08", "2026-02-09"),
    ]
    assert broker.rows("select statement_id from staging.stg_bank_statement_lines") == [("S",)]
    assert broker.rows("select count(*) from raw.bank_statement_lines") == [(2,)]


def account(login: int, client_id: str, **more: str) -> Row:
    return {"platform": "mt5", "login": login, "changed_at": "2026-02-01", "client_id": client_id, **more}


def link(child_id: str, partner_id: str) -> Row:
    return {"child_kind": "client", "child_id": child_id, "valid_from": "2026-01-01", "parent_partner_id": partner_id}


def test_where_the_platforms_agent_and_the_crms_partner_differ_both_are_told(tmp_path: Path) -> None:
    broker = new_broker(tmp_path)
    broker.learn(
        "2026-02-10",
        partners=[{"partner_id": f"P{n}", "changed_at": "2026-01-01", "client_id": f"ib{n}"} for n in (1, 2)],
        partner_links=[link("same", "P1"), link("other", "P2")],
        trading_accounts=[
            *(account(n, f"ib{n}") for n in (1, 2)),
            *(account(10, "same", agent="1"), account(11, "other", agent="1"), account(12, "none", agent="1")),
            *(account(13, "gone", agent="99"), account(14, "friend", agent="15"), account(15, "plain")),
        ],
    )
    broker.build("rec_agent_pointers")
    assert broker.rows(
        "select login, platform_partner_id, crm_partner_id, difference from partners.rec_agent_pointers order by login"
    ) == [
        (11, "P1", "P2", "other_partner_in_crm"),
        (12, "P1", None, "no_partner_in_crm"),
        (13, None, None, "agent_unknown"),
        (14, None, None, "agent_is_no_partner"),
    ]
