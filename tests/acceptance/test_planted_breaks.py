"""Every planted break is found, classed right and to the cent, and nothing else is reported: seeds that nobody looked at while building."""

import contextlib
import csv
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from apps.pipeline import Source, load
from ingestion.simulator import simulate
from tests.acceptance.planted import FOUND, Found, always_there, planted, spoilt_partner_accounts
from warehouse.build import build
from warehouse.engine import connect, make_home
from warehouse.settings import PROJECT, Settings

DAYS = [date(2026, 5, 5), date(2026, 6, 1), date(2026, 9, 8), date(2026, 11, 20)]
"""The broker that a seed gives depends on the day its data end: a bank holiday, a month's last day, a Monday and a Thursday."""
CLASSES = PROJECT / "dbt_project" / "seeds" / "finance" / "break_classes.csv"


def found_in(settings: Settings) -> Found:
    rows: Found = defaultdict(list)
    with contextlib.closing(connect(settings.build_file, settings, read_only=True)) as connection:
        for reconciliation, kind, reference, amount in connection.execute(FOUND).fetchall():
            named = f"request {reference.split(' ')[0]}" if kind == "line_amount_differs" else reference
            rows[(reconciliation, kind, named)].append(amount)
    return rows


def enough_of_each(wanted: Found, decoys: Found, least: int) -> None:
    """Of every class there is at least so many breaks, and as many decoys."""
    with CLASSES.open(encoding="utf-8", newline="") as lines:
        known = {(row["reconciliation"], row["class"]) for row in csv.DictReader(lines)}
    breaks, near = (Counter(key[:2] for key, amounts in side.items() for _ in amounts) for side in (wanted, decoys))
    for kind in sorted(known):
        print(*kind, breaks[kind], near[kind])
    few = {kind: (breaks[kind], near[kind]) for kind in known if min(breaks[kind], near[kind]) < least}
    assert not few, few


def check(
    root: Path,
    *,
    deals: int,
    seed: int,
    least: int,
    today: date,
    breaks: int | None = None,
    clients: int | None = None,
    partners: int | None = None,
) -> None:
    settings = Settings(home=root)
    make_home(settings)
    told = simulate(
        settings.landing,
        truth=settings.truth,
        deals=deals,
        breaks=breaks,
        seed=seed,
        clients=clients,
        partners=partners,
        today=today,
    )
    # the morning after the last day, whenever the test runs: decoys stand a day before their deadlines
    load(settings, Source(recorded_at=datetime.fromisoformat(list(told.batches.values())[-1])))
    outcome = build(settings, select=["+rec_breaks"], tests=False)
    assert outcome.green, [(node.name, node.message) for node in outcome.failures]
    wanted, decoys = planted(settings.truth), planted(settings.truth, decoys=True)
    for side, more in zip((wanted, decoys), spoilt_partner_accounts(settings, max(least, 4)), strict=True):
        side |= more
    enough_of_each(wanted, decoys, least)
    found = found_in(settings)
    assert {key: sum(found.get(key, [])) for key in wanted} == {key: sum(amounts) for key, amounts in wanted.items()}
    assert not set(decoys) & set(found)
    others = {key for key in found if key not in wanted}
    assert others == consequences(settings, others), others


def consequences(settings: Settings, others: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Of what was found besides: the faults every broker has, and the batch whose deposit its PSP never reported."""
    expected: set[tuple[str, str, str]] = set()
    for fault in always_there(settings.truth):
        names = {str(value) for value in fault.values() if isinstance(value, str)} | {
            str(one) for one in fault.get("logins", [])
        }
        if fault["kind"] == "sweep_late":
            # the first day with something to move, within a weekend with a bank holiday beside it
            since = date.fromisoformat(fault["on_or_after"])
            days = [f"CY:EUR:{since + timedelta(days=after)}" for after in range(5)]
            expected |= set(sorted((key for key in others if key[2] in days), key=lambda key: key[2])[:1])
            continue
        kind = "balance_differs" if fault["kind"] == "platform_balance" else (fault["as"] or ("", ""))[1]
        for key in others:
            named = any(name in key[2] for name in names if len(name) > 6)
            if (kind and key[1] == kind and (named or fault["kind"] == "psp_row_twice")) or (
                fault["kind"] == "psp_row_missing" and key[1] == "settlement_differs" and "-CY-EUR-" in key[2]
            ):
                expected.add(key)
    return expected


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_every_planted_break_is_found_and_nothing_else(tmp_path: Path, today: date) -> None:
    check(tmp_path, deals=1_500, breaks=4, seed=41, clients=150, partners=40, least=1, today=today)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [101, 202, 303])
def test_every_planted_break_is_found_and_nothing_else_at_a_million_deals(tmp_path: Path, seed: int) -> None:
    """As `daybook simulate --deals 1000000` writes it."""
    check(tmp_path, deals=1_000_000, seed=seed, least=20, today=DAYS[0])
