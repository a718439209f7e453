"""How a check is written, registered and run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from apps.approvals.canonical import plain
from apps.approvals.marts import MartReader, rows
from apps.approvals.people import Person
from apps.approvals.policies import Policy, RequiredCheck, Step
from apps.approvals.subject import Subject

PASS, FAIL, REVIEW, ERROR = "pass", "fail", "review", "error"


class Missing(LookupError):
    """The data a check judges by are not there; the message says which. The check is an error, and refuses."""


@dataclass(frozen=True)
class CheckResult:
    """One run of a check: result pass, fail, review or error; `inputs` as JSON carries them; `said` is one sentence for people."""

    name: str
    version: str
    result: str
    inputs: Mapping[str, Any]
    said: str
    ran_at: datetime


@dataclass(frozen=True)
class Finding:
    """What a check function answers. Passes when `passed`; where it needs a person's eye rather than a no, `review`."""

    passed: bool
    said: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    review: bool = False

    @property
    def result(self) -> str:
        return PASS if self.passed else REVIEW if self.review else FAIL


@dataclass(frozen=True)
class Context:
    """What a check may look at. `parameters` are the policy's; `approver` and `step` are those of the decision under way."""

    subject: Subject
    policy: Policy
    parameters: Mapping[str, Any]
    reader: MartReader
    connection: sa.Connection
    now: datetime
    approver: Person | None = None
    step: Step | None = None

    def ask(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query over the published marts."""
        return rows(self.reader, sql, *values)

    @property
    def client_id(self) -> str:
        """The subject's client. Raises Missing when it names none."""
        return self._need("client_id")

    def fact(self, name: str) -> Any:
        """A fact of the subject. Raises Missing when it is not stated."""
        value = self.subject.facts.get(name)
        if value is None or value == "":
            raise Missing(f"the {self.subject.subject_type} states no {name}")
        return value

    def money(self) -> tuple[Any, str]:
        """The subject's amount and currency. Raises Missing when it has none."""
        return self._need("amount"), self._need("currency")

    def _need(self, name: str) -> Any:
        value = getattr(self.subject, name)
        if value is None:
            raise Missing(f"the {self.subject.subject_type} states no {name}")
        return value


Function = Callable[[Context], Finding]
_registry: dict[str, tuple[str, Function]] = {}


def check(name: str, version: str = "1") -> Callable[[Function], Function]:
    """Registers the function as a check. Its version rises with every change of what it judges."""

    def register(function: Function) -> Function:
        if name in _registry:
            raise ValueError(f"There are two checks {name}.")
        _registry[name] = (version, function)
        return function

    return register


def registered() -> dict[str, str]:
    """The version of every check there is, by name."""
    return {name: version for name, (version, _) in _registry.items()}


def run_checks(
    policy: Policy,
    subject: Subject,
    reader: MartReader,
    connection: sa.Connection,
    now: datetime,
    *,
    approver: Person | None = None,
    step: Step | None = None,
) -> list[CheckResult]:
    """Runs every check the policy requires, in its order, and those that no policy may drop.

    Without an approver (a preview for nobody in particular) a check that judges the approver is left out; a decision names one.
    """
    from apps.approvals.subject import subject_types

    named = {one.name for one in policy.checks}
    always = [RequiredCheck(name, {}) for name in subject_types()[subject.subject_type].always if name not in named]
    found = []
    for one in (*policy.checks, *(always if policy.steps else ())):
        if one.name == "approver_limit" and approver is None:
            continue
        context = Context(subject, policy, one.parameters, reader, connection, now, approver, step)
        found.append(_run(one.name, context))
    return found


def refused(results: Iterable[CheckResult]) -> list[CheckResult]:
    """The results that keep a decision from being an approval: everything but a pass."""
    return [one for one in results if one.result != PASS]


def _run(name: str, context: Context) -> CheckResult:
    """Runs one check; whatever goes wrong inside it is its result, since a check that did not run must refuse."""
    version, function = _registry.get(name, ("0", None))
    if function is None:
        return CheckResult(name, version, ERROR, {}, f"There is no check {name}, so it cannot pass.", context.now)
    try:
        # a query of the store that fails must not take the order's transaction along, in which the refusal is recorded
        with context.connection.begin_nested():
            finding = function(context)
        return CheckResult(name, version, finding.result, plain(finding.inputs), finding.said, context.now)
    except Missing as error:
        return CheckResult(name, version, ERROR, {}, f"Not judged: {error}.", context.now)
    except Exception as error:
        first_line = str(error).partition("\n")[0]
        said = f"Not judged: the check itself failed ({type(error).__name__}: {first_line})."
        return CheckResult(name, version, ERROR, {}, said, context.now)
