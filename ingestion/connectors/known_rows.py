"""Which rows of a table have landed, as what, and how far sweeps came: a small file beside the landing folder."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

TOGETHER = 500
"""Keys that one query names."""


@dataclass(frozen=True)
class Change:
    """A row that went or came back; `number` counts both, so that it is odd when the row went."""

    key: str
    number: int


@dataclass
class KnownRows:
    """Key → hash of every row that landed, the round of sweeps that last met it, and how often it went or came back."""

    store: sqlite3.Connection
    round: int
    after: str | None
    """The last key that this round read."""

    def of(self, keys: Sequence[str]) -> dict[str, tuple[str, int]]:
        """(hash, times it went or came back) of those that are known."""
        found: dict[str, tuple[str, int]] = {}
        for some in parts(keys):
            query = f"select key, hash, changes from rows where key in ({','.join('?' * len(some))})"
            found |= {key: (seen, changes) for key, seen, changes in self.store.execute(query, some)}
        return found

    def learn(self, hashes: dict[str, str], *, swept: bool) -> None:
        """These rows are there. That one is back is taken as told only of those that a sweep met."""
        back = ", changes = changes + changes % 2" if swept else ""
        self.store.executemany(
            "insert into rows (key, hash, met) values (?, ?, ?) "
            f"on conflict (key) do update set hash = excluded.hash, met = excluded.met{back}",
            [(key, seen, self.round) for key, seen in hashes.items()],
        )

    def missed(self) -> list[Change]:
        """Rows that this round has not met and that are not known to be gone, as they will be once they are."""
        query = "select key, changes + 1 from rows where met < ? and changes % 2 = 0 order by key"
        return [Change(key, number) for key, number in self.store.execute(query, [self.round])]

    def forget(self, gone: Iterable[Change]) -> None:
        """These rows are gone."""
        self.store.executemany("update rows set changes = ? where key = ?", [(one.number, one.key) for one in gone])

    def keep(self) -> None:
        """Makes all of it last."""
        self.store.execute("delete from sweep")
        self.store.execute("insert into sweep values (?, ?)", [self.round, self.after])
        self.store.commit()


@contextmanager
def known_rows(landing: Path, source: str) -> Iterator[KnownRows]:
    """What is known of the source's table; what is not kept inside is forgotten."""
    with closing(sqlite3.connect(landing.parent / f".{landing.name}-{source}.rows.sqlite")) as store:
        store.execute(
            "create table if not exists rows (key text primary key, hash text, met integer, changes integer default 0) without rowid"
        )
        store.execute("create table if not exists sweep (round integer, after text)")
        place = store.execute("select round, after from sweep").fetchone()
        yield KnownRows(store, place[0], place[1]) if place else KnownRows(store, 1, None)


def parts(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """The items, at most `TOGETHER` at a time."""
    for start in range(0, len(items), TOGETHER):
        yield items[start : start + TOGETHER]
