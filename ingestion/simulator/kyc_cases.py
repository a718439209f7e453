"""Planted violations of identification, on clients without money: each rule with one that breaks it and one that comes near."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from ingestion.simulator.people import People
from ingestion.simulator.world import DAY, MINUTE, World, iso, moment, reference

Row = dict[str, Any]
EVIDENCE = ("identity", "address", "sanctions", "pep", "adverse_media", "risk_rating", "outcome", "category")
MISSING = {
    "identity": "missing_identity", "address": "missing_address", "pep": "missing_screening", "risk_rating": "missing_risk_rating",
    "outcome": "missing_appropriateness",
}  # fmt: skip
"""The rule that an approval without this piece of evidence breaks; a category stands in every client's own record."""


@dataclass
class Case:
    """One client's added events, and what the truth says of them."""

    client_id: str
    at: int
    rule: str
    decoy: bool
    why: str
    events: list[Row]

    def add(self, event: str, minutes: float, **columns: Any) -> None:
        number = len(self.events)
        self.events.append({
            "provider": "sumsub", "event_id": f"KV-{self.client_id}-{number:02d}", "client_id": self.client_id, "event": event,
            "occurred_at": moment(self.at + int(minutes * MINUTE)), "actor_type": "system", "actor_id": "kyc-rules",
        } | columns)  # fmt: skip

    def to(self, minutes: float, after: str, before: str | None = None, **columns: Any) -> None:
        self.add("status_changed", minutes, from_status=before, to_status=after, **columns)


def plant(world: World, people: People, feed: pl.DataFrame, clients: pl.DataFrame) -> tuple[pl.DataFrame, list[Row]]:
    """The feed with the planted events, and their truth; as many cases as there are clients who never finished their file.

    Such a client stands at IN_PROGRESS, has no account and no money: what is planted on them changes nothing else. They happen six days
    before the end that was drawn at first, so that a broker whose days are added to keeps them as they were.
    """
    rules = (
        "forbidden_transition",
        "forbidden_actor",
        "from_mismatch",
        *dict.fromkeys(MISSING.values()),
        "document_expired",
    )
    wanted = [(rule, decoy) for rule in rules for decoy in (False, True)]
    at = world.start_us + (world.drawn_days - 6) * DAY
    cases, free = [], _unfinished(world, people, clients, at)
    for rule, decoy in wanted:
        fit = [client for client, entity in free if not (rule == "missing_appropriateness" and entity == "AU")]
        if fit:
            cases.append(Case(fit[0], at, rule, decoy, "", []))
            free = [one for one in free if one[0] != fit[0]]
    for case in cases:
        _play(case, {"actor_type": "client", "actor_id": case.client_id})
    truth = [
        {
            "rule": case.rule,
            "decoy": case.decoy,
            "client_id": case.client_id,
            "why": case.why,
            "seen_by": iso(at + 2 * DAY),
        }
        for case in cases
    ]
    rows = [row for case in cases for row in case.events]
    if not rows:
        return feed, truth
    added = pl.DataFrame(rows, infer_schema_length=None)
    added = added.cast({name: feed.schema[name] for name in added.columns})
    # a longer passport would keep the file valid
    expiring = [case.client_id for case in cases if case.rule == "document_expired" and not case.decoy]
    kept = feed.filter(pl.col("document_expires_on").is_null() | ~pl.col("client_id").is_in(expiring))
    return pl.concat([kept, added], how="diagonal").sort("occurred_at", "client_id", "event_id"), truth


def _unfinished(world: World, people: People, clients: pl.DataFrame, at: int) -> list[tuple[str, str]]:
    """Clients who had stalled five days before `at`, with their entity, in an order of chance."""
    stalled = list(reference("kyc_paths")["paths"]).index("stalled")
    old = (people.path == stalled) & (people.registered < at - 5 * DAY)
    old[people.regular :] = False
    entity_of = dict(clients.group_by("client_id").agg(pl.col("entity").last()).iter_rows())
    chosen = people.ids.filter(pl.Series(old)).to_list()
    world.rng("kyc_cases").shuffle(chosen)
    return [(client, entity_of[client]) for client in chosen]


def _play(case: Case, by: Row) -> None:
    if case.rule == "forbidden_transition":
        case.why = "submitted by the client" if case.decoy else "from IN_PROGRESS into review"
        _submitted(case, by) if case.decoy else case.to(0, "IN_REVIEW", "IN_PROGRESS")
    elif case.rule == "forbidden_actor":
        case.why = "anybody may end it" if case.decoy else "submitted by a member of staff"
        case.to(0, "TERMINATED" if case.decoy else "SUBMITTED", "IN_PROGRESS", actor_type="staff", actor_id="ST-14")
    elif case.rule == "from_mismatch":
        case.why = "claims nothing" if case.decoy else "claims to leave NOT_STARTED"
        case.to(0, "SUBMITTED", None if case.decoy else "NOT_STARTED", **by)
    elif case.rule == "document_expired":
        case.why = "another document is valid" if case.decoy else "an old passport ran out after the approval"
        _approved(case, by, expires=moment(case.at + DAY).date(), renewed=case.decoy)
    else:
        lacking = next(piece for piece, rule in MISSING.items() if rule == case.rule)
        case.why = f"{lacking} came before the approval" if case.decoy else f"approved without {lacking}"
        _approved(case, by, late=None if case.decoy else lacking)


def _submitted(case: Case, by: Row) -> None:
    case.to(0, "SUBMITTED", "IN_PROGRESS", **by)


def _approved(case: Case, by: Row, late: str | None = None, expires: Any = None, renewed: bool = False) -> None:
    """Submitted and approved by the rules on all the evidence, of which `late` comes only an hour after."""
    _submitted(case, by)
    for number, piece in enumerate(EVIDENCE):
        minutes = 10 + number + (60 if piece == late else 0)
        if piece == "risk_rating":
            case.add("risk_rated", minutes, risk_rating="low")
        elif piece == "outcome":
            case.add("appropriateness_recorded", minutes, outcome="pass")
        elif piece == "category":
            case.add("category_changed", minutes, category="retail")
        else:
            case.add("check_completed", minutes, check=piece, result="clear", actor_type="provider", actor_id=None)
    case.to(30, "APPROVED", "SUBMITTED")
    if expires is not None and renewed:
        case.add(
            "document_received",
            40,
            check="identity",
            document_type="passport",
            document_expires_on=expires.replace(year=expires.year + 9),
            **by,
        )
    if expires is not None:
        case.add(
            "document_received", 50, check="identity", document_type="national_id", document_expires_on=expires, **by
        )
