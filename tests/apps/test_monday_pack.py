"""The Monday pack: the Overview's figures, with their publish, sent once a week."""

import io
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from apps.approvals.outbox import deliver_due
from apps.approvals.store import open_store
from apps.cli import reading
from apps.dashboard.kpis import kpis
from apps.export import Manifest
from apps.metric_alerts.standing import Alert
from apps.monday_pack.figures import Pack, pack, week
from apps.monday_pack.sending import send_pack
from apps.monday_pack.sheets import as_pdf, as_xlsx
from tests.apps.dashboard.conftest import Open, hand_made, main_stays, open_page
from tests.apps.dashboard.test_partner_accounts import printed
from warehouse.reader import Reader
from warehouse.settings import Settings

__all__ = ["hand_made", "main_stays", "open_page"]
MONDAY = datetime(2026, 11, 23, 6)
ALERT = Alert(
    "deposits_fall", "firing", MONDAY, "deposits", "Deposits", "change_below", "payments", "high", "-75.0%", "=Look", 1, MONDAY
)  # fmt: skip
MANIFEST = Manifest("overview: pack", {}, "Lena Hart", "leadership", 1, None, None, "1", exported_at=MONDAY)


@pytest.fixture(scope="module")
def reader(hand_made: Settings) -> Iterator[Reader]:
    opened = Reader(hand_made, role="leadership")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def made(reader: Reader) -> Pack:
    """The pack of the last complete week of the hand-made broker."""
    return pack(reader, week(reader, MONDAY), None, [ALERT])


def test_the_week_is_the_seven_days_up_to_sunday_or_to_what_is_complete(reader: Reader) -> None:
    # loaded on Sunday the 22nd at 6: Saturday is the last complete day
    assert week(reader, MONDAY).start == date(2026, 11, 15)
    a_week_before = week(reader, MONDAY - timedelta(days=7))
    assert (a_week_before.start, a_week_before.until) == (date(2026, 11, 9), date(2026, 11, 16))
    assert (a_week_before.previous_start, a_week_before.previous_until) == (date(2026, 11, 2), date(2026, 11, 9))


def test_page_pack_and_sql_say_the_same_on_the_same_publish(
    open_page: Open, hand_made: Settings, made: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = {"period": "custom", "from": str(made.period.start), "to": str(made.period.until - timedelta(days=1))}
    app = open_page("overview", "lena", **days)
    assert not app.exception
    on_page = {tile.label: (tile.value, tile.delta or None) for tile in app.metric}
    in_pack = {row["label"]: (row["shown"], row["change"]) for row in made.figures.iter_rows(named=True)}
    assert in_pack == on_page and len(in_pack) == 8
    assert made.link == "overview?" + "&".join(f"{name}={value}" for name, value in days.items())
    monkeypatch.setenv("DAYBOOK_HOME", str(hand_made.root))
    sql = f"""
        select kpi, sum(value)::decimal(38, 8) as value from leadership.fct_kpi_daily
        where day >= '{made.period.start}' and day < '{made.period.until}' group by kpi"""
    said = CliRunner().invoke(reading.app, ["sql", sql, "--format", "json", "--as-of-publish", str(made.publish_id)])
    by_sql = {row["kpi"]: Decimal(row["value"]) for row in json.loads(said.stdout)}
    sums = {kpi.kpi for kpi in kpis() if kpi.how == "sum"} & by_sql.keys()
    exact = {row["figure"]: row["value"] for row in made.figures.iter_rows(named=True)}
    assert len(sums) >= 4 and {name: exact[name] for name in sums} == {name: by_sql[name] for name in sums}
    assert {name: made.days[name].sum() for name in sums} == {name: by_sql[name] for name in sums}


def test_the_workbook_holds_the_figures_as_numbers_and_says_its_publish(made: Pack) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(made, MANIFEST)))
    assert book.sheetnames == ["Figures", "Days", "What changed", "Alerts", "Manifest"]
    head, *rows = book["Figures"].iter_rows(values_only=True)
    found = {row[0]: row[head.index("value")] for row in rows}
    expected = dict(made.figures.select("figure", "value").iter_rows())
    assert {name: value is None for name, value in found.items()} == {
        name: value is None for name, value in expected.items()
    }
    near = {name: abs(Decimal(str(value)) - expected[name]) for name, value in found.items() if value is not None}
    assert max(near.values()) < Decimal("0.01")
    manifest = dict(book["Manifest"].iter_rows(min_row=2, values_only=True))
    assert manifest["publish"] == 1 and manifest["rows of Days"] == 7
    total = sum(expected[name] for name in expected if expected[name] is not None)
    assert abs(Decimal(str(manifest["total Figures: value"])) - total) < Decimal("0.01")
    assert book["Alerts"]["F2"].value is not None and book["Alerts"].max_row == 2


def test_the_pdf_prints_every_figure_as_the_page_has_it_and_its_publish(made: Pack) -> None:
    written = as_pdf(made, MANIFEST)
    assert written == as_pdf(made, MANIFEST)
    words = printed(written)
    assert [text for text in (*made.figures["label"], *made.figures["shown"]) if text not in words] == []
    assert f"Publish {made.publish_id}." in words and made.link in words and "firing" in words


def test_a_role_without_the_figures_gets_no_pack(hand_made: Settings, made: Pack) -> None:
    opened = Reader(hand_made, role="admin")
    with pytest.raises(Exception, match="admin"):
        pack(opened, made.period, None, [])
    opened.close()


def test_the_pack_of_a_week_is_sent_once_with_both_files(hand_made: Settings, tmp_path: Path, made: Pack) -> None:
    settings = hand_made.model_copy(update={"ops_url": SecretStr(f"sqlite:///{tmp_path / 'ops.sqlite'}")})
    (settings.root / "destinations.yml").write_text(
        f"- {{name: packs, kind: file, folder: '{tmp_path}', subjects: [pack]}}\n- {{name: decisions, kind: file, folder: '{tmp_path}'}}\n"
    )
    try:
        assert [send_pack(settings, MONDAY), send_pack(settings, MONDAY + timedelta(days=2))] == [1, 0]
        assert [one.outcome for one in deliver_due(open_store(settings), settings, MONDAY)] == ["delivered"]
    finally:
        (settings.root / "destinations.yml").unlink()
        open_store(settings).dispose()
    (pdf,), (xlsx,), (told,) = (list(tmp_path.glob(f"*.{form}")) for form in ("pdf", "xlsx", "json"))
    assert pdf.name == "daybook-pack-20261115-publish-1.pdf" and pdf.read_bytes().startswith(b"%PDF")
    book = openpyxl.load_workbook(xlsx)
    shown = dict(made.figures.select("label", "shown").iter_rows())
    assert json.loads(told.read_text())["payload"]["figures"] == shown
    frame = pl.DataFrame(list(book["Figures"].iter_rows(min_row=2, values_only=True)), orient="row")
    assert frame.height == len(shown)
