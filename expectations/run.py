"""Runs the owners' suites on pandas extracts of the build and writes Data Docs that need no outside host."""

import html
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from expectations.suites import Suite, suites


@dataclass(frozen=True)
class Expectation:
    """One expectation's outcome; `observed` is what was seen, in words."""

    suite: str
    owner: str
    relation: str
    name: str
    passed: bool
    observed: str


def run_suites(connection: duckdb.DuckDBPyConnection, docs: Path) -> list[Expectation]:
    """Validates every suite on its extract and writes one page a suite into `docs`. Warns, never blocks: these are facts."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # this module alone sets its own level, and tells everyone where its temporary folder lies
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("extracts")
    outcomes: list[Expectation] = []
    for suite in suites():
        asset = source.add_dataframe_asset(suite.expectations.name)
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch(
            {"dataframe": connection.execute(suite.extract).df()}
        )
        result = batch.validate(suite.expectations)
        found = [_outcome(suite, one) for one in result.results]
        _write_docs(docs / f"{suite.expectations.name}.html", suite, found)
        outcomes += found
    return outcomes


def _outcome(suite: Suite, result: Any) -> Expectation:
    config = result.expectation_config
    kwargs = {name: value for name, value in config.kwargs.items() if name != "batch_id"}
    what = config.type.removeprefix("expect_").replace("_", " ")
    limits = ", ".join(f"{name} {value}" for name, value in kwargs.items() if name != "column" and value is not None)
    name = " ".join(part for part in (kwargs.get("column"), what, f"({limits})" if limits else "") if part)
    seen = result.result or {}
    observed = seen.get("observed_value", seen.get("unexpected_count"))
    error = (result.exception_info or {}).get("exception_message") if isinstance(result.exception_info, dict) else None
    return Expectation(
        suite.expectations.name, suite.owner, suite.relation, name, bool(result.success), str(error or observed)
    )


def _write_docs(path: Path, suite: Suite, outcomes: list[Expectation]) -> None:
    rows = "".join(
        f"<tr class={'ok' if one.passed else 'no'}><td>{'✓' if one.passed else '✗'}<td>{html.escape(one.name)}<td>{html.escape(one.observed)}"
        for one in outcomes
    )
    passed = sum(one.passed for one in outcomes)
    page = f"""<!doctype html><html lang=en><meta charset=utf-8>
<title>{suite.expectations.name}: what {suite.owner} expects</title>
<style>body{{font:16px system-ui;margin:3rem auto;max-width:60rem}}
td{{padding:.3rem 1rem;border-bottom:1px solid #ddd}}.no{{background:#fdecd8}}</style>
<h1>{suite.expectations.name}</h1><p>Owner: {suite.owner}. Extract of <code>{suite.relation}</code>, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.
<b>{passed} of {len(outcomes)}</b> expectations met.</p><table><tr><th><th align=left>expectation<th align=left>observed</tr>{rows}</table>
<h2>Extract</h2><pre>{html.escape(suite.extract.strip())}</pre></html>"""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
