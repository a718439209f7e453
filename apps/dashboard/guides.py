"""The guide of a role: one page of Markdown a role, docs/guide/<role>.md, shown from the head of every page."""

from functools import cache

from warehouse.settings import PROJECT

FOLDER = PROJECT / "docs" / "guide"


@cache
def guide(role: str) -> str | None:
    """The guide's text without its title; None for a role that has none."""
    path = FOLDER / f"{role}.md"
    return path.read_text(encoding="utf-8").split("\n", 1)[1].strip() if path.is_file() else None
