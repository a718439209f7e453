"""The tables of MetaTrader's export databases, and one page of any of them as rows of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

METADATA_KEY = b"daybook_mt5_sql"
"""Where a landed Parquet file says which table, platform and clock its rows are of (JSON)."""
MT4_METADATA_KEY = b"daybook_mt4_sql"
SEEN_AGAIN = "daybook_seen_again"
"""Column of a row that had been gone: the stamp of the moment it was seen again, which is its version."""

Row = dict[str, str | None]

_DOCUMENTED = """
Deal Timestamp ExternalID Login Dealer Order Action Entry Reason Digits DigitsCurrency ContractSize Time TimeMsc Symbol
Price PriceSL PriceTP Volume VolumeExt VolumeClosed VolumeClosedExt Profit Storage Commission Fee RateProfit ExpertID
PositionID Comment MarketBid MarketAsk Gateway Group Rights Registration ClientID Leverage Agent LeadSource LeadCampaign
Datetime DatetimePrev Currency DailyProfit DailyBalance DailyCredit DailyCharge DailyCorrection DailyBonus DailyStorage DailyCommInstant
DailyCommRound DailyCommFee DailyDividend DailyTaxes DailySOCompensation DailySOCompensationCredit DailyAgent DailyInterest
CurrencyDigits Balance Credit Equity Margin MarginFree MarginLevel Floating Position Position_ID TimeCreate
TimeCreateMsc TimeUpdate PriceOpen PriceCurrent Path CurrencyBase CurrencyProfit Point
"""
_MT4_DOCUMENTED = """
TICKET LOGIN SYMBOL DIGITS CMD VOLUME OPEN_TIME OPEN_PRICE SL TP CLOSE_TIME EXPIRATION REASON COMMISSION COMMISSION_AGENT
SWAPS CLOSE_PRICE PROFIT TAXES COMMENT MAGIC TIMESTAMP MODIFY_TIME GROUP ENABLE ENABLE_READONLY STATUS REGDATE LASTDATE
LEVERAGE AGENT_ACCOUNT BALANCE CREDIT EQUITY MARGIN MARGIN_LEVEL MARGIN_FREE CURRENCY LEAD_SOURCE
"""


@dataclass(frozen=True)
class Table:
    """A table of the export: how it is called, its key, and whether it is followed by change, only grows, or is taken whole."""

    name: str
    keys: tuple[str, ...]
    followed: bool
    grows_by: str | None = None
    """The second part of its key: rows are added day by day and never changed."""


TABLES = (
    Table("mt5_users", ("Login",), followed=True),
    Table("mt5_deals", ("Deal",), followed=True),
    Table("mt5_accounts", ("Login",), followed=False),
    Table("mt5_positions", ("Position", "Position_ID"), followed=False),
    Table("mt5_symbols", ("Symbol",), followed=False),
    Table("mt5_daily", ("Datetime",), followed=False, grows_by="Login"),
)


@dataclass(frozen=True)
class Export:
    """A kind of export database: its tables, its columns as documented, and the column that changes with every change of a row."""

    system: str
    tables: tuple[Table, ...]
    columns: str
    stamp: str
    stamps_per_second: int
    epoch: datetime
    """What the stamps count from, naive UTC."""
    metadata_key: bytes

    @cached_property
    def spelling(self) -> Mapping[str, str]:
        """Lower case -> a column's documented name."""
        return {name.lower(): name for name in self.columns.split()}

    def stamp_of(self, moment: datetime) -> int:
        """A moment (naive UTC) as a change stamp."""
        return int((moment - self.epoch).total_seconds()) * self.stamps_per_second


MT5 = Export("MetaTrader 5", TABLES, _DOCUMENTED, "Timestamp", 10_000_000, datetime(1601, 1, 1), METADATA_KEY)
MT4 = Export(
    "MetaTrader 4",
    (Table("mt4_users", ("LOGIN",), followed=True), Table("mt4_trades", ("TICKET",), followed=True)),
    _MT4_DOCUMENTED,
    "TIMESTAMP",
    1,
    datetime(1970, 1, 1),
    MT4_METADATA_KEY,
)


@dataclass(frozen=True)
class Source:
    """One physical table: its name and columns as the database spells them, by the names MetaTrader documents."""

    name: str
    columns: Mapping[str, str]
    key: str

    def page(
        self, connection: sa.Connection, where: sa.ColumnElement[bool] | None, order: Sequence[str], rows: int
    ) -> list[Row]:
        """The first `rows` rows past `where`, values as text."""
        picked = [sa.cast(self.column(name), sa.Text).label(name) for name in self.columns]
        query = sa.select(*picked).select_from(self.table)
        if where is not None:
            query = query.where(where)
        query = query.order_by(*(self.column(name) for name in order)).limit(rows)
        return [dict(row) for row in connection.execute(query).mappings()]

    def column(self, name: str) -> sa.ColumnElement[object]:
        """A column in its own type, under its table's name: bare, ORDER BY would take the text of the same name."""
        return self.table.c[self.columns[name]]

    @cached_property
    def table(self) -> sa.TableClause:
        """The table, for a query of one's own."""
        return sa.table(self.name, *(sa.column(real) for real in self.columns.values()))


def documented(column: str, export: Export = MT5) -> str:
    """A column under the name MetaTrader documents: PostgreSQL exports may fold names to lower case."""
    return export.spelling.get(column.lower(), column)
