"""What a balance operation was for, told by its comment: rules as data, first match counts, and the row names the rule.

Brokers book swaps, rebates, corrections, bonuses and transfers as balance operations; a platform knows them all as `balance`. The
rules are `mt_comments.csv`; a broker's own, from the connector's setting `comment_rules`, come before them:

    mt5_sql:
      comment_rules: [{rule: islamic_fee, pattern: "^ISL-", action: interest}]
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from warehouse.vocabulary import DealAction

_LONGEST = 500  # a comment has 32 bytes; what is longer is no reason to let a pattern run for minutes


@dataclass(frozen=True)
class CommentRule:
    """`pattern` (any case, anywhere in the comment) makes a balance operation one of `action`; its group `reference` is our request's id."""

    rule: str
    pattern: re.Pattern[str]
    action: str


@dataclass(frozen=True)
class Purpose:
    """The action a balance operation counts as, the rule that says so (None: no rule knows it), and the reference in its comment."""

    action: str
    rule: str | None = None
    reference: str | None = None


CommentRules = tuple[CommentRule, ...]


@cache
def default_rules() -> CommentRules:
    """The rules that Daybook brings."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as lines:
        return tuple(_rule(row) for row in csv.DictReader(lines))


def rules_with(own: Sequence[Mapping[str, str]]) -> CommentRules:
    """A broker's rules before ours. Raises ValueError, naming the rule, for one that cannot be used."""
    return (*(_rule(row) for row in own), *default_rules())


def purpose(comment: str | None, rules: CommentRules) -> Purpose:
    """Of a balance operation with this comment."""
    return _purpose(comment[:_LONGEST], rules) if comment else Purpose(DealAction.BALANCE.value)


@lru_cache(maxsize=16_384)
def _purpose(comment: str, rules: CommentRules) -> Purpose:
    for one in rules:
        if found := one.pattern.search(comment):
            return Purpose(one.action, one.rule, found.groupdict().get("reference"))
    return Purpose(DealAction.BALANCE.value)


def _rule(row: Mapping[str, str]) -> CommentRule:
    missing = [name for name in ("rule", "pattern", "action") if not row.get(name)]
    if missing:
        raise ValueError(f"a comment rule needs rule, pattern and action; {dict(row)} lacks {', '.join(missing)}")
    if row["action"] not in [member.value for member in DealAction]:
        raise ValueError(f"comment rule {row['rule']}: {row['action']!r} is no deal action of feeds.md")
    try:
        return CommentRule(row["rule"], re.compile(row["pattern"], re.IGNORECASE), row["action"])
    except re.error as error:
        raise ValueError(f"comment rule {row['rule']}: {row['pattern']!r} is no pattern ({error})") from error
