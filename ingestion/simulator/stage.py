"""The stage for planted cases: what a scenario may make its clients do, and what the truth says of it.

A scenario speaks of people it casts (0, 1, 2 …), of days after the start, and of euros; the generators
of money, trades and sessions then treat these people like everybody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ingestion.simulator.accounts import Accounts
from ingestion.simulator.funding import ACTIONS, PLANTED, Moves
from ingestion.simulator.market import Market
from ingestion.simulator.people import METHODS, People
from ingestion.simulator.positions import SIMPLE, Positions
from ingestion.simulator.world import DAY, HOUR, SECOND, World, iso, times

Row = dict[str, Any]


@dataclass
class Stage:
    """Collects what scenarios ask for; `who` is a cast member, later one of the last rows of People."""

    world: World
    entities: list[str] = field(default_factory=list)
    deposits: list[Row] = field(default_factory=list)
    withdrawals: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    trades: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    kyc: list[Row] = field(default_factory=list)
    screenings: list[tuple[int, int]] = field(default_factory=list)
    clients: dict[int, Row] = field(default_factory=dict)
    links: list[Row] = field(default_factory=list)
    partners: list[Row] = field(default_factory=list)
    staff: dict[str, int] = field(default_factory=dict)
    disputes: list[Row] = field(default_factory=list)
    off_balance: dict[int, tuple[int, int]] = field(default_factory=dict)
    captured_early: dict[int, tuple[int, int]] = field(default_factory=dict)
    """The moment of that day's snapshot, and by how many hundredths the balance was smaller then."""
    expiries: dict[int, int] = field(default_factory=dict)
    truth: list[Row] = field(default_factory=list)

    def cast(self, entity: str = "CY") -> int:
        """A new client of the entity, with a wallet in euros, long registered and approved."""
        self.entities.append(entity)
        return len(self.entities) - 1

    def at(self, day: float, hour: float = 11) -> int:
        return self.world.start_us + int(day * DAY) + int(hour * HOUR) // SECOND * SECOND

    def deposit(self, who: int, day: float, euros: float, method: str = "card", hour: float = 11, **more: Any) -> str:
        """A deposit that completes then; `more` may name instrument_id, holder, country, outcome. Returns the request id."""
        request = f"PD{len(self.deposits):05d}"
        self.deposits.append({
            "request_id": request, "who": who, "at": self.at(day, hour), "amount": round(euros * 100),
            "method": METHODS.index(method), "outcome": "completed", "instrument_id": None, "holder": None, "country": None,
        } | more)  # fmt: skip
        return request

    def withdraw(self, who: int, day: float, euros: float, method: str = "card", hour: float = 11, **more: Any) -> str:
        """A withdrawal asked for then and paid; `more` may name approver, approved_at, checks, holder, instrument_id."""
        request = f"PW{len(self.withdrawals):05d}"
        self.withdrawals.append({
            "request_id": request, "who": who, "at": self.at(day, hour), "amount": round(euros * 100),
            "method": METHODS.index(method), "outcome": "paid", "info": False, "fee": 0, "checks": "before",
            "approver": None, "approved_at": None, "instrument_id": None, "holder": None, "country": None,
        } | more)  # fmt: skip
        return request

    def fund(self, who: int, day: float, euros: float, hour: float = 13) -> None:
        """Moves money from the wallet to the trading account."""
        self.moves.append(
            {"who": who, "at": self.at(day, hour), "amount": round(euros * 100), "action": ACTIONS.index("balance")}
        )

    def credit(self, who: int, day: float, euros: float) -> None:
        self.moves.append(
            {"who": who, "at": self.at(day, 14), "amount": round(euros * 100), "action": ACTIONS.index("credit")}
        )

    def trade(
        self,
        who: int,
        at: int,
        lots: float,
        seconds: float,
        symbol: str = "EURUSD",
        side: int = 1,
        wins: bool | None = None,
    ) -> None:
        """A position; with `wins` the side is the one that the market will have proved right or wrong."""
        self.trades.append(
            {
                "who": who,
                "at": at,
                "lots": round(lots * 100),
                "seconds": seconds,
                "symbol": symbol,
                "side": side,
                "wins": wins,
            }
        )

    def session(self, who: int, at: int, event: str = "login", **more: Any) -> None:
        """`more` may name device_id, ip, ip_country, instrument_id."""
        self.sessions.append({"who": who, "at": at, "event": event} | more)

    def patch(self, who: int, **columns: Any) -> None:
        """Sets columns of the client's rows."""
        self.clients.setdefault(who, {}).update(columns)

    def status(
        self, who: int, at: int, before: str, after: str, actor: str = "system", actor_id: str = "kyc-rules"
    ) -> None:
        self.kyc.append(
            {"who": who, "at": at, "from_status": before, "to_status": after, "actor_type": actor, "actor_id": actor_id}
        )

    def screened(self, who: int, at: int) -> None:
        """Sanctions, politically exposed persons and adverse media, looked through again and clear."""
        self.screenings.append((who, at))

    def note(self, case: str, members: list[int], decoy: bool = False, until: float = 0, **facts: Any) -> None:
        """Names a planted case in the truth, with the day by which the data show it."""
        self.truth.append({"case": case, "decoy": decoy, "who": members, "until": until, **facts})


def play_deposits(stage: Stage, people: People, table: list[Row]) -> pl.DataFrame:
    """The scenario's deposits or withdrawals as the plan that `deposits` and `withdrawals` understand."""
    texts = {name: pl.String for name in ("instrument_id", "holder", "country", "outcome", "approver", "checks")}
    frame = pl.DataFrame(
        table, infer_schema_length=None, schema_overrides={**texts, "approved_at": pl.Int64} if table else None
    )
    return frame.with_columns(client=pl.col("who") + people.regular).drop("who") if table else frame


def play_trades(stage: Stage, market: Market, people: People, accounts: Accounts) -> tuple[Positions, Moves]:
    """The scenarios' positions and movements, on the one account each planted client holds."""
    account_of = {int(client): row for row, client in enumerate(accounts.client) if client >= people.regular}
    whose = lambda rows: np.array([account_of[people.regular + row["who"]] for row in rows], dtype=np.int64)  # noqa: E731
    column = lambda rows, name: np.array([row[name] for row in rows], dtype=np.int64)  # noqa: E731
    trades = stage.trades
    opened = column(trades, "at")
    closed = opened + np.array([int(row["seconds"] * SECOND) for row in trades], dtype=np.int64)
    symbol = np.array([market.index(row["symbol"]) for row in trades], dtype=np.int64)
    risen = market.mid(symbol, closed) >= market.mid(symbol, opened)
    wins = np.array([-1 if row["wins"] is None else int(row["wins"]) for row in trades], dtype=np.int64)
    side = np.where(wins < 0, column(trades, "side"), np.where(risen == (wins == 1), 1, -1))
    n = len(trades)
    zero = np.zeros(n, dtype=np.int64)
    positions = Positions(
        account=whose(trades), symbol=symbol, side=side, lots=column(trades, "lots"), opened=opened, middle=(opened + closed) // 2,
        closed=closed, pattern=zero + SIMPLE, spread=zero + 2, reason=zero,
    )  # fmt: skip
    moves = stage.moves
    played = Moves(
        whose(moves),
        column(moves, "at"),
        column(moves, "amount"),
        column(moves, "action"),
        np.full(len(moves), PLANTED),
    )
    return positions, played


def play_sessions(stage: Stage, people: People) -> pl.DataFrame:
    """The scenarios' sessions, from the client's own device and address unless the scenario says otherwise."""
    rows = stage.sessions
    client = np.array([people.regular + row["who"] for row in rows], dtype=np.int64)
    usual = {"device_id": people.device(client), "ip": people.ip(client), "ip_country": people.country.gather(client)}
    own = {
        name: pl.Series(values=[row.get(name) for row in rows], dtype=pl.String) for name in (*usual, "instrument_id")
    }
    chosen = {name: pl.select(pl.coalesce(own[name], usual[name])).to_series() for name in usual}
    return pl.DataFrame({
        "session_id": [f"SX{number:07d}" for number in range(len(rows))], "client_id": people.ids.gather(client),
        "event": [row["event"] for row in rows], "instrument_id": own["instrument_id"], "ip": chosen["ip"],
        "ip_country": chosen["ip_country"], "ip_asn": ["AS3320"] * len(rows), "device_id": chosen["device_id"],
        "occurred_at": times(np.array([row["at"] for row in rows], dtype=np.int64)),
    })  # fmt: skip


def play_kyc(stage: Stage, people: People, frame: pl.DataFrame) -> pl.DataFrame:
    """The KYC events with the scenarios' status changes added and document expiries set."""
    ids = people.ids.to_list()
    extra = pl.DataFrame([
        {
            "event_id": f"KX{number:05d}", "client_id": ids[people.regular + row["who"]], "event": "status_changed",
            "from_status": row["from_status"], "to_status": row["to_status"], "actor_type": row["actor_type"],
            "actor_id": row["actor_id"], "reason": "planted", "provider": "sumsub", "at": row["at"],
        }
        for number, row in enumerate(stage.kyc)
    ]).with_columns(occurred_at=pl.col("at").cast(pl.Datetime("us"))).drop("at")  # fmt: skip
    expires = {ids[people.regular + who]: at // DAY for who, at in stage.expiries.items()}
    day = pl.col("client_id").replace_strict(expires, default=None, return_dtype=pl.Int32).cast(pl.Date)
    has_expiry = pl.col("document_expires_on").is_not_null()
    frame = frame.with_columns(
        document_expires_on=pl.when(has_expiry & day.is_not_null()).then(day).otherwise("document_expires_on")
    )
    return pl.concat([frame, extra, _screenings(stage, ids)], how="diagonal").sort(
        "occurred_at", "client_id", "event_id"
    )


def _screenings(stage: Stage, ids: list[str]) -> pl.DataFrame:
    rows = [
        {
            "event_id": f"KS{number:05d}-{place}", "client_id": ids[len(ids) - len(stage.entities) + who], "event": "check_completed",
            "check": check, "result": "clear", "actor_type": "provider", "provider": "sumsub", "at": at + place * SECOND,
        }
        for number, (who, at) in enumerate(stage.screenings)
        for place, check in enumerate(("sanctions", "pep", "adverse_media"))
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema_overrides={"at": pl.Int64} if rows else None)
    return frame.with_columns(occurred_at=pl.col("at").cast(pl.Datetime("us"))).drop("at") if rows else frame


def patched(frame: pl.DataFrame, key: str, patches: Mapping[str, Row]) -> pl.DataFrame:
    """The frame with some columns of some keys replaced."""
    for column in sorted({name for patch in patches.values() for name in patch}):
        values = {name: patch[column] for name, patch in patches.items() if column in patch}
        kind = frame.schema[column]
        text = pl.Series(values=[str(value) for value in values.values()])
        new = text.str.to_date() if kind == pl.Date else text.cast(kind)
        lookup = pl.DataFrame({key: list(values), "__new": new})
        frame = (
            frame.join(lookup, on=key, how="left", maintain_order="left")
            .with_columns(pl.coalesce("__new", column).alias(column))
            .drop("__new")
        )
    return frame


def truth_of(stage: Stage, people: People, accounts: Accounts) -> list[Row]:
    """The planted cases that the data up to the cut already show, with the clients' ids and logins."""
    ids = people.ids.to_list()
    login_of = {
        int(client): int(accounts.login[row]) for row, client in enumerate(accounts.client) if client >= people.regular
    }
    reached = (stage.world.cut_us - stage.world.start_us) / DAY
    rows = []
    for row in stage.truth:
        if row["until"] + 1 > reached:
            continue
        members = [people.regular + who for who in row["who"]]
        named = {"client_ids": [ids[member] for member in members], "logins": [login_of[member] for member in members]}
        rows.append(
            {key: value for key, value in row.items() if key not in ("who", "until")}
            | named
            | {"seen_by": iso(stage.at(row["until"], 23))}
        )
    return rows
