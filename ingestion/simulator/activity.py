"""What clients and staff do besides money and trades: sign in, ask for help, talk; and who the staff are."""

import numpy as np
import polars as pl

from ingestion.simulator.people import People
from ingestion.simulator.world import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    World,
    iso,
    micros,
    moment,
    numbered,
    pick,
    reference,
    times,
)


def sessions(world: World, people: People, deposits: pl.DataFrame) -> pl.DataFrame:
    """The client_sessions feed: a sign-in before each deposit, some in between, each instrument when it was added."""
    rng = world.rng("sessions")
    busy = np.flatnonzero((people.funded > 0) & (np.arange(len(people.number)) < people.regular))
    counts = rng.integers(3, 9, len(busy))
    client = np.repeat(busy, counts)
    at = people.funded[client] + (rng.beta(1, 2, len(client)) * 90 * DAY).astype(np.int64) // SECOND * SECOND
    first = (
        deposits.filter(~pl.col("request_id").str.starts_with("F"))
        .sort("at")
        .unique("client", keep="first", maintain_order=True)
    )
    payer = first["client"].to_numpy()
    added_at = np.minimum(first["at"].to_numpy() - 9 * MINUTE, people.registered[payer] + 30 * DAY * 100)
    sign_in = deposits["client"].to_numpy()
    parts = [
        _sessions(people, client, at, "login", "A"),
        _sessions(people, sign_in, deposits["at"].to_numpy() - 12 * MINUTE, "login", "D"),
        _sessions(
            people, payer, added_at, "instrument_added", "I", people.instrument(payer, first["method"].to_numpy())
        ),
    ]
    reset = busy[rng.random(len(busy)) < 0.05]
    parts.append(_sessions(people, reset, people.funded[reset] + 20 * DAY + HOUR, "password_reset", "P"))
    frame = pl.concat(parts)
    abroad = pl.Series(rng.random(len(frame)) < 0.03)
    frame = frame.with_columns(ip_country=pl.when(abroad).then(pl.lit("FR")).otherwise("ip_country"))
    return frame.sort("occurred_at", "session_id")


def _sessions(
    people: People, client: np.ndarray, at: np.ndarray, event: str, prefix: str, instrument: pl.Series | None = None
) -> pl.DataFrame:
    n = len(client)
    return pl.DataFrame({
        "session_id": numbered(f"S{prefix}", np.arange(n), 7), "client_id": people.ids.gather(client), "event": pick((event,), np.zeros(n, int)),
        "instrument_id": instrument if instrument is not None else pick((), np.full(n, -1)), "ip": people.ip(client),
        "ip_country": people.country.gather(client), "ip_asn": pick(("AS6799", "AS3320", "AS1221", "AS37457"), people.entity[client]),
        "device_id": people.device(client), "occurred_at": times(at),
    })  # fmt: skip


def tickets(world: World, people: People) -> pl.DataFrame:
    """The tickets feed: created, answered, sometimes escalated, closed, rarely reopened; one in eight is a complaint."""
    rng = world.rng("tickets")
    n = max(len(people.number) // 3, 5)
    client = rng.integers(0, people.regular, n)
    created = (
        np.maximum(people.registered[client], world.start_us)
        + (rng.random(n) * 60 * DAY).astype(np.int64) // SECOND * SECOND
    )
    answered = created + (rng.lognormal(np.log(2.5), 1.1, n) * HOUR).astype(np.int64) // SECOND * SECOND
    closed = answered + (rng.lognormal(np.log(14), 1.0, n) * HOUR).astype(np.int64) // SECOND * SECOND
    complaint = rng.random(n) < 0.12
    fate = rng.random(n)
    base = pl.DataFrame({
        "ticket_id": numbered("TK", np.arange(n), 7), "client_id": people.ids.gather(client), "is_complaint": complaint,
        "priority": pick(("low", "normal", "high"), rng.choice(3, n, p=[0.3, 0.55, 0.15])),
        "channel": pick(("email", "chat", "phone"), rng.integers(0, 3, n)),
        "topic": pick(("withdrawal", "deposit", "platform", "verification", "bonus", "other"), rng.integers(0, 6, n)),
    })  # fmt: skip
    agent = pick(("ST-14", "ST-15"), rng.integers(0, 2, n))
    steps = [
        ("created", created, np.ones(n, bool), "client", base["client_id"]),
        ("assigned", created + 9 * MINUTE, fate < 0.9, "system", pick(("desk",), np.zeros(n, int))),
        ("agent_replied", answered, fate < 0.95, "staff", agent), ("client_replied", answered + HOUR, fate < 0.4, "client", base["client_id"]),
        ("escalated", answered + 2 * HOUR, complaint & (fate < 0.5), "staff", agent), ("closed", closed, fate < 0.9, "staff", agent),
        ("reopened", closed + 30 * HOUR, fate < 0.04, "client", base["client_id"]),
    ]  # fmt: skip
    parts = [
        base.with_columns(
            event_id=pl.col("ticket_id") + f"-{place}", event=pl.lit(event), actor_type=pl.lit(actor), actor_id=actor_id, occurred_at=times(at),
        ).filter(pl.Series(happened))
        for place, (event, at, happened, actor, actor_id) in enumerate(steps)
    ]  # fmt: skip
    return (
        pl.concat(parts)
        .sort("occurred_at", "event_id")
        .select(
            "event_id",
            "ticket_id",
            "client_id",
            "event",
            "is_complaint",
            "priority",
            "channel",
            "topic",
            "actor_type",
            "actor_id",
            "occurred_at",
        )
    )


def communications(world: World, people: People) -> pl.DataFrame:
    """The communications feed: welcome mails, sales calls, chats."""
    rng = world.rng("communications")
    n = len(people.number) * 2
    client = rng.integers(0, people.regular, n)
    at = people.registered[client] + (rng.beta(0.8, 3, n) * 100 * DAY).astype(np.int64) // SECOND * SECOND
    channel = rng.choice(5, n, p=[0.3, 0.4, 0.15, 0.05, 0.1])
    return pl.DataFrame({
        "communication_id": numbered("CM", np.arange(n), 8), "client_id": people.ids.gather(client),
        "channel": pick(("call", "email", "chat", "sms", "push"), channel),
        "direction": pick(("in", "out"), (rng.random(n) < 0.8).astype(int)),
        "staff_id": pick(("ST-11", "ST-12", "ST-13"), rng.integers(-1, 3, n)),
        "subject": pick(("welcome", "verification", "market news", "account review", "promotion"), rng.integers(0, 5, n)),
        "outcome": pick(("reached", "no_answer", "delivered", "opened"), np.where(channel == 0, rng.integers(0, 2, n), rng.integers(2, 4, n))),
        "occurred_at": times(at),
    }).sort("occurred_at", "communication_id")  # fmt: skip


def staff(world: World) -> pl.DataFrame:
    """The staff feed: everybody from before the start, and whoever left within the period."""
    rows = []
    for person in reference("staff"):
        row = {
            "staff_id": person["id"], "changed_at": iso(world.start_us - 300 * DAY), "name": person["name"],
            "email": person["name"].lower().replace(" ", ".") + "@broker.example", "client_id": person.get("client"),
            "role": person["role"], "approval_limit_eur": person["limit"], "is_active": True,
        }  # fmt: skip
        rows.append(row)
        if "leaves_on_day" in person:
            rows.append(row | {"changed_at": iso(world.start_us + person["leaves_on_day"] * DAY), "is_active": False})
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"client_id": pl.String})


def risk_lists(world: World) -> pl.DataFrame:
    """The risk_lists feed: countries and names, effective-dated from the year before the start."""
    rows = []
    for entry in reference("risk_lists"):
        at = world.start_us + entry.get("from", -390) * DAY
        ends = iso(world.start_us + entry["until"] * DAY) if "until" in entry else None
        rows.append({
            "list_name": entry["list"], "entry_id": entry["id"], "valid_from": iso(at), "valid_to": ends, "kind": entry["kind"],
            "name": entry["name"], "aliases": entry.get("aliases", []), "birth_date": entry.get("birth_date"),
            "country": entry.get("country"), "attributes": entry.get("attributes", "{}"),
        })  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def period_events(world: World) -> pl.DataFrame:
    """The period_events feed: each month closed on the eighth of the next by two people; one is reopened and closed again."""
    rows = []
    for day in range(world.days + world.runway_days):
        at = world.start_us + day * DAY + 16 * HOUR
        when = moment(at)
        if when.day != 8:
            continue
        period = moment(micros(when.date().replace(day=1)) - DAY).strftime("%Y-%m")
        for entity in ("UK", "CY", "AU", "SC"):
            common = {"entity": entity, "period": period, "actor_id": "ST-06", "approved_by": "ST-05"}
            rows.append(common | {"event_id": f"PE-{entity}-{period}-1", "event": "closed", "occurred_at": iso(at)})
            if entity == "CY" and len(rows) == 2:  # the first month only
                rows.append(
                    common
                    | {"event_id": f"PE-{entity}-{period}-2", "event": "reopened", "occurred_at": iso(at + 20 * HOUR)}
                )
                rows.append(
                    common
                    | {"event_id": f"PE-{entity}-{period}-3", "event": "closed", "occurred_at": iso(at + 26 * HOUR)}
                )
    names = ("entity", "period", "actor_id", "approved_by", "event_id", "event", "occurred_at")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String)).select(
        "event_id", "entity", "period", "event", "actor_id", "approved_by", "occurred_at"
    )
