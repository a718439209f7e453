"""A simulated home that has grown too old to decide in is young again within a minute of being started."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from apps.approvals.chain import new_id
from apps.approvals.decisions import decide
from apps.approvals.desk import open_desk
from apps.approvals.orders import Answer, Order
from apps.approvals.store import reading
from apps.approvals.subject import find
from apps.cli.first_run import append_days, fill
from warehouse.reader import Reader
from warehouse.settings import Settings

WAITING = "select request_id from operations.fct_withdrawals where status = 'requested' and decision is null order by request_id limit 1"


def approve_first(settings: Settings) -> Answer:
    """What becomes of an approval of the first withdrawal that waits."""
    desk, reader = open_desk(settings), Reader(settings)
    identifier = reader.query(WAITING).item()
    reader.close()
    with reading(desk.engine) as connection:
        seen = find(desk.reader(), connection, "withdrawal", identifier).shown()
    order = Order("approve", "withdrawal", identifier, "ST-07", new_id(), seen=seen, reason_code="checks_passed")
    return decide(desk, order)


@pytest.mark.soak
def test_a_home_filled_days_ago_refuses_a_decision_and_appends_the_days_since_in_a_minute_of_two_cores(
    home: Settings,
) -> None:
    fill(home, deals=3_000, today=datetime.now(UTC).date() - timedelta(days=3))
    refused = approve_first(home)
    assert refused.code == "stale_publish"
    assert "`daybook run`" in refused.said and "`make run` simulates the days since" in refused.said
    started, spent = time.monotonic(), time.process_time()
    append_days(home)
    took, spent = time.monotonic() - started, time.process_time() - spent
    print(f"the days since appended, built and published in {took:.1f} s, {spent:.1f} CPU seconds")
    # what two cores do in a minute; the clock on the wall would judge whatever else runs beside it
    assert spent < 120
    assert approve_first(home).code != "stale_publish"
