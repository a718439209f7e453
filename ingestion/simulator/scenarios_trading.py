"""Planted cases that show in trades and partners (A14–A18) and failures of control on withdrawals, with decoys."""

from typing import Any

from ingestion.simulator.scenarios_money import traded_a_little
from ingestion.simulator.stage import Stage
from ingestion.simulator.world import DAY, HOUR, MINUTE, SECOND

PARTNER = "P0003"
OWN_PARTNER = "P0005"


def plant(stage: Stage) -> None:
    """Casts and plays every case."""
    matched(stage)
    latency(stage)
    bonus(stage)
    self_referral(stage)
    churning(stage)
    control_failures(stage)


def trading_day(stage: Stage, day: int, hour: float) -> int:
    """The moment on that day, or on Monday after a weekend."""
    at = stage.at(day, hour)
    return at + {5: 2, 6: 1}.get((at // DAY + 3) % 7, 0) * DAY


def equipped(stage: Stage, day: int, euros: float, device: str | None = None) -> int:
    """A client with money on the platform, seen on the device given."""
    who = stage.cast()
    stage.deposit(who, day, euros)
    stage.fund(who, day, euros * 0.9)
    stage.session(who, stage.at(day, 10), device_id=device)
    return who


def matched(stage: Stage) -> None:
    """A14: two linked accounts on opposite sides of the same trades; the decoys are on the same side."""
    for decoy in (False, True):
        device = f"dev-matched{int(decoy)}"
        first, second = (equipped(stage, 4, 6000, device) for _ in range(2))
        for step in range(8):
            at = trading_day(stage, 6 + 2 * step, 13)
            for who, side, late in ((first, 1, 0), (second, 1 if decoy else -1, 18)):
                stage.trade(who, at + late * SECOND, 0.4, 5400 + late, side=side)
        stage.note("A14", [first, second], decoy=decoy, until=24, **({"why": "both buy"} if decoy else {}))


def latency(stage: Stage) -> None:
    """A15: in and out within seconds and nearly always right; the decoy is as quick and as often wrong."""
    for decoy in (False, True):
        who = equipped(stage, 5, 5000)
        for step in range(30):
            at = trading_day(stage, 7 + step // 3, 9 + 2 * (step % 3))
            stage.trade(who, at, 0.5, 25 + step, wins=(step % 2 == 0) if decoy else step % 15 != 0)
        stage.note("A15", [who], decoy=decoy, until=19, **({"why": "wins half the time"} if decoy else {}))


def bonus(stage: Stage) -> None:
    """A16: a bonus on one side of a hedge between linked accounts; the decoy holds the same bonus alone."""
    device = "dev-bonus0"
    first, second, alone = equipped(stage, 6, 3000, device), equipped(stage, 6, 3000, device), equipped(stage, 6, 3000)
    for who in (first, alone):
        stage.credit(who, 7, 600)
    for step in range(6):
        at = trading_day(stage, 9 + step, 10)
        for who, side in ((first, 1), (second, -1), (alone, 1)):
            stage.trade(who, at, 0.3, 7200, symbol="GBPUSD", side=side)
    stage.note("A16", [first, second], until=18)
    stage.note("A16", [alone], decoy=True, until=18, why="no linked account on the other side")


def self_referral(stage: Stage) -> None:
    """A17: a partner's own second account; the decoy shares only the surname."""
    owner, puppet, near = (equipped(stage, 8, 2000, device) for device in ("dev-owner0", "dev-owner0", None))
    stage.partners.append({"partner_id": OWN_PARTNER, "who": owner})
    for who in (puppet, near):
        stage.links.append({"who": who, "partner": OWN_PARTNER, "at": stage.at(1)})
        stage.patch(who, last_name="Achilleos")
        for step in range(4):
            stage.trade(who, trading_day(stage, 10 + step, 15), 0.2, 2400)
    stage.patch(owner, last_name="Achilleos")
    stage.note("A17", [puppet, owner], until=16, partner_id=OWN_PARTNER)
    stage.note("A17", [near], decoy=True, until=16, partner_id=OWN_PARTNER, why="the surname alone")


def churning(stage: Stage) -> None:
    """A18: trades without end for the partner's commission; the decoy holds its positions."""
    for decoy in (False, True):
        who = equipped(stage, 9, 6000)
        stage.links.append({"who": who, "partner": PARTNER, "at": stage.at(1)})
        for step in range(30 if decoy else 90):
            at = trading_day(stage, 11 + step // 6, 8 + 1.5 * (step % 6))
            stage.trade(who, at, 0.5 if decoy else 2.0, 5000 if decoy else 70 + step % 40, wins=step % 2 == 0)
        stage.note(
            "A18",
            [who],
            decoy=decoy,
            until=29,
            partner_id=PARTNER,
            **({"why": "held for more than an hour"} if decoy else {}),
        )


def ordinary(stage: Stage, euros: float = 3000) -> int:
    """A client with one deposit by card and a little trading: nothing to remark."""
    who = stage.cast()
    stage.deposit(who, 10, euros)
    traded_a_little(stage, who, 11)
    return who


def control_failures(stage: Stage) -> None:
    """Each way a withdrawal can be let through against the rules, and a withdrawal that just keeps them."""
    at = stage.at(40, 11)
    decision = {"approver": "ST-07", "approved_at": at + 5 * HOUR}

    def case(
        control: str,
        euros: float = 900,
        decoy: bool = False,
        why: str = "",
        who: int | None = None,
        deposit: float = 3000,
        **more: Any,
    ) -> int:
        client = ordinary(stage, deposit) if who is None else who
        request = stage.withdraw(client, 40, euros, **(decision | more))
        facts = {"control": control, "request_id": request} | ({"why": why} if why else {})
        stage.note("control_failure", [client], decoy=decoy, until=44, **facts)
        return client

    case("approved_before_check", checks="late")
    case("approved_before_check", decoy=True, why="approved a minute after the last check", approved_at=at + 4 * MINUTE)
    for name in ("balance", "sanctions", "return_to_source"):
        case("check_missing", checks=f"no_{name}")
    member = case("self_approval", approver="ST-08")
    stage.staff["ST-08"] = member
    colleague = case("self_approval", decoy=True, why="staff's own withdrawal, approved by a colleague")
    stage.staff["ST-14"] = colleague
    case("approver_inactive", approver="ST-19")
    case("approver_without_role", approver="ST-15")
    case("limit_exceeded", euros=7500, deposit=9000, approver="ST-09")
    case("limit_exceeded", euros=5000, deposit=9000, approver="ST-09", decoy=True, why="exactly the limit")
    stale = case("stale_kyc")
    stage.status(stale, stage.at(5), "APPROVED", "RE_KYC")
    fresh = case("stale_kyc", decoy=True, why="in renewal for twenty days, thirty are allowed")
    stage.status(fresh, stage.at(20), "APPROVED", "RE_KYC")
    expired = case("expired_document")
    stage.expiries[expired] = stage.at(30)
    valid = case("expired_document", decoy=True, why="valid until the day after")
    stage.expiries[valid] = stage.at(41)
    case("third_party_payout", holder="Gregor Baumgartner", instrument_id="card_stranger001")
    early = ordinary(stage)
    request = stage.withdraw(early, 28, 900, approver="ST-19", approved_at=stage.at(28, 16))
    stage.note(
        "control_failure",
        [early],
        decoy=True,
        until=32,
        control="approver_inactive",
        request_id=request,
        why="two days before leaving",
    )
