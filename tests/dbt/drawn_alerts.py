"""Plants with parameters drawn on both sides of each threshold: as many found as not, so that a threshold that moved by a hair shows."""

import random

from tests.dbt.alert_rows import Plants, day

HAIR = 0.01
"""How near a decoy may come: a cent, or a hundredth of a day."""


def plant_drawn(p: Plants, seed: int, count: int) -> None:
    """`count` plants above and `count` below, of each scenario that a single number decides."""
    draw = random.Random(seed)
    for number in range(count):
        for sign in ("+", "-"):
            for one in DRAWN:
                one(p, draw, sign, number)


def structuring(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client, threshold = p.client(f"A01{sign}drawn {number}"), draw.choice((2000, 10000))
    # of ten thousand four fifths are far above two thousand: no band overlaps the other
    lowest, highest = 0.8 * threshold, threshold - HAIR
    amounts = [round(draw.uniform(lowest, highest), 2) for _ in range(3)]
    span = draw.uniform(1, 10)
    if sign == "-":
        way = draw.randrange(3)
        if way == 0:
            amounts[1] = draw.choice((round(lowest - HAIR, 2), threshold))
        elif way == 1:
            span = draw.uniform(10 + HAIR, 14)
        else:
            amounts.pop()
    for place, amount in enumerate(amounts):
        p.deposit(client, day(span * place / 2), amount)


def in_and_out(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client, paid_in = p.client(f"A02{sign}drawn {number}"), round(draw.uniform(500, 20000), 2)
    share, after, lots = draw.uniform(0.8 + HAIR, 1), draw.uniform(1, 7), 0.0
    if sign == "-":
        way = draw.randrange(3)
        if way == 0:
            share = draw.uniform(0.1, 0.8 - HAIR)
        elif way == 1:
            after = draw.uniform(7 + HAIR, 9)
        else:
            lots = round(paid_in / 10000 + 0.01 + paid_in * 30 * 0.1 / 100000, 2) + 0.01
    p.deposit(client, day(0), paid_in)
    if lots:
        p.trade(client, day(0.5), 300, lots)
    p.withdraw(client, day(after), round(paid_in * share, 2))


def no_trade(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client, paid_in = p.client(f"A03{sign}drawn {number}"), round(draw.uniform(500, 20000), 2)
    share = draw.uniform(0.5 + HAIR, 1) if sign == "+" or number % 2 else draw.uniform(0.05, 0.5 - HAIR)
    p.deposit(client, day(0), paid_in)
    if sign == "-" and number % 2:
        p.trade(client, day(draw.uniform(0.01, 19)), 60)
    p.withdraw(client, day(20), round(paid_in * share, 2))


def velocity(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client = p.client(f"A05{sign}drawn {number}")
    way, up = number % 3, sign == "+"
    if way == 0:
        last = draw.uniform(5, 24) if up else draw.uniform(24 + HAIR, 26)
        for hour in (0, 1, 2, 3, last):
            p.deposit(client, day(hours=hour), 50)
    elif way == 1:
        last = draw.uniform(12, 30) if up else draw.uniform(30 + HAIR, 40)
        for place, at in enumerate((0, 3, 6, last)):
            p.deposit(client, day(at), 50, instrument_id=f"{client}-{place}")
    else:
        first = draw.uniform(1, 59) if up else draw.uniform(-10, -HAIR)
        for minute in sorted((first, 59.5, 59.7)):
            p.deposit(client, day(minutes=minute), 50, status="declined", psp_txn_id=f"{client}{minute}")
        p.deposit(client, day(minutes=60), 50)


def return_to_source(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client, paid_in = p.client(f"A06{sign}drawn {number}"), round(draw.uniform(200, 5000), 2)
    profit = round(draw.uniform(1, 500), 2)
    off = 0.0 if sign == "-" else round(draw.uniform(0.02, paid_in / 2), 2)
    p.deposit(client, day(0), paid_in, instrument_id=f"card {client}")
    p.deposit(client, day(1), 10, "bank_wire", instrument_id=f"bank {client}")
    # a breach sends some of what the card is due to the bank, or more to the card than came from it
    card = paid_in - off if number % 2 else paid_in + min(off, profit)
    legs = [(f"card {client}", "card", round(card, 2)), (f"bank {client}", "bank_wire", round(paid_in + 10 + profit - card, 2))]  # fmt: skip
    p.withdraw(client, day(30), round(paid_in + 10 + profit, 2), legs=legs, instrument_id=f"card {client}")


def method_switch(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client = p.client(f"A07{sign}drawn {number}")
    hours = draw.uniform(0.1, 72 - HAIR) if sign == "+" else draw.uniform(72, 200)
    p.deposit(client, day(0), 500)
    p.session(client, day(20, hours=-hours), "instrument_added", instrument_id=f"n-{client}")
    p.withdraw(client, day(20), 100, instrument_id=f"n-{client}")


def dormancy(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client = p.client(f"A08{sign}drawn {number}", registered_at=day(-500))
    silence, amount, login = draw.uniform(180, 300), round(draw.uniform(5000, 30000), 2), draw.uniform(0.01, 7 - HAIR)
    if sign == "-":
        way = number % 3
        silence = draw.uniform(100, 180 - HAIR) if way == 0 else silence
        amount = round(draw.uniform(100, 5000 - HAIR), 2) if way == 1 else amount
        login = draw.uniform(7 + HAIR, 90) if way == 2 else login
    p.deposit(client, day(-silence), 100)
    p.session(client, day(-login))
    p.deposit(client, day(0), amount)


def wealth(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    income = round(draw.uniform(5000, 80000), 2)
    client = p.client(f"A12{sign}drawn {number}", declared_income_eur=str(income))
    over = draw.uniform(HAIR, 500) if sign == "+" else -draw.uniform(0, 500)
    half = round(income / 2, 2)
    p.deposit(client, day(0), half)
    p.deposit(client, day(100), round(income + over - half, 2))


def chargebacks(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client = p.client(f"A13{sign}drawn {number}")
    after = draw.uniform(0, 30) if sign == "+" else draw.uniform(30 + HAIR, 80)
    p.deposit(client, day(0), 100)
    txn = p.deposit(client, day(after), 100)
    p.deposit(client, day(100), 100, kind="chargeback", original_psp_txn_id=txn)


def takeover(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    client = p.client(f"A21{sign}drawn {number}")
    hours = [draw.uniform(0.1, 24) for _ in range(3)]
    if sign == "-":
        hours[number % 3] = draw.uniform(24 + HAIR, 60)
    p.deposit(client, day(-50), 900)
    p.session(client, day(-50))
    p.session(client, day(20, hours=-hours[0]), device_id=f"new-{client}")
    p.session(client, day(20, hours=-hours[1]), draw.choice(("password_reset", "mfa_reset")))
    p.session(client, day(20, hours=-hours[2]), "instrument_added", instrument_id=f"to-{client}")
    p.withdraw(client, day(20), 800, instrument_id=f"to-{client}")


def layering(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    names = [f"A19{sign}drawn {number}-{place}" for place in range(4)]
    for name in names:
        p.trade(p.client(name), day(-20), 600)
    span = draw.uniform(1, 7) if sign == "+" else draw.uniform(7 + HAIR, 12)
    for place in range(3):
        p.transfer(names[place], names[place + 1], day(span * place / 2), 100)


def third_party(p: Plants, draw: random.Random, sign: str, number: int) -> None:
    first, last = draw.choice(("Jörg", "Zoë", "Łukasz", "Søren")), draw.choice(("Müller", "Dvořák", "Ángeles", "Ğökçe"))
    client = p.client(f"A04{sign}drawn {number}", first_name=first, last_name=last)
    strangers = ("Bob Quigley", "Pham Van Khanh", "Trixie Fjord")
    holder = draw.choice(strangers) if sign == "+" else draw.choice((f"{last} {first}", f"{last.upper()}, {first}"))
    p.deposit(client, day(0), 50, instrument_holder=holder)


DRAWN = (
    structuring, in_and_out, no_trade, third_party, velocity, return_to_source, method_switch, dormancy, wealth, chargebacks, layering, takeover,
)  # fmt: skip
