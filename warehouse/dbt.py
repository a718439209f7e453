"""dbt in this process: the parsed manifest is kept, so that a run of one model costs half a second and not six."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from warehouse.engine import WarehouseError
from warehouse.settings import PROJECT, Settings

DBT_PROJECT = PROJECT / "dbt_project"
TARGET = DBT_PROJECT / "target"
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
"""Manifests by the project's hash: what dbt knows of the project does not depend on the home."""


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

        memory = self.settings.memory_limit or f"{psutil.virtual_memory().total * 7 // 10 // 2**20}MiB"
        runner = dbtRunner(manifest=self.parsed(), callbacks=[_reporter(progress)])
        _environment(self.settings.build_file, self.settings.threads or os.cpu_count() or 1, memory)
        try:
            # written out anew for every run, the manifest would cost more than the models; `parse` has written it
            outcome = self._invoke(runner, [*arguments, "--no-write-json"], self.settings.dbt_target)
        finally:
            DuckDBConnectionManager.close_all_connections()
        return [_node(result) for result in getattr(outcome.result, "results", [])]

    def parsed(self) -> Any:
        """The manifest, parsed once a process and project."""
        if self.project not in _PARSED:
            _PARSED[self.project] = self.parse()
        return _PARSED[self.project]

    @property
    def manifest_file(self) -> Path:
        """The parsed project as JSON, there after the first `parse` of the project as it stands; in the home where the checkout cannot be written."""
        shared = TARGET if os.access(DBT_PROJECT, os.W_OK) else self.settings.dbt_target / "parsed"
        return shared / self.project[:16] / "manifest.json"

    def parse(self) -> Any:
        """The manifest by dbt's partial parsing: seventeen seconds for the first home of a checkout, two for every other one."""
        from dbt.cli.main import dbtRunner

        folder = self.manifest_file.parent
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / "parse.lock"):
            for other in folder.parent.iterdir():
                if other.is_dir() and other != folder:
                    shutil.rmtree(other)
            _environment(
                folder.parent / self.settings.build_file.name, 1, "1GB"
            )  # another environment would be parsed anew
            return self._invoke(dbtRunner(), ["parse"], folder).result

    def _invoke(self, runner: Any, arguments: list[str], target: Path) -> Any:
        common = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
        common += ["--target-path", str(target), "--log-path", str(self.settings.logs / "dbt")]
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


def _environment(build_file: Path, threads: int, memory: str) -> None:
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["DAYBOOK_BUILD_FILE"] = str(build_file)
    os.environ["DAYBOOK_BUILD_THREADS"] = str(threads)
    os.environ["DAYBOOK_BUILD_MEMORY"] = memory


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
