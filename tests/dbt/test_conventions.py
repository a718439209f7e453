"""What every dbt model owes the next reader, checked on the manifest that dbt itself parsed."""

import re
from pathlib import Path
from typing import Any

import pytest

from warehouse.dbt import Dbt
from warehouse.engine import make_home
from warehouse.settings import Settings

Node = dict[str, Any]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = Settings(home=tmp_path_factory.mktemp("conventions"))
    make_home(settings)
    return Dbt(settings).parsed().to_dict()


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


@pytest.fixture(scope="module")
def marts(models: list[Node]) -> list[Node]:
    return [node for node in models if node["fqn"][1] == "marts"]


def test_every_mart_has_an_enforced_contract(marts: list[Node]) -> None:
    assert [node["name"] for node in marts if not node["config"]["contract"]["enforced"]] == []


def test_every_column_of_a_mart_has_a_type_and_a_description(marts: list[Node]) -> None:
    bare = [
        f"{node['name']}.{name}"
        for node in marts
        for name, column in node["columns"].items()
        if not column["data_type"] or not column["description"].strip()
    ]
    assert bare == []


def test_every_mart_says_its_grain_and_tests_it(manifest: dict[str, Any], marts: list[Node]) -> None:
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "grain"
    }
    assert [node["name"] for node in marts if "grain" not in node["description"].lower()] == []
    assert [node["name"] for node in marts if node["unique_id"] not in tested] == []


def test_every_mart_has_an_owner(marts: list[Node]) -> None:
    assert [node["name"] for node in marts if not node["config"]["meta"].get("owner")] == []


def test_the_last_column_of_every_mart_is_the_run_that_wrote_it(marts: list[Node]) -> None:
    assert [node["name"] for node in marts if list(node["columns"])[-1:] != ["_run_id"]] == []


def test_money_in_a_mart_is_never_a_float(marts: list[Node]) -> None:
    floats = [
        f"{node['name']}.{name}"
        for node in marts
        for name, column in node["columns"].items()
        if re.search(r"float|double|real", column["data_type"], re.IGNORECASE)
    ]
    assert floats == []


def test_every_model_has_its_yaml_in_its_folder(models: list[Node]) -> None:
    stray = [
        node["name"]
        for node in models
        if not node["patch_path"]
        or Path(node["patch_path"].split("://")[1]).parent != Path(node["original_file_path"]).parent
    ]
    assert stray == []


def test_every_mart_has_its_yaml_under_its_own_name(marts: list[Node]) -> None:
    assert [node["name"] for node in marts if Path(node["patch_path"]).stem != node["name"]] == []


def test_every_model_is_described(models: list[Node]) -> None:
    assert [node["name"] for node in models if not node["description"].strip()] == []


def test_staging_reads_one_source_and_joins_nothing(models: list[Node]) -> None:
    staging = [node for node in models if node["fqn"][1] == "staging"]
    assert [node["name"] for node in staging if len(set(node["depends_on"]["nodes"])) != 1] == []
    assert [
        node["name"] for node in staging if re.search(r"\b(join|group by)\b", node["raw_code"], re.IGNORECASE)
    ] == []


def test_staging_gives_every_column_of_its_feed(models: list[Node]) -> None:
    from ingestion.feeds import FEEDS

    code = {node["name"]: node["raw_code"] for node in models if node["fqn"][1] == "staging"}
    missing = [
        f"{feed}.{column}"
        for feed, contract in FEEDS.items()
        for column in (
            *contract.columns,
            "recorded_at",
            "_load_id",
            "_file_sha256",
            "_row_number",
            "_version",
            "_extra",
        )
        if f"feed_rows.{column}" not in code[f"stg_{feed}"].replace(",", "\n").split()
    ]
    assert missing == []


def test_only_staging_and_what_needs_every_version_reads_raw(models: list[Node], manifest: dict[str, Any]) -> None:
    """A mart that reads raw sees corrections that staging has replaced: it must be able to say why."""
    feeds = {
        key
        for key, one in manifest["sources"].items()
        if one["source_name"] == "raw" and one["name"] not in {"loads", "quarantine"}
    }
    leadership = [
        node["name"]
        for node in models
        if node["fqn"][1] == "marts"
        and node["fqn"][2] in {"leadership", "growth", "core"}
        and feeds & set(node["depends_on"]["nodes"])
    ]
    assert leadership == []


def test_no_model_reads_the_clock(models: list[Node]) -> None:
    """A replay of the loads must give the same rows: now is known_at()."""
    clock = re.compile(r"\b(now\(\)|current_timestamp|current_date|today\(\))", re.IGNORECASE)
    assert [node["name"] for node in models if clock.search(node["raw_code"])] == []


def test_no_left_join_holds_an_or_for_an_open_end(models: list[Node]) -> None:
    """DuckDB makes such a join a nested loop: minutes for what an end in the far future, as an inequality, does in a second."""
    words = r"(?:(?!\b(?:where|group|join|select|qualify|union)\b).)*?"
    nested = re.compile(rf"\bleft join\b{words}\bis null or\b", re.IGNORECASE | re.DOTALL)
    assert [node["name"] for node in models if nested.search(re.sub(r"--.*", "", node["raw_code"]))] == []
