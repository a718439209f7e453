"""What MetaTrader's connectors have in common of settings: the server's clock, and the rules for comments."""

from functools import cached_property

from ingestion.connectors.mt_comments import CommentRules, rules_with
from ingestion.connectors.values import check_zone

ASSUMED_ZONE = "+120 us"
"""What most brokers' servers run: GMT+2, and GMT+3 while New York saves daylight."""


class MtSettings:
    """A connector with these two among the fields of its dataclass; ValueError, in words, where one of them cannot be used."""

    time_zone: str | int | None
    comment_rules: list[dict[str, str]]

    def __post_init__(self) -> None:
        if self.time_zone is not None:
            check_zone(self.time_zone)
        rules_with(self.comment_rules)

    @cached_property
    def rules(self) -> CommentRules:
        """The comment rules in force."""
        return rules_with(self.comment_rules)


def zone_or_assumed(zone: str | int | None, unnamed: str) -> tuple[str | int, tuple[str, ...]]:
    """The zone, and what had to be assumed: `ASSUMED_ZONE` where there is none, remarked on as `the report names` no time zone."""
    if zone is not None:
        return zone, ()
    return ASSUMED_ZONE, (f"{unnamed} no time zone; {ASSUMED_ZONE} assumed: set time_zone",)
