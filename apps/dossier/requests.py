"""Requests R2 to R10 of a regulator: one parameterised query each, exported with row counts, control totals, hashes and what it does not carry."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from apps.dossier.questions import DossierReader, Question, question
from apps.export import Manifest, csv_text, daybook_version

PARAMETERS = ("client_id", "entity", "from", "until", "at")


class RequestRefused(Exception):
    """The request cannot be answered for this role, or with these parameters; the message says why in words."""


@dataclass(frozen=True)
class Request:
    """A row of requests.yml; its comments say what each field means."""

    name: str
    title: str
    sql: list[str]
    needs: list[str]
    may: list[str] = field(default_factory=list)
    restricted: list[str] = field(default_factory=list)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    not_carried: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Response:
    """The rows of a request, and the manifest that goes with them in every format."""

    request: Request
    rows: pl.DataFrame
    manifest: Manifest
    sha256: str


@cache
def requests() -> dict[str, Request]:
    """Every request by its number."""
    said = yaml.safe_load((Path(__file__).parent / "requests.yml").read_text(encoding="utf-8"))
    return {name: Request(name, **row) for name, row in said.items()}


def offered(reader: DossierReader) -> list[Request]:
    """The requests that this role may ask, of this publish."""
    return [one for one in requests().values() if _allowed(one, reader) and _text(one, reader) is not None]


def respond(reader: DossierReader, name: str, given: Mapping[str, Any], user: str) -> Response:
    """The answer to a request as the reader's role sees it. `given` holds parameters by name; dates are UTC, `until` is exclusive.

    Raises RequestRefused for an unknown request, one that is not this role's, and for a parameter that is missing or not the request's.
    """
    asked = requests().get(name.upper())
    if asked is None:
        raise RequestRefused(f"There is no request {name}; there are {', '.join(requests())}. R1 is `daybook dossier`.")
    if not _allowed(asked, reader):
        raise RequestRefused(
            f"{asked.name} is for {', '.join(asked.restricted)} alone, not for the role {reader.role}."
        )
    text = _text(asked, reader)
    if text is None:
        missing = ", ".join(question(asked.sql[-1]).missing(reader))
        raise RequestRefused(
            f"{asked.name} reads {missing}: not published yet, or not given to the role {reader.role}."
        )
    said = {key: value for key, value in given.items() if value is not None}
    if lacking := [key for key in asked.needs if key not in said]:
        raise RequestRefused(f"{asked.name} ({asked.title}) needs {', '.join(lacking)}.")
    if unknown := [key for key in said if key not in (*asked.needs, *asked.may)]:
        raise RequestRefused(f"{asked.name} ({asked.title}) does not take {', '.join(unknown)}.")
    known = {key: said.get(key) for key in PARAMETERS} | {
        key: json.dumps(value) for key, value in asked.parameters.items()
    }
    rows = text.ask(reader, known)
    sha256 = hashlib.sha256(csv_text(rows).encode()).hexdigest()
    return Response(asked, rows, _manifest(asked, text, said, reader, user, sha256), sha256)


def _allowed(asked: Request, reader: DossierReader) -> bool:
    return not asked.restricted or reader.role in asked.restricted


def _text(asked: Request, reader: DossierReader) -> Question | None:
    """The first of its texts whose marts this role sees."""
    return next((text for name in asked.sql if not (text := question(name)).missing(reader)), None)


def _manifest(
    asked: Request, text: Question, said: Mapping[str, Any], reader: DossierReader, user: str, sha256: str
) -> Manifest:
    publish = reader.publish
    proof = {
        "request": asked.name,
        "query": text.name,
        "query sha256": hashlib.sha256(text.sql.encode()).hexdigest(),
        "rows sha256 (as CSV)": sha256,
        "not carried by any feed": ", ".join(asked.not_carried) or "nothing",
    }
    return Manifest(
        f"{asked.name} {asked.title}", {key: _shown(value) for key, value in said.items()}, user, reader.role, publish.publish_id,
        publish.latest_event_at, publish.loaded_at, daybook_version(), proof=proof,
    )  # fmt: skip


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
