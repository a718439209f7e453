"""Streams of one client's money drawn by Hypothesis: what happens in which order, its rows in each feed, and what must stand in the end."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.dbt.ledger_rows import account, client

Row = dict[str, Any]
Feeds = dict[str, list[Row]]
DIGITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "BTC": 8}
FIRST = datetime(2026, 1, 2, 1)
STEP = timedelta(hours=9)
ENDED = ("rejected", "cancelled", "failed")
"""A request that ends so has moved nothing."""
WITHDRAWALS = (
    ("requested",), ("requested", "sent"), ("requested", "sent", "paid"), ("requested", "paid"), ("requested", "rejected"),
    ("requested", "cancelled"), ("requested", "sent", "failed"), ("requested", "sent", "paid", "returned"),
)  # fmt: skip
CHARGEBACKS = (
    ("chargeback",), ("chargeback", "chargeback_reversal"), ("chargeback", "chargeback_lost"),
    ("chargeback", "chargeback_lost", "chargeback_reversal"),
)  # fmt: skip


@dataclass(frozen=True)
class Op:
    """One thing that happens. `units` and `fee` are whole minor units of the client's currency; `path` the events it runs through."""

    kind: str
    units: int
    fee: int = 0
    path: tuple[str, ...] = ()
    flag: bool = False


@dataclass(frozen=True)
class Stream:
    """A client with one trading account in one currency, and what happens one after another."""

    name: str
    login: int
    currency: str
    ops: tuple[Op, ...]

    def money(self, units: int) -> Decimal:
        return Decimal(units).scaleb(-DIGITS[self.currency])


UNITS = st.integers(1, 10**7)
DEPOSITS = (("completed",), ("completed", "failed"), ("declined",))
OPS = st.one_of(
    st.builds(Op, st.just("deposit"), UNITS, st.integers(0, 50), st.sampled_from(DEPOSITS), st.booleans()),
    st.builds(Op, st.just("withdrawal"), st.integers(51, 10**7), st.integers(0, 50), st.sampled_from(WITHDRAWALS), st.booleans()),
    st.builds(Op, st.just("chargeback"), UNITS, st.just(0), st.sampled_from(CHARGEBACKS)),
    st.builds(Op, st.just("transfer"), UNITS, flag=st.booleans()),
    st.builds(Op, st.just("trade"), st.integers(-(10**7), 10**7), st.integers(0, 50)),
    st.builds(Op, st.just("credit"), st.integers(-(10**5), 10**6)),
)  # fmt: skip


def streams(count: int) -> list[Stream]:
    """As many streams, the same every time; drawn together, since a warehouse is built once for all of them."""
    drawn: list[Stream] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(st.sampled_from(sorted(DIGITS)), st.lists(OPS, min_size=1, max_size=40))
    def draw(currency: str, ops: list[Op]) -> None:
        number = len(drawn) + 1
        drawn.append(Stream(f"G{number}", 20_000 + number, currency, tuple(ops)))

    draw()
    return drawn


@dataclass
class Told:
    """The rows that a stream sends, and what it leaves on each account (a debit is positive)."""

    feeds: Feeds = field(default_factory=lambda: defaultdict(list))
    books: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    ended: set[str] = field(default_factory=set)
    platform: Decimal = Decimal(0)
    granted: Decimal = Decimal(0)

    def post(self, amount: Decimal, debit: str, credit: str) -> None:
        self.books[debit] += amount
        self.books[credit] -= amount


def told(stream: Stream) -> Told:
    """Everything the sources report of a stream, with the books it must make by the rules of the specification, read plainly."""
    said = Told()
    said.feeds["clients"].append(client(stream.name))
    said.feeds["trading_accounts"].append(account(stream.login, stream.currency, stream.name))
    for number, op in enumerate(stream.ops):
        TELL[op.kind](said, stream, op, f"{stream.name}-{number}", FIRST + STEP * number)
    covered = max(min(-said.platform, said.granted), Decimal(0))
    said.books["2020"] -= covered
    said.books["9010"] -= covered
    return said


def merged(parts: list[Told]) -> Feeds:
    """The rows of all streams by feed."""
    feeds: Feeds = defaultdict(list)
    for part in parts:
        for name, rows in part.feeds.items():
            feeds[name] += rows
    return dict(feeds)


def _times(at: datetime) -> Iterator[str]:
    for hour in range(6):
        yield f"{at + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}"


def _psp(stream: Stream, event_id: str, kind: str, amount: Decimal, at: str, **more: Any) -> Row:
    return {
        "psp": "genpay", "event_id": event_id, "psp_txn_id": f"T-{event_id}", "kind": kind, "status": "completed", "amount": str(amount),
        "currency": stream.currency, "client_id": stream.name, "occurred_at": at,
    } | more  # fmt: skip


def _deal(stream: Stream, key: str, action: str, at: str, **more: Any) -> Row:
    traded = action in ("buy", "sell")
    return {
        "platform": "mt5", "deal_id": int(key.replace("G", "9").replace("-", "000")), "login": stream.login, "executed_at": at, "action": action,
        "volume_lots": "1" if traded else "0", "price": "1.1" if traded else "0",
    } | more  # fmt: skip


def _deposit(said: Told, stream: Stream, op: Op, key: str, at: datetime) -> None:
    amount, fee = stream.money(op.units + op.fee), stream.money(op.fee)
    borne = {"fee_amount": str(fee), "fee_borne_by": "client" if op.flag else "firm"}
    for event, moment in zip(op.path, _times(at), strict=False):
        row = _psp(stream, f"{key}-{event}", "deposit", amount, moment, psp_txn_id=f"T-{key}", status=event)
        said.feeds["psp_transactions"].append(row | borne if event == "completed" else row)
        if event == "completed":
            said.post(amount, "1030", "2010")
            said.post(fee, "5010", "1030")
            said.post(fee if op.flag else Decimal(0), "2010", "4050")
        elif event == "failed":
            said.post(amount, "2010", "1030")


def _withdrawal(said: Told, stream: Stream, op: Op, key: str, at: datetime) -> None:
    amount, fee = stream.money(op.units), stream.money(op.fee)
    place = "2010"
    payer = "1030" if op.flag else "1010"
    for event, moment in zip(op.path, _times(at), strict=False):
        said.feeds["cash_requests"].append({
            "event_id": f"{key}-{event}", "request_id": key, "client_id": stream.name, "request_kind": "withdrawal", "event": event,
            "amount": str(amount), "currency": stream.currency, "fee_amount": str(fee), "fee_currency": stream.currency, "occurred_at": moment,
        } | ({"psp": "genpay"} if op.flag and event == "paid" else {}))  # fmt: skip
        if event == "requested":
            said.post(amount, "2010", "2015")
            place = "2015"
        elif event == "sent":
            said.post(amount - fee, "2015", "2070")
            said.post(fee, "2015", "4050")
            place = "2070"
        elif event == "paid":
            said.post(amount - fee, place, payer)
            said.post(fee if place != "2070" else Decimal(0), place, "4050")
        elif event == "returned":
            said.post(amount - fee, payer, "2010")
        else:
            said.post(amount - fee if place == "2070" else amount, place, "2010")
            said.ended |= {key} if place == "2015" or not fee else set()
    if op.flag and "paid" in op.path:
        late = f"{at + timedelta(hours=op.path.index('paid'), minutes=-5):%Y-%m-%dT%H:%M:%SZ}"
        said.feeds["psp_transactions"].append(
            _psp(stream, f"{key}-psp", "withdrawal", amount - fee, late, client_reference=key)
        )


def _chargeback(said: Told, stream: Stream, op: Op, key: str, at: datetime) -> None:
    amount, recovered = stream.money(op.units), None
    times = list(_times(at))
    said.feeds["psp_transactions"].append(_psp(stream, f"{key}-in", "deposit", amount, times[0]))
    said.post(amount, "1030", "2010")
    for event, moment in zip(op.path, times[1:], strict=False):
        ids = {"psp_txn_id": f"CB-{key}", "original_psp_txn_id": f"T-{key}-in"}
        said.feeds["psp_transactions"].append(_psp(stream, f"{key}-{event}", event, amount, moment, **ids))
        if event == "chargeback":
            said.post(amount, "1045", "1030")
        elif event == "chargeback_lost":
            recovered = max(min(amount, -said.books["2010"]), Decimal(0))
            said.post(recovered, "2010", "1045")
            said.post(amount - recovered, "5040", "1045")
        elif recovered is None:
            said.post(amount, "1030", "1045")
        else:
            said.post(recovered, "1030", "2010")
            said.post(amount - recovered, "1030", "5040")


def _transfer(said: Told, stream: Stream, op: Op, key: str, at: datetime) -> None:
    amount, login = stream.money(op.units), f"mt5:{stream.login}"
    ends = ("wallet", login) if op.flag else (login, "wallet")
    times = list(_times(at))
    said.feeds["cash_requests"].append({
        "event_id": f"{key}-paid", "request_id": key, "client_id": stream.name, "request_kind": "internal_transfer", "event": "paid",
        "amount": str(amount), "currency": stream.currency, "from_account": ends[0], "to_account": ends[1], "occurred_at": times[0],
    })  # fmt: skip
    moved = amount if op.flag else -amount
    said.feeds["deals"].append(_deal(stream, key, "balance", times[0], profit=str(moved), reference=key))
    said.post(moved, "2010", "2020")
    said.platform += moved


def _trade(said: Told, stream: Stream, op: Op, key: str, at: datetime) -> None:
    profit, commission = stream.money(op.units), stream.money(op.fee)
    money = {"profit": str(profit), "commission": str(-commission)}
    said.feeds["deals"].append(_deal(stream, key, "sell", next(_times(at)), entry="out", position_id=key, **money))
    said.post(profit, "4010", "2020")
    said.post(commission, "2020", "4030")
    said.platform += profit - commission


def _credit(said: Told, stream: Stream, op: Op, key: str, at: datetime) -> None:
    amount = stream.money(op.units)
    said.feeds["deals"].append(_deal(stream, key, "credit", next(_times(at)), profit=str(amount)))
    said.books["9010"] += amount
    said.granted += amount


TELL = {
    "deposit": _deposit, "withdrawal": _withdrawal, "chargeback": _chargeback, "transfer": _transfer, "trade": _trade, "credit": _credit,
}  # fmt: skip
