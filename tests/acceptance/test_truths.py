"""What must hold of any built broker, read as a user reads it: from the published warehouse."""

import json
from decimal import Decimal

import pytest

from warehouse.reader import Reader
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def reader(built_home: Settings) -> Reader:
    return Reader(built_home)


def none(reader: Reader, query: str) -> None:
    found = reader.query(query)
    assert found.is_empty(), found


def truth(settings: Settings, name: str) -> list[dict]:
    return [json.loads(line) for line in (settings.truth / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_journal_entry_balances_per_currency(reader: Reader):
    assert reader.query("select count(*) as n from finance.fct_postings")["n"][0] > 1000
    none(reader, "select entry_id, currency from finance.fct_postings group by all having sum(amount) <> 0")


def test_the_trial_balance_sums_to_zero_each_day_and_currency(reader: Reader):
    none(reader, "select day, currency from finance.fct_trial_balance group by all having sum(balance) <> 0")


def test_every_entry_has_postings_and_every_posting_its_entry(reader: Reader):
    none(
        reader,
        "select entry_id from finance.fct_postings where entry_id not in (select entry_id from finance.fct_journal_entries)",
    )
    none(
        reader,
        "select entry_id from finance.fct_journal_entries where entry_id not in (select entry_id from finance.fct_postings)",
    )


def test_every_login_s_ledger_cash_equals_its_platform_balance_apart_from_planted_breaks(
    reader: Reader, built_home: Settings
):
    planted = {login for one in truth(built_home, "breaks") for login in one.get("logins", ())}
    newest = """
        select platform, login, difference from finance.rec_platform_daily
        qualify row_number() over (partition by platform, login order by day desc) = 1
    """
    found = reader.query(f"select login, difference from ({newest}) where difference <> 0")
    assert reader.query(f"select count(*) as n from ({newest})")["n"][0] > 50
    assert planted and set(found["login"]) <= planted, found


def test_each_accrual_names_its_deal_rule_and_version(reader: Reader):
    assert reader.query("select count(*) as n from partners.fct_commission_accruals")["n"][0] > 100
    none(
        reader,
        """
        select accrual_id from partners.fct_commission_accruals as accruals
        left join trading.fct_deals as deals using (platform, deal_id)
        where deals.deal_id is null or rule_id is null or rule_version is null or plan_version is null
        """,
    )


def test_rows_read_are_loaded_duplicate_or_quarantined_for_each_file(reader: Reader):
    none(
        reader, "select path from quality.fct_loads where rows_read <> rows_loaded + rows_duplicate + rows_quarantined"
    )


def test_only_planted_rows_are_in_quarantine(reader: Reader, built_home: Settings):
    planted = {(one["file"], one["row_number"]) for one in truth(built_home, "malformed_rows")}
    found = set(reader.query("select split_part(path, '/', -1), row_number from quality.fct_quarantine").iter_rows())
    assert found == planted


def test_a_planted_card_number_is_masked_wherever_it_is_kept(reader: Reader):
    held = reader.query(
        "select \"row\" from quality.fct_quarantine where list_contains(rules, rules[1]) and feed = 'psp_transactions'"
    )
    for row in held["row"]:
        digits = "".join(character for character in json.loads(row).get("instrument_id") or "" if character.isdigit())
        assert len(digits) < 13, row


def test_the_late_kyc_event_shows_two_statuses_at_the_decision(reader: Reader, built_home: Settings):
    planted = json.loads((built_home.truth / "first_run.json").read_text(encoding="utf-8"))["late_kyc"]
    row = reader.query(
        "select kyc_status_at_decision, kyc_status_known_at_decision from operations.fct_withdrawals where request_id = ?",
        [planted["withdrawal_id"]],
    ).row(0)
    assert row == (planted["as_it_was"], planted["as_known_then"])


def test_the_corrected_psp_row_reversed_its_entry_and_posted_anew(reader: Reader, built_home: Settings):
    planted = json.loads((built_home.truth / "first_run.json").read_text(encoding="utf-8"))["corrected_psp"]
    fees = reader.query(
        """
        select entries.version, entries.reverses_entry_id is not null as reversal, sum(postings.amount) as fee
        from finance.fct_journal_entries as entries join finance.fct_postings as postings using (entry_id)
        where entries.source_feed = 'psp_transactions' and entries.source_key like '%' || ? || '%' and account_code = '5010'
        group by all order by entries.version, reversal
        """,
        [planted["event_id"]],
    )
    before, after = Decimal(planted["fee_before"]), Decimal(planted["fee_after"])
    assert fees["fee"].to_list() == [before, -before, after]


def test_the_late_partner_link_reversed_the_deal_s_accruals_and_revised_them(reader: Reader, built_home: Settings):
    planted = json.loads((built_home.truth / "first_run.json").read_text(encoding="utf-8"))["late_link"]
    lines = reader.query(
        "select partner_id, amount, reverses_accrual_id from partners.fct_commission_accruals where platform = ? and deal_id = ?",
        [planted["platform"], planted["deal_id"]],
    )
    net = dict(reader.query(
        """
        select partner_id, sum(amount) from partners.fct_commission_accruals
        where platform = ? and deal_id = ? group by 1 having sum(amount) <> 0
        """,
        [planted["platform"], planted["deal_id"]],
    ).iter_rows())  # fmt: skip
    assert lines["reverses_accrual_id"].drop_nulls().len() > 0
    assert planted["parent_before"] in lines["partner_id"].to_list()
    assert planted["parent_after"] in net and planted["parent_before"] not in net


def test_every_planted_control_failure_is_found(reader: Reader, built_home: Settings):
    planted = {(one["control"], one["request_id"]) for one in truth(built_home, "control_failures") if not one["decoy"]}
    decoys = {(one["control"], one["request_id"]) for one in truth(built_home, "control_failures") if one["decoy"]}
    found = set(reader.query("select control, subject_id from compliance.fct_control_failures").iter_rows())
    assert planted and planted <= found, planted - found
    assert decoys and not decoys & found, decoys & found


def test_every_planted_violation_of_identification_is_found_and_no_decoy(reader: Reader, built_home: Settings):
    cases = truth(built_home, "kyc_violations")
    planted = {(one["rule"], one["client_id"]) for one in cases if not one["decoy"]}
    decoys = {(one["rule"], one["client_id"]) for one in cases if one["decoy"]}
    held = "select rule, client_id from compliance.fct_kyc_violations where superseded_at is null"
    found = set(reader.query(held).iter_rows())
    assert planted and planted <= found, planted - found
    assert decoys and not decoys & found, decoys & found


def test_every_counted_account_ties_to_its_equity_to_the_cent_apart_from_planted_breaks(
    reader: Reader, built_home: Settings
):
    planted = {login for one in truth(built_home, "breaks") for login in one.get("logins", ())}
    assert reader.query("select count(*) as n from compliance.fct_loss_accounts where is_counted")["n"][0] > 20
    off = reader.query(
        "select login from compliance.fct_loss_accounts where is_counted and (not is_valued or identity_difference <> 0)"
    )
    assert set(off["login"]) <= planted, off


def test_published_counts_and_totals_are_those_of_the_build(reader: Reader):
    for mart, totals in reader.publish.tables.items():
        assert reader.query(f"select count(*)::varchar as rows from {mart}")["rows"][0] == totals["rows"], mart
