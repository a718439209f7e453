"""The operational store on both databases: one schema, append-only where it must be, one writer at a time."""

import os
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from apps.approvals import tables
from apps.approvals.chain import SYSTEM, Event, append, now
from apps.approvals.store import HEAD, StoreError, open_store, reading, writing
from warehouse.settings import PROJECT, Settings


def event(number: int = 0) -> Event:
    return Event("test.happened", SYSTEM, "withdrawal", f"w{number}", after={"number": number})


def test_the_migrated_schema_is_the_one_in_tables(fresh_settings):
    inspector = sa.inspect(open_store(fresh_settings))
    assert set(inspector.get_table_names()) - {"alembic_version"} == set(tables.metadata.tables)
    for name, table in tables.metadata.tables.items():
        found = {column["name"]: column for column in inspector.get_columns(name)}
        assert list(found) == [column.name for column in table.columns], name
        assert {one for one, column in found.items() if not column["nullable"]} == {
            column.name for column in table.columns if not column.nullable
        }, name
        assert set(inspector.get_pk_constraint(name)["constrained_columns"]) == {c.name for c in table.primary_key}, (
            name
        )
        indexed = {one["name"]: (one["column_names"], bool(one["unique"])) for one in inspector.get_indexes(name)}
        for index in table.indexes:
            assert indexed[index.name] == ([column.name for column in index.columns], bool(index.unique)), index.name


def test_a_store_opened_again_is_not_migrated_again(fresh_settings, monkeypatch):
    engine = open_store(fresh_settings)
    monkeypatch.setattr("apps.approvals.store.migrate", lambda *_: pytest.fail("migrated twice"))
    assert open_store(fresh_settings) is engine


def test_several_that_open_a_new_store_at_once_migrate_it_once(fresh_settings):
    failures: list[Exception] = []

    def start() -> None:
        try:
            open_store(fresh_settings)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with reading(open_store(fresh_settings)) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.chain_head)).scalar_one() == 1


def test_stores_that_threads_of_one_process_open_at_once_are_each_migrated_once(tmp_path):
    """Alembic keeps the connection it works on in a variable of the process; a store must not be made on another's."""
    homes = [Settings(home=tmp_path / f"home{number}") for number in range(6)]
    barrier, failures = threading.Barrier(2 * len(homes)), []

    def start(settings: Settings) -> None:
        barrier.wait()
        try:
            open_store(settings)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(one,)) for one in homes * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for one in homes:
        with reading(open_store(one)) as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(tables.chain_head)).scalar_one() == 1
        open_store(one).dispose()


def test_processes_that_open_a_new_store_at_once_migrate_it_once(tmp_path):
    opening = "import sys; from apps.approvals.store import open_store; from warehouse.settings import Settings\n"
    opening += "sys.stdin.readline(); open_store(Settings())"
    environment = {**os.environ, "DAYBOOK_HOME": str(tmp_path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", opening], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=PROJECT)
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, said
    with reading(open_store(Settings(home=tmp_path))) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.chain_head)).scalar_one() == 1


def test_a_store_newer_than_the_program_is_refused_with_a_word(fresh_settings):
    engine = open_store(fresh_settings)
    with writing(engine) as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StoreError, match="newer than this program knows"):
        open_store(fresh_settings)
    with writing(engine) as connection:
        connection.execute(sa.text("update alembic_version set version_num = :head"), {"head": HEAD})


def test_an_unreachable_server_is_named_without_its_password():
    with pytest.raises(StoreError, match="DAYBOOK_OPS_URL") as refused:
        open_store(Settings(ops_url="postgresql+psycopg://u:geheim@127.0.0.1:1/x"))  # type: ignore[arg-type]
    assert "geheim" not in str(refused.value)


def _one_row_each(connection: sa.Connection) -> None:
    """One row in every append-only table."""
    subject = {"subject_type": "withdrawal", "subject_id": "w1"}
    at = now()
    append(connection, [event()])
    decision = {
        **{
            "decision_id": "d",
            "round": 1,
            "step": 1,
            "decision": "approve",
            "final": True,
            "actor_id": "s",
            "decided_at": at,
        },
        **{"actor_role": "payments", "person_key": "p", "maker_person": "m", "reason_code": "ok", "policy_id": "x"},
        **{
            "policy_version": 1,
            "publish_id": 1,
            "publish_age_seconds": 1,
            "facts_hash": "f",
            "event_seq": 1,
            **subject,
        },
    }
    result = {
        "event_seq": 1,
        "check_name": "c",
        "version": "1",
        "result": "pass",
        "inputs": {},
        "said": "",
        "ran_at": at,
    }
    proposal = {"revision": 1, "maker_id": "s", "maker_person": "p", "payload": {}, "payload_hash": "h", "event_seq": 1}
    policy = {"policy_id": "p", "version": 1, "subject_type": "x", "valid_from": at, "body": {}, "body_hash": "h"}
    delivery = {"outbox_id": "o", "attempt": 1, "destination": "d", "outcome": "delivered"}
    rows = {
        "decisions": decision,
        "check_results": {**result, **subject},
        "proposals": {**proposal, **subject, "proposed_at": at},
        "policies": {**policy, "recorded_at": at, "event_seq": 1},
        "idempotency": {"key": "k", "request_hash": "h", "actor_id": "a", "answer": {}, "answered_at": at},
        "deliveries": {**delivery, "started_at": at, "finished_at": at},
    }
    for name, row in rows.items():
        connection.execute(sa.insert(tables.metadata.tables[name]), row)


@pytest.mark.parametrize("name", tables.APPEND_ONLY)
def test_what_is_append_only_cannot_be_updated_deleted_replaced_or_emptied(ops_store, name):
    table = tables.metadata.tables[name]
    first = next(iter(table.primary_key))
    orders = [f"update {name} set {first.name} = {first.name}", f"delete from {name}"]
    copied = ", ".join(column.name for column in table.columns if column.computed is None)
    if ops_store.dialect.name == "postgresql":
        orders += [f"truncate {name}", f"truncate {name} cascade"]
    else:
        orders += [f"insert or replace into {name} ({copied}) select {copied} from {name}"]
    with writing(ops_store) as connection:
        _one_row_each(connection)
    for order in orders:
        with pytest.raises(DBAPIError, match="append-only"), writing(ops_store) as connection:
            connection.execute(sa.text(order))
    with reading(ops_store) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 1


def test_an_event_that_does_not_continue_the_chain_is_refused_by_the_database(ops_store):
    with writing(ops_store) as connection:
        append(connection, [event(1), event(2)])
    for seq, previous in ((3, "0" * 64), (5, "0" * 64), (4, None)):
        with pytest.raises(DBAPIError), writing(ops_store) as connection:
            connection.execute(
                sa.insert(tables.events), {"seq": seq, "body": '{"event_id":"x"}', "prev_hash": previous, "hash": "y"}
            )


def test_what_the_columns_say_is_what_the_body_says(ops_store):
    with writing(ops_store) as connection:
        append(connection, [event(7)])
    with reading(ops_store) as connection:
        row = connection.execute(sa.select(tables.events)).one()._mapping
    assert (row["type"], row["subject_id"], row["actor_id"]) == (
        "test.happened",
        "w7",
        "daybook",
    )
    assert f'"event_id":"{row["event_id"]}"' in row["body"]
    for column in ("type", "event_id", "actor_id"):
        with pytest.raises(DBAPIError), writing(ops_store) as connection:
            connection.execute(
                sa.text(f"insert into events (seq, body, prev_hash, hash, {column}) values (2, '{{}}', '', '', 'x')")
            )


def test_writers_at_once_make_one_chain_without_gaps(ops_store):
    def write() -> None:
        for _ in range(5):
            with writing(ops_store) as connection:
                append(connection, [event(), event()])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(ops_store) as connection:
        rows = connection.execute(sa.select(tables.events.c.seq, tables.events.c.prev_hash, tables.events.c.hash)).all()
    assert [row.seq for row in sorted(rows)] == list(range(1, 81))
    assert [row.prev_hash for row in sorted(rows)][1:] == [row.hash for row in sorted(rows)][:-1]


def test_what_fails_inside_a_transaction_leaves_nothing(ops_store):
    with pytest.raises(ZeroDivisionError), writing(ops_store) as connection:
        append(connection, [event()])
        raise ZeroDivisionError
    with reading(ops_store) as connection:
        assert connection.execute(sa.select(tables.chain_head.c.seq)).scalar_one() == 0


def test_the_file_is_readable_by_its_owner_only(tmp_path):
    settings = Settings(home=tmp_path)
    open_store(settings)
    assert settings.ops_file.stat().st_mode & 0o777 == 0o600
