"""Plants of the scenarios that show in money: A01 to A08, A12, A13, A19, A20, A22."""

from tests.dbt.alert_rows import Plants, day


def plant_money(p: Plants) -> None:
    """Everything, on both sides of each threshold."""
    structuring(p)
    in_and_out(p)
    no_trade(p)
    third_party(p)
    velocity(p)
    return_to_source(p)
    method_switch(p)
    dormancy(p)
    wealth(p)
    chargebacks(p)
    layering(p)
    crypto(p)
    drift(p)


def structuring(p: Plants) -> None:
    for name, amounts, days in (
        ("A01+three at the lowest edge", (1600, 1600, 1600), (0, 5, 10)),
        ("A01+just below", (1999.99, 1999.99, 1999.99), (0, 1, 2)),
        ("A01+ten thousand", (8000, 9999.99, 9000), (0, 1, 2)),
        ("A01-below the band", (1599.99, 1599.99, 1599.99), (0, 1, 2)),
        ("A01-the limit itself", (2000, 2000, 2000), (0, 1, 2)),
        ("A01-two only", (1900, 1900), (0, 1)),
        ("A01-too far apart", (1900, 1900, 1900), (0, 5, 10.001)),
    ):
        client = p.client(name)
        for amount, at in zip(amounts, days, strict=True):
            p.deposit(client, day(at), amount)
    first = p.client("A01+one person, first", first_name="Anna", last_name="Müller", birth_date="1980-05-05")
    second = p.client("A01+one person, second", first_name="MULLER", last_name="Anna", birth_date="1980-05-05")
    p.deposit(first, day(0), 1700)
    p.deposit(second, day(1), 1700)
    p.deposit(first, day(2), 1700)
    for name in ("A01-one mailbox, first", "A01-one mailbox, second"):
        client = p.client(name, email="Shared@Mail.test")
        p.deposit(client, day(0), 1700)
        p.deposit(client, day(1), 1700)


def in_and_out(p: Plants) -> None:
    for name, asked, amount, lots in (
        ("A02+no trade", 7, 800, 0),
        ("A02+few lots", 3, 900, 0.05),
        ("A02-too little", 3, 799.99, 0),
        ("A02-too late", 7.001, 900, 0),
        ("A02-traded", 3, 900, 0.1),
    ):
        client = p.client(name)
        p.deposit(client, day(0), 1000)
        if lots:
            p.trade(client, day(1), 600, lots)
        p.withdraw(client, day(asked), amount)
    client = p.client("A02-two deposits")
    p.deposit(client, day(0), 1000)
    p.deposit(client, day(1), 1000)
    p.withdraw(client, day(3), 1000)
    client = p.client("A02+no request")
    p.deposit(client, day(0), 1000)
    p.deposit(client, day(2), 850, kind="withdrawal")


def no_trade(p: Plants) -> None:
    for name, amount, traded in (
        ("A03+half", 500, -1),
        ("A03-less than half", 499.99, -1),
        ("A03-traded since", 900, 1),
    ):
        client = p.client(name)
        p.trade(client, day(-20), 600)
        p.deposit(client, day(0), 1000)
        if traded > 0:
            p.trade(client, day(1), 600)
        p.withdraw(client, day(30), amount)


def third_party(p: Plants) -> None:
    known = {"first_name": "Jörg", "last_name": "Müller-Weiß"}
    for name, holder in (
        ("A04+another", "Gregor Baumgartner"),
        ("A04-reordered", "MUELLER-WEISS JOERG"),
        ("A04-nobody named", None),
    ):
        p.deposit(p.client(name, **known), day(0), 50, instrument_holder=holder)
    p.deposit(
        p.client("A04-cyrillic", first_name="Sergey", last_name="Ivanov"), day(0), 50, instrument_holder="Иванов Сергей"
    )
    p.withdraw(p.client("A04+paid to another", **known), day(0), 50, destination_holder="Gregor Baumgartner")


def velocity(p: Plants) -> None:
    for name, hours in (("A05+five", (0, 6, 12, 18, 24)), ("A05-five in more", (0, 6, 12, 18, 24.01))):
        client = p.client(name)
        for at in hours:
            p.deposit(client, day(hours=at), 100)
    for name, cards, last in (("A05+cards", 4, 30), ("A05-three cards", 3, 30), ("A05-cards in more days", 4, 30.01)):
        client = p.client(name)
        for number in range(cards):
            at = last if number == cards - 1 else number * 5
            p.deposit(client, day(at), 100, instrument_id=f"{client}-{number}")
    for name, before, amount in (
        ("A05+far above", -90, 300.01),
        ("A05-three times", -90, 300),
        ("A05-no history", -90.1, 5000),
    ):
        client = p.client(name)
        p.deposit(client, day(before), 100)
        p.deposit(client, day(0), amount)
    for name, minutes in (("A05+declines", 0), ("A05-declines too early", -1)):
        client = p.client(name)
        for at in (minutes, 20, 40):
            p.deposit(client, day(minutes=at), 100, status="declined", psp_txn_id=f"{client}{at}")
        p.deposit(client, day(minutes=60), 100)


def return_to_source(p: Plants) -> None:
    for name, legs in (
        ("A06+elsewhere", [("ewallet-new", "ewallet", 400)]),
        ("A06+too much to the card", [("{c}", "card", 700)]),
        ("A06-to the card", [("{c}", "card", 400)]),
        ("A06-profit to the bank", [("{c}", "card", 500), ("bank-{c}", "bank_wire", 200)]),
    ):
        client = p.client(name)
        p.deposit(client, day(0), 500, instrument_id=client)
        if "bank" in name:
            p.deposit(client, day(1), 100, "bank_wire", instrument_id=f"bank-{client}")
        sent = [(one.format(c=client) if "new" not in one else one + client, way, part) for one, way, part in legs]
        p.withdraw(client, day(20), sum(part for *_, part in sent), legs=sent)
    for name, at in (("A06-the card ran out", 180.01), ("A06+the card has not", 180)):
        client = p.client(name)
        p.deposit(client, day(0), 500, instrument_id=client)
        p.deposit(client, day(1), 100, "bank_wire", instrument_id=f"bank-{client}")
        p.withdraw(client, day(at), 400, "bank_wire", legs=[(f"bank-{client}", "bank_wire", 400)])
    client = p.client("A06-worked by hand")
    first = p.deposit(client, day(0), 600, instrument_id="w-card1")
    p.deposit(client, day(4), 100, kind="refund", instrument_id="w-card1", original_psp_txn_id=first)
    p.deposit(client, day(1), 300, instrument_id="w-card2")
    p.deposit(client, day(2), 200, "ewallet", instrument_id="w-ewallet")
    p.deposit(client, day(3), 100, "bank_wire", instrument_id="w-bank")
    legs = [("w-card1", "card", 500), ("w-card2", "card", 300), ("w-ewallet", "ewallet", 200), ("w-bank", "bank_wire", 500)]  # fmt: skip
    p.withdraw(client, day(20), 1500, "bank_wire", legs=legs, instrument_id="w-bank")


def method_switch(p: Plants) -> None:
    client = p.client("A07+other method")
    p.deposit(client, day(0), 500)
    p.withdraw(client, day(10), 100, "crypto", instrument_id=None)
    client = p.client("A07-a common method")
    p.deposit(client, day(0), 500)
    p.deposit(client, day(0), 500, "ewallet")
    p.withdraw(client, day(10), 100, "ewallet")
    for name, hours in (("A07+added lately", 71.9), ("A07-added before", 72)):
        client = p.client(name)
        p.deposit(client, day(0), 500)
        p.session(client, day(10, hours=-hours), "instrument_added", instrument_id=f"n-{client}")
        p.withdraw(client, day(10), 100, instrument_id=f"n-{client}")


def dormancy(p: Plants) -> None:
    for name, silence, amount, login in (
        ("A08+half a year", -180, 5000, -6.9),
        ("A08-a day less", -179.9, 5000, -1),
        ("A08-less money", -190, 4999.99, -1),
        ("A08-signed in before", -190, 5000, -7.1),
    ):
        client = p.client(name, registered_at=day(-400))
        p.deposit(client, day(silence), 100)
        p.session(client, day(login))
        p.deposit(client, day(0), amount)
    for name, silence, asked in (("A08+new bank account", -200, 7), ("A08-new bank account long ago", -200, 7.1)):
        client = p.client(name, registered_at=day(-400))
        p.deposit(client, day(silence), 100)
        p.session(client, day(0), "instrument_added", instrument_id=f"iban-{client}")
        p.withdraw(client, day(asked), 50, "bank_wire", instrument_id=f"iban-{client}")
    client = p.client("A08-traded meanwhile", registered_at=day(-400))
    p.deposit(client, day(-200), 100)
    p.trade(client, day(-30), 600)
    p.deposit(client, day(0), 9000)


def wealth(p: Plants) -> None:
    declared = {"declared_income_eur": "10000", "declared_net_worth_eur": "40000", "expected_deposits_eur": "9000"}
    for name, before, amount in (
        ("A12+above the income", 0, 10000.01),
        ("A12-the income itself", 0, 10000),
        ("A12-in two years", -366, 5001),
        ("A12+above twice the expected", -366, 9001),
        ("A12+above half the worth", -800, 10001),
    ):
        worth = {"expected_deposits_eur": None} if "worth" in name else {}
        client = p.client(name, **(declared | worth), registered_at=day(-900), changed_at="2020-01-01")
        if before:
            p.deposit(client, day(before), 9000 if "twice" in name else 5000 if "years" in name else 9999)
        p.deposit(client, day(0), amount if "worth" not in name else 10001)
    p.deposit(p.client("A12-nothing declared"), day(0), 99999)


def chargebacks(p: Plants) -> None:
    for name, second, days in (("A13+early", 30, 60), ("A13-later", 30.01, 60)):
        client = p.client(name)
        p.deposit(client, day(0), 100)
        txn = p.deposit(client, day(second), 100, instrument_country="FR")
        p.deposit(client, day(days), 100, kind="chargeback", original_psp_txn_id=txn)
    client = p.client("A13+second one")
    p.deposit(client, day(0), 100)
    for at in (40, 50):
        txn = p.deposit(client, day(at), 100)
        p.deposit(client, day(at + 20), 100, kind="chargeback", original_psp_txn_id=txn)


def layering(p: Plants) -> None:
    for sign, last in (("+", 7), ("-", 7.01)):
        names = [f"A19{sign}hop {number} by {last}" for number in range(4)]
        for name in names:
            p.trade(p.client(name), day(-20), 600)
        for number, at in enumerate((0, 3, last)):
            p.transfer(names[number], names[number + 1], day(at), 100)
    for sign, back in (("+", 80), ("-", 79.99)):
        here, there = p.client(f"A19{sign}here {back}"), p.client(f"A19{sign}there {back}")
        for name in (here, there):
            p.trade(name, day(-20), 600)
        p.transfer(here, there, day(0), 100)
        p.transfer(there, here, day(2), back)


def crypto(p: Plants) -> None:
    p.deposit(p.client("A20+listed wallet"), day(0), 100, "crypto", instrument_id="w-mixer")
    for name, target in (("A20+other address", "w-elsewhere"), ("A20-same address", "w-own")):
        client = p.client(name)
        p.deposit(client, day(0), 100, "crypto", instrument_id=f"w-own-{client}")
        instrument = f"w-own-{client}" if target == "w-own" else target
        p.withdraw(client, day(9), 50, "crypto", legs=[(instrument, "crypto", 50)], instrument_id=instrument)


def drift(p: Plants) -> None:
    for name, amount in (("A22+above", 160.1), ("A22-within", 159.9)):  # mean 100, standard deviation of the sample 20
        client = p.client(name)
        for at, earlier in enumerate((80, 100, 120, 80, 120)):
            p.deposit(client, day(3 * at), earlier)
        p.deposit(client, day(20), amount)
