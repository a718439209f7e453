"""Whatever somebody does to the stored events is found, and the verdict says where."""

import json
import random
import time

import pytest
import sqlalchemy as sa

from apps.approvals import tables
from apps.approvals.anchors import KEY_FILE, anchor, trail
from apps.approvals.attested import attest
from apps.approvals.chain import Actor, Event, append, new_id, now, seal
from apps.approvals.store import open_store, reading, writing
from apps.approvals.verify import Verdict, verify
from tests.apps.approvals.tampering import renumber, reseal, unguarded
from warehouse.settings import Settings

CLERK = Actor("s1", role="payments")


def some(number: int, text: str = "") -> list[Event]:
    return [Event("test.happened", CLERK, "withdrawal", f"w{i}", after={"n": i, "text": text}) for i in range(number)]


@pytest.fixture
def filled(ops_store: sa.Engine) -> sa.Engine:
    """Thirty events."""
    with writing(ops_store) as connection:
        append(connection, some(30))
    return ops_store


def places(verdict: Verdict) -> set[int | None]:
    return {fault.seq for fault in verdict.faults}


def kinds(verdict: Verdict) -> set[str]:
    return {fault.kind for fault in verdict.faults}


def execute(engine: sa.Engine, *statements: str) -> Verdict:
    with unguarded(engine) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    return verify(engine)


def test_an_untouched_chain_is_whole(filled):
    verdict = verify(filled)
    assert verdict.whole and verdict.events == 30 and verdict.faults == ()


def test_an_empty_chain_is_whole(ops_store):
    assert verify(ops_store).whole


def test_the_seal_is_sha_256_of_the_hash_before_and_the_stored_body(filled):
    with reading(filled) as connection:
        for row in connection.execute(sa.select(tables.events)):
            assert row.hash == seal(row.prev_hash, row.body)
            assert json.loads(row.body)["seq"] == row.seq


@pytest.mark.parametrize("seq", [1, 17, 30])
@pytest.mark.parametrize("column", ["body", "hash", "prev_hash"])
def test_an_edited_column_is_found_at_its_event_and_nowhere_else(filled, seq, column):
    changed = {"body": "replace(body, '\"n\":', '\"m\":')", "hash": "'00' || hash", "prev_hash": "'0' || prev_hash"}
    verdict = execute(filled, f"update events set {column} = {changed[column]} where seq = {seq}")
    assert seq in places(verdict) and places(verdict) <= {seq}
    assert "edited" in kinds(verdict)


@pytest.mark.parametrize("seq", [2, 17, 29])
def test_an_edited_event_that_was_sealed_again_is_found_by_the_one_after_it(filled, seq):
    with unguarded(filled) as connection:
        row = connection.execute(sa.text(f"select body, prev_hash from events where seq = {seq}")).one()
        body = row.body.replace('"n":', '"m":')
        parameters = {"b": body, "h": seal(row.prev_hash, body)}
        connection.execute(sa.text(f"update events set body = :b, hash = :h where seq = {seq}"), parameters)
    verdict = verify(filled)
    assert places(verdict) == {seq} and kinds(verdict) == {"rewritten"}


@pytest.mark.parametrize("seq", [1, 17])
def test_a_deleted_event_is_named(filled, seq):
    verdict = execute(filled, f"delete from events where seq = {seq}")
    assert (places(verdict), kinds(verdict)) == ({seq}, {"missing"})
    assert f"event {seq} is gone" in verdict.faults[0].said


def test_a_deleted_event_is_found_though_those_after_it_were_renumbered(filled):
    with unguarded(filled) as connection:
        connection.execute(sa.text("delete from events where seq = 17"))
        renumber(connection, 18, -1)
    verdict = verify(filled)
    assert verdict.faults[0].seq == 17 and verdict.faults[0].kind == "moved"


def test_a_deleted_event_is_found_though_the_chain_was_sealed_again_behind_it(filled):
    with unguarded(filled) as connection:
        connection.execute(sa.text("delete from events where seq = 17"))
        renumber(connection, 18, -1)
        reseal(connection, 17)
    assert verify(filled).faults[0].seq == 17


def test_an_inserted_event_is_named(filled):
    with unguarded(filled) as connection:
        renumber(connection, 12, 1)
        before = connection.execute(sa.text("select hash from events where seq = 11")).scalar_one()
        body = '{"actor":{"id":"s9"},"event_id":"forged","seq":12,"type":"test.happened"}'
        row = {"seq": 12, "body": body, "prev_hash": before, "hash": seal(before, body)}
        connection.execute(sa.insert(tables.events), row)
        connection.execute(sa.text("update chain_head set seq = 31"))
    verdict = verify(filled)
    assert verdict.faults[0].seq in (12, 13) and kinds(verdict) <= {"inserted", "moved"}


def test_two_events_that_changed_places_are_both_named(filled):
    with unguarded(filled) as connection:
        for old, new in ((9, -9), (21, 9), (-9, 21)):
            connection.execute(sa.text(f"update events set seq = {new} where seq = {old}"))
    verdict = verify(filled)
    assert {9, 21} <= places(verdict) and "moved" in kinds(verdict)


@pytest.mark.parametrize("left", [0, 29])
def test_a_cut_tail_is_found_by_the_head(filled, left):
    verdict = execute(filled, f"delete from events where seq > {left}")
    assert (places(verdict), kinds(verdict)) == ({left + 1}, {"cut"})


def test_a_cut_tail_is_found_by_the_anchor_though_the_head_was_moved(ops_settings, filled):
    anchor(ops_settings, "publish", publish_id=4)
    with unguarded(filled) as connection:
        connection.execute(sa.text("delete from events where seq > 28"))
        reseal(connection, 29)
    assert verify(filled).whole
    verdict = verify(filled, trail(ops_settings.anchors))
    assert (places(verdict), kinds(verdict)) == ({29}, {"cut"})
    assert "events 29 to 30 are cut off: anchor 1" in verdict.faults[0].said


def test_a_rewritten_tail_is_found_between_the_anchors_around_it(ops_settings, filled):
    anchor(ops_settings, "publish", publish_id=4)
    with writing(filled) as connection:
        append(connection, some(10))
    anchor(ops_settings, "publish", publish_id=5)
    with unguarded(filled) as connection:
        connection.execute(sa.text("update events set body = replace(body, '\"n\":', '\"m\":') where seq = 35"))
        reseal(connection, 35)
    assert verify(filled).whole
    verdict = verify(filled, trail(ops_settings.anchors))
    assert (places(verdict), kinds(verdict)) == ({31}, {"rewritten"})
    assert "between event 31 and event 40" in verdict.faults[0].said


def test_a_guard_that_is_gone_is_named(fresh_settings):
    engine = open_store(fresh_settings)
    table = " on events" if engine.dialect.name == "postgresql" else ""
    with writing(engine) as connection:
        connection.execute(sa.text(f"drop trigger events_continue_the_chain{table}"))
    (fault,) = verify(engine).faults
    assert fault.kind == "guard" and "events_continue_the_chain" in fault.said


@pytest.mark.parametrize("fresh_settings", ["postgresql"], indirect=True)
def test_a_guard_that_is_switched_off_is_named(fresh_settings):
    engine = open_store(fresh_settings)
    with writing(engine) as connection:
        connection.execute(sa.text("alter table decisions disable trigger decisions_append_only"))
    assert "decisions_append_only" in verify(engine).faults[0].said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update check_results set result = 'pass'", "something else"),
        ("delete from check_results where check_name = 'a'", "1 of 2 rows"),
        ("delete from check_results", "2 of 2 rows"),
        ("update check_results set event_seq = 1 where check_name = 'a'", "does not attest"),
    ],
)
def test_a_row_that_its_event_attests_cannot_be_changed_unseen(filled, change, said):
    result = {"subject_type": "withdrawal", "subject_id": "w1", "version": "1", "result": "fail", "inputs": {"x": 1}}
    rows = [{**result, "check_name": name, "said": "no", "ran_at": now()} for name in ("a", "b")]
    with writing(filled) as connection:
        seq = attest(connection, Event("test.attested", CLERK, "withdrawal", "w1"), {"check_results": rows})
    assert seq == 31 and verify(filled).whole
    verdict = execute(filled, change)
    assert kinds(verdict) == {"attested"} and any(said in fault.said for fault in verdict.faults)


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.soak)])
def test_any_single_change_of_the_store_is_found(ops_settings, filled, count):
    rng = random.Random(count)
    anchor(ops_settings, "publish", publish_id=1)
    anchored = trail(ops_settings.anchors)
    for _ in range(count):
        seq, other = rng.sample(range(1, 31), 2)
        at = rng.randrange(10, 200)
        changes = {
            "edit": [
                f"update events set body = substr(body, 1, {at}) || 'x' || substr(body, {at + 2}) where seq = {seq}"
            ],
            "delete": [f"delete from events where seq = {seq}"],
            "move": [f"update events set seq = {seq + 100} where seq = {seq}"],
            "swap": [f"update events set seq = {b} where seq = {a}" for a, b in ((seq, -1), (other, seq), (-1, other))],
            "cut": [f"delete from events where seq >= {seq}", f"update chain_head set seq = {seq - 1}"],
        }
        kind = rng.choice(sorted(changes))
        with filled.connect() as connection:
            was = connection.execute(sa.text("select seq, body, prev_hash, hash from events")).all()
            head = connection.execute(sa.select(tables.chain_head)).one()
        with unguarded(filled) as connection:
            if kind == "edit":
                body = connection.execute(sa.text(f"select body from events where seq = {seq}")).scalar_one()
                if body[at] == "x" or not _json(body[:at] + "x" + body[at + 1 :]):
                    continue  # no JSON: the database's generated columns refuse it already
            for statement in changes[kind]:
                connection.execute(sa.text(statement))
        verdict = verify(filled, anchored)
        assert not verdict.whole, (kind, seq, at)
        assert min(fault.seq for fault in verdict.faults if fault.seq) <= max(seq, other) + 1
        with unguarded(filled) as connection:
            connection.execute(sa.delete(tables.events))
            connection.execute(sa.insert(tables.events), [row._asdict() for row in was])
            connection.execute(sa.update(tables.chain_head).values(seq=head.seq, hash=head.hash))
        assert verify(filled, anchored).whole


def _json(text: str) -> bool:
    try:
        return bool(json.loads(text))
    except ValueError:
        return False


def test_appending_and_verifying_keep_pace_with_hashing(ops_settings):
    """Full figures in docs/performance.md; here as a ratio to hashing alone, taken in the same minute on the same machine."""
    engine = open_store(ops_settings)
    started = time.process_time()
    for _ in range(10):
        with writing(engine) as connection:
            append(connection, some(1000, "x" * 200))
    appended = time.process_time() - started
    with reading(engine) as connection:
        bodies = list(connection.execute(sa.select(tables.events.c.body)).scalars())
    started, previous = time.process_time(), "0" * 64
    for body in bodies:
        previous = seal(previous, body)
    hashed = time.process_time() - started
    started = time.process_time()
    verdict = verify(engine)
    verified = time.process_time() - started
    assert verdict.whole and verdict.events == 10_000
    assert verified < 6 * hashed and appended < 100 * hashed, (appended, verified, hashed)


def test_an_anchor_names_head_occasion_and_publish_and_is_not_repeated(ops_settings, filled):
    first = anchor(ops_settings, "publish", publish_id=4)
    assert (first.number, first.seq, first.occasion, first.publish_id) == (1, 30, "publish", 4)
    assert anchor(ops_settings, "publish", publish_id=4) == first
    assert anchor(ops_settings, "publish", publish_id=5).number == 2
    (file,) = ops_settings.anchors.glob("*.jsonl")
    assert file.stem == first.at[:10] and len(file.read_text().splitlines()) == 2
    key = ops_settings.keys / KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600 and key.parent.stat().st_mode & 0o777 == 0o700
    assert (ops_settings.anchors / f"{first.fingerprint}.pub.pem").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[1:], "does not follow"),
        (lambda lines: lines[:1] + lines[2:], "anchors were removed"),
        (lambda lines: [lines[1], lines[0], lines[2]], "does not follow"),
        (lambda lines: [lines[0].replace('"publish_id":4', '"publish_id":9'), *lines[1:]], "signature"),
        (lambda lines: [*lines[:2], lines[2][:40]], "no anchor of ours"),
    ],
)
def test_an_anchor_removed_moved_or_changed_is_named(tmp_path, change, said):
    settings = Settings(home=tmp_path)
    engine = open_store(settings)
    for number in (4, 5, 6):
        anchor(settings, "publish", publish_id=number)
    (file,) = settings.anchors.glob("*.jsonl")
    file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")
    verdict = verify(engine, trail(settings.anchors))
    assert not verdict.whole and any(said in fault.said for fault in verdict.faults)


def test_anchors_signed_with_a_key_put_beside_them_fail_the_fingerprint_kept_elsewhere(tmp_path):
    settings = Settings(home=tmp_path / "home")
    engine = open_store(settings)
    kept = anchor(settings).fingerprint
    assert verify(engine, trail(settings.anchors, kept)).whole
    for file in (*settings.anchors.iterdir(), settings.keys / KEY_FILE):
        file.unlink()
    assert anchor(settings).fingerprint != kept
    assert verify(engine, trail(settings.anchors)).whole
    assert not verify(engine, trail(settings.anchors, kept)).whole


def test_only_what_stands_in_attested_can_be_attested(ops_store):
    with pytest.raises(ValueError, match="No event attests drafts"), writing(ops_store) as connection:
        attest(connection, Event("x", CLERK, "a", new_id()), {"drafts": [{}]})
