"""What an approval changes in the store itself, within the decision's own transaction. What happens outside goes by the outbox."""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from apps.approvals.chain import Actor
from apps.approvals.policies import append_version
from apps.approvals.subject import Subject
from warehouse.reader import access

Effect = Callable[[sa.Connection, Subject, Mapping[str, Any], Actor], None]


def policy_takes_force(connection: sa.Connection, subject: Subject, decision: Mapping[str, Any], actor: Actor) -> None:
    """Appends the version that the approved change asks for. Raises PolicyRefused, and with it undoes the approval."""
    append_version(
        connection,
        subject.facts,
        approval_id=decision["decision_id"],
        actor=actor,
        now=decision["decided_at"],
        roles=access()["roles"],
    )


EFFECTS: Mapping[str, Effect] = {"policy_change": policy_takes_force}
"""By subject type; for `Desk.effects`."""
