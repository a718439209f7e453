"""${message}."""

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """What changed since ${down_revision}."""
    ${upgrades if upgrades else "raise NotImplementedError"}
