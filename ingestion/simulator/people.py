"""Clients: who they are, when they came, how they pay, and how big they are."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.simulator.world import (
    CURRENCIES,
    DAY,
    ENTITIES,
    HOUR,
    MINUTE,
    SECOND,
    Floats,
    Ints,
    World,
    cents,
    numbered,
    pick,
    reference,
    times,
)

METHODS = ("card", "ewallet", "local", "crypto", "bank_wire")
CATEGORIES = ("retail", "professional", "eligible_counterparty")
RATINGS = ("low", "medium", "high")
NEVER = -1


@dataclass(frozen=True)
class People:
    """One element per client in every array; moments are microseconds, NEVER where nothing happens.

    Clients from `regular` on belong to planted cases: they register and pass KYC like others, and do nothing by chance.
    """

    regular: int
    number: Ints
    entity: Ints
    currency: Ints
    country: pl.Series
    first_name: pl.Series
    last_name: pl.Series
    category: Ints
    rating: Ints
    corporate: np.ndarray
    registered: Ints
    path: Ints
    approved: Ints
    provisional: np.ndarray
    funded: Ints
    trades: np.ndarray
    size_usd: Floats
    method: Ints

    @property
    def ids(self) -> pl.Series:
        return numbered("C", self.number)

    def holder(self, rows: Ints) -> pl.Series:
        return self.first_name.gather(rows) + " " + self.last_name.gather(rows)

    def instrument(self, rows: Ints, method: Ints) -> pl.Series:
        """The token of the client's usual instrument of each method; one client, one method, one instrument."""
        kinds = pick(("card", "ewl", "loc", "wal", "iban"), method)
        return kinds + "_" + token(self.number[rows] * 7 + method)

    def device(self, rows: Ints) -> pl.Series:
        return "dev-" + token(self.number[rows] * 11 + 3)

    def ip(self, rows: Ints) -> pl.Series:
        """A home address of each client's own, unique below sixteen million clients."""
        mixed = (self.number[rows] * 48271) % 16_700_417
        parts = [pl.Series(values=part).cast(pl.String) for part in (mixed >> 16, (mixed >> 8) & 255, mixed & 255)]
        return "81." + parts[0] + "." + parts[1] + "." + parts[2]


def token(numbers: Ints) -> pl.Series:
    """Twelve hexadecimal digits that look random and never repeat."""
    mixed = (np.asarray(numbers, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(16)
    return pl.Series(values=[f"{value:012x}" for value in mixed.tolist()], dtype=pl.String)


def build_people(world: World, planted: list[str]) -> People:
    """Draws everybody: `world.clients` by chance, and one more for each planted client, whose entities are given.

    Planted clients registered half a year before the start, hold euros, and are retail.
    """
    rng = world.rng("people")
    n = world.clients + len(planted)
    regular = world.clients
    spec = reference("people")
    entity = rng.choice(len(ENTITIES), n, p=[spec["entities"][name]["weight"] for name in ENTITIES])
    is_planted = np.arange(n) >= regular
    entity[regular:] = [ENTITIES.index(name) for name in planted]
    span = world.horizon_us - world.start_us
    arrival = rng.beta(0.9, 1.7, n) * (span + 25 * DAY) - 25 * DAY
    arrival = np.where(is_planted, -(230 - rng.random(n) * 20) * DAY, arrival)
    registered = (world.start_us + arrival.astype(np.int64)) // SECOND * SECOND
    path, approved, provisional, may_fund = _kyc(world, rng, entity, registered, is_planted)
    wants = rng.random(n) < 0.87
    delay = (rng.lognormal(np.log(6), 1.1, n) * HOUR).astype(np.int64) + 10 * MINUTE
    funded = np.where(may_fund & wants & ~is_planted, (approved + delay) // SECOND * SECOND, NEVER)
    funded = np.where(funded > 0, np.maximum(funded, world.start_us + 8 * HOUR), NEVER)
    names = {key: pl.Series(values=spec[key]) for key in ("first_names", "last_names")}
    return People(
        regular=regular,
        number=rng.permutation(n).astype(np.int64) + 1,
        entity=entity,
        currency=np.where(is_planted, CURRENCIES.index("EUR"), _by_entity(rng, entity, "currencies", CURRENCIES)),
        country=_countries(rng, entity),
        first_name=names["first_names"].gather(rng.integers(0, len(names["first_names"]), n)),
        last_name=names["last_names"].gather(rng.integers(0, len(names["last_names"]), n)),
        category=np.where(is_planted, 0, rng.choice(3, n, p=[0.955, 0.04, 0.005])),
        rating=rng.choice(3, n, p=[0.72, 0.25, 0.03]),
        corporate=(rng.random(n) < 0.02) & ~is_planted,
        registered=registered,
        path=path,
        approved=approved,
        provisional=provisional,
        funded=funded,
        trades=(funded > 0) & (rng.random(n) < 0.95),
        size_usd=np.clip(rng.lognormal(np.log(1800), 1.0, n), 120, 150_000),
        method=_methods(rng, entity),
    )


def _kyc(world: World, rng: np.random.Generator, entity: Ints, registered: Ints, is_planted: np.ndarray) -> tuple:
    spec = reference("kyc_paths")
    names = list(spec["paths"])
    path = np.zeros(len(entity), dtype=np.int64)
    for code, name in enumerate(ENTITIES):
        rows = np.flatnonzero(entity == code)
        weights = np.array([spec["weights"][name].get(other, 0) for other in names])
        path[rows] = rng.choice(len(names), len(rows), p=weights / weights.sum())
    path = np.where(is_planted, names.index("straight"), path)
    hours = np.array([approval_hours(name) for name in names])
    approved = np.where(
        hours[path] >= 0, registered + (hours[path] * HOUR * stretch(world, len(entity))).astype(np.int64), NEVER
    )
    provisional = np.array([bool(spec["paths"][name].get("provisional")) for name in names])[path]
    may_fund = np.array([spec["paths"][name]["funds"] for name in names])[path]
    return path, approved, provisional, may_fund


def stretch(world: World, n: int) -> Floats:
    """How slow each client's onboarding is: a factor on every hour of the path."""
    return np.clip(world.rng("kyc_stretch").lognormal(0, 0.45, n), 0.3, 4.0)


def approval_hours(path: str) -> float:
    """Hours from registration to the path's first approval, -1 where there is none."""
    spec = reference("kyc_paths")
    for base, block in spec["paths"][path]["steps"]:
        for step in spec["blocks"][block]:
            if step.get("to") == "APPROVED":
                return base + step.get("after", 0)
    return -1.0


def _by_entity(rng: np.random.Generator, entity: Ints, key: str, names: tuple[str, ...]) -> Ints:
    chosen = np.zeros(len(entity), dtype=np.int64)
    for code, name in enumerate(ENTITIES):
        weights = reference("people")["entities"][name][key]
        rows = np.flatnonzero(entity == code)
        chosen[rows] = rng.choice([names.index(item) for item in weights], len(rows), p=list(weights.values()))
    return chosen


def _methods(rng: np.random.Generator, entity: Ints) -> Ints:
    chosen = np.zeros(len(entity), dtype=np.int64)
    for code, name in enumerate(ENTITIES):
        weights = reference("people")["methods"][name]
        rows = np.flatnonzero(entity == code)
        chosen[rows] = rng.choice([METHODS.index(item) for item in weights], len(rows), p=list(weights.values()))
    return chosen


def _countries(rng: np.random.Generator, entity: Ints) -> pl.Series:
    every = [country for name in ENTITIES for country in reference("people")["entities"][name]["countries"]]
    chosen = np.zeros(len(entity), dtype=np.int64)
    for code, name in enumerate(ENTITIES):
        options = [every.index(country) for country in reference("people")["entities"][name]["countries"]]
        rows = np.flatnonzero(entity == code)
        chosen[rows] = rng.choice(options, len(rows))
    return pick(every, chosen)


def clients(world: World, people: People, deposited_eur: Floats) -> pl.DataFrame:
    """The clients feed: one row at registration, and one for each later change of address or consent.

    Declared means stay above what the client has deposited (EUR): wealth alerts are planted, never a by-product.
    """
    rng = world.rng("clients")
    spec = reference("people")
    n = len(people.number)
    numbers = pl.Series(values=people.number)
    income = (np.maximum(18_000 * rng.lognormal(0.5, 0.6, n), deposited_eur * 1.6) // 1000 + 1).astype(np.int64) * 1000
    dial = pick([spec["entities"][name]["dial"] for name in ENTITIES], people.entity)
    last = people.last_name.str.to_lowercase()
    frame = pl.DataFrame({
        "client_id": people.ids,
        "changed_at": times(people.registered),
        "entity": pick(ENTITIES, people.entity),
        "client_type": pick(("individual", "corporate"), people.corporate.astype(int)),
        "category": pick(("retail",), np.zeros(n, dtype=np.int64)),
        "first_name": people.first_name,
        "last_name": people.last_name,
        "company_name": pl.select(pl.when(pl.Series(people.corporate)).then(people.last_name + " Trading Ltd")).to_series(),
        "birth_date": pl.Series(values=rng.integers(-9000, 12500, n).astype(np.int32)).cast(pl.Date),
        "country_of_residence": people.country,
        "nationality": people.country,
        "email": people.first_name.str.to_lowercase() + "." + last + numbers.cast(pl.String) + "@example.com",
        "phone": "+" + dial + pl.Series(values=70_000_000 + people.number).cast(pl.String),
        "address": numbers.cast(pl.String) + " " + pick(spec["cities"], rng.integers(0, len(spec["cities"]), n)),
        "language": pl.Series(values=["en"]).new_from_index(0, n),
        "occupation": pick(spec["occupations"], rng.integers(0, len(spec["occupations"]), n)),
        "declared_income_eur": cents(income * 100),
        "declared_net_worth_eur": cents(income * 400),
        "expected_deposits_eur": cents(income * 90),
        "registered_at": times(people.registered),
        "terms_accepted_at": times(people.registered + 2 * MINUTE),
        "lead_id": numbered("L", people.number),
        "sales_agent": pick([*spec["agents"]], rng.integers(-1, 3, n)),
        "is_test": pl.Series(values=people.number % 997 == 5) & pl.Series(values=people.funded == NEVER)
        & pl.Series(values=np.arange(n) < people.regular),
        "marketing_consent": pl.Series(values=rng.random(n) < 0.7),
    })  # fmt: skip
    return pl.concat([frame, _changes(world, people, frame)]).sort("changed_at", "client_id")


def _changes(world: World, people: People, frame: pl.DataFrame) -> pl.DataFrame:
    rng = world.rng("client_changes")
    n = len(people.number)
    later = people.registered + (rng.random(n) * 90 * DAY).astype(np.int64) + DAY
    moves = rng.random(n) < 0.1
    professional = (people.category > 0) & (people.approved > 0)
    moved = frame.with_columns(changed_at=times(later), address=frame["address"] + ", 2nd floor").filter(
        pl.Series(moves)
    )
    upgraded = frame.with_columns(
        changed_at=times(people.approved + 40 * MINUTE), category=pick(CATEGORIES, people.category)
    ).filter(pl.Series(professional & ~moves))
    return pl.concat([moved, upgraded])


def leads(world: World, people: People, partner_ids: pl.Series) -> pl.DataFrame:
    """The leads feed: each client was a lead first, and as many again never became one."""
    rng = world.rng("leads")
    spec = reference("people")
    n = len(people.number)
    ids = numbered("L", people.number)
    before = (rng.lognormal(np.log(30), 1.2, n) * HOUR).astype(np.int64)
    created = people.registered - np.minimum(before, 60 * DAY) // SECOND * SECOND
    source = pick(spec["lead_sources"], rng.integers(0, len(spec["lead_sources"]), n))
    source = pl.select(pl.when(partner_ids.is_not_null()).then(pl.lit("partner")).otherwise(source)).to_series()
    first = pl.DataFrame({
        "lead_id": ids, "changed_at": times(created), "created_at": times(created), "source": source,
        "campaign": pick(spec["campaigns"], rng.integers(0, len(spec["campaigns"]), n)), "partner_id": partner_ids,
        "country": people.country, "status": pick(("new",), np.zeros(n, dtype=np.int64)),
        "client_id": pl.Series(values=[None], dtype=pl.String).new_from_index(0, n),
    })  # fmt: skip
    won = first.with_columns(changed_at=times(people.registered), status=pl.lit("converted"), client_id=people.ids)
    lost_at = times(created + (rng.random(n) * 20 * DAY).astype(np.int64))
    lost = first.with_columns(lead_id="X" + first["lead_id"], changed_at=lost_at, created_at=lost_at)
    return pl.concat([first, won, lost]).sort("changed_at", "lead_id")
