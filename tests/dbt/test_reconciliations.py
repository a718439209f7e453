"""Reconciliations, periods and partner accounts on a broker whose other side does not always agree, with figures."""

from decimal import Decimal

import pytest

from tests.dbt.books_rows import first_feeds, late_feeds
from tests.dbt.broker import Broker, new_broker
from warehouse.reader import Reader

MODELS = ("path:models/marts/finance", "fct_restatements")
FIRST_SEEN = {
    ("psp", "fee_differs", "adyen:3", "0.02"): "2026-01-05",
    ("psp", "settlement_differs", "B2", "2.80"): "2026-01-08",
    ("psp", "bank_receipt_differs", "B2", "10.00"): "2026-01-09",
    ("psp", "bank_not_received", "B7", "49.10"): "2026-01-22",
    ("psp", "request_without_psp", "D11", "110.00"): "2026-01-16",
    ("psp", "psp_without_request", "adyen:12", "77.00"): "2026-01-13",
    ("psp", "amount_differs", "adyen:14", "5.00"): "2026-01-13",
    ("psp", "duplicate_at_psp", "adyen:15b", "-120.00"): "2026-01-13",
    ("psp", "not_settled", "adyen:16", "88.54"): "2026-01-14",
    ("psp", "reserve_overdue", "dlocal:x1h", "100.00"): "2026-01-23",
    ("bank", "statement_gap", "SC-FIRM-EUR:E6", "-5.00"): "2026-01-06",
    ("bank", "statement_does_not_foot", "SC-FIRM-EUR:E7", "-7.00"): "2026-01-07",
    ("bank", "unidentified_receipt", "SC-CLIENT:SC-CLIENT-01:1", "60.00"): "2026-01-19",
    ("bank", "unidentified_receipt", "SC-CLIENT:SC-CLIENT-01:2", "61.00"): "2026-01-20",
    ("bank", "line_not_posted", "SC-FIRM:SC-FIRM-01:8", "33.00"): "2026-01-16",
    ("bank", "entry_without_line", "R9", "-295.00"): "2026-01-15",
    ("bank", "entry_without_line", "SC-FIRM:SC-CLIENT:SC-CLIENT-01:4", "-500.00"): "2026-01-21",
    ("bank", "line_amount_differs", "SC-CLIENT:SC-CLIENT-01:3", "-5.00"): "2026-01-12",
    ("partners", "paid_above_approved", "P2:USD", "-50.00"): "2026-01-12",
    ("partners", "approved_above_accrued", "P3:USD", "-70.00"): "2026-01-13",
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Two loads, each a step of one build; read only."""
    broker = new_broker(tmp_path_factory.mktemp("books"))
    broker.learn("2026-02-09 12:00:00", **first_feeds())
    broker.learn("2026-02-20 12:00:00", **late_feeds())
    broker.build(*MODELS)
    return broker


def lines_of(books: Broker, feed: str, key: str) -> list[tuple[str, str, Decimal]]:
    return books.rows(
        """
        select account_code, currency, amount from finance.fct_postings join finance.fct_journal_entries using (entry_id)
        where source_feed = ? and source_key = ? order by all
        """,
        feed,
        key,
    )


def test_each_break_is_found_once_classed_and_dated_and_nothing_else_is(books: Broker) -> None:
    found = books.rows(
        """
        select reconciliation, class, reference, amount::decimal(18, 2)::varchar, first_seen_on::varchar
        from finance.rec_breaks where reconciliation in ('psp', 'bank', 'partners')
        """
    )
    assert {row[:4]: row[4] for row in found} == FIRST_SEEN
    assert len(found) == len(FIRST_SEEN)


def test_a_break_ages_in_business_days_of_its_entity_and_is_gone_once_explained(books: Broker) -> None:
    ages = books.rows(
        """
        select reference, status, last_seen_on::varchar, age_business_days from finance.rec_breaks
        where class = 'unidentified_receipt' order by 1
        """
    )
    assert ages == [
        ("SC-CLIENT:SC-CLIENT-01:1", "gone", "2026-02-09", 15),
        ("SC-CLIENT:SC-CLIENT-01:2", "open", "2026-02-20", 23),
    ]


MATCHES = {
    "S-B1": ("reference", "1.0000", "0.00"),
    "S-B2": ("reference", "1.0000", "10.00"),
    "S-B3": ("batch_sum", "0.9000", "0.00"),
    "S-B4": ("batch_sum", "0.9000", "0.00"),
    "S-B5": ("line_sum", "0.8500", "0.00"),
    "S-B6": ("amount_date_name", "0.8875", "0.00"),
    "S-B7": (None, None, None),
    "13": ("amount_date_client", "0.9000", "0.00"),
    "12": (None, None, None),
    "14": ("request_id", "1.0000", "5.00"),
}


@pytest.mark.parametrize("event", MATCHES)
def test_a_psp_row_is_matched_by_the_best_rule_there_is(books: Broker, event: str) -> None:
    found = books.rows(
        """
        select match_rule, confidence::varchar, amount_difference::decimal(18, 2)::varchar from finance.rec_psp_matches
        where psp = 'adyen' and event_id = ?
        """,
        event,
    )
    assert found == [MATCHES[event]]


def test_no_line_and_no_settlement_is_matched_twice_apart_from_sums(books: Broker) -> None:
    pairs = "select line_key, count(*), min(match_rule) from intermediate.int_settlement_matches group by 1 having count(*) > 1"
    assert books.rows(pairs) == [("SC-FIRM:SC-FIRM-01:3", 2, "batch_sum")]


def test_the_reserve_s_lots_fall_due_by_the_psp_s_terms(books: Broker) -> None:
    lots = books.rows("select event_id, matures_on::varchar, remaining from finance.fct_psp_reserve_lots order by 1")
    assert lots == [("x1h", "2026-01-15", Decimal(100)), ("x2h", "2026-03-11", Decimal(6))], (
        "its release names the younger lot"
    )


def test_a_provider_s_row_without_a_client_is_of_the_entity_it_settles_to(books: Broker) -> None:
    found = books.rows(
        """
        select source_key, entity from finance.fct_journal_entries
        where source_key in ('adyen:f1', 'adyen:a1', 'dlocal:x1h', 'dlocal:x2r') order by 1
        """
    )
    assert found == [("adyen:a1", "SC"), ("adyen:f1", "SC"), ("dlocal:x1h", "SC"), ("dlocal:x2r", "SC")]


def test_a_deposit_that_names_only_our_request_is_its_client_s(books: Broker) -> None:
    assert books.rows("select client_id from finance.fct_journal_entries where source_key = 'adyen:17'") == [("C1",)]


PARTNER = {
    "p1": "5020 1200, 2060 -1200",
    "p2": "2060 1200, 2061 -1080, 2065 -120",
    "p3": "1070 200, 5020 -200",
    "p4": "2061 1080, 1070 -200, 2062 -880, 2062 880, 1020 -880",
    "p5": "2065 120, 2061 -120",
    "q1": "2061 50, 2062 -50",
    "r1": "5020 300, 2060 -300",
    "r2": "2060 100, 5020 -100",
    "u2": "2061 792, 2090 -792, 2090 EUR 720, 2062 EUR -700, 2062 EUR 700, 1020 EUR -700, 4070 EUR -20",
    "w2": "2061 495, 2090 -495, 2090 EUR 450, 2062 EUR -460, 5070 EUR 10",
    "w3": "",
}
DEALS = {
    "20": "2020 4, 2085 -4",
    "21": "2020 -9, 2062 9",
    "22": "2020 -2, 4010 2",
    "23": "2020 1, 5090 -1",
    "24": "2020 5, 4050 -5",
    "25": "2020 6, 4030 -6",
    "26": "2020 -1, 4040 1",
    "27": "9010 8, 9011 -8, 5060 4, 2020 -4, 9011 4, 9010 -4",
    "28": "9010 -8, 9011 8, 5060 -4, 2020 4, 9011 -4, 9010 4",
    "29": "2020 -8, 5060 8",
    "30": "2020 -3, 4010 3",
}
OTHERS = {
    ("psp_transactions", "adyen:f1"): "5010 12, 1030 -12",
    ("psp_transactions", "adyen:a1"): "1030 -7, 1038 7",
    ("psp_transactions", "adyen:a2"): "1030 3, 1038 -3, 1030 -3, 1038 3, 1030 4, 1038 -4",
    ("psp_transactions", "adyen:S-B2"): "1020 490, 1030 -490, 1038 2.80, 1030 -2.80",
    ("fx_rates", "SC:2026-01"): "5070 43.40, 2090 -43.40",
    ("fx_rates", "CY:2026-01"): "2090 EUR 17.86, 4070 EUR -17.86",
    ("bank_statement_lines", "SC-FIRM:SC-FIRM-02:2"): "1020 -1100, 2090 1100",
    ("bank_statement_lines", "SC-FIRM-EUR:SC-FIRM-EUR-02:1"): "1020 EUR 1000, 2090 EUR -1000",
    ("bank_statement_lines", "SC-CLIENT:SC-CLIENT-02:1"): "1010 -110, 2090 110",
    ("bank_statement_lines", "SC-CLIENT-EUR:SC-CLIENT-EUR-02:1"): "1010 EUR 100, 2090 EUR -100",
}
WORKED = (
    OTHERS
    | {("commission_decisions", key): value for key, value in PARTNER.items()}
    | {("deals", f"mt5:{key}"): value for key, value in DEALS.items()}
)


@pytest.mark.parametrize("event", WORKED, ids=[":".join(key) for key in WORKED])
def test_posts_as_worked_out(books: Broker, event: tuple[str, str]) -> None:
    parts = [one.split() for one in WORKED[event].split(", ") if one]
    expected = [(part[0], part[1] if len(part) == 3 else "USD", Decimal(part[-1])) for part in parts]
    assert lines_of(books, *event) == sorted(expected)


def test_client_money_floors_each_account_by_itself_and_says_what_to_pay_in(books: Broker) -> None:
    day = books.rows(
        """
        select regime, client_balances, unidentified, requirement, resource, funding_instruction, fund_by::varchar, status
        from finance.fct_client_money_daily where entity = 'UK' and day = date '2026-01-05'
        """
    )
    figures = [Decimal(figure) for figure in (5000, 50, 5050, 5000, 50)]
    assert day == [("CASS 7", *figures, "2026-01-06", "shortfall_not_funded")]
    found = books.rows(
        "select class, amount, first_seen_on::varchar, status from finance.rec_breaks where reconciliation = 'client_money' and reference = 'UK:GBP'"
    )
    assert found == [("shortfall_not_funded", Decimal(-50), "2026-01-06", "open")]


def test_lines_ledger_and_payouts_of_partners_agree_each_day(books: Broker) -> None:
    assert books.rows("select count(*) from finance.rec_partner_daily where difference <> 0") == [(0,)]
    last = books.rows(
        "select payouts, ledger_balance, payable from finance.rec_partner_daily where partner_id = 'P1' order by day desc limit 1"
    )
    assert last == [(Decimal(880), Decimal(120), Decimal(120))]


def test_a_late_event_of_a_closed_period_is_booked_in_the_open_one_with_its_value_date(books: Broker) -> None:
    entries = books.rows(
        """
        select source_key, occurred_at::date::varchar, booked_on::varchar from finance.fct_journal_entries
        where source_key like 'other:%' order by 1
        """
    )
    assert entries == [
        ("other:late", "2026-01-15", "2026-02-01"),
        ("other:late3", "2026-01-15", "2026-01-15"),
        ("other:late4", "2026-01-15", "2026-01-15"),
    ], "SC is closed, CY was closed by one person alone, AU was opened again"
    moved = books.rows(
        """
        select sum(balance) filter (day = '2026-01-31'), sum(balance) filter (day = '2026-02-01') from finance.fct_trial_balance
        where account_code = '2010' and entity = 'SC'
        """
    )
    assert moved[0][1] - moved[0][0] == Decimal(-560)


def test_a_late_event_restates_exactly_the_figures_it_touches(books: Broker) -> None:
    restated = books.rows(
        """
        select kpi, entity, as_of::varchar, restated_value - published_value, caused_by, is_booked_later
        from leadership.fct_restatements where restated_at = '2026-02-20 12:00:00' and kpi like 'ledger_%' order by all
        """
    )
    assert restated == [
        ("ledger_1030", "AU", "2026-01-15", Decimal(30), "psp_transactions:other:late4", False),
        ("ledger_1030", "CY", "2026-01-15", Decimal(70), "psp_transactions:other:late3", False),
        ("ledger_1030", "SC", "2026-01-15", Decimal(500), "psp_transactions:other:late", True),
        ("ledger_1030", "SC", "2026-01-20", Decimal(1), "psp_transactions:adyen:a2", True),
        ("ledger_1038", "SC", "2026-01-20", Decimal(-1), "psp_transactions:adyen:a2", True),
        ("ledger_2010", "AU", "2026-01-15", Decimal(-30), "psp_transactions:other:late4", False),
        ("ledger_2010", "CY", "2026-01-15", Decimal(-70), "psp_transactions:other:late3", False),
        ("ledger_2010", "SC", "2026-01-15", Decimal(-500), "psp_transactions:other:late", True),
        ("ledger_2010", "SC", "2026-01-19", Decimal(-60), "bank_statement_lines:SC-CLIENT:SC-CLIENT-01:1", True),
        ("ledger_2050", "SC", "2026-01-19", Decimal(60), "bank_statement_lines:SC-CLIENT:SC-CLIENT-01:1", True),
    ]


def test_a_late_deposit_and_an_allocation_restate_the_key_figures_of_their_day(books: Broker) -> None:
    restated = books.rows(
        """
        select kpi, entity, currency, as_of::varchar, published_value, restated_value - published_value, caused_by
        from leadership.fct_restatements where restated_at = '2026-02-20 12:00:00' and kpi not like 'ledger_%' order by all
        """
    )
    caused = {
        ("AU", "2026-01-15"): (30, "psp_transactions:other:late4"),
        ("CY", "2026-01-15"): (70, "psp_transactions:other:late3"),
        ("SC", "2026-01-15"): (500, "psp_transactions:other:late"),
        ("SC", "2026-01-19"): (60, "bank_statement_lines:SC-CLIENT:SC-CLIENT-01:1"),
    }
    money = [
        (kpi, entity, "USD", day, Decimal(0), Decimal(change), cause)
        for kpi in ("deposits", "net_deposits") for (entity, day), (change, cause) in caused.items()
    ]  # fmt: skip
    firsts = [
        ("first_deposits", entity, "clients", "2026-01-15", Decimal(0), Decimal(1), cause)
        for entity, cause in (("AU", "psp_transactions:other:late4"), ("CY", "psp_transactions:other:late3"))
    ]
    assert restated == sorted([*money, *firsts])


def test_a_corrected_provider_row_makes_two_entries_and_touches_no_other(books: Broker) -> None:
    made = books.rows(
        """
        select entry_id, reverses_entry_id from finance.fct_journal_entries
        where recorded_at = '2026-02-20 12:00:00' and source_feed = 'psp_transactions' and source_key like 'adyen:%' order by 1
        """
    )
    first = "psp_transactions:adyen:a2:adjustment:v1"
    assert made == [(f"{first}:reversal", first), ("psp_transactions:adyen:a2:adjustment:v2", None)]


def test_coverage_counts_every_entry_once(books: Broker) -> None:
    counted = books.rows("select sum(entries) + sum(reversals) from finance.fct_posting_coverage")
    assert counted == books.rows("select count(*) from finance.fct_journal_entries")
    assert books.rows("select entries from finance.fct_posting_coverage where rule_id = 'psp_adjustment'") == [(3,)]
    assert books.rows("select entries from finance.fct_posting_coverage where rule_id = 'lp_trade'") == [(0,)]


def test_a_balance_is_asked_as_of_one_moment_and_as_known_at_another(books: Broker) -> None:
    books.publish()
    asked = (
        "select sum(balance) as balance from balance_as_of('2010', ?, ?) where client_id = 'C1' and currency = 'USD'"
    )
    reader = Reader(books.settings)
    before, after = (
        reader.query(asked, ["2026-01-31 23:59:59", known])["balance"][0] for known in ("2026-02-10", "2026-03-01")
    )
    assert after - before == Decimal(-500)
    reader.close()
