"""What somebody with the database's own rights does: switches the guards off, changes rows, switches them on again."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from apps.approvals.chain import GENESIS, seal
from apps.approvals.store import writing


@contextmanager
def unguarded(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction in which no trigger fires; afterwards all are back, as if nothing had been."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("set local session_replication_role = replica"))
            yield connection
            return
        triggers = connection.execute(sa.text("select name, sql from sqlite_master where type = 'trigger'")).all()
        for name, _ in triggers:
            connection.execute(sa.text(f"drop trigger {name}"))
        yield connection
        for _, sql in triggers:
            connection.exec_driver_sql(sql)


def reseal(connection: sa.Connection, first: int, *, head: bool = True) -> None:
    """Seals every event from `first` on anew, so that the chain is whole in itself; the head too."""
    rows = connection.execute(sa.text("select seq, body, hash from events order by seq")).all()
    previous = GENESIS
    for seq, body, sealed in rows:
        if seq >= first:
            sealed_anew = seal(previous, body)
            connection.execute(
                sa.text("update events set prev_hash = :p, hash = :h where seq = :s"),
                {"p": previous, "h": sealed_anew, "s": seq},
            )
            previous = sealed_anew
        else:
            previous = sealed
    if head:
        last = rows[-1].seq if rows else 0
        connection.execute(sa.text("update chain_head set seq = :s, hash = :h"), {"s": last, "h": previous})


def renumber(connection: sa.Connection, first: int, by: int) -> None:
    """Moves the events from `first` on by this many places."""
    connection.execute(sa.text("update events set seq = -(seq + :by) where seq >= :first"), {"by": by, "first": first})
    connection.execute(sa.text("update events set seq = -seq where seq < 0"))
