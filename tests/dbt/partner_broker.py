"""One broker for everything about partners' accounts: its rows, built once a session and read by all (`partner_home` in tests/conftest.py).

Three parts that know nothing of each other: payouts (logins 11 to 19), months and clients won (31 to 39), a corrected deal to explain (1).
"""

import json
from typing import Any

from tests.dbt.broker import Broker, Row
from tests.dbt.test_commissions import SINCE, SYMBOL, chain, closing, partner, plan, rule, trader

MODELS = (
    "fct_commission_zero", "fct_partner_statement", "fct_payouts", "int_accrual_states", "fct_postings", "fct_account_daily", "int_fx_usd_days",
    "dim_partners", "dim_staff", "fct_fx_rates",
)  # fmt: skip
FIRST, SECOND = "2026-05-02", "2026-05-05"
JANUARY = "2026-01-20T12:00:00"
PAID = {11: "W", 12: "H", 13: "K", 14: "L", 15: "F", 16: "S", 17: "Q1", 18: "Q2", 19: "Q3", 20: "FR", 21: "RF"}
"""By login: the worked example, held by decision, not identified, late correction, failed payout, its own client's brother, three for a run, a client
whose alert is confirmed, one whose deposit is refunded."""
MONTHLY = {
    31: "RC",
    32: "RN",
    33: "RD",
    34: "A1",
    35: "A1",
    36: "A1",
    37: "RT",
    38: "CF",
    39: "A1",
    40: "RM",
    41: "RR",
    42: "CAP",
    43: "TL",
    44: "TS",
    45: "TA",
    46: "TA",
    47: "TX",
    48: "BC",
    49: "TB",
}
LADDER = json.dumps({"ladder": [[100, 50], [1000, 200]], "min_lots": 2, "within_days": 40})
RESULTS = {"01": "-8000", "02": "5000", "03": "-3000", "04": "-6000"}
COUNTED: dict[str, Row] = {
    "TL": {"kpi": "lots", "steps": [{"from": 0, "rate": "0.1"}, {"from": 10, "rate": "0.2"}]},
    "TS": {
        "kpi": "lots", "mode": "marginal", "window": "rolling_days:50", "scheme": "revenue_share",
        "steps": [{"from": 0, "rate": "0.1"}, {"from": 10, "rate": "0.2"}],
    },
    "TA": {"kpi": "active_clients", "scheme": "cpa", "steps": [{"from": 1, "rate": 50}, {"from": 2, "rate": 80}]},
    "TX": {"kpi": "lots", "scheme": "revenue_share", "steps": [{"from": 0, "rate": 5}]},
    "TB": {"kpi": "lots", "scheme": "per_lots", "steps": [{"from": 0, "rate": "0.1"}]},
}  # fmt: skip
"""Tiers of what is traded, by partner: all rates, slices of a month, clients won, money for a share, a scheme that is none."""
STAFF = {"ST-P": ("partners", None), "ST-F1": ("finance", "250000"), "ST-F2": ("finance", "100000")}


def decided(event_id: str, partner_id: str, event: str, at: str, amount: str | None = None, **more: Any) -> Row:
    return {
        "event_id": event_id, "partner_id": partner_id, "period": "2026-01", "event": event, "amount": amount, "currency": "USD",
        "reason": "review", "actor_id": "ST-05", "occurred_at": at, **more,
    }  # fmt: skip


def person(client_id: str, **more: Any) -> Row:
    return {
        "client_id": client_id, "changed_at": SINCE, "registered_at": SINCE, "entity": "CY", "client_type": "individual", "is_test": False, **more,
    }  # fmt: skip


def identified(client_id: str) -> Row:
    return {
        "provider": "crm", "event_id": f"K-{client_id}", "client_id": client_id, "event": "status_changed", "from_status": "IN_REVIEW",
        "to_status": "APPROVED", "actor_type": "staff", "actor_id": "ST-01", "occurred_at": "2026-01-02T00:00:00",
    }  # fmt: skip


def deposit(client_id: str, **more: Any) -> Row:
    return {
        "psp": "adyen", "event_id": f"D-{client_id}", "psp_txn_id": f"D-{client_id}", "kind": "deposit", "status": "completed", "method": "card",
        "amount": "5000", "currency": "USD", "client_id": client_id, "occurred_at": "2026-01-03T00:00:00", **more,
    }  # fmt: skip


def paid_in(client: str, amount: str, at: str, **more: Any) -> Row:
    return deposit(
        client, event_id=f"{client}-{at}", psp_txn_id=f"{client}-{at}", amount=amount, occurred_at=at, **more
    )


def month(login: int, number: str, profit: str, **more: Any) -> Row:
    at = f"2026-{number}-15T12:00:00"
    return closing(login, login * 100 + int(number), **({"at": at, "profit": profit, "commission": "0"} | more))


def learn(home: Broker, recorded_at: str, *parts: dict[str, list[Row]]) -> None:
    """The rows of all parts in one load."""
    feeds = {feed for part in parts for feed in part}
    home.learn(recorded_at, **{feed: [row for part in parts for row in part.get(feed, [])] for feed in sorted(feeds)})


def fill(home: Broker) -> None:
    """Everything in two loads, built once and published."""
    learn(home, FIRST, common(), paid_first(), monthly_first(), explained_first(), divided())
    learn(home, SECOND, paid_second(), monthly_second(), {"deals": [closing(1, 1, lots="5")]})
    home.build(*MODELS, tests=False)
    home.publish()


def common() -> dict[str, list[Row]]:
    return {
        "symbols": [SYMBOL],
        "fx_rates": [
            {"base_currency": "EUR", "quote_currency": "USD", "quoted_at": at, "rate": rate}
            for at, rate in (("2026-01-02T00:00:00", "1.08435"), ("2026-04-30T00:00:00", "1.25"))
        ],
        "staff": [
            {"staff_id": one, "changed_at": SINCE, "name": one, "email": f"{one}@broker.example".lower(), "role": role,
             "approval_limit_eur": limit, "is_active": True}
            for one, (role, limit) in STAFF.items()
        ],
    }  # fmt: skip


def introduced(logins: dict[int, str]) -> dict[str, list[Row]]:
    made = [trader(login, partner_id) for login, partner_id in logins.items()]
    return {
        "trading_accounts": [account for account, _ in made],
        "partner_links": [row for _, links in made for row in links],
    }


def paid_first() -> dict[str, list[Row]]:
    """January's lines with February's decisions."""
    clients = [f"C{login}" for login in PAID]
    return introduced(PAID) | {
        "clients": [
            *[person(one) for one in clients if one != "C16"], person("C16", last_name="Doe", email="Doe@mail.example"),
            person("CS", last_name="Roe", email="doe@mail.example"),
        ],
        "kyc_events": [identified(one) for one in clients if one != "C13"],
        "psp_transactions": [deposit(one) for one in clients],
        "partners": [
            *[partner(one, "PL", entity="CY", name=f"Partner {one}", payout_method="bank") for one in (*"WHKLF", "FR", "RF")],
            partner("S", "PL", entity="CY", client_id="CS"), *[partner(one, "PL", entity="AU", payout_method="bank") for one in ("Q1", "Q2", "Q3")],
        ],
        "commission_plans": [plan("PL", "level", settings='{"holdback_pct": 0.1}')],
        "commission_rules": [rule("PL", "10", 1)],
        "deals": [closing(login, login, lots="120", at=JANUARY) for login in PAID],
        "commission_decisions": [
            *[decided(f"A-{one}", one, "approved", "2026-02-04T10:00:00") for one in "WLF"],
            decided("B-W", "W", "clawed_back", "2026-02-04T11:00:00", "200"),
            *[decided(f"P-{one}", one, "paid", "2026-02-04T12:00:00") for one in "WLF"],
            decided("X-F", "F", "failed", "2026-02-04T13:00:00", "1080"),
            decided("H-H", "H", "held", "2026-02-04T10:00:00"),
        ],
    }  # fmt: skip


def paid_second() -> dict[str, list[Row]]:
    """A late correction, a chargeback and the approval of the difference."""
    return {
        "deals": [closing(14, 14, lots="130", at=JANUARY), closing(11, 10, lots="0.0005", at=JANUARY)],
        "kyc_events": [identified("C13")],
        "psp_transactions": [
            deposit("C12", event_id="CB", psp_txn_id="CB", kind="chargeback", occurred_at="2026-02-08T00:00:00"),
            deposit("C21", event_id="RF", psp_txn_id="RF", kind="refund", amount="1", occurred_at="2026-02-08T00:00:00"),
        ],
        "operational_events": [confirmed_alert("C20")],
        "commission_decisions": [decided("A2-L", "L", "approved", "2026-02-09T10:00:00", "100")],
    }  # fmt: skip


def confirmed_alert(client_id: str) -> Row:
    """An alert about the client that compliance found right: the last word on it, as our own store tells it."""
    return {
        "event_id": f"alert-{client_id}", "seq": 1, "type": "approval.approved", "subject_type": "alert", "subject_id": f"AL-{client_id}",
        "client_id": client_id, "occurred_at": "2026-02-08T00:00:00", "reason": "confirmed_risk", "after": '{"decisions": [{"final": true}]}',
        "prev_hash": "0" * 64, "hash": "1" * 64, "body": "{}",
    }  # fmt: skip


def monthly_first() -> dict[str, list[Row]]:
    """Months with results as in the worked examples, clients who meet the conditions or not, tiers and caps."""
    clients = [f"C{login}" for login in MONTHLY]
    steps = [{"from": 0, "rate": "0.1"}, {"from": 5000, "rate": "0.2"}]
    share: Row = {"scheme": "revenue_share", "rule_id": "share"}
    plans = introduced(MONTHLY)
    plans["partner_links"] += [*chain("RD", "RU"), *chain("A1", "A2")]
    return plans | {
        "clients": [person(one) for one in clients],
        "kyc_events": [identified(one) for one in clients if one != "C36"],
        "partners": [
            *[partner(one, f"PL-{one}") for one in ("RC", "RN", "RT", "CF", "A1", "RD", "RU", "RM", "RR", "CAP", *COUNTED, "BC")],
            partner("A2", "PL-A1"),
        ],
        "commission_plans": [
            plan("PL-RC", "level"), plan("PL-RN", "level", settings='{"negative_carry": false}'), plan("PL-RD", "difference"),
            plan("PL-RU", "difference"), plan("PL-CF", "level"), plan("PL-A1", "level"),
            plan("PL-RT", "level", settings=json.dumps({"tier": {"kpi": "net_revenue", "mode": "whole", "steps": steps}})),
            plan("PL-RM", "level", settings=json.dumps({"tier": {"kpi": "net_revenue", "mode": "marginal", "steps": steps}})),
            plan("PL-RR", "level", settings=json.dumps({"tier": {"kpi": "net_revenue", "window": "rolling_days:45", "steps": steps}})),
            plan("PL-CAP", "level", settings='{"caps": {"per_month": 150}}'),
            plan("PL-BC", "level"), *[plan(f"PL-{one}", "level", settings=json.dumps({"tier": tier})) for one, tier in COUNTED.items()],
        ],
        "commission_rules": [
            rule("PL-RC", "0.35", 1, **share), rule("PL-RN", "0.35", 1, **share), rule("PL-RD", "0.2", **share), rule("PL-RU", "0.3", **share),
            *[rule(f"PL-{one}", "0.5", 1, **share) for one in ("RT", "RM", "RR")], rule("PL-CF", "0.3", 1, **share),
            rule("PL-CF", "0.4", 1, scheme="revenue_share", rule_id="share2"),
            rule("PL-A1", "0", 1, scheme="cpa", rule_id="won", parameters=LADDER), rule("PL-A1", "7", 2, scheme="cpa", rule_id="above"),
            *[rule(f"PL-{one}", "0.5", 1, **share) for one in ("TL", "TS", "TX", "TB")], rule("PL-TL", "9", 1, rule_id="lots"),
            rule("PL-TA", "30", 1, scheme="cpa", rule_id="won", parameters='{"min_deposit": 100}'),
            rule("PL-BC", "30", 1, scheme="cpa", rule_id="won", parameters='{"min_deposit": "plenty", "within_days": "soon", "ladder": [["x", 1]]}'),
            rule("PL-CAP", "10", 1, rule_id="lots"), rule("PL-CAP", "80", 1, scheme="cpa", rule_id="won"), rule("PL-CAP", "0.1", 1, **share),
        ],
        "psp_transactions": [
            paid_in("C34", "150", "2026-01-10T00:00:00"), paid_in("C34", "900", "2026-01-30T00:00:00"), paid_in("C34", "900", "2026-02-01T00:00:00"),
            paid_in("C35", "1000", "2026-01-10T00:00:00"), paid_in("C36", "1000", "2026-01-10T00:00:00"),
            paid_in("C39", "1000", "2026-03-10T00:00:00"),
            paid_in("C31", "500", "2026-01-04T00:00:00", fee_amount="2"),
            paid_in("C45", "100", "2026-01-16T00:00:00"), paid_in("C46", "100", "2026-01-17T00:00:00"),
            paid_in("C31", "4", "2026-01-05T00:00:00", kind="chargeback"), paid_in("C42", "100", "2026-01-16T00:00:00"),
        ],
        "deals": [
            *[month(login, number, profit) for login in (31, 32) for number, profit in RESULTS.items()], month(33, "01", "-1000"),
            # what the house earns and pays beside the result adds up to nothing: commission 12, bonus 6, a fee of 2, a chargeback of 4
            closing(31, 8001, at="2026-01-20T12:00:00", profit="0", commission="-12"),
            closing(31, 8002, at="2026-01-20T12:00:00", action="bonus", entry=None, symbol=None, volume_lots=None, profit="6", commission="0"),
            month(38, "01", "-100"), *[month(login, "01", "0", volume_lots="3") for login in (34, 35, 36, 39)],
            *[month(login, number, profit) for login in (37, 40) for number, profit in (("01", "-4000"), ("02", "-6000"))],
            *[month(41, number, profit) for number, profit in (("01", "-4000"), ("02", "-3000"))],
            # twenty lots and a result of 1 000 each; and in the first month of the others one active client
            *[month(login, "01", "-1000", volume_lots="20") for login in (43, 44, 47, 49)], month(45, "01", "0"),
            # 80 for the client, 50 and 10 by lots, and of January's share of 100 what the month's cap of 150 leaves; February begins anew
            month(42, "01", "-1000", volume_lots="5"), month(42, "02", "0", volume_lots="5"),
            closing(42, 4209, lots="1", at="2026-01-20T12:00:00", commission="0"),
        ],
    }  # fmt: skip


def monthly_second() -> dict[str, list[Row]]:
    """A month's result told late, and a deposit charged back."""
    return {
        "deals": [month(33, "01", "-2000"), month(46, "01", "0"), month(44, "02", "-1000", volume_lots="1")],
        "psp_transactions": [paid_in("C35", "1000", "2026-02-10T00:00:00", kind="chargeback")],
    }


def explained_first() -> dict[str, list[Row]]:
    """A deal of ten lots in a chain of three, corrected to five by the second load."""
    members = ("D8", "D7", "D10")
    made = introduced({1: "D8"})
    made["partner_links"] += chain(*members)
    return made | {
        "partners": [partner(one, f"PL-{one}") for one in members],
        "commission_plans": [
            plan("PL-D8", "difference"), plan("PL-D7", "difference"), plan("PL-D10", "difference", settings='{"caps": {"per_day": 15}}'),
        ],
        "commission_rules": [rule("PL-D8", "8"), rule("PL-D7", "7"), rule("PL-D10", "10")],
        "deals": [closing(1, 1)],
    }  # fmt: skip


def divided() -> dict[str, list[Row]]:
    """One lot of three closed, in euros: a third of 7.15 × 0.35 × 1.08435 is 0.904528625, a tie at eight digits."""
    made = introduced({51: "TIE"})
    made["trading_accounts"][0]["currency"] = "EUR"
    opened = closing(51, 5100, lots="3", at="2026-01-15T12:00:00", action="buy", entry="in", commission="-7.15")
    return made | {
        "partners": [partner("TIE", "PL-TIE")],
        "commission_plans": [plan("PL-TIE", "difference")],
        "commission_rules": [rule("PL-TIE", "0.35", scheme="pct_commission")],
        "deals": [opened, closing(51, 5101, lots="1", at=JANUARY, position_id="T5100", commission="0")],
    }
