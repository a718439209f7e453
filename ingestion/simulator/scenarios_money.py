"""Planted monitoring cases that show in money and identity: A01–A13, A20–A22, each with a decoy that comes near."""

from ingestion.simulator.stage import Stage
from ingestion.simulator.world import DAY, MINUTE


def plant(stage: Stage) -> None:
    """Casts and plays every case; two of each unless one is enough."""
    for number in range(2):
        shift = number * 4
        structuring(stage, shift)
        rapid_in_and_out(stage, shift)
        no_trade(stage, shift)
        third_party(stage, shift, number)
        velocity(stage, shift)
        return_to_source(stage, shift)
        new_instrument(stage, shift)
        dormant(stage, shift)
        wealth(stage, shift)
        chargeback(stage, shift)
        crypto(stage, shift, number)
        takeover(stage, shift)
        drift(stage, shift)
    shared(stage)
    geography(stage)
    screening(stage)


def traded_a_little(stage: Stage, who: int, day: float, euros: float = 600) -> None:
    """Funds the account and closes one small position, so that the client is no stranger to trading."""
    stage.fund(who, day, euros)
    weekday = day + {5: 2, 6: 1}.get((stage.at(day) // DAY + 3) % 7, 0)
    stage.trade(who, stage.at(weekday, 14), 0.1, 1800)


def structuring(stage: Stage, shift: int) -> None:
    """A01: deposits kept just below a limit."""
    who = stage.cast()
    for step, euros in enumerate((1850, 1900, 1800, 1950)):
        stage.deposit(who, 5 + shift + 2 * step, euros)
    stage.note("A01", [who], until=11 + shift, threshold=2000)
    near = stage.cast()
    for step, euros in enumerate((1300, 1350, 1250)):
        stage.deposit(near, 5 + shift + 2 * step, euros)
    stage.note("A01", [near], decoy=True, until=9 + shift, why="below the band")


def rapid_in_and_out(stage: Stage, shift: int) -> None:
    """A02: in and out within a week, hardly a trade."""
    who = stage.cast()
    stage.deposit(who, 10 + shift, 5000)
    request = stage.withdraw(who, 13 + shift, 4500)
    stage.note("A02", [who], until=16 + shift, request_id=request)
    near = stage.cast()
    stage.deposit(near, 10 + shift, 5000)
    traded_a_little(stage, near, 11 + shift)
    request = stage.withdraw(near, 19 + shift, 4200)
    stage.note("A02", [near], decoy=True, until=22 + shift, request_id=request, why="nine days after the deposit")


def no_trade(stage: Stage, shift: int) -> None:
    """A03: most of the money leaves without a single closed trade."""
    who = stage.cast()
    stage.deposit(who, 12 + shift, 3000)
    request = stage.withdraw(who, 30 + shift, 2000)
    stage.note("A03", [who], until=33 + shift, request_id=request)
    near = stage.cast()
    stage.deposit(near, 12 + shift, 3000)
    request = stage.withdraw(near, 30 + shift, 1200)
    stage.note("A03", [near], decoy=True, until=33 + shift, request_id=request, why="40 % of the deposits")


def third_party(stage: Stage, shift: int, number: int) -> None:
    """A04: somebody else's card."""
    who, near = stage.cast(), stage.cast()
    stage.patch(who, first_name="Katerina", last_name="Zachariou")
    request = stage.deposit(who, 14 + shift, 900, holder=("Gregor Baumgartner", "Ludovic Perrin")[number])
    stage.note("A04", [who], until=14 + shift, request_id=request)
    stage.patch(near, first_name="Jörg", last_name="Müller-Weiss")
    request = stage.deposit(near, 14 + shift, 900, holder="MUELLER-WEISS JOERG")
    stage.note("A04", [near], decoy=True, until=14 + shift, request_id=request, why="the same name, transliterated")


def velocity(stage: Stage, shift: int) -> None:
    """A05: many deposits in a day, or a card tried until it works."""
    who, tries, near = stage.cast(), stage.cast(), stage.cast()
    for step in range(5):
        stage.deposit(who, 18 + shift, 310 + 5 * step, hour=8 + 2 * step)
    stage.note("A05", [who], until=18 + shift, variant="count_24h")
    for step in range(3):
        stage.deposit(tries, 19 + shift, 500, hour=10 + step / 6, outcome="declined")
    stage.deposit(tries, 19 + shift, 500, hour=10.6)
    stage.note("A05", [tries], until=19 + shift, variant="declines_then_success")
    for step in range(4):
        stage.deposit(near, 18 + shift + step * 0.4, 305 + 5 * step, hour=8)
    stage.note("A05", [near], decoy=True, until=20 + shift, why="four deposits in 29 hours")


def return_to_source(stage: Stage, shift: int) -> None:
    """A06: paid back to another instrument than the money came from."""
    who, near = stage.cast(), stage.cast()
    stage.deposit(who, 8 + shift, 1500)
    traded_a_little(stage, who, 9 + shift)
    request = stage.withdraw(who, 25 + shift, 850, method="ewallet")
    stage.note("A06", [who], until=28 + shift, request_id=request)
    stage.deposit(near, 8 + shift, 1000)
    stage.deposit(near, 9 + shift, 700, method="bank_wire")
    traded_a_little(stage, near, 10 + shift)
    request = stage.withdraw(near, 25 + shift, 1000)
    stage.note(
        "A06", [near], decoy=True, until=28 + shift, request_id=request, why="the card first, up to what came from it"
    )


def new_instrument(stage: Stage, shift: int) -> None:
    """A07: a withdrawal to an instrument added a day before."""
    who, near = stage.cast(), stage.cast()
    for client, added in ((who, 26), (near, 16)):
        token = f"ewl_new{client:04d}"
        stage.deposit(client, 8 + shift, 1600, method="ewallet")
        traded_a_little(stage, client, 9 + shift)
        stage.session(client, stage.at(added + shift), "instrument_added", instrument_id=token)
        request = stage.withdraw(client, 27 + shift, 700, method="ewallet", instrument_id=token)
        why = {} if client == who else {"why": "added eleven days before"}
        stage.note("A07", [client], decoy=client == near, until=30 + shift, request_id=request, **why)


def dormant(stage: Stage, shift: int) -> None:
    """A08: silence for half a year, then a large deposit."""
    who, near = stage.cast(), stage.cast()
    for client in (who, near):
        stage.deposit(client, -195 + shift, 500)
        stage.deposit(client, 22 + shift, 6000)
    stage.session(near, stage.at(-40 + shift))
    stage.note("A08", [who], until=22 + shift)
    stage.note("A08", [near], decoy=True, until=22 + shift, why="signed in two months before")


def wealth(stage: Stage, shift: int) -> None:
    """A12: deposits beyond what the client says to have."""
    who, near = stage.cast(), stage.cast()
    for client, euros in ((who, 30_000), (near, 18_000)):
        stage.patch(
            client, declared_income_eur="20000.00", declared_net_worth_eur="80000.00", expected_deposits_eur="12000.00"
        )
        stage.deposit(client, 15 + shift, euros / 2, method="bank_wire")
        stage.deposit(client, 24 + shift, euros / 2, method="bank_wire")
    stage.note("A12", [who], until=25 + shift)
    stage.note(
        "A12", [near], decoy=True, until=25 + shift, why="below income, half the net worth and twice the expected"
    )


def chargeback(stage: Stage, shift: int) -> None:
    """A13: a chargeback on a deposit of the first thirty days."""
    who, near = stage.cast(), stage.cast()
    request = stage.deposit(who, 6 + shift, 800)
    stage.disputes.append({"request_id": request, "days": 12, "lost": True})
    stage.note("A13", [who], until=20 + shift, request_id=request)
    stage.deposit(near, -50 + shift, 300)
    request = stage.deposit(near, 8 + shift, 350)
    stage.disputes.append({"request_id": request, "days": 12, "lost": False})
    stage.note("A13", [near], decoy=True, until=22 + shift, request_id=request, why="58 days after the first deposit")


def crypto(stage: Stage, shift: int, number: int) -> None:
    """A20: coins from a listed wallet, or paid out to another address than they came from."""
    listed, elsewhere, near = stage.cast(), stage.cast(), stage.cast()
    request = stage.deposit(
        listed, 16 + shift, 1200, method="crypto", instrument_id=("wal_mixer0001", "wal_sanct0001")[number]
    )
    stage.note("A20", [listed], until=16 + shift, request_id=request, variant="listed_wallet")
    for client, target in ((elsewhere, f"wal_other{elsewhere:04d}"), (near, None)):
        stage.deposit(client, 16 + shift, 1200, method="crypto")
        traded_a_little(stage, client, 17 + shift)
        request = stage.withdraw(client, 29 + shift, 500, method="crypto", instrument_id=target)
        why = {"variant": "other_address"} if target else {"why": "back to the same address"}
        stage.note("A20", [client], decoy=client == near, until=32 + shift, request_id=request, **why)


def takeover(stage: Stage, shift: int) -> None:
    """A21: new device, reset password, new instrument, withdrawal, all in a day."""
    who, near = stage.cast(), stage.cast()
    for client in (who, near):
        stage.deposit(client, 7 + shift, 2500, method="ewallet")
        traded_a_little(stage, client, 8 + shift)
        stage.session(client, stage.at(7 + shift, 10))
        at, device, token = stage.at(33 + shift, 9), f"dev-stranger{client:04d}", f"ewl_stranger{client:04d}"
        stage.session(client, at, device_id=device, ip=f"185.220.1.{client % 250}", ip_country="RO")
        if client == who:
            stage.session(client, at + 5 * MINUTE, "password_reset", device_id=device)
            stage.session(client, at + 20 * MINUTE, "instrument_added", device_id=device, instrument_id=token)
        request = stage.withdraw(
            client, 33 + shift, 1500, method="ewallet", hour=12, instrument_id=token if client == who else None
        )
        why = {} if client == who else {"why": "a new device, but nothing reset and the old instrument"}
        stage.note("A21", [client], decoy=client == near, until=36 + shift, request_id=request, **why)


def drift(stage: Stage, shift: int) -> None:
    """A22: a deposit far outside the client's own history."""
    who, near = stage.cast(), stage.cast()
    for client, last in ((who, 5000), (near, 310)):
        for step, euros in enumerate((150, 220, 180, 290, 240, 200)):
            stage.deposit(client, 3 + shift + 6 * step, euros)
        stage.deposit(client, 45 + shift, last)
    stage.note("A22", [who], until=45 + shift)
    stage.note("A22", [near], decoy=True, until=45 + shift, why="within three standard deviations")


def shared(stage: Stage) -> None:
    """A09: one card, one device, one document for two people; and an address that only two share."""
    first, second = stage.cast(), stage.cast()
    for client in (first, second):
        stage.deposit(client, 9, 700, instrument_id="card_shared00001")
    stage.note("A09", [first, second], until=9, attribute="card", value="card_shared00001")
    first, second = stage.cast(), stage.cast()
    for client in (first, second):
        stage.deposit(client, 9, 650)
        stage.session(client, stage.at(9, 10), device_id="dev-shared00001")
    stage.note("A09", [first, second], until=9, attribute="device", value="dev-shared00001")
    first, second = stage.cast(), stage.cast()
    for client in (first, second):
        stage.deposit(client, 9, 640)
        stage.session(client, stage.at(9, 10), ip="91.184.200.7")
    stage.note(
        "A09",
        [first, second],
        decoy=True,
        until=9,
        attribute="ip",
        value="91.184.200.7",
        why="two persons, three are needed",
    )


def geography(stage: Stage) -> None:
    """A10: money or people from listed countries, judged by the list of that day."""
    resident, payer, later, abroad = (stage.cast(entity) for entity in ("SC", "CY", "CY", "CY"))
    stage.patch(resident, country_of_residence="MM")
    stage.deposit(resident, 11, 400, method="ewallet")
    stage.note("A10", [resident], until=11, attribute="residence", country="MM")
    request = stage.deposit(payer, 20, 800, country="NG")
    stage.note("A10", [payer], until=20, attribute="payer_bank_country", country="NG", request_id=request)
    request = stage.deposit(later, 65, 800, country="NG")
    stage.note("A10", [later], decoy=True, until=65, request_id=request, why="the country left the list on day 60")
    stage.deposit(abroad, 12, 600)
    for step in range(10):
        country = "VN" if step < 7 else None
        stage.session(abroad, stage.at(13 + step), ip_country=country)
    stage.note("A10", [abroad], until=23, attribute="ip_country", country="VN")


def screening(stage: Stage) -> None:
    """A11: a listed name with the listed birth date; and a namesake."""
    for name, born, decoy in (
        (("Viktor", "Morozov"), "1969-04-12", False),
        (("Eleonora", "Vasiliadou"), "1961-07-30", False),
        (("Viktor", "Morozov"), "1993-09-21", True),
    ):
        who = stage.cast()
        stage.patch(who, first_name=name[0], last_name=name[1], birth_date=born)
        stage.deposit(who, 10, 500, holder=" ".join(name), hour=11 + who % 5)
        stage.note("A11", [who], decoy=decoy, until=10, **({"why": "a namesake of another age"} if decoy else {}))
