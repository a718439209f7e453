"""Plants of the scenarios that show in who somebody is, signs in as, trades with: A09 to A11, A14 to A18, A21."""

from tests.dbt.alert_rows import Plants, day


def plant_identities(p: Plants) -> None:
    """Everything, on both sides of each threshold."""
    shared(p)
    geography(p)
    screening(p)
    matched(p)
    latency(p)
    bonus(p)
    referral(p)
    churning(p)
    takeover(p)


def shared(p: Plants) -> None:
    for name in ("A09+card, first", "A09+card, second"):
        p.deposit(p.client(name), day(0), 100, instrument_id="shared-card")
    for name in ("A09+device, first", "A09+device, second"):
        p.session(p.client(name), day(0), device_id="shared-device")
    for name in ("A09+document, first", "A09+document, second"):
        p.add("kyc_events", provider="p", event_id=name, client_id=p.client(name), event="document_received", document_fingerprint="doc-1",
              occurred_at=day(0))  # fmt: skip
    p.client("A09+phone, first", phone="+357 (22) 11-11-11")
    p.client("A09+phone, second", phone="35722111111")
    p.client(
        "A09-one person, first", first_name="Maria", last_name="Ioannou", birth_date="1970-02-02", email="m@i.test"
    )
    p.client("A09-one person, second", first_name="MARIA", last_name="IOANNOU", birth_date="1970-02-02", email="m@i.test")  # fmt: skip
    for name, at in (("A09+network 1", 0), ("A09+network 2", 10), ("A09+network 3", 30)):
        p.session(p.client(name), day(at), ip="9.9.9.1")
    for name, at in (("A09-network 1", 0), ("A09-network 2", 10), ("A09-network 3", 30.1)):
        p.session(p.client(name), day(at), ip="9.9.9.2")
    for number in range(3):
        p.session(p.client(f"A09-provider {number}"), day(0), ip="9.9.9.3", ip_asn="AS9")


def geography(p: Plants) -> None:
    p.client("A10+resident", country_of_residence="KP", changed_at="2025-06-01")
    p.client("A10-before the list", country_of_residence="KP", changed_at="2024-01-01")
    p.client("A10+national", nationality="KP", changed_at="2025-06-01")
    p.deposit(p.client("A10+bank"), day(9.9), 100, payer_bank_country="NG")
    p.deposit(p.client("A10-bank after the list"), day(10), 100, payer_bank_country="NG")
    for name, foreign in (("A10+abroad", 5), ("A10-at home mostly", 4)):
        client = p.client(name)
        for number in range(10):
            p.session(client, day(number), ip_country="CY" if number < 10 - foreign else "FR")


def screening(p: Plants) -> None:
    p.client("A11+alias", first_name="Victor", last_name="Morosov", birth_date="1969-04-12")
    p.client("A11+cyrillic", first_name="Виктор", last_name="Морозов", birth_date=None)
    p.client("A11-namesake", first_name="Viktor", last_name="Morozov", birth_date="1993-09-21")
    p.add("kyc_events", provider="p", event_id="hit", client_id=p.client("A11+provider"), event="check_completed", check="pep",
          result="consider", occurred_at=day(0))  # fmt: skip


def _pair(p: Plants, name: str, pairs: int, **but: float) -> None:
    """Two clients on one device whose positions mirror each other; beside them as many of their own as said."""
    clients = [p.client(f"{name} {side}") for side in ("buys", "sells")]
    for client in clients:
        p.session(client, day(0), device_id=f"dev-{name}")
    for number in range(pairs):
        at = day(1 + number)
        p.trade(clients[0], at, 3600, 1, profit=10)
        later = but.get("late", 60)
        p.trade(
            clients[1],
            day(1 + number, seconds=later),
            3600,
            but.get("lots", 1.25),
            side=but.get("side", "sell"),
            profit=-10,
        )
    for client in clients:
        for number in range(int(but.get("own", 0))):
            p.trade(client, day(number, hours=5 + len(client) % 7), 7200)


def matched(p: Plants) -> None:
    _pair(p, "A14+five pairs", 5, own=20)
    _pair(p, "A14+most trades", 3, own=1)
    _pair(p, "A14-four of many", 4, own=20)
    _pair(p, "A14-too late", 6, late=61)
    _pair(p, "A14-other volume", 6, lots=1.26)
    _pair(p, "A14-same side", 6, side="buy")


def latency(p: Plants) -> None:
    for name, short, won in (("A15+quick and right", 12, 17), ("A15-slower", 11, 17), ("A15-wrong more often", 12, 16)):
        client = p.client(name)
        for number in range(20):
            p.trade(
                client, day(number, hours=number / 3), 59 if number < short else 60, profit=1 if number < won else -1
            )


def bonus(p: Plants) -> None:
    for name, credit in (("A16+bonus", 100), ("A16-no bonus", 0)):
        _pair(p, name, 3, own=10)
        if credit:
            p.add("deals", platform="mt5", deal_id=900_000, login=p.logins[f"{name} buys"], executed_at=day(0), action="credit",
                  profit=str(credit), volume_lots="0", price="0", swap="0", commission="0", fee="0")  # fmt: skip


def referral(p: Plants) -> None:
    owner = p.client("A17+owner", last_name="Achilleos", birth_date="1975-03-03")
    p.add(
        "partners", partner_id="P1", changed_at="2025-01-01", client_id=owner, name="P1", entity="CY", status="active"
    )
    near = p.client("A17-surname alone", last_name="Achilleos", birth_date="1990-03-03")
    puppet, double = p.client("A17+device"), p.client("A17+surname and birth date", last_name="Achilleos", birth_date="1975-03-03")  # fmt: skip
    p.client("A17-not introduced")
    for client in (owner, puppet, "A17-not introduced"):
        p.session(client, day(0), device_id="dev-P1")
    for client in (near, puppet, double):
        p.add("partner_links", child_kind="client", child_id=client, valid_from=day(-10), parent_partner_id="P1")


def churning(p: Plants) -> None:
    p.add("partners", partner_id="P2", changed_at="2025-01-01", name="P2", entity="CY", status="active")
    for name, seconds, lots in (("A18+churned", 100, 1), ("A18-held longer", 121, 1), ("A18-smaller", 100, 0.01)):
        client = p.client(name)
        p.add("partner_links", child_kind="client", child_id=client, valid_from=day(-10), parent_partner_id="P2")
        p.deposit(client, day(0), 1000)
        for number in range(10):
            p.trade(client, day(1 + number), seconds, lots, profit=(-1) ** number)


def takeover(p: Plants) -> None:
    for name, reset, added in (
        ("A21+all in a day", -24, -2),
        ("A21-reset before", -24.1, -2),
        ("A21-old instrument", -3, -25),
    ):
        client = p.client(name)
        p.session(client, day(-50))
        p.deposit(client, day(-50), 900)
        p.session(client, day(20, hours=-5), device_id=f"new-{client}")
        p.session(client, day(20, hours=reset), "mfa_reset")
        p.session(client, day(20, hours=added), "instrument_added", instrument_id=f"to-{client}")
        p.withdraw(client, day(20), 800, instrument_id=f"to-{client}")
