"""ComplyAdvantage's searches: one answer is a check of each kind of list that was searched (sanctions, PEP, adverse media).

Times are naive and UTC; the shape of `match_types_details` changed over the years and is kept as it comes.
"""

from collections.abc import Mapping

from ingestion.connectors.bodies import Bodies, Body, Row, at, known, need, word
from ingestion.connectors.kyc_rows import base, checked
from ingestion.connectors.values import moment_of

_RESULTS: Mapping[str, str] = {
    **{"no_match": "clear", "false_positive": "clear", "true_positive_approve": "clear", "potential_match": "consider"},
    **{"unknown": "consider", "true_positive": "fail", "true_positive_reject": "fail"},
}
_RISKS = {"low": "low", "medium": "medium", "high": "high"}
_CHECKS = (("sanction", "sanctions"), ("pep", "pep"), ("adverse-media", "adverse_media"))


def rows(body: Body) -> list[Row]:
    """A row for each kind of list that was searched."""
    data = at(body, "content", "data")
    data = data if isinstance(data, dict) else body
    if "match_status" not in data:
        raise ValueError("content.data.match_status: is missing (an error of the service, or no search)")
    result = known(_RESULTS, need(data, "match_status"), "match_status")
    moment = moment_of(word(data, "updated_at") or need(data, "created_at"))
    searched = at(data, "filters", "types")
    types = [text for text in searched if isinstance(text, str)] if isinstance(searched, list) else []
    checks = [check for start, check in _CHECKS if any(text.startswith(start) for text in types)] or ["sanctions"]
    hits = at(data, "hits")
    common = base(
        "complyadvantage",
        f"{need(data, 'id')}:{moment}",
        body,
        client_id=word(data, "client_ref"),
        occurred_at=moment,
        risk_rating=_RISKS.get(word(data, "risk_level") or ""),
        reason_codes=[name for hit in (hits if isinstance(hits, list) else []) if (name := word(hit, "doc", "name"))],
        search_reference=word(data, "ref"),
        total_hits=word(data, "total_hits"),
    )
    return [checked(common, check, result) for check in checks]


def _marks(head: bytes) -> bool:
    return b'"search_term"' in head and b'"match_status"' in head


CONNECTOR = Bodies(name="complyadvantage", feeds=("kyc_events",), marks=_marks, rows=rows)
