"""What a YAML connector may say, and a sentence with line, key and remedy for each mistake in one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ingestion.connectors.values import check_zone
from ingestion.feeds import FEEDS

_SOURCES = ("from_", "first", "join", "sum", "constant", "header", "case", "by_sign", "json_of", "published")
_SAID = ("from", "first", "join", "sum", "constant", "header", "case", "by_sign", "json", "published")


class WrongYaml(ValueError):
    """A connector's YAML cannot be used; the text names each mistake with its line, key and remedy."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _short_form(value: object) -> object:
    """`amount: Gross` is short for `amount: {from: Gross}`."""
    return {"from": value} if isinstance(value, str) else value


class ColumnRule(_Strict):
    """How one canonical column is made of a source row. A column name between slashes is a pattern for the header."""

    from_: str | None = Field(None, alias="from", description="the source column")
    first: tuple[str, ...] | None = Field(
        None, description="source columns that may be absent; the first one that is filled"
    )
    join: tuple[str, ...] | None = Field(None, description="source columns joined by `separator`, empty ones left out")
    separator: str = ":"
    sum: tuple[str, ...] | None = Field(None, description="source columns added up")
    constant: str | None = Field(None, description="the same text in every row; '' is empty")
    header: str | None = Field(None, description="a pattern for a column's name; its group is the value")
    case: str | None = Field(None, description="a source column whose text chooses among `of`")
    by_sign: str | None = Field(None, description="a source column; `of` holds a rule for negative, zero, positive")
    of: Mapping[str, "Rule"] | None = None
    otherwise: "Rule | None" = None
    map: Mapping[str, str] | None = Field(None, description="source text -> canonical text; others are set aside")
    json_of: tuple[str, ...] | None = Field(None, alias="json", description="source columns as a JSON object of texts")
    published: Literal[True] | None = Field(
        None, description="the day the file was published: in its name, else its own time"
    )
    split: str | None = Field(None, description="what parts the elements of a list")
    upper: bool = False
    prefix: str = ""
    """Text put before a text that is not empty."""
    epoch: Literal["seconds", "milliseconds"] | None = None
    id_of: Literal["salesforce"] | None = None
    """`salesforce`: an id of 15 case-sensitive letters becomes the one of 18 that means the same."""
    sign: Literal["as_is", "absolute", "cost_is_negative"] | None = None
    units: Literal["major", "minor", "hundredths"] | None = None
    time_zone: str | int | None = None
    zone_in: str | None = Field(None, description="the source column that names the time zone")
    formats: tuple[str, ...] | None = Field(None, description="strptime formats; ISO-8601 without")
    when_zero: str | None = Field(None, description="a source column; where it is zero, `then` holds instead")
    then: "Rule | None" = None

    @model_validator(mode="after")
    def _one_source(self) -> "ColumnRule":
        said = [word for name, word in zip(_SOURCES, _SAID, strict=True) if getattr(self, name) is not None]
        if len(said) != 1:
            found = " and ".join(said) or "none of them"
            raise ValueError(f"needs exactly one of {', '.join(_SAID)} (found {found})")
        if (self.case is None and self.by_sign is None) != (self.of is None):
            raise ValueError(
                "`case` or `by_sign` belongs to `of`: it names the column, `of` the rule for each text or sign"
            )
        if self.by_sign is not None and not set(self.of or {}) <= {"negative", "zero", "positive"}:
            raise ValueError("`by_sign` knows the keys negative, zero and positive under `of`")
        if self.then is not None and self.when_zero is None:
            raise ValueError("`then` needs `when_zero`, the column that must be zero")
        if self.time_zone is not None:
            check_zone(self.time_zone)
        return self

    @property
    def is_number(self) -> bool:
        """True when the value is computed, not copied."""
        return self.sum is not None or self.sign is not None or self.units is not None

    def columns(self) -> Iterator[str]:
        """Every source column that the rule reads."""
        yield from (
            name for name in (self.from_, self.header, self.case, self.by_sign, self.when_zero, self.zone_in) if name
        )
        yield from (*(self.join or ()), *(self.sum or ()), *(self.json_of or ()))
        for inner in self.inner():
            yield from inner.columns()

    def may_be_absent(self) -> Iterator[str]:
        """Every source column that the rule reads where it is there."""
        yield from self.first or ()
        for inner in self.inner():
            yield from inner.may_be_absent()

    def inner(self) -> Iterator["ColumnRule"]:
        """The rules inside this one."""
        yield from (self.of or {}).values()
        yield from (rule for rule in (self.otherwise, self.then) if rule is not None)


Rule = Annotated[ColumnRule, BeforeValidator(_short_form)]
ColumnRule.model_rebuild()


class Each(_Strict):
    """A list in a cell: a second row for each element, whose parts the rules name `@1`, `@2` and so on."""

    column: str
    separator: str
    parts: str = "\n"
    strip: str = ""
    """Letters around the list that are no part of it, such as brackets."""


class ExtraRow(_Strict):
    """A second canonical row of the same source row, where its condition holds: a refund beside its payment, a soft delete."""

    when_nonzero: str | None = None
    when_filled: str | None = None
    when: Mapping[str, tuple[str, ...]] | None = None
    """Source column -> the texts that make the condition true."""
    each: Each | None = None
    feed: str | None = None
    """Another feed than the first row's; then `columns` is the whole row."""
    columns: Mapping[str, Rule]
    """What differs from the first row."""

    @model_validator(mode="after")
    def _one_condition(self) -> "ExtraRow":
        said = [one for one in (self.when_nonzero, self.when_filled, self.when, self.each) if one is not None]
        if len(said) != 1:
            raise ValueError("needs exactly one of when_nonzero, when_filled, when, each")
        return self

    def condition(self) -> Iterator[str]:
        """The source columns that decide whether there is such a row."""
        yield from (name for name in (self.when_nonzero, self.when_filled) if name)
        yield from self.when or ()
        if self.each is not None:
            yield self.each.column


class Footing(_Strict):
    """Source columns that should add up in every row; where they do not, the load says so."""

    total: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()


class TabularSpec(_Strict):
    """A YAML connector: which files it reads, and a rule for each canonical column."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str = "1"
    feed: str
    description: str = ""
    patterns: tuple[str, ...] = ("*.csv",)
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"
    unconfirmed: bool = False
    """True where the layout was never seen on a real file; every load says so."""
    recognise: tuple[str, ...] = Field(min_length=2)
    refuse_when_nonzero: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    """Source columns that a file may lack."""
    repeated: Literal["refuse", "first"] = "refuse"
    """What to do with a column that the header names twice: `first` takes the first and keeps the other beside it."""
    decimal_mark: Literal[".", ","] = "."
    thousands: str = ""
    """What groups the digits of a number before the decimal mark."""
    skip_lines: int = Field(0, ge=0, le=20)
    """Lines above the header."""
    foots: tuple[Footing, ...] = ()
    publication: bool = False
    """True where a file is a whole list as it was published that day: what the next one no longer has ended then."""
    columns: Mapping[str, Rule]
    also: tuple[ExtraRow, ...] = ()

    @model_validator(mode="after")
    def _fits_its_feed(self) -> "TabularSpec":
        self._check_feed(self.feed, self.columns, "columns")
        for number, row in enumerate(self.also):
            whole = {**self.columns, **row.columns} if row.feed is None else row.columns
            self._check_feed(row.feed or self.feed, whole, f"also.{number}.columns")
        return self

    @staticmethod
    def _check_feed(name: str, columns: Mapping[str, ColumnRule], place: str) -> None:
        feed = FEEDS.get(name)
        if feed is None:
            raise ValueError(f"feed: {name!r} is no canonical feed; one of {', '.join(FEEDS)}")
        unknown = [column for column in columns if column not in feed.columns]
        if unknown:
            raise ValueError(f"{place}.{unknown[0]}: is no column of {name}; it has {', '.join(feed.columns)}")
        missing = [column for column in feed.required if column not in columns and column not in feed.nullable_key]
        if missing:
            raise ValueError(f"{place}: {', '.join(missing)} must be given for {name}")
        for column, rule in columns.items():
            allowed = _closed_set(name, column)
            wrong = [text for text in _results(rule) if allowed and text not in allowed]
            if wrong:
                raise ValueError(f"{place}.{column}: {wrong[0]!r} is none of {', '.join(sorted(allowed))}")

    def every_rule(self) -> Mapping[str, tuple[ColumnRule, ...]]:
        """The rules of each canonical column, those of second rows among them."""
        found: dict[str, tuple[ColumnRule, ...]] = {name: (rule,) for name, rule in self.columns.items()}
        for row in self.also:
            for name, rule in row.columns.items():
                found[name] = (*found.get(name, ()), rule)
        return found


def read_spec(path: Path) -> TabularSpec:
    """The connector a YAML file describes. WrongYaml, with every mistake, when it cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
        # libyaml's loader: every command reads all connectors, and PyYAML's own took half of its start
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongYaml(f"{path.name} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise WrongYaml(f"{path.name}{line}: is no YAML: {problem}. Check indentation, colons and quotes.") from error
    try:
        return TabularSpec.model_validate(document)
    except ValidationError as error:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        said = [_sentence(path, root, problem) for problem in error.errors()]
        raise WrongYaml("\n".join(dict.fromkeys(said))) from error


def _sentence(path: Path, root: yaml.Node | None, problem: Mapping[str, object]) -> str:
    """One mistake: file, line, key, what is wrong, what to write."""
    place = problem["loc"]
    at = [str(part) for part in place] if isinstance(place, tuple) else []
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not at and ": " in message:
        key, _, message = message.partition(": ")
        at = key.split(".")
    remedies = {
        "missing": "is missing; add it",
        "extra_forbidden": "is no key that a connector knows; check its spelling",
        "literal_error": message[0].lower() + message[1:],
    }
    said = remedies.get(str(problem["type"]), message)
    return f"{path.name} line {_line(root, at)}, {'.'.join(at) or 'the file'}: {said}."


def _line(node: yaml.Node | None, at: list[str]) -> int:
    """The line of the deepest part of a key's path that is there."""
    line = node.start_mark.line + 1 if node is not None and node.start_mark else 1
    for part in at:
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == part:
                    line, inner = name.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            element: yaml.Node = node.value[int(part)]
            line, inner = element.start_mark.line + 1, element
        if inner is None:
            return line
        node = inner
    return line


def _results(rule: ColumnRule) -> Iterator[str]:
    """Every text a rule can give that is known beforehand."""
    yield from (rule.map or {}).values()
    if rule.constant:
        yield rule.constant
    for inner in rule.inner():
        yield from _results(inner)


def _closed_set(feed: str, column: str) -> frozenset[str]:
    checks = FEEDS[feed].schema.columns[column].checks
    allowed = [check.statistics["allowed_values"] for check in checks if check.name == "isin"]
    return frozenset(str(value) for values in allowed for value in values)
