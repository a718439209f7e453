"""What all pages share in one run: settings, viewer, the publish, its reader, and cached reads keyed by publish and role."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import streamlit as st

from apps.access.identity import STAFF, Directory, staff_by_email
from apps.dashboard.queries import common
from apps.dashboard.viewer import Viewer
from warehouse import lake
from warehouse.engine import WarehouseError
from warehouse.reader import OPERATOR, Reader, access
from warehouse.settings import Settings

ROLES = 11  # with the operator
REMOTE_POLL_SECONDS = 10
"""How old the answer may be where the catalog is a server, whose change no file shows."""
SHOWN_ROWS = 5_000
"""More rows than this are never sent to a browser; the export holds all of them."""


@dataclass(frozen=True)
class Frame:
    """One run of the script for one viewer at one publish. `reader` is None while nothing is published."""

    settings: Settings
    viewer: Viewer
    publish: lake.Publish | None
    reader: Reader | None

    def read(self, query: Callable[..., pl.DataFrame], *arguments: Any) -> pl.DataFrame:
        """The frame that `query(reader, *arguments)` gives, remembered for this publish and this role."""
        if self.reader is None or self.publish is None:
            raise WarehouseError("Nothing is published yet. Run `daybook run`.")
        name = f"{query.__module__}.{query.__qualname__}"
        return _remembered(
            str(self.settings.root), self.publish.publish_id, self.viewer.role, name, arguments, query, self.reader
        )

    def loaded(self, mart: str) -> bool:
        """Whether the publish holds any row of the mart at all."""
        return self.publish is not None and int(self.publish.tables.get(mart, {}).get("rows", 0)) > 0

    def granted(self, mart: str) -> bool:
        """Whether this role may read the mart (when it is published)."""
        return self.reader is not None and mart in self.reader.marts

    @property
    def as_of(self) -> datetime | None:
        return self.publish.latest_event_at if self.publish else None

    @property
    def last_day(self) -> date:
        """The newest broker day with an event; filters count back from it, never from the visitor's clock."""
        if self.publish is None:
            return datetime.now(UTC).date()
        loaded = (self.publish.loaded_at or self.publish.published_at).date()
        seen = [self.as_of.date()] if self.as_of else []
        newest = self.read(common.newest_day)["day"][0]
        # an event cannot be newer than its load, whatever its source's clock says
        return max([day for day in (*seen, newest) if day is not None and day <= loaded], default=loaded)

    @property
    def last_recorded_day(self) -> date:
        """The day of the newest load, for pages that count files."""
        return (
            (self.publish.loaded_at or self.publish.published_at).date() if self.publish else datetime.now(UTC).date()
        )


def open_frame(viewer: Viewer) -> Frame:
    """The frame of this run, at the newest publish."""
    settings = Settings()
    publish = current_publish(settings)
    reader = _reader(str(settings.root), publish.publish_id, viewer.role, settings) if publish else None
    return Frame(settings, viewer, publish, reader)


def current_publish(settings: Settings) -> lake.Publish | None:
    """The publish that readers see now; None before the first one. Cheap enough to be asked every few seconds by every session."""
    if not lake.exists(settings):
        return None
    return _current(str(settings.root), _stamp(settings), settings)


def operator_reader(settings: Settings) -> Reader | None:
    """The newest publish unmasked: for staff records and decisions, never for what a page shows. None before the first publish."""
    publish = current_publish(settings)
    return _reader(str(settings.root), publish.publish_id, OPERATOR, settings) if publish else None


def directory(settings: Settings) -> Directory:
    """The newest staff records by e-mail; empty where none are published."""
    publish = current_publish(settings)
    if publish is None or not publish.tables.get(STAFF):
        return {}
    return _staff(str(settings.root), publish.publish_id, settings)


def warm(frame: Frame, publish: lake.Publish) -> None:
    """Opens the readers of a publish that the frame's viewer needs, so that showing it does not wait."""
    _reader(str(frame.settings.root), publish.publish_id, frame.viewer.role, frame.settings)
    directory(frame.settings)


def _stamp(settings: Settings) -> tuple[int, ...]:
    """Changes whenever something is published: reading the catalog itself would cost half a second each time."""
    if settings.lake_catalog:
        return (int(time.time() // REMOTE_POLL_SECONDS),)
    files = (settings.lake / "catalog.sqlite", settings.lake / "catalog.sqlite-wal")
    found = [file.stat() for file in files if file.exists()]
    return tuple(number for stat in found for number in (stat.st_mtime_ns, stat.st_size))


@st.cache_data(max_entries=8, show_spinner=False)
def _current(home: str, stamp: tuple[int, ...], _settings: Settings) -> lake.Publish | None:
    try:
        return lake.current(_settings)
    except WarehouseError:
        return None


def last_run(settings: Settings) -> dict[str, Any]:
    """What the pipeline last wrote about itself: run_id, status, finished_at, message; empty before the first run."""
    path = settings.root / "build" / "last_run.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def roles_with(page: str) -> list[str]:
    """The roles that may open the page, for saying so to those who may not."""
    return [role for role, rules in access()["roles"].items() if page in rules.get("pages", [])]


# two publishes a role: the one on screen and the one before it, for sessions that have not rerun yet
@st.cache_resource(max_entries=2 * ROLES, show_spinner=False)
def _reader(home: str, publish_id: int, role: str, _settings: Settings) -> Reader:
    return Reader(_settings, role=role, publish_id=publish_id)


@st.cache_data(max_entries=4, show_spinner=False)
def _staff(home: str, publish_id: int, _settings: Settings) -> Directory:
    return staff_by_email(_reader(home, publish_id, OPERATOR, _settings))


@st.cache_data(max_entries=500, show_spinner=False)
def _remembered(
    home: str,
    publish_id: int,
    role: str,
    name: str,
    arguments: tuple[Any, ...],
    _query: Callable[..., pl.DataFrame],
    _reader: Reader,
) -> pl.DataFrame:
    return _query(_reader, *arguments)
