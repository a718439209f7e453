"""Publishing: atomic, by delta, compared on both sides, and never a red run."""

import threading
from decimal import Decimal

import pytest

from tests.warehouse.conftest import TinyWarehouse
from warehouse import lake
from warehouse.engine import WarehouseError
from warehouse.publish import publish
from warehouse.reader import Reader


def amounts(reader: Reader) -> dict[str, Decimal]:
    return dict(reader.query("select client_id, amount from core.dim_clients order by 1").iter_rows())


def test_the_first_publish_writes_every_mart_whole(tiny: TinyWarehouse):
    outcome = publish(tiny.settings)
    assert outcome is not None and outcome.rows_written == 4
    assert outcome.publish.tables["core.dim_clients"] == {"rows": "2", "amount": "30.50000000"}
    assert amounts(Reader(tiny.settings)) == {"c1": Decimal("10.5"), "c2": Decimal("20")}


def test_a_publish_without_a_new_run_does_nothing(tiny: TinyWarehouse):
    publish(tiny.settings)
    assert publish(tiny.settings) is None
    assert len(lake.publishes(tiny.settings)) == 1


def test_a_delta_replaces_touched_keys_and_appends_new_rows(tiny: TinyWarehouse):
    publish(tiny.settings)
    tiny.run(
        2,
        "delete from core.dim_clients where client_id = 'c1'",
        "insert into core.dim_clients values ('c1', 'Ann', 'p1', 11, 2), ('c3', 'Cid', null, 1, 2)",
        "insert into finance.fct_postings values ('e2', 7, 2), ('e2', -7, 2)",
    )
    outcome = publish(tiny.settings)
    assert outcome is not None and outcome.rows_written == 4 and outcome.fell_back == ()
    assert amounts(Reader(tiny.settings)) == {"c1": Decimal(11), "c2": Decimal(20), "c3": Decimal(1)}


def test_a_delta_that_disagrees_with_the_build_is_published_whole_and_says_so(tiny: TinyWarehouse):
    publish(tiny.settings)
    # a row changed without its run: the delta cannot see it, the control total does
    tiny.run(2, "update core.dim_clients set amount = 99 where client_id = 'c2'")
    outcome = publish(tiny.settings)
    assert outcome is not None and outcome.fell_back == ("core.dim_clients",)
    assert amounts(Reader(tiny.settings))["c2"] == Decimal(99)


def test_of_a_mart_that_every_run_makes_anew_only_the_rows_that_came_or_went_are_written(tiny: TinyWarehouse):
    replaced = "update control.models set publish_mode = 'replace', full_run_id = run_id where model = 'dim_clients'"
    tiny.execute(replaced)
    publish(tiny.settings)
    tiny.run(
        2,
        "update core.dim_clients set _run_id = 2",
        "delete from core.dim_clients where client_id = 'c1'",
        "insert into core.dim_clients values ('c3', null, null, 1, 2)",
    )
    tiny.execute(replaced)
    outcome = publish(tiny.settings)
    assert outcome is not None and outcome.rows_written == 1 and outcome.fell_back == ()
    assert amounts(Reader(tiny.settings)) == {"c2": Decimal(20), "c3": Decimal(1)}


def test_a_red_run_is_never_published_and_the_previous_one_stays(tiny: TinyWarehouse):
    publish(tiny.settings)
    tiny.run(2, "insert into finance.fct_postings values ('e2', 1, 2)", status="red")
    assert publish(tiny.settings) is None
    assert Reader(tiny.settings).query("select sum(amount) as total from finance.fct_postings")["total"][0] == 0


def test_a_reader_keeps_its_publish_while_newer_ones_appear(tiny: TinyWarehouse):
    publish(tiny.settings)
    before = Reader(tiny.settings)
    tiny.run(2, "update core.dim_clients set amount = 1, _run_id = 2")
    publish(tiny.settings)
    assert sum(amounts(before).values()) == Decimal("30.5")
    assert sum(amounts(Reader(tiny.settings)).values()) == Decimal(2)


def test_a_rollback_points_readers_back_until_the_next_publish(tiny: TinyWarehouse):
    first = publish(tiny.settings)
    tiny.run(2, "update core.dim_clients set amount = 1, _run_id = 2")
    publish(tiny.settings)
    assert first is not None
    lake.rollback(tiny.settings, first.publish.publish_id)
    assert sum(amounts(Reader(tiny.settings)).values()) == Decimal("30.5")
    tiny.run(3, "update core.dim_clients set amount = 2, _run_id = 3")
    publish(tiny.settings)
    assert sum(amounts(Reader(tiny.settings)).values()) == Decimal(4)


def test_a_rollback_to_an_unknown_publish_names_those_that_exist(tiny: TinyWarehouse):
    publish(tiny.settings)
    with pytest.raises(WarehouseError, match="There is no publish 77; the newest are 1"):
        lake.rollback(tiny.settings, 77)


def test_readers_never_fail_nor_see_a_mixture_over_twenty_publishes(tiny: TinyWarehouse):
    publish(tiny.settings)
    problems: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                reader = Reader(tiny.settings)
                client, posting = reader.query(
                    "select (select max(_run_id) from core.dim_clients), (select max(_run_id) from finance.fct_postings)"
                ).row(0)
                if client != posting:
                    problems.append((client, posting))
                reader.close()
            except Exception as error:  # any error at all is a finding
                problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for run in range(2, 22):
        tiny.run(
            run,
            f"update core.dim_clients set _run_id = {run}",
            f"insert into finance.fct_postings values ('e{run}', 0, {run})",
        )
        assert publish(tiny.settings) is not None
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
