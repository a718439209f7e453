"""World-Check One (Refinitiv): the matches of a case, each a screening result to be looked at; none is a clear screening."""

from ingestion.connectors.bodies import Bodies, Body, Row, at, need, word
from ingestion.connectors.kyc_rows import base, checked
from ingestion.connectors.values import moment_of

_CHECKS = (("sanctions", "sanctions"), ("pep", "pep"))


def rows(body: Body) -> list[Row]:
    """A row a match; one clear row where there is no match."""
    case, results = need(body, "caseId"), at(body, "results")
    if not isinstance(results, list):
        raise ValueError("results: is missing (an answer about settings, not a screening)")
    if not results:
        return [checked(base("world_check", case, body), "sanctions", "clear")]
    return [_match(case, result) for result in results]


def _match(case: str, result: object) -> Row:
    if not isinstance(result, dict):
        raise ValueError("results: holds what is no match")
    own = need(result, "resultId")
    listed = at(result, "categories")
    categories = {text.lower() for text in listed if isinstance(text, str)} if isinstance(listed, list) else set()
    check = next((check for name, check in _CHECKS if name in categories), "adverse_media")
    moment = word(result, "modificationDate") or word(result, "creationDate")
    strength = word(result, "matchStrength")
    common = base(
        "world_check",
        f"{case}:{own}",
        result,
        occurred_at=moment_of(moment) if moment else None,
        reason_codes=[part for part in (strength, word(result, "primaryName")) if part],
        case_id=case,
        matched_term=word(result, "matchedTerm"),
    )
    return checked(common, check, "consider")


def _marks(head: bytes) -> bool:
    return (
        (b'"caseId"' in head and b'"matchStrength"' in head)
        or b'"groupScreeningType"' in head
        or b'"CLIENT_WATCHLIST"' in head
    )


CONNECTOR = Bodies(name="world_check", feeds=("kyc_events",), marks=_marks, rows=rows, received=True)
