"""The systems Daybook reads. A connector is a module here with `CONNECTOR` or `CONNECTORS`, or a YAML file; nothing registers it."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from ingestion.connectors.base import BadFile, Batch, Connector, Rejected

__all__ = ["BadFile", "Batch", "Connector", "Rejected", "connectors", "guess"]

HEAD = 64 * 1024


@cache
def connectors() -> Mapping[str, Connector]:
    """Every connector by name, in name order. Raises ValueError when two have one name."""
    found: dict[str, Connector] = {}
    for connector in _discovered():
        if connector.name in found:
            raise ValueError(f"Two connectors are called {connector.name}; rename one.")
        found[connector.name] = connector
    return MappingProxyType(dict(sorted(found.items())))


def guess(path: Path) -> list[Connector]:
    """The connectors that say this file is theirs beyond doubt; a caller loads it only when there is exactly one."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    return [connector for connector in connectors().values() if connector.recognises(path, head)]


def _discovered() -> Iterator[Connector]:
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        if hasattr(module, "CONNECTOR"):
            yield module.CONNECTOR
        yield from getattr(module, "CONNECTORS", ())
        if hasattr(module, "load_yaml_connectors"):
            yield from module.load_yaml_connectors()
