"""How far a pull has come, and the pages of several tables as one."""

from dataclasses import dataclass, field

from ingestion.connectors.mt5_tables import Row


@dataclass
class Progress:
    """How far a followed table was read: the last key, the newest change stamp, and the rows read near it."""

    overlap: int
    """How many stamps back a row may still be committed after a later stamp was read."""
    key: int | None = None
    stamp: int | None = None
    recent: dict[str, int] = field(default_factory=dict)

    def saw(self, key: int, stamp: int | None) -> bool:
        """Notes a row; False when exactly this state of it was landed before."""
        if stamp is None or self.stamp is None or stamp <= self.stamp - self.overlap:
            return True
        if self.recent.get(str(key)) == stamp:
            return False
        self.recent[str(key)] = stamp
        return True

    def trim(self) -> None:
        """Forgets rows whose stamp can no longer come again."""
        if self.stamp is not None:
            self.recent = {key: stamp for key, stamp in self.recent.items() if stamp > self.stamp - self.overlap}

    def saved(self) -> dict[str, object]:
        """What the state file keeps."""
        return {"key": self.key, "stamp": self.stamp, "recent": self.recent}


def merged(pages: list[list[Row]], key: str, order: list[str], page_rows: int, stamp: str) -> tuple[list[Row], bool]:
    """Pages of several tables as one: in order, each key once (its newest state), and whether there may be more.

    Rows past the end of the shortest full page are left for the next round, so that no table runs ahead of another.
    """

    def place(row: Row) -> tuple[int, ...]:
        return tuple(number_in(row, name) for name in order)

    full = [place(page[-1]) for page in pages if len(page) >= page_rows]
    bound = min(full) if full else None
    kept: dict[str | None, Row] = {}
    for page in pages:
        for row in page:
            if bound is not None and place(row) > bound:
                break
            known = kept.get(row[key])
            if known is None or (stamp_in(row, stamp) or 0) > (stamp_in(known, stamp) or 0):
                kept[row[key]] = row
    return sorted(kept.values(), key=place), bound is not None


def number_in(row: Row, name: str) -> int:
    """A whole number of a row; 0 where there is none."""
    return int(row[name] or 0)


def stamp_in(row: Row, stamp: str) -> int | None:
    """The row's change stamp."""
    text = row.get(stamp)
    return int(text) if text else None
