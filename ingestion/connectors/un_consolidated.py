"""The UN Security Council's consolidated list (XML): individuals and entities with aliases, birth dates, countries and addresses.

Built from the list's description only. Every entry of a publication holds from the day it was generated (`dateGenerated`); the next one
that no longer has it ends it. A birth date counts when it is said to be exact.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.bodies import batches
from ingestion.connectors.tabular import published_on
from ingestion.connectors.values import moment_of, trimmed
from ingestion.connectors.xml_documents import Element, every, leaves, local, text, xml_root

_NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_REMEDY = "Download the consolidated list as XML again."


@dataclass(frozen=True)
class UnConsolidated:
    """No settings."""

    name: ClassVar[str] = "un_consolidated"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.xml",)
    feeds: ClassVar[tuple[str, ...]] = ("risk_lists",)
    untried: ClassVar[bool] = True

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for the list's root element."""
        return b"<CONSOLIDATED_LIST" in head

    def read(self, path: Path) -> Iterator[Batch]:
        """A row an individual or entity."""
        root = xml_root(path, "consolidated list", _REMEDY)
        if local(root) != "CONSOLIDATED_LIST":
            raise BadFile(f"{path.name} is no consolidated list (found {local(root)}).", _REMEDY)
        published = _generated(root) or published_on(path)
        good: list[dict[str, object]] = []
        bad: list[Rejected] = []
        groups = (("INDIVIDUALS", "INDIVIDUAL", "individual"), ("ENTITIES", "ENTITY", "entity"))
        entries = [
            (one, kind) for group, name, kind in groups for part in every(root, group) for one in every(part, name)
        ]
        for number, (entry, kind) in enumerate(entries, start=1):
            try:
                row = _row(entry, kind)
            except ValueError as error:
                bad.append(Rejected(number, (str(error),), leaves(entry)))
                continue
            good.append(
                {
                    "list_name": "un_consolidated",
                    "valid_from": published,
                    "publication": published,
                    **row,
                    "_row_number": number,
                }
            )
        if not entries:
            raise BadFile(f"{path.name} holds no entry.", _REMEDY)
        said = (
            "this system was never tried on a real file; check the first loads",
            f"the list counts from {published} on",
        )
        yield from batches("risk_lists", good, tuple(bad), said)


def _generated(root: Element) -> str | None:
    stated = trimmed(root.get("dateGenerated"))
    try:
        return moment_of(stated) if stated else None
    except ValueError:
        return None


def _row(entry: Element, kind: str) -> dict[str, object]:
    own = text(entry, "DATAID") or text(entry, "REFERENCE_NUMBER")
    if own is None:
        raise ValueError("DATAID: is missing")
    names = [part for name in _NAMES if (part := text(entry, name))]
    prefix = kind.upper()
    aliases = [name for one in every(entry, f"{prefix}_ALIAS") if (name := text(one, "ALIAS_NAME"))]
    born = next((one for one in every(entry, "INDIVIDUAL_DATE_OF_BIRTH") if text(one, "TYPE_OF_DATE") == "EXACT"), None)
    return {
        "entry_id": own,
        "kind": kind,
        "name": " ".join(names) or None,
        "aliases": aliases,
        "birth_date": (text(born, "DATE") or "")[:10] or None if born is not None else None,
        "country": text(entry, "NATIONALITY/VALUE") or text(entry, f"{prefix}_ADDRESS/COUNTRY"),
        "attributes": json.dumps(leaves(entry), ensure_ascii=False),
    }


CONNECTOR = UnConsolidated()
