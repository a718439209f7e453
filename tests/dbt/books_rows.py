"""A broker whose other side does not always agree: one row for each way a reconciliation can break, beside one that only looks like it."""

from tests.dbt.held_rows import held_feeds
from tests.dbt.ledger_rows import Row, account, at, client, deal, psp, request, transfer

FIRM, HELD, EURO, HELD_EURO = "SC-FIRM", "SC-CLIENT", "SC-FIRM-EUR", "SC-CLIENT-EUR"


def paid_in(number: str, day: int, amount: str, fee: str, batch: str, **more: object) -> tuple[list[Row], list[Row]]:
    """A deposit's PSP row and the two events of our request."""
    row = psp(
        number, day, "deposit", amount, psp="adyen", client_id="C1", client_reference=f"D{number}", fee_amount=fee,
        settlement_batch_id=batch,
    ) | more  # fmt: skip
    return [row], asked(number, day, amount)


def asked(number: str, day: int, amount: str, **more: object) -> list[Row]:
    common = {
        "request_id": f"D{number}", "client_id": "C1", "request_kind": "deposit", "amount": amount,
            "currency": "USD", "psp": "adyen",
    } | more  # fmt: skip
    return [
        common | {"event_id": f"D{number}-1", "event": "requested", "occurred_at": at(day, "09:50:00")},
        common | {"event_id": f"D{number}-2", "event": "paid", "occurred_at": at(day, "10:00:05")},
    ]


def settled(batch: str, day: int, amount: str, **more: object) -> Row:
    return (
        psp(f"S-{batch}", day, "settlement", amount, psp="adyen", settlement_batch_id=batch, bank_account=FIRM) | more
    )


def line(number: int, day: int, amount: str, account: str = FIRM, month: str = "01", **more: object) -> Row:
    return {
        "bank_account": account, "statement_id": f"{account}-{month}", "line_no": number,
            "booked_on": f"2026-{month}-{day:02d}",
        "amount": amount, "currency": "EUR" if account in (EURO, HELD_EURO) else "USD",
    } | more  # fmt: skip


def decision(event_id: str, day: int, partner: str, event: str, amount: str | None, currency: str = "USD") -> Row:
    return {
        "event_id": event_id, "partner_id": partner, "period": "2026-01", "event": event, "amount": amount,
            "currency": currency,
        "actor_id": "ST-05", "occurred_at": at(day),
    }  # fmt: skip


DEPOSITS = [
    paid_in("1", 5, "1000", "14.20", "B1"),
    paid_in("2", 5, "1000", "14.21", "B1"),
    paid_in("3", 5, "1000", "14.22", "B1"),
    paid_in("4", 6, "500", "7.20", "B2"),
    paid_in("5", 7, "100", "1.60", "B3"),
    paid_in("6", 8, "200", "3.00", "B4"),
    paid_in("7", 9, "300", "4.40", "B5"),
    paid_in("8", 9, "400", "5.80", "B6"),
    paid_in("9", 12, "50", "0.90", "B7"),
    paid_in("10", 27, "60", "1.04", "B8"),
    ([psp("12", 13, "deposit", "77", psp="adyen", client_id="C2", fee_amount="1.28", settlement_batch_id="B9")], []),
    (
        [psp("13", 13, "deposit", "88", psp="adyen", client_id="C2", fee_amount="1.43", settlement_batch_id="B9")],
        asked("13", 13, "88", client_id="C2"),
    ),
    paid_in("14", 13, "105", "1.67", "B9"),
    paid_in("15", 13, "120", "1.88", "B9"),
    paid_in("16", 6, "90", "1.46", "B2", settlement_batch_id=None),
    paid_in("17", 13, "40", "0.76", "B9", client_id=None),
]
PSP_ROWS = [
    *(row for rows, _ in DEPOSITS for row in rows),
    psp("15b", 13, "deposit", "120", psp="adyen", psp_txn_id="T-15", client_id="C1", client_reference="D15",
        fee_amount="1.88"),
    settled("B1", 7, "2957.37"),
    settled("B2", 8, "490.00"),
    settled("B3", 9, "98.40"),
    settled("B4", 12, "197.00"),
    settled("B5", 13, "295.60"),
    settled("B6", 13, "394.20"),
    settled("B7", 14, "49.10"),
    settled("B8", 30, "58.96"),
    settled("B9", 15, "422.98"),
    psp("x1", 1, "deposit", "1000", psp="dlocal", client_id="C2", client_reference="Dx1", fee_amount="30.30",
        settlement_batch_id="X1", occurred_at="2025-12-01T10:00:00Z"),
    psp("x1h", 1, "reserve_hold", "100", psp="dlocal", settlement_batch_id="X1", occurred_at="2025-12-01T11:00:00Z"),
    psp("x1s", 1, "settlement", "869.70", psp="dlocal", settlement_batch_id="X1", bank_account=FIRM,
        occurred_at="2025-12-01T12:00:00Z"),
    psp("x2", 24, "deposit", "100", psp="dlocal", client_id="C2", client_reference="Dx2", fee_amount="3.30",
        settlement_batch_id="X2"),
    psp("x2h", 25, "reserve_hold", "10", psp="dlocal", settlement_batch_id="X2"),
    psp("x2s", 25, "settlement", "86.70", psp="dlocal", settlement_batch_id="X2", bank_account=FIRM),
    psp("x2r", 28, "reserve_release", "4", psp="dlocal", original_psp_txn_id="T-x2h"),
    psp("f1", 20, "fee", "12", psp="adyen"),
    psp("a1", 20, "adjustment", "7", psp="adyen", direction="out"),
    psp("a2", 20, "adjustment", "3", psp="adyen", direction="in"),
]  # fmt: skip
LINES = [
    line(1, 8, "2957.37", reference="B1", counterparty_name="Adyen Payments"),
    line(2, 9, "480.00", reference="B2", counterparty_name="Adyen Payments"),
    line(3, 13, "295.40", counterparty_name="Adyen Payments"),
    line(4, 14, "200.00", counterparty_name="Adyen Payments"),
    line(5, 14, "95.60", counterparty_name="Adyen Payments"),
    line(6, 15, "394.20", counterparty_name="ADYEN N.V."),
    line(7, 16, "422.98", reference="B9"),
    line(8, 16, "-33", counterparty_name="Printer Ltd"),
    line(9, 2, "869.70", reference="X1"),
    line(10, 26, "86.70", reference="X2"),
    line(1, 19, "60", HELD, reference="no name"),
    line(2, 20, "61", HELD, reference="no name either"),
    line(3, 12, "-290", HELD, reference="R8"),
    line(4, 21, "500", HELD, kind="own_transfer", counter_account=FIRM),
    line(5, 22, "400", HELD, kind="own_transfer", counter_account=FIRM),
    line(11, 22, "-400", kind="own_transfer", counter_account=HELD),
    line(1, 3, "58.96", month="02", reference="B8"),
    line(2, 4, "-1100", month="02", kind="own_transfer", counter_account=EURO),
    line(1, 4, "1000", EURO, month="02", kind="own_transfer", counter_account=FIRM),
    line(1, 5, "-110", HELD, month="02", kind="own_transfer", counter_account=HELD_EURO),
    line(1, 5, "100", HELD_EURO, month="02", kind="own_transfer", counter_account=HELD),
]


def first_feeds() -> dict[str, list[Row]]:
    """Everything that is known on 9 February."""
    more = held_feeds()
    return more | {name: rows + more.get(name, []) for name, rows in _feeds().items()}


def _feeds() -> dict[str, list[Row]]:
    """January has just been closed by two people; for one entity by nobody else, and for one it was opened again."""
    banks = ((HELD, "USD", True), (FIRM, "USD", False), (EURO, "EUR", False), (HELD_EURO, "EUR", True))
    return {
        "clients": [client("C1", entity="SC", first_name="Ann", last_name="Lee"), client("C2", entity="SC"),
            client("C3", entity="CY"), client("C4", entity="AU")],
        "trading_accounts": [account(1001, "USD", entity="SC"), account(1002, "EUR", entity="SC"), account(1004,
            "USD", entity="SC", changed_at="2026-01-20T00:00:00Z")],
        "bank_accounts": [
            {"bank_account": name, "valid_from": "2025-01-01T00:00:00Z", "entity": "SC", "currency": currency,
                "is_client_money": mine}
            for name, currency, mine in banks
        ],
        "fx_rates": [
            {"base_currency": "EUR", "quote_currency": "USD", "quoted_at": moment, "rate": rate}
            for moment, rate in (("2026-01-01T00:00:00Z", "1.1"), ("2026-01-31T12:00:00Z", "1.12"),
                ("2026-02-01T01:00:00Z", "1.13"))
        ],
        "psp_transactions": PSP_ROWS,
        "cash_requests": [
            *(event for _, events in DEPOSITS for event in events if event["request_id"] != "D14"),
            *asked("14", 13, "100"),
            *asked("11", 14, "110"),
            *asked("x1", 1, "1000", client_id="C2", psp="dlocal"),
            *asked("x2", 24, "100", client_id="C2", psp="dlocal"),
            transfer("t2", "X2", 10, to_account="mt5:1002", to_amount="990.10", to_currency="EUR", rate="0.90009091"),
            transfer("t3", "X3", 10, client_id="C3", currency="EUR", amount="1000", to_account="wallet", to_amount="1090", to_currency="USD",
                rate="1.09"),
            *(request(f"r8{n}", "R8", 9 + n, event) for n, event in enumerate(("requested", "sent", "paid"))),
            *(request(f"r9{n}", "R9", 9 + n, event) for n, event in enumerate(("requested", "sent", "paid"))),
        ],
        "bank_statement_lines": LINES,
        "bank_statements": [
            {"bank_account": EURO, "statement_id": f"E{day}", "opened_on": f"2026-01-{day:02d}",
                "closed_on": f"2026-01-{day:02d}", "currency": "EUR", "opening_balance": opens, "closing_balance": closes}
            for day, opens, closes in ((5, "0", "0"), (6, "5", "5"), (7, "5", "12"))
        ],
        "deals": [
            deal(2, 10, "balance", login=1002, profit="990.10", reference="X2"),
            deal(20, 12, "tax", profit="-4"), deal(21, 12, "agent", profit="9"), deal(22, 12, "dividend", profit="2"),
            deal(23, 12, "correction", profit="-1"), deal(24, 12, "charge", profit="-5"), deal(25, 12,
                "commission_monthly", profit="-6"),
            deal(26, 12, "interest", profit="1"), deal(27, 12, "so_compensation_credit", profit="8"), deal(28, 12,
                "credit", profit="-8"),
            deal(29, 12, "bonus", profit="8"),
            deal(30, 12, "buy", login=1004, entry="out", profit="3"),
        ],
        "partners": [
            {"partner_id": partner, "changed_at": "2025-01-01T00:00:00Z", "entity": "SC", "status": "active",
                "plan_id": "PL", "payout_currency": "USD", "payout_method": method}
            for partner, method in (("P1", "bank"), ("P2", "wallet"), ("P3", "bank"), ("P4", "bank"), ("P5", "wallet"), ("P6", "bank"))
        ],
        "commission_plans": [{"plan_id": "PL", "version": 1, "name": "PL", "distribution": "level",
            "currency": "USD", "settings": '{"holdback_pct": 0.1}', "valid_from": "2025-01-01T00:00:00Z"}],
        "commission_decisions": [
            decision("p1", 10, "P1", "adjusted", "1200"), decision("p2", 11, "P1", "approved", "1200"),
                decision("p3", 12, "P1", "clawed_back", "200"),
            decision("p4", 13, "P1", "paid", "880"), decision("p5", 14, "P1", "released", "120"), decision("p6", 14,
                "P1", "held", None),
            decision("q1", 12, "P2", "paid", "50"), decision("q2", 13, "P3", "approved", "70"),
            decision("r1", 10, "P6", "adjusted", "300"), decision("r2", 11, "P6", "clawed_back", "100"),
            *(decision(f"{key}{place}", 12 + place, partner, event, amount, currency)
                for key, partner, owed, left in (("u", "P4", "880", "700"), ("w", "P5", "550", "460"))
                for place, (event, amount, currency) in enumerate(
                    (("adjusted", owed, "USD"), ("approved", owed, "USD"), ("paid", left, "EUR"), ("paid", left, "XTS")))),
        ],
        "period_events": [
            {"event_id": f"PE-{entity}", "entity": entity, "period": "2026-01", "event": "closed",
                "actor_id": "ST-06", "approved_by": second, "occurred_at": "2026-02-08T16:00:00Z"}
            for entity, second in (("SC", "ST-05"), ("CY", "ST-06"), ("AU", "ST-05"))
        ] + [
            {"event_id": "PE-AU-2", "entity": "AU", "period": "2026-01", "event": "reopened", "actor_id": "ST-05",
                "approved_by": "ST-06", "occurred_at": "2026-02-08T17:00:00Z"}
        ],
    }  # fmt: skip


def late_feeds() -> dict[str, list[Row]]:
    """What 20 February brings of January: three deposits, a corrected adjustment, and whose one unidentified receipt was."""
    return {
        "psp_transactions": [
            psp("a2", 20, "adjustment", "4", psp="adyen", direction="in", source_version=2),
            psp("late", 15, "deposit", "500", psp="other", client_id="C1", client_reference="Dlate"),
            psp("late3", 15, "deposit", "70", psp="other", client_id="C3", client_reference="Dlate3"),
            psp("late4", 15, "deposit", "30", psp="other", client_id="C4", client_reference="Dlate4"),
        ],
        "cash_requests": [*asked("late", 15, "500", psp="other"), *asked("late3", 15, "70", psp="other",
            client_id="C3"), *asked("late4", 15, "30", psp="other", client_id="C4")],
        "bank_statement_lines": [line(1, 19, "60", HELD, reference="no name", client_id="C2", source_version=2)],
    }  # fmt: skip
