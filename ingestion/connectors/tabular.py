"""Connectors without Python: a YAML file says how a CSV's columns become a canonical feed's (see `tabular_spec`)."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import cast

from ingestion.connectors.base import BadFile, Batch, Connector, Rejected
from ingestion.connectors.tables import csv_rows
from ingestion.connectors.tabular_spec import ColumnRule, ExtraRow, Footing, TabularSpec, WrongYaml, read_spec
from ingestion.connectors.values import (
    decimal_of,
    exact,
    from_epoch,
    from_minor,
    salesforce_id,
    text_frame,
    trimmed,
    utc_text,
    wall_to_utc,
)

__all__ = ["Tabular", "WrongYaml", "load_yaml_connectors", "published_on"]

_BATCH_ROWS = 20_000
_DAY_IN_NAME = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


def load_yaml_connectors(folder: Path | None = None) -> list[Connector]:
    """A connector for each YAML file of the folder (by default those that ship). WrongYaml names every mistake in one."""
    files = sorted((folder or Path(__file__).parent).glob("*.yml"))
    return [cast("Connector", Tabular(read_spec(path))) for path in files]


def published_on(path: Path) -> str:
    """When a publication came out (UTC): the last day its file's name holds, else the file's own time of change."""
    for found in reversed(_DAY_IN_NAME.findall(path.stem)):
        try:
            return utc_text(datetime(int(found[0]), int(found[1]), int(found[2]), tzinfo=UTC))
        except ValueError:
            continue
    return utc_text(datetime.fromtimestamp(int(path.stat().st_mtime), tz=UTC))


@dataclass(frozen=True)
class _Line:
    """One source row: its cells by the names that the YAML gives them."""

    spec: TabularSpec
    cells: Mapping[str, str]
    real: Mapping[str, tuple[str, ...]]
    published: str

    def text(self, name: str) -> str | None:
        if name not in self.real:
            raise ValueError(f"{name!r} is no part of the list's element")
        return next((found for column in self.real[name] if (found := trimmed(self.cells[column]))), None)

    def number(self, name: str) -> Decimal | None:
        text = self.text(name)
        if text is not None and (self.spec.thousands or self.spec.decimal_mark != "."):
            text = (
                text.replace("\u00a0", " ")
                .replace(self.spec.thousands or "\0", "")
                .replace(self.spec.decimal_mark, ".")
            )
        return decimal_of(text)


@dataclass
class _Remarks:
    """What the load should know, gathered over the file's rows."""

    said: list[str] = field(default_factory=list)
    unequal: dict[str, list[int]] = field(default_factory=dict)

    def note(self, footing: Footing, number: int) -> None:
        sentence = f"{footing.total} is not {' + '.join(footing.plus)}{''.join(f' - {name}' for name in footing.minus)}"
        self.unequal.setdefault(sentence, []).append(number)

    def taken(self) -> tuple[str, ...]:
        made = [f"{len(rows)} row(s) ({', '.join(map(str, rows[:5]))}): {what}" for what, rows in self.unequal.items()]
        said = (*self.said, *made)
        self.said, self.unequal = [], {}
        return said


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
        """The feed it fills, and those of second rows."""
        others = [row.feed for row in self.spec.also if row.feed is not None]
        return tuple(dict.fromkeys([self.spec.feed, *others]))

    @property
    def untried(self) -> bool:
        """True when the layout was never seen on a real file."""
        return self.spec.unconfirmed

    @cached_property
    def _needed(self) -> tuple[str, ...]:
        spec = self.spec
        rules = [rule for every in spec.every_rule().values() for rule in every]
        named = [name for rule in rules for name in rule.columns()]
        named += [name for row in spec.also for name in row.condition()]
        named += [name for footing in spec.foots for name in (footing.total, *footing.plus, *footing.minus)]
        names = dict.fromkeys([*spec.recognise, *named, *spec.refuse_when_nonzero])
        return tuple(name for name in names if name not in spec.optional and not name.startswith("@"))

    @cached_property
    def _welcome(self) -> tuple[str, ...]:
        rules = [rule for every in self.spec.every_rule().values() for rule in every]
        named = [name for rule in rules for name in rule.may_be_absent()]
        return tuple(name for name in dict.fromkeys([*self.spec.optional, *named]) if name not in self._needed)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True when the header line names every column under `recognise`."""
        if not any(path.match(pattern) for pattern in self.patterns):
            return False
        try:
            first = head.decode(self.spec.encoding, "ignore").splitlines()[self.spec.skip_lines]
        except (IndexError, LookupError):
            return False
        header = [cell.strip().strip('"') for cell in first.split(self.spec.delimiter)]
        return all(self._fits(_matches(name, header)) for name in self.spec.recognise)

    def _fits(self, matches: Sequence[str]) -> bool:
        return len(matches) == 1 or (bool(matches) and self.spec.repeated == "first")

    def read(self, path: Path) -> Iterator[Batch]:
        """The file's rows as the feed's; source columns that no rule reads are kept beside them."""
        lines = csv_rows(path, delimiter=self.spec.delimiter, encoding=self.spec.encoding)
        for _ in range(self.spec.skip_lines):
            next(lines, [])
        given = [cell.strip() for cell in next(lines, [])]
        real = self._resolve(path, given)
        header = _distinct(given)
        read = {column for columns in real.values() for column in columns}
        beside = {name: _beside(name, self.spec) for name in header if name and name not in read}
        rows = ((number, line) for number, line in enumerate(lines, start=1) if line)
        remarks = _Remarks()
        if self.spec.unconfirmed:
            remarks.said.append("the layout of this system was never confirmed on a real file; check the first loads")
        published, found = published_on(path), False
        while chunk := list(islice(rows, _BATCH_ROWS)):
            found = True
            good: dict[str, list[dict[str, object]]] = {feed: [] for feed in self.feeds}
            bad: list[Rejected] = []
            for number, cells in chunk:
                row = dict(zip(header, cells, strict=False))
                try:
                    if len(cells) != len(header):
                        raise ValueError(f"has {len(cells)} columns where the header has {len(header)}")
                    made = self._rows(_Line(self.spec, row, real, published), number, remarks)
                except ValueError as error:
                    bad.append(Rejected(number, (str(error),), dict(row)))
                    continue
                kept = {new: trimmed(row[old]) for old, new in beside.items()}
                kept |= {"publication": published} if self.spec.publication else {}
                for place, (feed, one) in enumerate(made):
                    good[feed].append({**(kept if place == 0 else {}), **one, "_row_number": number})
            for feed, rows_of_feed in good.items():
                is_first = feed == self.spec.feed
                columns = dict.fromkeys([name for row in rows_of_feed for name in row if name != "_row_number"])
                if rows_of_feed or (is_first and bad):
                    frame = text_frame(rows_of_feed, columns)
                    yield Batch(feed, frame, tuple(bad) if is_first else (), remarks.taken() if is_first else ())
        if not found:
            raise BadFile(f"{path.name} has a header and no rows.", "Fetch the file again.")

    def _resolve(self, path: Path, header: list[str]) -> dict[str, tuple[str, ...]]:
        """Column as the YAML names it -> columns of this file; none for an optional one that is not there."""
        real: dict[str, tuple[str, ...]] = {name: tuple(_matches(name, header)) for name in self._welcome}
        for name in self._needed:
            matches = _matches(name, header)
            if not self._fits(matches):
                many = "no column" if not matches else f"{len(matches)} columns"
                raise BadFile(
                    f"{path.name} has {many} {name!r}; its header is {', '.join(header)[:300]}.",
                    f"Drop a file of {self.name}, or correct its YAML.",
                )
            real[name] = (matches[0],)
        return real

    def _rows(self, line: _Line, number: int, remarks: _Remarks) -> list[tuple[str, dict[str, object]]]:
        for name in self.spec.refuse_when_nonzero:
            if line.number(name):
                raise ValueError(
                    f"{name}: {line.text(name)!r} is not zero, and no rule of {self.name} says what it means"
                )
        first = _made(self.spec.columns, line)
        for footing in self.spec.foots:
            total = line.number(footing.total)
            parts = sum(line.number(name) or 0 for name in footing.plus) - sum(
                line.number(name) or 0 for name in footing.minus
            )
            if total is not None and total != parts:
                remarks.note(footing, number)
        made = [(self.spec.feed, first)]
        for row in self.spec.also:
            rules = {**self.spec.columns, **row.columns} if row.feed is None else row.columns
            made += [(row.feed or self.spec.feed, _made(rules, one)) for one in _second_lines(row, line)]
        return made


def _second_lines(row: ExtraRow, line: _Line) -> Iterator[_Line]:
    """The line itself where the row's condition holds; with `each`, the line once for each element of the list in its cell."""
    if row.each is None:
        is_met = (
            bool(line.number(row.when_nonzero))
            if row.when_nonzero
            else bool(row.when_filled and line.text(row.when_filled))
        )
        if is_met or any((line.text(name) or "") in texts for name, texts in (row.when or {}).items()):
            yield line
        return
    listed = (line.text(row.each.column) or "").strip(row.each.strip or None)
    for element in (part.strip() for part in listed.split(row.each.separator)):
        if element:
            parts = {f"@{place}": part for place, part in enumerate(element.split(row.each.parts), start=1)}
            yield _Line(
                line.spec, {**line.cells, **parts}, {**line.real, **{name: (name,) for name in parts}}, line.published
            )


def _made(rules: Mapping[str, ColumnRule], line: _Line) -> dict[str, object]:
    made: dict[str, object] = {}
    for name, rule in rules.items():
        try:
            made[name] = _value(rule, line, made)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return made


def _value(rule: ColumnRule, line: _Line, made: Mapping[str, object]) -> str | None:
    if rule.when_zero is not None and not line.number(rule.when_zero):
        return _value(rule.then, line, made) if rule.then is not None else None
    if rule.case is not None or rule.by_sign is not None:
        return _value(_chosen(rule, line), line, made)
    if rule.is_number:
        return _number(rule, line, made)
    text = _text(rule, line)
    if text is None:
        return None
    if rule.map is not None:
        return _mapped(rule, text, line, made)
    return _shaped(rule, line, text)


def _mapped(rule: ColumnRule, text: str, line: _Line, made: Mapping[str, object]) -> str | None:
    known = rule.map or {}
    if text in known:
        return known[text]
    if rule.otherwise is None:
        place = rule.from_ or " or ".join(rule.columns()) or " or ".join(rule.may_be_absent())
        raise ValueError(f"{text!r} in {place!r} is not foreseen; known are {', '.join(known)}")
    return _value(rule.otherwise, line, made)


def _chosen(rule: ColumnRule, line: _Line) -> ColumnRule:
    if rule.by_sign is not None:
        value = line.number(rule.by_sign) or 0
        text, column = "negative" if value < 0 else "positive" if value > 0 else "zero", rule.by_sign
    else:
        text, column = line.text(str(rule.case)) or "", str(rule.case)
    chosen = (rule.of or {}).get(text, rule.otherwise)
    if chosen is None:
        raise ValueError(f"{text!r} in {column!r} is not foreseen")
    return chosen


def _text(rule: ColumnRule, line: _Line) -> str | None:
    if rule.from_ is not None:
        return line.text(rule.from_)
    if rule.first is not None:
        return next((found for name in rule.first if (found := line.text(name))), None)
    if rule.join is not None:
        return rule.separator.join(part for name in rule.join if (part := line.text(name))) or None
    if rule.json_of is not None:
        held = {name: text for name in rule.json_of if (text := line.text(name))}
        return json.dumps(held, ensure_ascii=False) if held else None
    if rule.header is not None:
        column = line.real[rule.header][0]
        found = re.fullmatch(rule.header.strip("/"), column)
        return found[1] if found and found.groups() else column
    return line.published if rule.published else rule.constant or None


def _shaped(rule: ColumnRule, line: _Line, text: str) -> str:
    """The text as a time, a list or an id, as the rule says."""
    if rule.time_zone is not None or rule.zone_in is not None or rule.formats:
        return _moment(rule, line, text)
    if rule.epoch is not None:
        return from_epoch(text, 1000 if rule.epoch == "milliseconds" else 1)
    if rule.split is not None:
        return json.dumps([part.strip() for part in text.split(rule.split) if part.strip()], ensure_ascii=False)
    text = salesforce_id(text) if rule.id_of == "salesforce" else text
    return rule.prefix + (text.upper() if rule.upper else text)


def _number(rule: ColumnRule, line: _Line, made: Mapping[str, object]) -> str | None:
    names = rule.sum or rule.first or (str(rule.from_),)
    given = [part for part in (line.number(name) for name in names) if part is not None]
    if not given:
        return None
    value = given[0] if rule.first else sum(given, Decimal(0))
    if rule.units == "minor":
        currency = str(made.get("currency") or "")
        if not currency:
            raise ValueError("minor units need `currency` above it")
        value = from_minor(value, currency) or Decimal(0)
    elif rule.units == "hundredths":
        value = value.scaleb(-2)
    if rule.sign == "absolute":
        value = abs(value)
    elif rule.sign == "cost_is_negative":
        value = -value
    return exact(value)


def _moment(rule: ColumnRule, line: _Line, text: str) -> str:
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
    named = line.text(rule.zone_in) if rule.zone_in is not None else None
    return utc_text(wall_to_utc(moment, named or (rule.time_zone if rule.time_zone is not None else "UTC")))


def _matches(name: str, header: Sequence[str]) -> list[str]:
    """The columns of a header that a name, or a pattern between slashes, means."""
    if len(name) > 2 and name[0] == name[-1] == "/":
        return [column for column in header if re.fullmatch(name[1:-1], column)]
    return [column for column in header if column == name]


def _distinct(header: Sequence[str]) -> list[str]:
    """The header with a number behind each column that was named before."""
    seen: Counter[str] = Counter()
    named = []
    for column in header:
        seen[column] += 1
        named.append(column if seen[column] == 1 or not column else f"{column} ({seen[column]})")
    return named


def _beside(name: str, spec: TabularSpec) -> str:
    """A source column's own name, told apart from a canonical column of that name."""
    return f"source {name}" if name in spec.every_rule() else name
