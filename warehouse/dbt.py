"""dbt in this process: the parsed manifest is kept, so that a run of one model costs half a second and not six."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from warehouse.engine import WarehouseError
from warehouse.settings import PROJECT, Settings

DBT_PROJECT = PROJECT / "dbt_project"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class NodeResult:
    """What became of one model, seed or test. `failures` counts the rows a test found; severity is a test's, else ''."""

    name: str
    kind: str
    relation: str
    status: str
    severity: str
    failures: int
    message: str
    seconds: float

    @property
    def failed(self) -> bool:
        """True for what blocks a publish: a model that broke, a test of severity error that found rows, what was skipped for it."""
        return self.status in {"error", "fail", "runtime error", "partial success"}


def project_hash(folder: Path = DBT_PROJECT) -> str:
    """A hash over every model, macro, seed and setting of the dbt project; when it changes, history is rebuilt."""
    import hashlib

    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        built = {"target", "logs", "tests", "docs"} & set(path.relative_to(folder).parts)
        if path.is_file() and path.suffix in {".sql", ".csv", ".yml", ".py"} and not built:
            digest.update(f"{path.relative_to(folder)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


_PARSED: dict[str, Any] = {}
"""Manifests by the project's hash. What dbt knows of the project does not depend on the home, and parsing takes ten seconds."""


@dataclass
class Dbt:
    """The project as it stands when this is made, bound to one build file."""

    settings: Settings
    project: str = field(default_factory=project_hash)
    """The hash of its models, macros, seeds and settings."""

    def run(self, arguments: Sequence[str], progress: Progress = lambda _: None) -> list[NodeResult]:
        """Runs one dbt command (`build`, `run`, …) and gives each node's result; raises WarehouseError when dbt itself could not."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # dbt costs a second to import
        from dbt.cli.main import dbtRunner

        runner = dbtRunner(manifest=self.parsed(), callbacks=[_reporter(progress)])
        try:
            # written out anew for every run, the manifest would cost more than the models; `parse` has written it
            outcome = self._invoke(runner, [*arguments, "--no-write-json"])
        finally:
            DuckDBConnectionManager.close_all_connections()
        return [_node(result) for result in getattr(outcome.result, "results", [])]

    def parsed(self) -> Any:
        """The manifest, parsed once a process and project."""
        if self.project not in _PARSED:
            _PARSED[self.project] = self.parse()
        return _PARSED[self.project]

    def parse(self) -> Any:
        """Reads the project anew and writes manifest.json into the home."""
        from dbt.cli.main import dbtRunner

        return self._invoke(dbtRunner(), ["parse"]).result

    def _invoke(self, runner: Any, arguments: list[str]) -> Any:
        self._environment()
        common = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
        common += ["--target-path", str(self.settings.dbt_target), "--log-path", str(self.settings.logs / "dbt")]
        common += [
            "--log-level",
            "none",
            "--log-level-file",
            "none",
            "--no-use-colors",
            "--no-send-anonymous-usage-stats",
            "--no-populate-cache",  # relations are looked up when a model needs them
        ]
        outcome = runner.invoke([*arguments, *common])
        if outcome.exception is not None:
            raise WarehouseError(f"dbt could not run `{' '.join(arguments)}`: {outcome.exception}")
        return outcome

    def _environment(self) -> None:
        os.environ["DO_NOT_TRACK"] = "1"
        os.environ["DAYBOOK_BUILD_FILE"] = str(self.settings.build_file)
        os.environ["DAYBOOK_BUILD_THREADS"] = str(self.settings.threads or os.cpu_count() or 1)
        os.environ["DAYBOOK_BUILD_MEMORY"] = (
            self.settings.memory_limit or f"{psutil.virtual_memory().total * 7 // 10 // 2**20}MiB"
        )


def _reporter(progress: Progress) -> Callable[[Any], None]:
    def report(event: Any) -> None:
        if event.info.name in {"LogStartLine", "LogModelResult", "LogSeedResult"}:
            data = event.data
            name = getattr(data, "description", "").split(" ")[-1]
            if event.info.name == "LogStartLine" and getattr(data, "total", 0):
                progress(f"{data.index} of {data.total}: {name}")

    return report


def _node(result: Any) -> NodeResult:
    node = result.node
    kind = str(node.resource_type)
    attached = getattr(node, "attached_node", None) or (
        node.depends_on_nodes[-1] if kind == "test" and node.depends_on_nodes else ""
    )
    severity = str(node.config.severity).lower() if kind == "test" else ""
    return NodeResult(
        name=node.name,
        kind=kind,
        relation=attached.split(".")[-1] if attached else f"{node.schema}.{node.name}",
        status=str(result.status),
        severity=severity,
        failures=int(result.failures or 0),
        message=(result.message or "").strip(),
        seconds=round(result.execution_time, 3),
    )
