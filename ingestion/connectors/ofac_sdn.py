"""OFAC's SDN list as its CSV files: `sdn` (12 columns), `alt` names (5), `add`resses (6) and continued remarks (2), without a header.

Each file is loaded on its own, a row an entry: aliases and addresses name the entry they belong to, so that nothing waits for a
sibling. An entry holds from the day its publication came out (in the file's name, else the file's own time); the publication
after it that no longer has it ends it. Nulls are `-0- `, and an old end-of-file mark (0x1A) may close the file.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.bodies import batches
from ingestion.connectors.tables import csv_rows
from ingestion.connectors.tabular import published_on
from ingestion.connectors.values import trimmed

_LIST = "ofac_sdn"
_NULL = "-0-"
_ALIAS = re.compile(r"a\.k\.a\. '([^']+)'")
_BORN = re.compile(r"\bDOB (\d{2} [A-Z][a-z]{2} \d{4})\b")
_KINDS = {"individual": "individual", "vessel": "vessel", "aircraft": "aircraft"}
_VESSEL = ("call_sign", "vessel_type", "tonnage", "gross_registered_tonnage", "flag", "owner")


@dataclass(frozen=True)
class OfacSdn:
    """No settings."""

    name: ClassVar[str] = "ofac_sdn"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)
    feeds: ClassVar[tuple[str, ...]] = ("risk_lists",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True when the first line has one of the four shapes, numbers and nulls where they belong."""
        first = head.split(b"\n", 1)[0].decode("latin-1").strip()
        if "remarks" in path.name.lower() or "comments" in path.name.lower():
            return bool(re.match(r'\d+,"', first))
        return bool(re.match(r'\d+,("|\d+,)', first)) and _NULL in head[:4096].decode("latin-1")

    def read(self, path: Path) -> Iterator[Batch]:
        """A row a line; the file's publication is the moment from which they hold."""
        published = published_on(path)
        good: list[dict[str, object]] = []
        bad: list[Rejected] = []
        shape: int | None = None
        for number, line in enumerate(csv_rows(path, encoding=_encoding(path)), start=1):
            cells = [_clean(cell) for cell in line]
            if not any(cells):
                continue  # a blank line, or the end-of-file mark
            shape = shape or len(cells)
            try:
                if len(cells) not in _SHAPES or len(cells) != shape:
                    raise ValueError(f"has {len(cells)} columns; the SDN files have 12, 5, 6 or 2")
                if not (cells[0] or "").isdecimal():
                    raise ValueError(f"ent_num: {cells[0]!r} is no number")
                row = _SHAPES[shape](cells)
            except ValueError as error:
                bad.append(
                    Rejected(number, (str(error),), {f"column {place}": cell for place, cell in enumerate(line, 1)})
                )
                continue
            good.append(
                {"list_name": _LIST, "valid_from": published, "publication": published, **row, "_row_number": number}
            )
        if not good and (not bad or shape not in _SHAPES):
            raise BadFile(
                f"{path.name} is none of the SDN files.", "Drop sdn.csv, alt.csv, add.csv or sdn_comments.csv."
            )
        yield from batches("risk_lists", good, tuple(bad), (f"the list counts from {published} on",))


def _encoding(path: Path) -> str:
    """UTF-8 where the file is; the list was Latin-1 for years."""
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _clean(cell: str) -> str | None:
    text = trimmed(cell.replace("\x1a", ""))
    return None if text == _NULL else text


def _entry(cells: Sequence[str | None]) -> dict[str, object]:
    remarks = cells[11] or ""
    born = _BORN.search(remarks)
    programs = [part for part in re.split(r"\]\s*\[|[\[\]]", cells[3] or "") if part.strip()]
    beside = dict(zip(_VESSEL, cells[5:11], strict=True))
    return {
        "entry_id": cells[0],
        "kind": _KINDS.get(cells[2] or "", "entity"),
        "name": cells[1],
        "aliases": _ALIAS.findall(remarks),
        "birth_date": _day(born[1]) if born else None,
        "attributes": _json({"programs": programs, "title": cells[4], **beside, "remarks": cells[11]}),
    }


def _alias(cells: Sequence[str | None]) -> dict[str, object]:
    return {
        "entry_id": f"{cells[0]}:alt:{cells[1]}",
        "kind": "alias",
        "name": cells[3],
        "attributes": _json({"entry": cells[0], "alias_type": cells[2], "remarks": cells[4]}),
    }


def _address(cells: Sequence[str | None]) -> dict[str, object]:
    return {
        "entry_id": f"{cells[0]}:add:{cells[1]}",
        "kind": "address",
        "country": cells[4],
        "attributes": _json({"entry": cells[0], "address": cells[2], "city": cells[3], "remarks": cells[5]}),
    }


def _remarks(cells: Sequence[str | None]) -> dict[str, object]:
    text = cells[1] or ""
    return {
        "entry_id": f"{cells[0]}:remarks",
        "kind": "remarks",
        "aliases": _ALIAS.findall(text),
        "attributes": _json({"entry": cells[0], "remarks": text}),
    }


_SHAPES: Mapping[int, Callable[[Sequence[str | None]], dict[str, object]]] = {
    12: _entry,
    5: _alias,
    6: _address,
    2: _remarks,
}


def _day(text: str) -> str | None:
    try:
        return datetime.strptime(text, "%d %b %Y").date().isoformat()
    except ValueError:
        return None


def _json(held: Mapping[str, object]) -> str:
    return json.dumps({name: value for name, value in held.items() if value}, ensure_ascii=False)


CONNECTOR = OfacSdn()
