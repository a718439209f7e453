"""Connectors without Python: a YAML file says how a CSV's columns become a canonical feed's (see `tabular_spec`)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import cast

from ingestion.connectors.base import BadFile, Batch, Connector, Rejected
from ingestion.connectors.tables import csv_rows
from ingestion.connectors.tabular_spec import ColumnRule, TabularSpec, WrongYaml, read_spec
from ingestion.connectors.values import decimal_of, exact, text_frame, trimmed, utc_text, wall_to_utc

__all__ = ["Tabular", "WrongYaml", "load_yaml_connectors"]

_BATCH_ROWS = 20_000
_WITHOUT_MINOR_UNIT = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905

Row = Mapping[str, str]


def load_yaml_connectors(folder: Path | None = None) -> list[Connector]:
    """A connector for each YAML file of the folder (by default those that ship). WrongYaml names every mistake in one."""
    files = sorted((folder or Path(__file__).parent).glob("*.yml"))
    return [cast("Connector", Tabular(read_spec(path))) for path in files]


@dataclass(frozen=True)
class Tabular:
    """A connector that a YAML file describes."""

    spec: TabularSpec

    @property
    def name(self) -> str:
        """The connector's name."""
        return self.spec.name

    @property
    def version(self) -> str:
        """The version the YAML states."""
        return self.spec.version

    @property
    def patterns(self) -> tuple[str, ...]:
        """File names it reads."""
        return self.spec.patterns

    @property
    def feeds(self) -> tuple[str, ...]:
        """The one feed it fills."""
        return (self.spec.feed,)

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        named = [name for rule in self.spec.columns.values() for name in rule.columns()]
        return tuple(dict.fromkeys([*self.spec.recognise, *named, *self.spec.refuse_when_nonzero]))

    def recognises(self, path: Path, head: bytes) -> bool:
        """True when the first line names every column under `recognise`."""
        if not any(path.match(pattern) for pattern in self.patterns):
            return False
        try:
            first = head.decode(self.spec.encoding, "ignore").splitlines()[0]
        except (IndexError, LookupError):
            return False
        header = [cell.strip().strip('"') for cell in first.split(self.spec.delimiter)]
        return all(len(_matches(name, header)) == 1 for name in self.spec.recognise)

    def read(self, path: Path) -> Iterator[Batch]:
        """The file's rows as the feed's; source columns that no rule reads are kept beside them."""
        lines = csv_rows(path, delimiter=self.spec.delimiter, encoding=self.spec.encoding)
        header = [cell.strip() for cell in next(lines, [])]
        real = self._resolve(path, header)
        beside = {name: _beside(name, self.spec) for name in header if name and name not in set(real.values())}
        columns = [*self.spec.columns, *beside.values()]
        rows = ((number, line) for number, line in enumerate(lines, start=1) if line)
        said = ("the layout of this system was never confirmed on a real file; check the first loads",)
        said = said if self.spec.unconfirmed else ()
        found = False
        while chunk := list(islice(rows, _BATCH_ROWS)):
            found = True
            good: list[dict[str, object]] = []
            bad: list[Rejected] = []
            for number, cells in chunk:
                row = dict(zip(header, cells, strict=False))
                try:
                    if len(cells) != len(header):
                        raise ValueError(f"has {len(cells)} columns where the header has {len(header)}")
                    made = self._row(row, real)
                except ValueError as error:
                    bad.append(Rejected(number, (str(error),), dict(row)))
                    continue
                kept = {new: trimmed(row[old]) for old, new in beside.items()}
                good.append({**kept, **made, "_row_number": number})
            yield Batch(self.spec.feed, text_frame(good, columns), tuple(bad), said)
            said = ()
        if not found:
            raise BadFile(f"{path.name} has a header and no rows.", "Fetch the file again.")

    def _resolve(self, path: Path, header: list[str]) -> dict[str, str]:
        """Column as the YAML names it -> column of this file."""
        real: dict[str, str] = {}
        for name in self._wanted:
            matches = _matches(name, header)
            if len(matches) != 1:
                many = "no column" if not matches else f"{len(matches)} columns"
                raise BadFile(
                    f"{path.name} has {many} {name!r}; its header is {', '.join(header)[:300]}.",
                    f"Drop a file of {self.name}, or correct its YAML.",
                )
            real[name] = matches[0]
        return real

    def _row(self, row: Row, real: Mapping[str, str]) -> dict[str, object]:
        for name in self.spec.refuse_when_nonzero:
            if decimal_of(row[real[name]]):
                raise ValueError(
                    f"{name}: {row[real[name]]!r} is not zero, and no rule of {self.name} says what it means"
                )
        made: dict[str, object] = {}
        for name, rule in self.spec.columns.items():
            try:
                made[name] = _value(rule, row, real, made)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return made


def _value(rule: ColumnRule, row: Row, real: Mapping[str, str], made: Mapping[str, object]) -> str | None:
    if rule.when_zero is not None and not decimal_of(row[real[rule.when_zero]]):
        return _value(rule.then, row, real, made) if rule.then is not None else None
    if rule.case is not None:
        chosen = (rule.of or {}).get((trimmed(row[real[rule.case]]) or ""), rule.otherwise)
        if chosen is None:
            raise ValueError(f"{row[real[rule.case]]!r} in {rule.case!r} is not foreseen")
        return _value(chosen, row, real, made)
    if rule.is_number:
        return _number(rule, row, real, made)
    text = _text(rule, row, real)
    if rule.map is not None and text is not None:
        if text not in rule.map:
            raise ValueError(f"{text!r} in {rule.from_!r} is not foreseen; known are {', '.join(rule.map)}")
        return rule.map[text]
    if text is not None and (rule.time_zone is not None or rule.formats):
        return _moment(rule, text)
    return text


def _text(rule: ColumnRule, row: Row, real: Mapping[str, str]) -> str | None:
    if rule.constant is not None:
        return rule.constant or None
    if rule.join is not None:
        return ":".join(part for name in rule.join if (part := trimmed(row[real[name]]))) or None
    if rule.header is not None:
        found = re.fullmatch(rule.header.strip("/"), real[rule.header])
        return found[1] if found and found.groups() else real[rule.header]
    return trimmed(row[real[str(rule.from_)]])


def _number(rule: ColumnRule, row: Row, real: Mapping[str, str], made: Mapping[str, object]) -> str | None:
    parts = [decimal_of(row[real[name]]) for name in (rule.sum or (str(rule.from_),))]
    given = [part for part in parts if part is not None]
    if not given:
        return None
    value = sum(given, Decimal(0))
    if rule.units == "minor":
        currency = str(made.get("currency") or "")
        if not currency:
            raise ValueError("minor units need `currency` above it")
        value = value.scaleb(0 if currency in _WITHOUT_MINOR_UNIT else -3 if currency in _THOUSANDTHS else -2)
    elif rule.units == "hundredths":
        value = value.scaleb(-2)
    if rule.sign == "absolute":
        value = abs(value)
    elif rule.sign == "cost_is_negative":
        value = -value
    return exact(value)


def _moment(rule: ColumnRule, text: str) -> str:
    moment: datetime | None = None
    for form in rule.formats or (None,):
        try:
            moment = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)
            break
        except ValueError:
            continue
    if moment is None:
        raise ValueError(f"{text!r} is not a date and time")
    if moment.tzinfo is not None:
        return utc_text(moment)
    return utc_text(wall_to_utc(moment, rule.time_zone if rule.time_zone is not None else "UTC"))


def _matches(name: str, header: Sequence[str]) -> list[str]:
    """The columns of a header that a name, or a pattern between slashes, means."""
    if len(name) > 2 and name[0] == name[-1] == "/":
        return [column for column in header if re.fullmatch(name[1:-1], column)]
    return [column for column in header if column == name]


def _beside(name: str, spec: TabularSpec) -> str:
    """A source column's own name, told apart from a canonical column of that name."""
    return f"source {name}" if name in spec.columns else name
