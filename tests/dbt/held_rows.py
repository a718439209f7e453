"""The worked example of domain.md 2.1 (without the prudent 100, which no feed reports): what four clients are owed, what is held for them."""

from tests.dbt.ledger_rows import Row, account, at, client

WALLETS = {"A": "1000", "C": "200"}
CASH_AND_FLOATING = {"A": ("400", "100"), "B": ("200", "-500"), "C": ("2400", "100"), "D": ("900", "-100")}
UNIDENTIFIED, HELD = "50", "5000"


def held_feeds() -> dict[str, list[Row]]:
    """Balances brought in on 5 January, and the platform's evening of that day with its floating results."""
    logins = {name: 2000 + number for number, name in enumerate(CASH_AND_FLOATING)}
    common = {"entity": "UK", "currency": "GBP", "as_of": "2026-01-05"}
    return {
        "clients": [client(name, entity="UK") for name in CASH_AND_FLOATING],
        "trading_accounts": [account(login, "GBP", name, entity="UK") for name, login in logins.items()],
        "opening_balances": [
            *(common | {"account_code": "2010", "client_id": name, "amount": f"-{amount}"} for name, amount in WALLETS.items()),
            *(
                common | {"account_code": "2020", "client_id": name, "login": logins[name], "amount": f"-{cash}"}
                for name, (cash, _) in CASH_AND_FLOATING.items()
            ),
            common | {"account_code": "2050", "amount": f"-{UNIDENTIFIED}"},
            common | {"account_code": "1010", "amount": HELD},
        ],
        "account_snapshots": [
            {
                "platform": "mt5", "login": logins[name], "captured_at": at(5, "23:59:59"), "balance": cash, "credit": "0",
                "equity": str(int(cash) + int(floating)), "floating_pnl": floating,
            }
            for name, (cash, floating) in CASH_AND_FLOATING.items()
        ],
    }  # fmt: skip
