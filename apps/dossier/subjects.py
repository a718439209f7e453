"""What a dossier can be asked of: subjects.yml, read once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class SubjectKind:
    """A row of subjects.yml; its comments say what each field means."""

    name: str
    label: str
    subject: list[str]
    nearest: list[str]
    decided_as: str
    decided_types: list[str]
    streams: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
    id_parts: list[str] = field(default_factory=list)
    cash: bool = False
    before_the_event: bool = False
    whole_client: bool = False
    at_its_own_time: bool = False
    only_key: str = ""

    def parts(self, subject_id: str) -> dict[str, Any]:
        """The id by its parts; a number is one. Empty parts where the id has too few."""
        if not self.id_parts:
            return {}
        *names, last = self.id_parts
        head, _, tail = subject_id.rpartition(":")
        values = dict(zip(names, head.split(":", len(names) - 1), strict=False)) | {last: tail}
        return {name: _number(values.get(name, "")) for name in self.id_parts}


def _number(text: str) -> int | str | None:
    return int(text) if text.isascii() and text.isdigit() else text or None


@cache
def kinds() -> dict[str, SubjectKind]:
    """Every subject by name, in the order of the file."""
    said = yaml.safe_load((Path(__file__).parent / "subjects.yml").read_text(encoding="utf-8"))
    return {name: SubjectKind(name, **row) for name, row in said.items()}


def filled(template: str, fields: Mapping[str, Any]) -> str | None:
    """The template with the fields of the subject's row; None where one of them is not there."""
    try:
        values = {name: value for name, value in fields.items() if value is not None}
        return template.format_map(values)
    except KeyError:
        return None
