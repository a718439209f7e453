"""The data dictionary: every mart and column with its meaning, taken from the models' own YAML."""

import json
from pathlib import Path
from typing import Any

from warehouse.dbt import Dbt
from warehouse.settings import Settings
from warehouse.whole_file import whole_file


def dictionary(dbt: Dbt) -> dict[str, Any]:
    """`schema.mart` → description, owner and columns (name → type and description), from dbt's parsed manifest."""
    nodes = dbt.parsed().nodes.values()
    marts = [node for node in nodes if str(node.resource_type) == "model" and node.fqn[1] == "marts"]
    return {
        f"{node.schema}.{node.name}": {
            "description": node.description.strip(),
            "owner": node.config.meta.get("owner", ""),
            "columns": {name: column.description.strip() for name, column in node.columns.items()},
            "types": {name: column.data_type for name, column in node.columns.items()},
        }
        for node in sorted(marts, key=lambda node: (node.schema, node.name))
    }


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
            f"Owner: {entry['owner']}",
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
