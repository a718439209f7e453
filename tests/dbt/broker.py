"""A broker written by hand, row by row: batches go through the real loader, models through the real dbt."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps import pipeline
from warehouse.build import build
from warehouse.dbt import Dbt
from warehouse.engine import connect
from warehouse.publish import publish
from warehouse.settings import Settings

Row = dict[str, Any]


@dataclass
class Broker:
    """One home. `learn` loads a batch at a stated moment; `build` runs the selected models, one step a batch."""

    settings: Settings
    dbt: Dbt
    files: int = field(default=0)

    def learn(self, recorded_at: str, **feeds: Sequence[Row]) -> None:
        """Loads the rows of each feed in one call, known from `recorded_at` (UTC)."""
        paths = []
        for feed, rows in feeds.items():
            self.files += 1
            path = self.settings.landing / feed / f"{self.files:04d}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            paths.append(path)
        source = pipeline.Source(
            paths=tuple(paths), recorded_at=datetime.fromisoformat(recorded_at).replace(tzinfo=UTC)
        )
        outcomes = pipeline.load(self.settings, source)
        refused = [one for one in outcomes if one.rows_quarantined or one.status != "loaded"]
        assert not refused, refused

    def build(self, *models: str, tests: bool = True) -> None:
        """Builds the models with all they need, and tests them; every batch since the last build is a step."""
        outcome = build(self.settings, select=[f"+{model}" for model in models], tests=tests)
        assert outcome.green, [(node.name, node.message) for node in outcome.failures]

    def check(self, *tests: str) -> None:
        """Runs these data tests alone."""
        nodes = self.dbt.run(["test", "--select", *tests])
        assert nodes and not [node for node in nodes if node.failed], [(node.name, node.message) for node in nodes]

    def rebuild(self, *models: str) -> None:
        """The same in one pass over everything loaded."""
        nodes = self.dbt.run(["run", "--full-refresh", "--select", *[f"+{model}" for model in models]])
        assert not [node for node in nodes if node.failed], [(node.name, node.message) for node in nodes if node.failed]

    def publish(self) -> None:
        """Makes the last build what readers see: the models selected are the whole of this broker's warehouse."""
        with contextlib.closing(connect(self.settings.build_file, self.settings)) as connection:
            connection.execute(
                "update control.runs set status = 'green' where run_id = (select max(run_id) from control.runs)"
            )
        assert publish(self.settings) is not None

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query over the build file gives."""
        with contextlib.closing(connect(self.settings.build_file, self.settings)) as connection:
            return connection.execute(sql, list(parameters)).fetchall()


def new_broker(root: Path) -> Broker:
    """An empty broker in a folder of its own."""
    from warehouse.engine import make_home

    settings = Settings(home=root)
    make_home(settings)
    with pipeline.raw_connection(settings):
        pass
    return Broker(settings, Dbt(settings))
