"""Why somebody may not take the next step of a subject, in words. These rules are no policy's to switch off."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Protocol

from apps.approvals.marts import MartReader
from apps.approvals.people import Person, clients_in_conflict, directory, partners_in_conflict
from apps.approvals.policies import Policy, Step


class Decidable(Protocol):
    """What of a subject the rules look at."""

    @property
    def client_id(self) -> str | None: ...
    @property
    def maker(self) -> str | None: ...
    @property
    def maker_person(self) -> str: ...
    @property
    def amount_eur(self) -> Decimal | None: ...
    @property
    def partner_ids(self) -> frozenset[str]: ...


class Ties:
    """The clients and partners on whom one person may not decide; asked once, used for a whole list."""

    def __init__(self, reader: MartReader, decider: Person) -> None:
        self.clients: Mapping[str, str] = clients_in_conflict(reader, decider)
        self.partners = partners_in_conflict(reader, decider)


def refusals(
    decider: Person, subject: Decidable, policy: Policy, step: Step | None, decided_by: Collection[str], ties: Ties
) -> tuple[str, ...]:
    """Every reason why this person may not take this step, in words; empty when they may.

    `decided_by` are the staff ids that took a step of the same round.
    """
    if step is None:
        return ("No step is left to decide." if policy.steps else f"The policy {policy.label} asks nobody.",)
    return _who(decider, step, subject.amount_eur, policy.label) + _ties(decider, subject, decided_by, ties)


def _who(decider: Person, step: Step, amount_eur: Decimal | None, policy: str) -> tuple[str, ...]:
    said = []
    if not decider.is_active:
        said.append(f"Your staff record ({decider.staff_id}) is not active.")
    if decider.role not in step.roles:
        wanted = " or ".join(step.roles)
        said.append(f"Step {step.number} of {policy} is for {wanted}; your role is {decider.role or 'none'}.")
    limit = decider.approval_limit_eur
    if step.needs_limit and amount_eur is not None and (limit is None or limit < abs(amount_eur)):
        own = f"your limit is EUR {limit:,.2f}" if limit is not None else "you have no limit for money"
        said.append(f"This is EUR {abs(amount_eur):,.2f} and {own}.")
    return tuple(said)


def _ties(decider: Person, subject: Decidable, decided_by: Collection[str], ties: Ties) -> tuple[str, ...]:
    said = []
    if _asked(decider, subject):
        other = f" (as {subject.maker})" if subject.maker not in (None, decider.staff_id) else ""
        said.append(f"You asked for this yourself{other}; another person must decide.")
    if decided_by and (earlier := sorted(decider.accounts.intersection(decided_by))):
        said.append(f"You took an earlier step of this round as {earlier[0]}; each step is another person's.")
    if (tie := ties.clients.get(subject.client_id or "")) is not None:
        said.append(f"It concerns a client you are tied to: {tie}.")
    if ties.partners and (own := sorted(subject.partner_ids & ties.partners)):
        said.append(f"It pays partner {own[0]}, which is you.")
    return tuple(said)


def _asked(decider: Person, subject: Decidable) -> bool:
    """Whether the person is the maker, under whichever account or as the client."""
    return (
        subject.maker_person == decider.person_key
        or subject.maker in decider.accounts
        or subject.maker in decider.clients
    )


def may_step(one: Person, step: Step, amount_eur: Decimal | None) -> bool:
    """Whether the person's record entitles them to the step, whoever asked."""
    return not _who(one, step, amount_eur, "")


def nobody_could(reader: MartReader, subject: Decidable, policy: Policy) -> str | None:
    """Why no set of other people could take all steps, so that the request must not be raised; None when some could."""
    others = [one for one in directory(reader).values() if not _asked(one, subject)]
    candidates = [
        {one.person_key for one in others if may_step(one, step, subject.amount_eur)} for step in policy.steps
    ]
    for step, found in zip(policy.steps, candidates, strict=True):
        if not found:
            amount = f" with a limit of EUR {abs(subject.amount_eur or 0):,.2f}" if step.needs_limit else ""
            return f"Nobody else could take step {step.number}: it asks for {' or '.join(step.roles)}{amount}."
    if not _distinct(candidates, frozenset()):
        return f"The {len(policy.steps)} steps need as many different people, and there are too few."
    return None


def _distinct(candidates: list[set[str]], taken: frozenset[str]) -> bool:
    """Whether every step can have a person of its own."""
    return not candidates or any(_distinct(candidates[1:], taken | {one}) for one in candidates[0] - taken)
