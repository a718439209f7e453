"""The tables of a MetaTrader 5 SQL export, and one page of any of them as rows of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

METADATA_KEY = b"daybook_mt5_sql"
"""Where a landed Parquet file says which table, platform and clock its rows are of (JSON)."""

Row = dict[str, str | None]

_DOCUMENTED = """
Deal Timestamp ExternalID Login Dealer Order Action Entry Reason Digits DigitsCurrency ContractSize Time TimeMsc Symbol
Price PriceSL PriceTP Volume VolumeExt VolumeClosed VolumeClosedExt Profit Storage Commission Fee RateProfit ExpertID
PositionID Comment MarketBid MarketAsk Gateway Group Rights Registration ClientID Leverage Agent LeadSource LeadCampaign
CurrencyDigits Balance Credit Equity Margin MarginFree MarginLevel Floating Position Position_ID TimeCreate
TimeCreateMsc TimeUpdate PriceOpen PriceCurrent Path CurrencyBase CurrencyProfit Point
"""
_SPELLING = {name.lower(): name for name in _DOCUMENTED.split()}


@dataclass(frozen=True)
class Table:
    """A table of the export: how it is called, its key, and whether it is followed by change or taken whole."""

    name: str
    keys: tuple[str, ...]
    followed: bool


TABLES = (
    Table("mt5_users", ("Login",), followed=True),
    Table("mt5_deals", ("Deal",), followed=True),
    Table("mt5_accounts", ("Login",), followed=False),
    Table("mt5_positions", ("Position", "Position_ID"), followed=False),
    Table("mt5_symbols", ("Symbol",), followed=False),
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


def documented(column: str) -> str:
    """A column under the name MetaTrader documents: PostgreSQL exports may fold names to lower case."""
    return _SPELLING.get(column.lower(), column)
