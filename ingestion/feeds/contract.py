"""What all feed contracts share: the types with their units, the role of a column, and the rules that hold for every feed."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import pandera.polars as pa
import polars as pl

from ingestion.cards import is_card_number

Money = Annotated[pl.Decimal, 38, 8]
"""An amount in the currency its row names; exact."""
Lots = Annotated[pl.Decimal, 18, 8]
"""Volume in lots, at most ten digits before the point."""
Price = Annotated[pl.Decimal, 18, 8]
Rate = Annotated[pl.Decimal, 18, 8]
"""Units of something for one of something else, or a fraction: 0.30 is 30 %."""
UtcTimestamp = Annotated[pl.Datetime, "us", "UTC"]
"""Stored as a naive TIMESTAMP, which in the warehouse always means UTC."""
Texts = Annotated[pl.List, pl.String]

CURRENCY = r"^[A-Z][A-Z0-9]{1,11}$"
PERIOD = r"^\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$"

EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
ENDLESS = dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)
ENDS = frozenset({"valid_to", "document_expires_on"})
"""Columns that may lie in the far future: sources write 9999-12-31 for "no end"."""
OLDEST_PERSON = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)


class CanonicalFeed(pa.DataFrameModel):
    """A contract of feeds.md. The columns' order here is their order in raw."""

    class Config(pa.DataFrameModel.Config):
        """No column beyond the contract reaches raw unnamed."""

        strict = True


def key(*, nullable: bool = False, **checks: Any) -> Any:
    """A column of the natural key (bold in feeds.md); `nullable` where feeds.md says that it may be empty."""
    return _field("key", nullable, checks)


def required(**checks: Any) -> Any:
    """A column without which the row says nothing."""
    return _field("required", False, checks)


def optional(**checks: Any) -> Any:
    """A column that may be absent or null. `json=True`: text that must be valid JSON."""
    return _field("optional", True, checks)


def _field(role: str, nullable: bool, checks: dict[str, Any]) -> Any:
    closed_set = checks.pop("closed_set", None)
    if closed_set is not None:
        checks["isin"] = [member.value for member in closed_set]
    metadata = {"role": role, "json": checks.pop("json", False)}
    return pa.Field(nullable=nullable, metadata=metadata, **checks)


def rule(sentence: str) -> Any:
    """Marks a method as a rule over several columns; `sentence` is what a quarantined row will say. Null counts as kept."""
    return pa.dataframe_check(error=sentence)


@dataclass(frozen=True)
class Feed:
    """A canonical feed: its contract, and what the loader and the models need to know of it."""

    name: str
    model: type[CanonicalFeed]
    event_time: str

    @cached_property
    def schema(self) -> pa.DataFrameSchema:
        """The contract with the rules that hold for every feed added."""
        schema = self.model.to_schema()
        schema = schema.add_columns(
            {"source_version": pa.Column(pl.Int64, nullable=True, metadata={"role": "optional", "json": False})}
        )
        for name, column in schema.columns.items():
            column.checks = [*column.checks, *_common_checks(name, column.dtype.type)]
        return schema

    @cached_property
    def columns(self) -> Mapping[str, pl.DataType]:
        """Name → polars type, `source_version` last."""
        return {name: column.dtype.type for name, column in self.schema.columns.items()}

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The natural key."""
        return self._with_role("key")

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The columns a file must have: the key, and those without which a row says nothing. Some keys may still be null."""
        return self.key + self._with_role("required")

    @cached_property
    def nullable_key(self) -> frozenset[str]:
        """Key columns that may be empty."""
        return frozenset(name for name in self.key if self.schema.columns[name].nullable)

    @cached_property
    def json_columns(self) -> frozenset[str]:
        """Text columns that hold JSON."""
        return frozenset(name for name, column in self.schema.columns.items() if (column.metadata or {}).get("json"))

    @property
    def description(self) -> str:
        """What one row is."""
        return " ".join((self.model.__doc__ or "").split())

    def _with_role(self, role: str) -> tuple[str, ...]:
        return tuple(
            name for name, column in self.schema.columns.items() if (column.metadata or {}).get("role") == role
        )


def _common_checks(name: str, dtype: pl.DataType) -> Iterable[pa.Check]:
    """Plausible dates, and the currency's form: one place instead of one per feed."""
    if dtype.is_temporal():
        earliest = OLDEST_PERSON if name == "birth_date" else EARLIEST
        latest = ENDLESS if name in ENDS else LATEST
        bounds = (earliest, latest) if dtype == pl.Datetime else (earliest.date(), latest.date())
        yield pa.Check.in_range(*bounds, error=f"must lie between {earliest.year} and {latest.year}")
    if name == "instrument_id":
        yield pa.Check(_no_card_number, error="must be a token or fingerprint, never a full card number")
    if name == "currency" or name.endswith("_currency"):
        yield pa.Check.str_matches(CURRENCY, error="must be an upper-case currency code such as USD, EUR or USDT")


def _no_card_number(data: pa.PolarsData) -> pl.LazyFrame:
    found = pl.col(data.key).map_batches(is_card_number, return_dtype=pl.Boolean)
    return data.lazyframe.select(~found)


def sentence(column: str, check: pa.Check | str) -> str:
    """What a quarantined row says of a check its column failed."""
    if isinstance(check, str):
        return f"{column}: must not be empty"
    if check.name == "isin":
        return f"{column}: must be one of {', '.join(map(str, check.statistics['allowed_values']))}"
    if check.name == "greater_than_or_equal_to":
        return f"{column}: must not be below {check.statistics['min_value']}"
    if check.name == "greater_than":
        return f"{column}: must be above {check.statistics['min_value']}"
    if check.name == "str_matches" and check.statistics["pattern"] == PERIOD:
        return f"{column}: must be a month YYYY-MM or a date YYYY-MM-DD"
    return f"{column}: {check.error}"
