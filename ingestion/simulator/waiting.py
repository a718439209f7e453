"""Withdrawals of the last day that nobody has decided yet: what the approval screens of a simulated home open with."""

from ingestion.simulator.scenarios_money import traded_a_little
from ingestion.simulator.stage import Stage
from ingestion.simulator.world import DAY

EASY = (
    # deposited EUR, asked EUR, method, hour
    (2_500, 1_200, "card", 5),
    (1_800, 850, "ewallet", 6),
    (4_000, 2_600, "bank_wire", 7),
    (9_000, 6_200, "bank_wire", 8),
    (22_000, 14_500, "bank_wire", 9),
    (90_000, 64_000, "bank_wire", 10),
)
FIRST_DAY = 10
"""Earlier nobody has traded; a broker with fewer days than three times this has nothing waiting."""


def plant(stage: Stage) -> None:
    """Requests that are in order, of every size a policy tells apart, and one for each common reason to hold back."""
    last = stage.world.drawn_days - 1
    if last < 3 * FIRST_DAY:
        return
    for place, (deposited, asked, method, hour) in enumerate(EASY):
        who = client(stage, deposited, method, FIRST_DAY + place)
        stage.screened(who, stage.at(last, hour - 1))
        stage.withdraw(who, last, asked, method=method, hour=hour, outcome="open")
    stranger = client(stage, 1_500, "card", FIRST_DAY)
    stage.screened(stranger, stage.at(last, 10))
    stage.withdraw(stranger, last, 700, hour=11, outcome="open", holder="Ottilie Marchetti")
    expired = client(stage, 1_600, "card", FIRST_DAY + 1)
    stage.screened(expired, stage.at(last, 11))
    stage.expiries[expired] = stage.at(last) - 5 * DAY
    stage.withdraw(expired, last, 640, hour=12, outcome="open")
    unscreened = client(stage, 1_700, "card", FIRST_DAY + 2)
    stage.withdraw(unscreened, last, 560, hour=13, outcome="open")


def client(stage: Stage, deposited: float, method: str, day: int) -> int:
    """A client with money in the wallet and a little trading behind it."""
    who = stage.cast()
    stage.deposit(who, day, deposited, method=method)
    traded_a_little(stage, who, day + 4, min(600, deposited / 4))
    return who
