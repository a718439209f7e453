"""Text or typed columns → a feed's canonical types, exactly: what does not fit is named, never rounded or guessed."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import polars as pl

from ingestion.connectors.base import BadFile
from ingestion.feeds import Feed

OFFSET = r"(?:[Zz]|[+-]\d{2}:?\d{2})$"
MOMENT = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6}0*)?)?)?$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
TRUTHS = {"true": True, "false": False, "1": True, "0": False}
EXACT_IN_A_DOUBLE = 2**53


@dataclass(frozen=True)
class Failure:
    """Rows of a batch whose `column` could not be read; `rows` is a boolean per row."""

    column: str
    rows: pl.Series
    sentence: str


@dataclass(frozen=True)
class Coerced:
    """A batch in canonical types. A value that could not be read is null here and named in `failures`."""

    rows: pl.DataFrame
    extra: pl.Series
    """The unknown columns as one JSON object a row, null where there is none. Keys are sorted and nulls left out,
    so that the same row reads the same whatever batch or format it came in."""
    failures: tuple[Failure, ...]
    unknown: tuple[str, ...]


def coerce(feed: Feed, rows: pl.DataFrame) -> Coerced:
    """Raises BadFile when a column holds binary floats where the contract wants exact decimals."""
    columns: list[pl.Series] = []
    failures: list[Failure] = []
    for name, dtype in feed.columns.items():
        if name not in rows.columns:
            columns.append(pl.Series(name, [None], dtype=dtype).new_from_index(0, rows.height))
            continue
        source = _blank_to_null(rows.get_column(name))
        if source.dtype == dtype and not _needs_reading(dtype) and name not in feed.json_columns:
            columns.append(source)
            continue
        read, sentence = (_json, "must be valid JSON") if name in feed.json_columns else _reader(dtype)
        value = read(source)
        lost = value.is_null() & source.is_not_null()
        if lost.any():
            failures.append(Failure(name, lost, f"{name}: {sentence}"))
        columns.append(value.alias(name))
    unknown = tuple(sorted(set(rows.columns) - set(feed.columns) - {"_row_number"}))
    canonical = pl.DataFrame(columns) if columns else pl.DataFrame()
    return Coerced(canonical, _extra(rows, unknown), tuple(failures), unknown)


def _blank_to_null(column: pl.Series) -> pl.Series:
    """Text trimmed; nothing but blanks is null, as an empty CSV field is."""
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        return column
    trimmed = column.str.strip_chars()
    return trimmed.set(trimmed == "", None) if (trimmed == "").any() else trimmed


def _needs_reading(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List)


def _reader(dtype: pl.DataType) -> tuple[Callable[[pl.Series], pl.Series], str]:
    """How a column of this type is read, and what to say of a value that cannot be."""
    if isinstance(dtype, pl.Decimal):
        digits = dtype.precision - dtype.scale
        said = f"must be a decimal number with at most {digits} digits before and {dtype.scale} after the point"
        return lambda source: _decimal(source, dtype), said
    readers: dict[object, tuple[Callable[[pl.Series], pl.Series], str]] = {
        pl.Int64: (_integer, "must be an integer"),
        pl.Boolean: (_boolean, "must be true or false"),
        pl.Date: (_date, "must be a date YYYY-MM-DD"),
        pl.Datetime: (_moment, "must be an ISO-8601 time with at most microseconds, such as 2026-01-31T13:45:00Z"),
        pl.List: (_texts, "must be a JSON list of texts, or texts separated by |"),
        pl.String: (_text, "must be text"),
    }
    return readers[dtype.base_type()]


def _decimal(source: pl.Series, dtype: pl.Decimal) -> pl.Series:
    """Exact or null. polars rounds what has too many decimals, so that is found before the cast."""
    scale, digits = dtype.scale, dtype.precision - dtype.scale
    if source.dtype.is_float():
        if source.null_count() < source.len():
            raise BadFile(
                f"The column `{source.name}` holds binary floats; amounts, prices and volumes are exact.",
                "Write it as text or as a decimal type and drop the file again.",
                column=source.name,
            )
        return source.cast(dtype)
    if source.dtype == pl.String:
        # the usual form at once: no exponent, and no more decimals than are kept; polars takes nothing else that is no number
        value = source.cast(dtype, strict=False)
        too_fine = source.str.len_bytes() - source.str.find(".", literal=True) - 1 > scale
        if value.null_count() == source.null_count() and not (too_fine | source.str.contains("[eE]")).any():
            return value
        plain = rf"^[+-]?(?:0*\d{{1,{digits}}}(?:\.\d{{0,{scale}}}0*)?|\.\d{{1,{scale}}}0*)$"
        fits = source.str.contains(plain)
        value = source.zip_with(fits.fill_null(False), pl.Series([None], dtype=pl.String)).cast(dtype, strict=False)
        scientific = ~fits & source.str.contains(r"^[+-]?\d*\.?\d+[eE][+-]?\d{1,3}$|^[+-]?0*\d*\.\d*$")
        if scientific.any():
            slow = source.zip_with(scientific.fill_null(False), pl.Series([None], dtype=pl.String))
            value = value.zip_with(
                value.is_not_null(), pl.Series([_exact(t, scale, digits) for t in slow], dtype=dtype)
            )
        return value
    if source.dtype.is_integer() or isinstance(source.dtype, pl.Decimal):
        value = source.cast(dtype, strict=False)
        if isinstance(source.dtype, pl.Decimal) and source.dtype.scale > scale:
            same = (value.cast(source.dtype, strict=False) == source).fill_null(False)
            return value.zip_with(same, pl.Series([None], dtype=dtype))
        return value
    return pl.Series(source.name, [None], dtype=dtype).new_from_index(0, source.len())


def _exact(text: str | None, scale: int, digits: int) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or value.adjusted() >= digits:
        return None
    _, coefficient, exponent = value.normalize().as_tuple()
    return value if not any(coefficient) or int(exponent) >= -scale else None


def _integer(source: pl.Series) -> pl.Series:
    if source.dtype == pl.String:
        return source.cast(pl.Int64, strict=False)
    if source.dtype.is_float():  # pandas turns an integer column with gaps into floats; NaN is its null
        source = source.fill_nan(None)
        whole = (source == source.floor()) & (source.abs() < EXACT_IN_A_DOUBLE)
        return source.cast(pl.Int64, strict=False).zip_with(whole.fill_null(False), pl.Series([None], dtype=pl.Int64))
    if isinstance(source.dtype, pl.Decimal):
        value = source.cast(pl.Int64, strict=False)
        return value.zip_with(
            (value.cast(source.dtype, strict=False) == source).fill_null(False), pl.Series([None], dtype=pl.Int64)
        )
    if source.dtype.is_integer():
        return source.cast(pl.Int64, strict=False)
    return _nothing(source, pl.Int64())


def _boolean(source: pl.Series) -> pl.Series:
    if source.dtype == pl.Boolean:
        return source
    if source.dtype == pl.String or source.dtype.is_integer():
        return source.cast(pl.String).str.to_lowercase().replace_strict(TRUTHS, default=None, return_dtype=pl.Boolean)
    return _nothing(source, pl.Boolean())


def _date(source: pl.Series) -> pl.Series:
    if source.dtype == pl.Date:
        return source
    if isinstance(source.dtype, pl.Datetime):
        day = (
            source.dt.replace_time_zone(None)
            if source.dtype.time_zone is None
            else source.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        )
        return day.dt.date().zip_with((day == day.dt.truncate("1d")).fill_null(False), pl.Series([None], dtype=pl.Date))
    if source.dtype == pl.String:
        fits = source.str.contains(DAY)
        return source.zip_with(fits, pl.Series([None], dtype=pl.String)).str.to_date("%Y-%m-%d", strict=False)
    return _nothing(source, pl.Date())


def _moment(source: pl.Series) -> pl.Series:
    """UTC; a naive time is UTC."""
    utc = pl.Datetime("us", "UTC")
    if source.dtype == pl.Date:
        return source.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if isinstance(source.dtype, pl.Datetime):
        value = source.dt.cast_time_unit("us")
        if source.dtype.time_unit == "ns":
            same = (value.dt.cast_time_unit("ns") == source).fill_null(False)
            value = value.zip_with(same, pl.Series([None], dtype=value.dtype))
        return (
            value.dt.replace_time_zone("UTC") if source.dtype.time_zone is None else value.dt.convert_time_zone("UTC")
        )
    if source.dtype != pl.String:
        return _nothing(source, utc)
    if source.str.len_bytes().is_between(20, 27).all():  # the usual form at once: a `Z`, at most six digits of a second
        value = source.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", strict=False)
        if value.null_count() == source.null_count():
            return value.dt.replace_time_zone("UTC")
    local = source.str.replace(OFFSET, "") if source.str.contains("[Zz+]|-..:?..$").any() else source
    local = local.zip_with(local.str.contains(MOMENT), pl.Series([None], dtype=pl.String)).str.replace(
        " ", "T", literal=True
    )
    value = local.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    for shorter in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"):
        missing = value.is_null() & local.is_not_null()
        if not missing.any():
            break
        completed = local.zip_with(local.str.len_bytes() > 10, local + "T00:00")
        value = value.zip_with(~missing, completed.str.to_datetime(shorter, time_unit="us", strict=False))
    return _minus_offset(source, local, value).dt.replace_time_zone("UTC")


def _minus_offset(source: pl.Series, local: pl.Series, value: pl.Series) -> pl.Series:
    zone = source.str.extract(r"[T ].*([+-]\d{2}:?\d{2})$")
    if zone.null_count() == zone.len():
        return value
    digits = zone.str.replace(":", "", literal=True)
    minutes = digits.str.slice(1, 2).cast(pl.Int64) * 60 + digits.str.slice(3, 2).cast(pl.Int64)
    signed = minutes.zip_with(zone.str.starts_with("+").fill_null(True), -minutes).fill_null(0)
    return value - (signed * 60_000_000).cast(pl.Duration("us"))


def _texts(source: pl.Series) -> pl.Series:
    dtype = pl.List(pl.String)
    if isinstance(source.dtype, pl.List):
        return source.cast(dtype, strict=False)
    if source.dtype != pl.String:
        return _nothing(source, dtype)
    return pl.Series(source.name, [_list_of_texts(text) for text in source], dtype=dtype)


def _list_of_texts(text: str | None) -> list[str] | None:
    if text is None:
        return None
    if not text.startswith("["):
        return [part.strip() for part in text.split("|") if part.strip()]
    try:
        parts = json.loads(text)
    except ValueError:
        return None
    return [str(part) for part in parts] if all(isinstance(part, str | int) for part in parts) else None


def _json(source: pl.Series) -> pl.Series:
    if isinstance(source.dtype, pl.Struct):
        return source.struct.json_encode().zip_with(source.is_not_null(), pl.Series([None], dtype=pl.String))
    if isinstance(source.dtype, pl.List):
        return _as_json_text(source)
    if source.dtype != pl.String:
        return _nothing(source, pl.String())
    distinct = source.unique().drop_nulls()
    broken = [text for text in distinct if not _is_json(text)]
    return source.set(source.is_in(broken), None) if broken else source


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _text(source: pl.Series) -> pl.Series:
    if source.dtype.is_float():  # an id that went through pandas: 7.0 was 7
        whole = _integer(source)
        return whole.cast(pl.String)
    if isinstance(source.dtype, pl.Binary):
        return source.cast(pl.String, strict=False)
    if source.dtype.is_nested():
        return _as_json_text(source)
    if isinstance(source.dtype, pl.Datetime):
        return source.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    return source.cast(pl.String, strict=False)


def _as_json_text(source: pl.Series) -> pl.Series:
    texts = [
        None if value is None else json.dumps(value, default=str, ensure_ascii=False) for value in source.to_list()
    ]
    return pl.Series(source.name, texts, dtype=pl.String)


def _nothing(source: pl.Series, dtype: pl.DataType) -> pl.Series:
    return pl.Series(source.name, [None], dtype=dtype).new_from_index(0, source.len())


def _extra(rows: pl.DataFrame, unknown: Iterable[str]) -> pl.Series:
    """Every unknown value as text in a JSON object; only rows that have one cost anything."""
    texts = [_blank_to_null(_any_text(rows.get_column(name))) for name in unknown]
    present = [column for column in texts if column.null_count() < column.len()]
    if not present:
        return pl.Series("_extra", [None], dtype=pl.String).new_from_index(0, rows.height)
    records = zip(*(column.to_list() for column in present), strict=True)
    names = [column.name for column in present]
    encoded = [_object(names, record) for record in records]
    return pl.Series("_extra", encoded, dtype=pl.String)


def _object(names: list[str], record: tuple[str | None, ...]) -> str | None:
    held = {name: value for name, value in zip(names, record, strict=True) if value is not None}
    return json.dumps(held, ensure_ascii=False, separators=(",", ":")) if held else None


def _any_text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String) if column.dtype.is_float() else _text(column)
