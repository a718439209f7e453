"""Makes an evidence pack: the dossier as PDF, JSON and CSV, the query texts, the versions, the manifest, and the proof.

Nothing in it depends on when or by whom it is asked for: the same arguments on the same publish, for the same role, give the same bytes.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from apps.access import journal
from apps.approvals.canonical import canonical, moment
from apps.approvals.chain import Actor, Event
from apps.dossier import Dossier, inquire
from apps.dossier.questions import FOLDER, DossierReader, question
from apps.evidence import verify
from apps.evidence.report import as_pdf
from apps.evidence.seal import seal, sealed_events
from apps.export import csv_text, daybook_version
from warehouse.reader import OPERATOR, access
from warehouse.settings import Settings

README = """Evidence pack

report.pdf            the answer, to be read
answer.json           the same, whole
tables/               the rows of every question, as CSV
queries/              the text of every question; parameters.json says which text, bound to what, gave which table
versions.json         of the code and of the data
verify.py             checks this pack with Python alone; take it from an earlier pack or from us if you doubt this one
manifest.json         SHA-256 of every file above
proof/                the sealing event, its signed anchor, the key, and the subject's own events of the hash chain

    python3 -I -S verify.py PACK.zip FINGERPRINT

The fingerprint of the signing key was given to you apart from this pack. The verifier says WHOLE, or names the place that is not.
"""


@dataclass(frozen=True)
class Pack:
    """A finished pack: its bytes, and the fingerprint of the key that signed it, which must reach the reader by another way."""

    data: bytes
    file_name: str
    fingerprint: str
    sha256: str
    files: int


def evidence_pack(
    settings: Settings,
    reader: DossierReader,
    subject: str,
    subject_id: str,
    *,
    actor: Actor,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Pack:
    """The pack of one subject as the reader's role sees it; the export is an audit event, written before the bytes are handed out.

    Raises DossierNotFound for an unknown id, StoreError where the chain does not hold the subject's events as the warehouse has them.
    """
    found = inquire(reader, subject, subject_id, as_of=as_of, known_at=known_at, whole=True)
    clear = reader.role == OPERATOR or reader.role in access()["columns"]["after"]["clear"]
    chained = sealed_events(settings, _chained(reader, found)) if clear else []
    members = _contents(found, reader, chained)
    manifest = {
        "format": "daybook evidence pack 1",
        "subject": subject,
        "id": subject_id,
        "as_of": _said(found.answer["as_of"]),
        "known_at": _said(found.answer["known_at"]),
        "role": reader.role,
        "publish_id": reader.publish.publish_id,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in members},
    }
    text = verify.canonical(manifest).encode()
    content = {
        "manifest_sha256": hashlib.sha256(text).hexdigest(),
        "events": [[row["seq"], row["hash"]] for row in chained],
        "publish_id": reader.publish.publish_id,
    }
    sealed = seal(settings, f"{subject}:{subject_id}", content)
    proof = [(verify.MANIFEST, text), (verify.SEAL, sealed.event.encode()), (verify.ANCHOR, sealed.anchor.encode())]
    data = verify.packed([*members, *proof, (verify.KEY, sealed.key.encode())])
    made = Pack(
        data, file_name(subject, subject_id, reader.publish.publish_id), sealed.fingerprint, hashlib.sha256(data).hexdigest(), len(members) + 4
    )  # fmt: skip
    _record(
        settings, "dossier.exported", actor, found, {"sha256": made.sha256, "publish_id": reader.publish.publish_id}
    )
    return made


def record_asking(settings: Settings, actor: Actor, subject: str, subject_id: str, after: dict[str, Any]) -> None:
    """Writes that somebody asked for a dossier, whether or not there was one; raises where it cannot be written."""
    said = {name: value for name, value in after.items() if value is not None}
    journal.record_now(
        settings, Event("dossier.asked", actor, subject, subject_id, stream="access", after=said, client_id=said.pop("client_id", None))
    )  # fmt: skip


def file_name(subject: str, subject_id: str, publish_id: int) -> str:
    """A file name of letters, digits, dots and dashes alone."""
    plain = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in subject_id
    )
    return f"daybook-evidence-{subject}-{plain}-publish-{publish_id}.zip"


def _record(settings: Settings, kind: str, actor: Actor, found: Dossier, after: dict[str, Any]) -> None:
    subject = found.answer["subject"]
    bounds = {name: found.answer[name] for name in ("as_of", "known_at") if found.answer[name] is not None}
    event = Event(
        kind, actor, subject["type"], subject["id"], stream="access", client_id=subject.get("client_id"), after=after | bounds
    )  # fmt: skip
    journal.record_now(settings, event)


def _chained(reader: DossierReader, found: Dossier) -> dict[int, str]:
    """Number and hash of the subject's own events that stand in our hash chain, as the warehouse has them."""
    streams = [asked.bound for label, asked in found.asked.items() if label.startswith("events_")]
    rows = [row for bound in streams for row in question("sealed").ask(reader, bound).iter_rows(named=True)]
    return {row["seq"]: row["hash"] for row in rows}


def _contents(found: Dossier, reader: DossierReader, chained: list[dict[str, Any]]) -> list[verify.Member]:
    """Every member that the manifest lists, in order."""
    answer = {name: value for name, value in found.answer.items() if name != "answered_in_ms"}
    publish = reader.publish
    versions = _versions(found, publish)
    footing = (
        f"Publish {publish.publish_id} of {publish.published_at:%Y-%m-%d %H:%M:%S} UTC, seen by the role {reader.role}.",
        f"As of {_said(answer['as_of']) or 'the publish'}, known at {_said(answer['known_at']) or 'the publish'}. All times are UTC.",
        "The manifest in this pack holds the SHA-256 of every file; verify.py checks them, the sealing event and its signed anchor.",
    )
    tables = [(f"tables/{label}.csv", csv_text(asked.rows).encode()) for label, asked in sorted(found.asked.items())]
    texts = {asked.question.name: asked.question.sql for asked in found.asked.values()}
    queries = [(f"queries/{name.replace('/', '_')}.sql", sql.encode()) for name, sql in sorted(texts.items())]
    return [
        ("README.txt", README.encode()),
        ("report.pdf", as_pdf(answer, publish.published_at, footing)),
        ("answer.json", _json(answer)),
        *tables,
        *queries,
        ("queries/parameters.json", _json(_bound(found))),
        ("versions.json", _json(versions)),
        ("verify.py", Path(verify.__file__).read_bytes()),
        (verify.EVENTS, "".join(f"{canonical(row)}\n" for row in chained).encode()),
    ]


def _bound(found: Dossier) -> dict[str, Any]:
    """By table: the query text it came from, what was bound, and how many rows there are."""
    return {
        label: {
            "query": f"queries/{asked.question.name.replace('/', '_')}.sql",
            "parameters": dict(asked.bound),
            "rows": asked.rows.height,
        }
        for label, asked in sorted(found.asked.items())
    }


def _versions(found: Dossier, publish: Any) -> dict[str, Any]:
    marts = sorted({mart for asked in found.asked.values() for mart in asked.question.marts})
    return {
        "daybook": daybook_version(),
        "dossier_code_sha256": _code(),
        "publish": {
            name: getattr(publish, name)
            for name in ("publish_id", "run_id", "published_at", "latest_event_at", "loaded_at")
        },
        "marts": {mart: publish.tables.get(mart) for mart in marts},
    }


@cache
def _code() -> str:
    """SHA-256 over the program that answers and packs: every file of its two folders, by name."""
    digest = hashlib.sha256()
    for folder in (FOLDER.parent, Path(__file__).parent):
        for file in sorted(folder.rglob("*")):
            if file.suffix in (".py", ".sql", ".yml"):
                digest.update(f"{file.relative_to(folder.parent).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _said(at: datetime | None) -> str | None:
    return moment(at) if at else None


def _json(value: Any) -> bytes:
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=1).encode()


def _plain(value: Any) -> str:
    return moment(value) if isinstance(value, datetime) else str(value)
