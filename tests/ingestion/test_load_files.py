"""Whole files: complete or not read, once, kept or set aside, and nothing half done (feeds.md)."""

import gzip
import hashlib
import json
import os
import re
from pathlib import Path

import polars as pl
import pytest

from ingestion import files, load, reading
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from ingestion.load import ensure_raw
from ingestion.outcome import AccountsDoNotAdd, Counts
from tests.ingestion.landing import DEAL, Landing, as_csv, as_jsonl, deal, payment
from warehouse.engine import WarehouseError


def parquet(path: Path, rows: list[dict], **types: pl.DataType) -> bytes:
    pl.DataFrame(rows).cast(types).write_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["x.csv.part", "x.csv.tmp", ".x.csv"])
def test_a_file_under_a_temporary_name_is_never_read(landing: Landing, name: str) -> None:
    path = landing.put(f"deals/{name}", as_csv([DEAL]))
    assert landing.ingest() == []
    assert path.exists()


def test_a_file_that_grows_while_it_is_read_stays_and_loads_once_it_is_complete(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = landing.put("deals/a.csv", as_csv([DEAL]))

    def judged_meanwhile(*given: object) -> object:
        path.write_bytes(as_csv([DEAL, deal(deal_id="2")]))
        return judge(*given)

    with monkeypatch.context() as patched:
        patched.setattr(reading, "judge", judged_meanwhile)
        (outcome,) = landing.ingest()
    assert (outcome.status, landing.one("select count(*) from raw.deals")) == ("skipped", 0)
    assert landing.ingest()[0].rows_loaded == 2


def test_a_file_replaced_after_it_was_begun_and_before_its_turn_stays_and_loads_as_what_it_became(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.put("deals/a.csv", as_csv([DEAL]))
    second = landing.put("deals/b.csv", as_csv([deal(deal_id="2")]))
    archived, newer = files.archive, as_csv([deal(deal_id="2", comment="newer"), deal(deal_id="3")])

    def replaced_meanwhile(*given: object) -> None:
        archived(*given)  # type: ignore[arg-type]
        part = second.with_suffix(".part")
        part.write_bytes(newer)
        part.replace(second)

    with monkeypatch.context() as patched:
        patched.setattr(load.files, "archive", replaced_meanwhile)
        first, other = landing.ingest()
    assert (first.status, other.status, second.read_bytes()) == ("loaded", "skipped", newer)
    assert landing.ingest()[0].rows_loaded == 2
    assert landing.one("select comment from raw.deals where deal_id = 2") == "newer"


def test_a_file_that_goes_bad_says_so_in_its_turn_and_the_one_before_it_is_kept(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.put("deals/a.csv", as_csv([DEAL]))
    landing.put("deals/b.csv", as_csv([deal(deal_id="2")]))
    hashed = files.fingerprint

    def failing(path: Path) -> files.Fingerprint:
        if path.name == "b.csv":
            raise OSError(5, "Input/output error")
        return hashed(path)

    with monkeypatch.context() as patched:
        patched.setattr(reading.files, "fingerprint", failing)
        with pytest.raises(WarehouseError, match="Input/output error"):
            landing.ingest()
    assert landing.one("select count(*) from raw.deals") == 1
    assert landing.ingest()[0].rows_loaded == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("garbage.csv", bytes(range(1, 128)) * 9, "needs the columns|cannot be read"),
        ("garbage.parquet", b"PAR1" + b"\x00\xff" * 99, "Parquet file cannot be read"),
        ("garbage.jsonl", b"not json\nat all\n", "None of its lines is a JSON object"),
        ("latin1.csv", as_csv([deal(comment="caf\u00e9")]).decode().encode("latin-1"), r"byte 0xe9 at offset 1\d\d \(line 2\) is not UTF-8"),
        ("utf16.csv", as_csv([DEAL]).decode().encode("utf-16"), "UTF-16"),
        ("nul.csv", as_csv([deal(comment="a\0b")]), "NUL byte at offset"),
        ("twice.csv", b"platform,platform\n", "`platform` occurs twice"),
        ("semicolons.csv", as_csv([DEAL]).replace(b",", b";"), "separated by commas"),
        ("renamed.csv", as_csv([DEAL]).replace(b"executed_at", b"executedat", 1), "`executedat` looks like `executed_at`"),
        ("cut.csv", as_csv([DEAL, deal(deal_id="2")])[:-30], "cut off in its last line"),
        ("cut.jsonl", as_jsonl([DEAL, deal(deal_id="2")])[:-30], "cut off in its last line"),
        ("quote.csv", as_csv([DEAL]).replace(b"first", b'"first'), "quote is opened and never closed"),
        ("cut.csv.gz", gzip.compress(as_csv([DEAL]))[:-9], "gzip stream is damaged or cut off"),
        ("wrong.jsonl", b'{"a": 1}\n', "which no line has"),
    ],
)  # fmt: skip
def test_a_bad_file_is_set_aside_whole_with_its_reason_and_the_next_still_loads(
    landing: Landing, name: str, content: bytes, said: str
) -> None:
    path = landing.put(f"deals/{name}", content)
    landing.put("deals/zz.csv", as_csv([deal(deal_id="99")]))
    bad, good = landing.ingest()
    assert (bad.status, bad.rows_read, good.status, good.rows_loaded) == ("refused", 0, "loaded", 1)
    assert re.search(said, bad.reason or ""), bad.reason
    assert landing.rows("select deal_id from raw.deals") == [(99,)]
    aside = landing.settings.quarantine / "deals" / name
    assert aside.read_bytes() == content
    assert not path.exists()
    reason = json.loads(aside.with_name(f"{name}.reason.json").read_text())
    assert reason["sha256"] == hashlib.sha256(content).hexdigest()
    assert reason["file"] == name
    assert reason["reason"]
    assert reason["remedy"]
    where = {"renamed.csv": (None, "executed_at"), "cut.csv": (2, None), "cut.jsonl": (2, None)}
    assert (reason["row"], reason["column"]) == where.get(name, (reason["row"], reason["column"]))
    assert landing.rows("select status, rows_read from raw.loads where status <> 'loaded'") == [("refused", 0)]


def test_a_truncated_parquet_file_is_refused(landing: Landing, tmp_path: Path) -> None:
    content = parquet(tmp_path / "x", [deal(deal_id=str(n)) for n in range(500)])
    assert landing.load("deals/a.parquet", content[: len(content) // 2]).status == "refused"
    assert landing.one("select count(*) from raw.deals") == 0


def test_a_file_that_fails_in_its_last_batch_leaves_nothing_of_its_first(landing: Landing) -> None:
    rows = as_csv([deal(deal_id=str(n), comment="x" * 2000) for n in range(12_000)])
    outcome = landing.load("deals/a.csv", rows + b"\xff\n")
    assert outcome.status == "refused"
    assert landing.one("select count(*) from raw.deals") == 0
    assert landing.one("select count(*) from raw.loads where status = 'loaded'") == 0


def test_a_zip_bomb_is_refused_before_it_fills_anything(landing: Landing) -> None:
    bomb = gzip.compress(as_csv([DEAL]) + b"\n" * 100_000_000)
    outcome = landing.load("deals/a.csv.gz", bomb)
    assert outcome.status == "refused"
    assert "zip bomb" in (outcome.reason or "")


def test_every_loaded_row_says_where_it_came_from_and_the_file_is_kept_unchanged(landing: Landing) -> None:
    content = as_csv([DEAL, deal(deal_id="2")])
    digest = hashlib.sha256(content).hexdigest()
    outcome = landing.load("deals/a.csv", content)
    assert landing.rows("select _load_id, _file_sha256, _row_number from raw.deals order by 3") == [
        (1, digest, 1),
        (1, digest, 2),
    ]
    assert landing.rows(
        "select load_id, connector, connector_version, feed, path, file_sha256, bytes, rows_read, rows_loaded, rows_duplicate, "
        "rows_quarantined, status, started_at <= finished_at from raw.loads"
    ) == [(1, "deals", "1", "deals", "deals/a.csv", digest, len(content), 2, 2, 0, 0, "loaded", True)]
    assert outcome.as_json()["rows_read"] == 2
    assert (landing.settings.archive / digest).read_bytes() == content
    assert not (landing.settings.landing / "deals/a.csv").exists()


def test_a_file_loaded_twice_under_two_names_counts_once(landing: Landing) -> None:
    landing.load("deals/a.csv", as_csv([DEAL]))
    again = landing.load("deals/b.csv", as_csv([DEAL]))
    assert (again.status, again.rows_read, again.load_id) == ("duplicate_file", 0, 1)
    assert landing.one("select count(*) from raw.loads") == 1
    assert landing.ingest() == []


def test_a_run_killed_between_commit_and_archive_only_archives_the_next_time(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    landing.put("deals/a.csv", as_csv([DEAL]))
    with monkeypatch.context() as patched:
        patched.setattr(files, "archive", killed)
        with pytest.raises(KeyboardInterrupt):
            landing.ingest()
    assert landing.archived() == set()
    (outcome,) = landing.ingest()
    assert (outcome.status, len(landing.archived())) == ("duplicate_file", 1)
    assert landing.one("select count(*) from raw.deals") == 1


def test_a_refusal_interrupted_before_the_move_is_recorded_once(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    landing.put("deals/a.csv", b"")
    with monkeypatch.context() as patched:
        patched.setattr(files, "set_aside", killed)
        with pytest.raises(KeyboardInterrupt):
            landing.ingest()
    landing.ingest()
    assert landing.one("select count(*) from raw.loads") == 1
    assert (landing.settings.quarantine / "deals/a.csv").exists()


def test_two_bad_files_of_one_name_are_both_kept(landing: Landing) -> None:
    landing.load("deals/a.csv", b"x\n")
    landing.load("deals/a.csv", b"y\n")
    kept = [path for path in (landing.settings.quarantine / "deals").iterdir() if path.suffix == ".csv"]
    assert sorted(path.read_bytes() for path in kept) == [b"x\n", b"y\n"]


def test_a_file_given_from_elsewhere_is_copied_to_the_archive_and_left_in_place(
    landing: Landing, tmp_path: Path
) -> None:
    path = tmp_path / "deals" / "mine.csv"
    path.parent.mkdir()
    path.write_bytes(as_csv([DEAL]))
    (outcome,) = landing.ingest(path)
    assert (outcome.status, outcome.path) == ("loaded", str(path))
    assert path.exists()
    assert len(landing.archived()) == 1


def test_a_folder_that_the_simulator_wrote_loads_and_its_truth_does_not(landing: Landing, tmp_path: Path) -> None:
    for name in ("deals/a.csv", "truth/deals.csv"):
        (tmp_path / "out" / name).parent.mkdir(parents=True)
        (tmp_path / "out" / name).write_bytes(as_csv([DEAL]))
    assert [o.connector for o in landing.ingest(tmp_path / "out")] == ["deals"]


def test_guess_finds_the_feed_by_the_columns_and_says_so_when_it_cannot(landing: Landing, tmp_path: Path) -> None:
    known, unknown = tmp_path / "one.csv", tmp_path / "two.csv"
    known.write_bytes(as_csv([payment()]))
    unknown.write_bytes(b"foo,bar\n1,2\n")
    first, second = landing.ingest(known, unknown, guess=True)
    assert (first.connector, first.status) == ("psp_transactions", "loaded")
    assert (second.status, second.reason) == ("skipped", "No connector recognises it. Use `--connector NAME`.")


def test_a_file_in_a_folder_no_connector_has_stays_and_is_reported_each_time(landing: Landing) -> None:
    landing.put("nonsense/a.csv", as_csv([DEAL]))
    for _ in range(2):
        (outcome,) = landing.ingest()
        assert outcome.status == "skipped"
        assert "No connector is called `nonsense`" in (outcome.reason or "")


def test_a_symbolic_link_is_not_followed(landing: Landing, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(as_csv([DEAL]))
    (landing.settings.landing / "deals").mkdir()
    (landing.settings.landing / "deals" / "a.csv").symlink_to(tmp_path / "secret.csv")
    (outcome,) = landing.ingest()
    assert outcome.status == "skipped"


def test_what_a_run_can_do_nothing_with_stands_as_it_is_until_it_changes(landing: Landing) -> None:
    stray = landing.put("nonsense/a.csv", as_csv([DEAL]))
    loop = landing.settings.landing / "nonsense" / "loop.csv"
    loop.symlink_to(loop)
    elsewhere = landing.settings.landing / "elsewhere"
    elsewhere.symlink_to(landing.settings.archive, target_is_directory=True)
    before = files.lying(landing.settings)
    assert [outcome.status for outcome in landing.ingest()] == ["skipped"] * 3
    assert before == files.lying(landing.settings) and set(before) == {stray, loop, elsewhere}
    stray.chmod(0o600)
    assert before != files.lying(landing.settings)


def test_a_name_that_is_no_text_loads_and_is_told_by_its_bytes(landing: Landing) -> None:
    name = os.fsdecode(b"half\xff[b].csv")
    outcome = landing.load(f"deals/{name}", as_csv([DEAL]))
    assert (outcome.status, outcome.rows_loaded) == ("loaded", 1), outcome
    assert landing.one("select path from raw.loads") == "deals/half\\udcff[b].csv"


@pytest.mark.skipif(os.geteuid() == 0, reason="root lists everything")
def test_a_folder_that_cannot_be_listed_is_reported_with_what_to_do(landing: Landing) -> None:
    folder = landing.put("deals/a.csv", as_csv([DEAL])).parent
    folder.chmod(0)
    (outcome,) = landing.ingest()
    folder.chmod(0o755)
    assert outcome.status == "skipped" and "chmod a+rx" in (outcome.reason or "")


def test_a_dry_run_counts_and_leaves_neither_rows_nor_moved_files(landing: Landing) -> None:
    path = landing.put("deals/a.csv", as_csv([DEAL, deal(deal_id="")]))
    bad = landing.put("deals/b.csv", b"")
    outcomes = landing.ingest(dry_run=True)
    assert [(o.status, o.rows_read, o.rows_quarantined) for o in outcomes] == [("loaded", 2, 1), ("refused", 0, 0)]
    assert path.exists()
    assert bad.exists()
    assert landing.one("select count(*) from raw.deals") == landing.one("select count(*) from raw.loads") == 0


def test_accounts_that_do_not_add_up_fail_loudly() -> None:
    with pytest.raises(AccountsDoNotAdd, match="3 rows were read, but 1 loaded"):
        Counts(1, read=3, loaded=1, duplicate=1).check("deals/a.csv", "deals")


def test_a_load_whose_accounts_do_not_add_up_keeps_nothing(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    put = load.quarantine.put
    monkeypatch.setattr(load.quarantine, "put", lambda *given: put(*given) - 1)
    landing.put("deals/a.csv", as_csv([DEAL, deal(deal_id="x")]))
    with pytest.raises(AccountsDoNotAdd):
        landing.ingest()
    assert landing.one("select count(*) from raw.deals") == landing.one("select count(*) from raw.quarantine") == 0
    assert (landing.settings.landing / "deals/a.csv").exists()


def test_a_full_disk_stops_the_call_with_a_sentence_and_loses_nothing(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    landing.put("deals/a.csv", as_csv([DEAL]))
    with monkeypatch.context() as patched:
        patched.setattr(files, "_keep", full)
        with pytest.raises(WarehouseError, match="is full"):
            landing.ingest()
    assert landing.ingest()[0].status == "duplicate_file"
    assert landing.one("select count(*) from raw.deals") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_reported_with_what_to_do(landing: Landing) -> None:
    landing.put("deals/a.csv", as_csv([DEAL])).chmod(0)
    (outcome,) = landing.ingest()
    assert outcome.status == "skipped"
    assert "chmod" in (outcome.reason or "")


def test_the_raw_tables_of_every_feed_exist_before_anything_is_loaded_and_a_second_call_changes_nothing(
    landing: Landing,
) -> None:
    ensure_raw(landing.connection)
    ensure_raw(landing.connection)
    assert landing.one("select count(*) from duckdb_tables() where schema_name = 'raw'") == len(FEEDS) + 2


def test_a_column_added_to_a_contract_later_is_added_to_its_raw_table(landing: Landing) -> None:
    ensure_raw(landing.connection)
    landing.connection.execute("alter table raw.deals drop column comment")
    landing.load("deals/a.csv", as_csv([DEAL]))
    assert landing.one("select comment from raw.deals") == "first"
