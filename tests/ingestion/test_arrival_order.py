"""Order does not matter where `source_version` decides: any split, order and batch size gives the same latest state."""

import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingestion.landing import Landing, as_csv, as_jsonl, deal, opened
from warehouse.engine import make_home
from warehouse.settings import Settings

LATEST = """
    select deal_id, source_version, profit from raw.deals
    qualify row_number() over (partition by platform, deal_id order by source_version desc) = 1
    order by deal_id
"""
VERSIONS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), min_size=1, max_size=25)


def loaded(files: list[list[dict]], batch_rows: int) -> tuple[list, list, int]:
    """The latest state, every distinct content of each key, and the number of rows read, after loading the files in this order."""
    with tempfile.TemporaryDirectory() as folder:
        home = Settings(home=Path(folder), batch_rows=batch_rows)
        make_home(home)
        landing = opened(home)
        try:
            for number, rows in enumerate(files):
                landing.put(
                    f"deals/{number:03}.{'csv' if number % 2 else 'jsonl'}",
                    as_csv(rows) if number % 2 else as_jsonl(rows),
                )
            outcomes = landing.ingest()
            for outcome in outcomes:
                assert outcome.rows_read == outcome.rows_loaded + outcome.rows_duplicate + outcome.rows_quarantined
            return (
                landing.rows(LATEST),
                landing.rows("select deal_id, source_version, profit from raw.deals order by all"),
                arrived(landing),
            )
        finally:
            landing.connection.close()


def arrived(landing: Landing) -> int:
    """Keys whose versions are not numbered 1, 2, 3 ... by arrival."""
    return landing.one(
        """
        select count(*) from (
            select _version, row_number() over (partition by deal_id order by _load_id, _row_number) as expected from raw.deals
        ) where _version <> expected
        """
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sent=VERSIONS, data=st.data())
def test_the_same_rows_in_any_order_split_any_way_give_the_same_latest_state(
    sent: list[tuple[int, int]], data: st.DataObject
) -> None:
    rows = [
        deal(deal_id=str(key), source_version=str(version), profit=str(key * 10 + version)) for key, version in sent
    ]
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(rows)), max_size=4)) | {0, len(rows)})
    split = [part for start, end in pairwise(cuts) if (part := shuffled[start:end])]
    assert loaded(split, data.draw(st.integers(1, 7))) == loaded([rows], 1000)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sent=st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from("ABC"), st.sampled_from(["", "1", "2"])), min_size=1, max_size=30
    ),
    data=st.data(),
)
def test_the_set_logic_equals_the_rule_read_row_by_row(sent: list[tuple[int, str, str]], data: st.DataObject) -> None:
    expected: dict[int, list[tuple[str, str]]] = {}
    for key, content, stamp in sent:
        versions = expected.setdefault(key, [])
        if stamp:
            duplicate = (content, stamp) in versions
        else:
            unstamped = [one for one in versions if not one[1]]
            duplicate = bool(unstamped) and unstamped[-1][0] == content
        if not duplicate:
            versions.append((content, stamp))
    rows = [deal(deal_id=str(key), comment=content, source_version=stamp) for key, content, stamp in sent]
    with tempfile.TemporaryDirectory() as folder:
        home = Settings(home=Path(folder), batch_rows=data.draw(st.integers(1, 8)))
        make_home(home)
        landing = opened(home)
        cut = data.draw(st.integers(0, len(rows)))
        for number, part in enumerate((rows[:cut], rows[cut:])):
            if part:
                landing.put(f"deals/{number}.csv", as_csv(part))
        landing.ingest()
        found = landing.rows(
            "select deal_id, list((comment, coalesce(source_version::varchar, '')) order by _version) from raw.deals group by 1"
        )
        landing.connection.close()
    assert {key: [tuple(one) for one in versions] for key, versions in found} == expected
