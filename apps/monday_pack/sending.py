"""The pack on its way: once a week to every destination that names `pack`, as leadership sees it."""

import base64
import contextlib
import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa

from apps.approvals import chain
from apps.approvals.destinations import destinations
from apps.approvals.outbox import put
from apps.approvals.store import open_store, reading, writing
from apps.approvals.tables import outbox
from apps.export import Manifest, daybook_version
from apps.metric_alerts.standing import standing, visible
from apps.monday_pack.figures import pack, week
from apps.monday_pack.sheets import as_pdf, as_xlsx
from warehouse.reader import Reader
from warehouse.settings import Settings

SUBJECT = "pack"
ROLE = "leadership"
MEDIA = {"pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def send_pack(settings: Settings, at: datetime | None = None) -> int:
    """Puts the pack of the week before this moment (now) into the outbox; gives how many messages were new: a week goes out once.

    Raises WarehouseError where nothing is published, or where destinations.yml cannot be used.
    """
    at = at or chain.now()
    wanted = [name for name, one in destinations(settings).items() if SUBJECT in one.subjects]
    monday = at.date() - timedelta(days=at.isoweekday() - 1)
    engine = open_store(settings)
    with reading(engine) as connection:
        missing = [name for name in wanted if name not in _sent(connection, str(monday))]
    if not missing:
        return 0
    payload = {"subject_type": SUBJECT, "subject_id": str(monday), **_content(settings, at)}
    with writing(engine) as connection:
        missing = [name for name in missing if name not in _sent(connection, str(monday))]
        for name in missing:
            put(connection, name, f"{SUBJECT}.weekly", payload, at)
    return len(missing)


def _sent(connection: sa.Connection, week_of: str) -> set[str]:
    query = sa.select(outbox.c.destination).where(outbox.c.subject_type == SUBJECT, outbox.c.subject_id == week_of)
    return set(connection.execute(query).scalars())


def _content(settings: Settings, at: datetime) -> dict[str, object]:
    engine = open_store(settings)
    with contextlib.closing(Reader(settings, role=ROLE)) as reader:
        published = set(reader.query("select distinct kpi from leadership.fct_kpi_daily")["kpi"].to_list())
        with reading(engine) as connection:
            alerts = [one for one in standing(connection).values() if visible(ROLE, one.metric, published)]
        made = pack(reader, week(reader, at), None, alerts)
    manifest = Manifest(
        "overview: weekly pack", {"entity": "all", "from": str(made.period.start), "until (exclusive)": str(made.period.until)}, "daybook (schedule)",
        ROLE, made.publish_id, made.as_of, made.loaded_at, daybook_version(), exported_at=at,
    )  # fmt: skip
    stem = f"daybook-pack-{made.period.start:%Y%m%d}-publish-{made.publish_id}"
    files = {f"{stem}.pdf": as_pdf(made, manifest), f"{stem}.xlsx": as_xlsx(made, manifest)}
    return {
        "title": f"Daybook: {made.period.label}", "publish_id": made.publish_id, "from": made.period.start, "until": made.period.until,
        "page": made.link, "figures": {row["label"]: row["shown"] for row in made.figures.iter_rows(named=True)},
        "files": [
            {"name": name, "media_type": MEDIA[name.rsplit(".")[-1]], "sha256": hashlib.sha256(content).hexdigest(),
             "base64": base64.b64encode(content).decode()}
            for name, content in files.items()
        ],
    }  # fmt: skip
