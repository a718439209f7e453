"""Which test holds each clause of each trap that formats.md §9 lists: the table is complete, and every test in it is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from warehouse.settings import PROJECT

SPEC = PROJECT.parent / "shared" / "spec" / "formats.md"
HERE = Path(__file__).parent
TRAPS = {
    1: {
        "MT server wall clock": "test_mt_platforms.test_the_web_apis_seconds_are_the_servers_clock",
        "its daylight rule": "test_mt_platforms.test_the_clock_of_a_server_is_estimated_from_a_years_stamps",
        "checked by UTC stamps": "test_traps_across.test_mt4_stamps_of_utc_check_the_servers_clock_and_tell_it_where_nothing_else_does",
        "PSP zone abbreviations": "test_traps.test_trap_1_zones_by_abbreviation_follow_daylight_saving_by_their_own_name",
        "the days differ": "test_traps_across.test_trap_1_the_day_of_a_deal_a_settlement_and_a_check_is_the_same_day_of_utc",
    },
    2: {
        "lots": "test_traps_across.test_trap_2_lots_of_both_platforms_are_lots_and_cents_are_hundredths",
        "major, minor, text, yen": "test_traps.test_trap_2_minor_major_and_text_units_and_currencies_without_cents",
        "floats": "test_traps.test_trap_2_an_amount_that_json_wrote_as_a_number_stays_exact",
        "doubles of MT SQL": "test_mt5_sql.test_a_deal_comes_in_utc_lots_and_exact_decimals",
        "cent accounts": "test_mt_platforms.test_a_cent_accounts_amounts_are_hundredths_and_its_lots_are_lots",
    },
    3: {
        "unsigned with a side": "test_traps.test_trap_3_a_reversal_of_a_credit_takes_money_and_of_a_debit_gives_it",
        "camt": "test_camt053.test_a_reversal_is_not_turned_round_twice",
        "fees": "test_traps.test_trap_3_a_fee_that_costs_is_positive_whatever_its_source_writes",
        "MT commission": "test_mt_platforms.test_a_closed_round_trip_gives_an_opening_and_a_closing_deal",
    },
    4: {
        "in-place updates, cancelled deals": "test_mt5_sql.test_an_edit_in_place_comes_as_a_newer_version_of_the_same_deal",
        "deletions": "../test_sources.test_an_edit_without_a_stamp_a_deletion_and_a_return_become_versions",
        "chargebacks": "test_traps.test_trap_4_a_chargeback_after_the_payout_is_an_event_of_its_own_that_names_its_payment",
        "KYC green, then red": "test_traps_across.test_trap_4_a_client_who_was_approved_is_rejected_later_and_both_stay",
    },
    5: {
        "Adyen batch 1129": "test_samples_loaded.test_the_duplicate_of_batch_1129_is_counted_once",
        "webhooks": "test_traps.test_trap_5_a_webhook_delivered_twice_is_one_event",
        "overlapping statements": "test_traps_across.test_trap_5_two_statements_that_overlap_give_each_deal_once",
        "total and yearly tables": "test_mt5_sql.test_yearly_tables_beside_the_total_one_give_each_deal_once",
    },
    6: {
        "logins gone, no payment": "test_traps_across.test_trap_6_a_deal_whose_login_is_gone_and_a_settlement_without_its_payment_load",
        "balances of the deleted": "test_mt5_sql.test_the_dump_gives_its_33_deals_and_the_balances_its_accounts_state",
        "refunds": "test_traps.test_trap_6_a_refund_whose_payment_is_in_another_file_loads_with_its_reference",
    },
    7: {
        "terminals": "test_mt_platforms.test_numbers_as_a_terminal_writes_them",
        "Spanish": "test_traps_across.test_trap_7_spanish_numbers_dates_and_headers_are_read_as_they_are_meant",
        "banks": "test_traps.test_trap_7_numbers_as_banks_write_them",
        "spreadsheets": "test_adyen_settlement.test_references_that_a_spreadsheet_rounded_stay_apart_and_are_remarked_on",
        "-0-": "test_traps.test_trap_7_thousands_and_nulls_of_other_makes",
        "never guessed": "test_mt_platforms.test_what_is_no_number_is_never_guessed",
    },
    8: {
        "footers, net, payout": "test_traps.test_trap_8_footings_that_lie_are_said_and_nothing_is_refused",
        "Adyen": "test_adyen_settlement.test_rows_and_batches_that_do_not_add_up_are_remarked_on_and_load",
        "camt": "test_camt053.test_a_statement_that_does_not_foot_loads_and_says_by_how_much",
        "Checkout": "test_tabular.test_checkouts_breakdown_adds_up_to_the_net_it_states",
    },
    9: {
        "optional, reordered": "test_traps.test_trap_9_columns_in_another_order_and_fewer_of_them_give_the_same_row",
        "doubled, two headers": "test_traps.test_trap_9_a_doubled_column_two_headers_and_a_shorter_row",
        "unnamed": "test_mt_platforms.test_a_raw_report_saved_with_commas_keeps_its_amounts_and_its_unnamed_currency",
        "metadata, footers": "test_traps_across.test_trap_9_lines_above_the_header_and_below_the_rows_are_no_rows",
    },
    10: {
        "where it hides": "test_traps.test_trap_10_our_own_reference_is_taken_from_where_each_system_hides_it",
        "MT comments": "test_mt_platforms.test_a_comment_tells_what_a_balance_operation_was_for_and_the_row_names_the_rule",
        "cut short": "test_traps_across.test_trap_10_a_comment_cut_at_its_31st_byte_keeps_what_is_left_of_the_reference",
    },
    11: {
        "Latin-1, BOM": "test_traps.test_trap_11_latin_1_bom_and_control_bytes_are_read_and_said",
        "UTF-16, Chinese": "test_traps_across.test_trap_11_chinese_comments_and_utf_16_parts_are_text",
        "NBSP": "test_mt_platforms.test_a_statements_comment_may_hold_a_bracket_and_nbsp_sets_thousands_apart",
    },
    12: {
        "one person, two ids": "test_traps.test_trap_12_a_person_with_two_ids_of_one_object_is_one",
        "logins collide": "test_traps_across.test_trap_12_the_same_login_and_deal_on_two_servers_are_two",
    },
}  # fmt: skip
NAMED = [(trap, clause, name) for trap, clauses in TRAPS.items() for clause, name in clauses.items()]


@cache
def written_in(module: str) -> set[str]:
    """The tests of a module that are run: none that are skipped without a condition."""
    tree = ast.parse((HERE / f"{module}.py").resolve().read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {one.name for one in found if "mark.skip(" not in "".join(ast.unparse(mark) for mark in one.decorator_list)}


@pytest.mark.parametrize(("trap", "clause", "name"), NAMED, ids=[f"{trap}: {clause}" for trap, clause, _ in NAMED])
def test_a_clause_of_a_trap_has_its_test(trap: int, clause: str, name: str) -> None:
    module, _, test = name.rpartition(".")
    assert test in written_in(module)


def test_no_test_of_a_trap_is_left_out_of_the_table() -> None:
    listed = {name.rpartition(".")[2] for _, _, name in NAMED}
    written = {test for module in ("test_traps", "test_traps_across") for test in written_in(module)}
    assert {test for test in written if test.startswith("test_trap_")} <= listed
    assert {int(test.split("_")[2]) for test in written if test.startswith("test_trap_")} == set(TRAPS)


@pytest.mark.skipif(not SPEC.is_file(), reason="the specification is not beside the project")
def test_the_table_has_the_traps_that_the_specification_lists() -> None:
    section = SPEC.read_text(encoding="utf-8").split("## 9. Traps")[1]
    assert [int(number) for number in re.findall(r"^(\d+)\. ", section, re.M)] == list(TRAPS)
