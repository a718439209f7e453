"""The data dictionary: every mart and column with its meaning, taken from the models' own YAML."""

import json
from pathlib import Path
from typing import Any

from warehouse.dbt import Dbt
from warehouse.settings import Settings
from warehouse.whole_file import whole_file


def dictionary(dbt: Dbt) -> dict[str, Any]:
    """`schema.mart` → description, owner, columns (name → type and description) and the marts and feeds it is made of, from dbt's manifest."""
    manifest = dbt.parsed()
    marts = [node for node in manifest.nodes.values() if _is_mart(node)]
    return {
        f"{node.schema}.{node.name}": {
            "description": node.description.strip(),
            "owner": node.config.meta.get("owner", ""),
            "columns": {name: column.description.strip() for name, column in node.columns.items()},
            "types": {name: column.data_type for name, column in node.columns.items()},
            "made_of": made_of(manifest, node.unique_id),
        }
        for node in sorted(marts, key=lambda node: (node.schema, node.name))
    }


def made_of(manifest: Any, model: str) -> list[str]:
    """The nearest marts and raw feeds that a model descends from, `schema.name`, whatever staging and intermediate models lie between."""
    found, looked_at, waiting = set[str](), {model}, [model]
    while waiting:
        for parent in manifest.nodes[waiting.pop()].depends_on_nodes:
            if parent in looked_at:
                continue
            looked_at.add(parent)
            node = manifest.nodes.get(parent) or manifest.sources.get(parent)
            if str(node.resource_type) == "source" or _is_mart(node):
                found.add(f"{node.schema}.{node.name}")
            elif str(node.resource_type) == "model":
                waiting.append(parent)
    return sorted(found)


def _is_mart(node: Any) -> bool:
    return str(node.resource_type) == "model" and node.fqn[1] == "marts"


def write_dictionary(settings: Settings, dbt: Dbt) -> Path:
    """Writes `docs/dictionary.json` (read by the pages) and `docs/dictionary.md` (read by people) into the home."""
    content = dictionary(dbt)
    settings.docs.mkdir(parents=True, exist_ok=True)
    machine = settings.docs / "dictionary.json"
    with whole_file(machine) as part:
        part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    lines = ["# Data dictionary", ""]
    for mart, entry in content.items():
        lines += [
            f"## {mart}",
            "",
            entry["description"],
            "",
            f"Owner: {entry['owner']}. Made of: {', '.join(entry['made_of'])}",
            "",
            "| column | type | meaning |",
            "|---|---|---|",
        ]
        lines += [
            f"| {name} | {entry['types'][name]} | {' '.join(text.split()).replace('|', '/')} |"
            for name, text in entry["columns"].items()
        ]
        lines.append("")
    people = settings.docs / "dictionary.md"
    people.write_text("\n".join(lines), encoding="utf-8")
    return people
