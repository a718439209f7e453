"""Each dbt model is an asset and each dbt test a check, built in this process by the same function as `daybook build`."""

from collections.abc import Iterator

import dagster as dg
from dagster_dbt import build_dbt_asset_specs
from dagster_dbt.asset_utils import default_asset_key_fn

from apps import pipeline
from orchestration.assets.feeds import WRITER
from orchestration.manifest import manifest, tests
from warehouse.settings import Settings


def specs() -> list[dg.AssetSpec]:
    """What a run does not touch is not materialised."""
    return [spec.replace_attributes(skippable=True) for spec in build_dbt_asset_specs(manifest=manifest())]


def check_specs() -> list[dg.AssetCheckSpec]:
    """A check of severity error blocks: nothing downstream, the publish least of all, runs on its failure."""
    nodes = manifest()["nodes"]
    return [
        dg.AssetCheckSpec(
            name=test["name"],
            asset=default_asset_key_fn(nodes[test["attached_node"]]),
            blocking=test["config"]["severity"].lower() == "error",
        )
        for test in tests()
        if test["attached_node"] in nodes
    ]


@dg.multi_asset(specs=specs(), check_specs=check_specs(), can_subset=True, pool=WRITER, name="build_models")
def build_models(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Builds what the new loads touch, checks it, and publishes when no blocking check failed."""
    outcome = pipeline.build_and_publish(Settings(), progress=context.log.debug)
    built = outcome.build
    assert built is not None
    keys = {node["name"]: default_asset_key_fn(node) for node in manifest()["nodes"].values()}
    attached = {test["name"]: test["attached_node"] for test in tests()}
    nodes = manifest()["nodes"]
    models = {node.name: node for node in built.nodes if node.kind in {"model", "seed"} and node.status == "success"}
    for name, node in models.items():
        yield dg.MaterializeResult(asset_key=keys[name], metadata={"seconds": node.seconds, "run_id": built.run_id})
    for check in built.checks:
        if check.name in attached and attached[check.name] in nodes:
            yield dg.AssetCheckResult(
                asset_key=default_asset_key_fn(nodes[attached[check.name]]),
                check_name=check.name,
                passed=check.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if check.severity == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata={"rows": check.failures, "message": check.message},
            )
    if not built.green:
        raise dg.Failure(
            f"Run {built.run_id} is red: {'; '.join(node.name for node in built.failures)}. Readers keep the previous publish."
        )


defs = dg.Definitions(assets=[build_models])
