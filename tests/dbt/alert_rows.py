"""Plants for the monitoring scenarios: a client whose id has a `+` must be found by the scenario it names, one with a `-` must not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.dbt.broker import Row

START = datetime(2026, 3, 2, 9)


def day(days: float = 0, **more: float) -> str:
    """A moment `days` (and hours, minutes, seconds) after the start."""
    return (START + timedelta(days=days, **more)).isoformat()


class Plants:
    """Rows by feed; each method adds what one thing that happens leaves in the feeds."""

    def __init__(self) -> None:
        self.feeds: dict[str, list[Row]] = {}
        self.number = 0
        self.logins: dict[str, int] = {}

    def add(self, feed: str, **row: Any) -> str:
        self.number += 1
        self.feeds.setdefault(feed, []).append(row)
        return str(self.number)

    def client(self, client: str, **but: Any) -> str:
        """A client of Cyprus with a name, birth date, e-mail and telephone of its own."""
        self.number += 1
        row = {
            "changed_at": "2024-01-01", "registered_at": day(-200), "entity": "CY", "first_name": "First" + client[4:],
            "last_name": f"Of{self.number}", "birth_date": f"19{50 + self.number % 40}-01-{1 + self.number % 28:02d}",
            "country_of_residence": "CY", "email": f"{client}@mail.test", "phone": f"+357 99 {self.number:06d}",
        }  # fmt: skip
        self.add("clients", client_id=client, **row | but)
        return client

    def deposit(self, client: str, at: str, amount: float, method: str = "card", **but: Any) -> str:
        number = self.number + 1
        row = {
            "psp": "adyen", "event_id": f"e{number}", "psp_txn_id": f"t{number}", "kind": "deposit", "status": "completed", "method": method,
            "amount": str(amount), "currency": "EUR", "instrument_id": f"{method}-{client}", "occurred_at": at,
        }  # fmt: skip
        self.add("psp_transactions", client_id=client, **row | but)
        return row["psp_txn_id"]

    def withdraw(
        self, client: str, at: str, amount: float, method: str = "card", legs: Sequence[tuple] = (), **but: Any
    ) -> str:
        """Asked for at the moment and paid a day later, by the legs (instrument, method, amount) given."""
        request = f"R{self.number + 1}"
        row = {"instrument_id": f"{method}-{client}", "actor_type": "client", "actor_id": client}
        money = {"amount": str(amount), "currency": "EUR", "request_kind": "withdrawal", "client_id": client}
        self.add(
            "cash_requests", event_id=f"{request}-1", request_id=request, event="requested", method=method, occurred_at=at, **money, **row | but
        )  # fmt: skip
        paid = (datetime.fromisoformat(at) + timedelta(days=1)).isoformat()
        self.add("cash_requests", event_id=f"{request}-2", request_id=request, event="paid", occurred_at=paid, **money)
        for instrument, way, part in legs:
            self.deposit(client, paid, part, way, kind="withdrawal", instrument_id=instrument, client_reference=request)
        return request

    def trade(self, client: str, at: str, seconds: float, lots: float = 1, **but: Any) -> None:
        """A position opened at the moment and closed after the seconds; `but` may name side, profit, commission."""
        if client not in self.logins:
            self.logins[client] = 1000 + len(self.logins)
            self.add("trading_accounts", platform="mt5", login=self.logins[client], changed_at="2024-01-01", client_id=client, entity="CY",
                     currency="EUR", leverage=30, book="B", status="open", is_demo=False, account_type="standard")  # fmt: skip
        number, side = self.number, but.get("side", "buy")
        common = {
            "platform": "mt5", "login": self.logins[client], "position_id": str(number), "symbol": "EURUSD", "volume_lots": str(lots),
            "price": "1.10", "bid": "1.0999", "ask": "1.1001", "swap": "0", "fee": "0",
        }  # fmt: skip
        closed = (datetime.fromisoformat(at) + timedelta(seconds=seconds)).isoformat()
        other = "sell" if side == "buy" else "buy"
        self.add(
            "deals", deal_id=2 * number, executed_at=at, action=side, entry="in", profit="0", commission="0", **common
        )
        self.add("deals", deal_id=2 * number + 1, executed_at=closed, action=other, entry="out", profit=str(but.get("profit", 1)),
                 commission=str(but.get("commission", 0)), **common)  # fmt: skip

    def session(self, client: str, at: str, event: str = "login", **but: Any) -> None:
        row = {"ip_country": "CY", "device_id": f"dev-{client}", "ip": f"10.0.{self.number % 250}.{self.number // 250}"}
        self.add(
            "client_sessions", session_id=f"s{self.number}", client_id=client, event=event, occurred_at=at, **row | but
        )

    def transfer(self, sender: str, receiver: str, at: str, amount: float) -> None:
        """An internal transfer between the trading accounts of two clients, which have traded before."""
        request = f"IT{self.number}"
        money = {
            "request_id": request,
            "request_kind": "internal_transfer",
            "client_id": sender,
            "amount": str(amount),
            "currency": "EUR",
        }
        accounts = {"from_account": f"mt5:{self.logins[sender]}", "to_account": f"mt5:{self.logins[receiver]}"}
        self.add("cash_requests", event_id=f"{request}-1", event="requested", occurred_at=at, **money, **accounts)
        self.add("cash_requests", event_id=f"{request}-2", event="paid", occurred_at=at, **money)


def base() -> Plants:
    """What every broker needs: a rate, a symbol, country lists, a wallet and a name on lists."""
    plants = Plants()
    plants.add("fx_rates", base_currency="EUR", quote_currency="USD", quoted_at="2023-01-01", rate="1.25")
    plants.add("symbols", platform="mt5", symbol="EURUSD", valid_from="2020-01-01", symbol_group="fx", asset_class="fx", contract_size="100000",
               base_currency="EUR", quote_currency="USD", pip_size="0.0001", digits=5)  # fmt: skip
    listed = {"valid_from": "2025-01-01", "kind": "country"}
    plants.add("risk_lists", list_name="fatf_black", entry_id="KP", country="KP", name="North Korea", **listed)
    plants.add(
        "risk_lists", list_name="fatf_grey", entry_id="NG", country="NG", valid_to=day(10), name="Nigeria", **listed
    )
    plants.add("risk_lists", list_name="wallets", entry_id="w1", valid_from="2025-01-01", kind="wallet",
               attributes='{"address": "w-mixer", "risk": "mixer"}')  # fmt: skip
    plants.add("risk_lists", list_name="sanctions", entry_id="n1", valid_from="2025-01-01", kind="person", name="Viktor Morozov",
               aliases=["Victor Morosow"], birth_date="1969-04-12", country="RU")  # fmt: skip
    plants.add("risk_lists", list_name="vpn", entry_id="AS9", valid_from="2025-01-01", kind="asn", name="AS9")
    return plants
