"""A file on its way into batches: which connector reads it, what it was when it was hashed, and its rows, judged ahead of the writing.

One thread reads and judges while DuckDB writes; when a file is read to its end and still being written, the next one is begun.
"""

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from ingestion import files
from ingestion.connectors import BadFile, Batch, Connector
from ingestion.connectors import guess as guessed
from ingestion.feeds import FEEDS
from ingestion.files import Fingerprint, Found
from ingestion.judge import Judged, judge
from ingestion.versions import Staged, stage

Part = tuple[Batch, Judged, Staged | None]


@dataclass
class Opened:
    """A file with its connector and fingerprint, being read. Only the part that is `coming` is held, None after the last."""

    connector: Connector
    seen: Fingerprint
    parts: Generator[Part]
    coming: "Future[Part | None]"

    def abandon(self) -> None:
        """Reads no further: it turned out that its rows are not wanted."""
        with suppress(Exception):
            self.coming.result()
        self.parts.close()


@dataclass
class Ahead:
    """The files of one call in their order, each opened by the reading thread when the one before has been read."""

    pool: ThreadPoolExecutor
    found: list[Found]
    known: Mapping[str, Connector]
    named: str | None
    guess: bool
    batch_rows: int
    begun: dict[int, Opened | str] = field(default_factory=dict)
    """What was opened before its turn, by the file's number."""

    def open(self, number: int) -> Opened | str:
        """File `number` (from 0), reading; or the sentence why it cannot be read."""
        return self.begun.pop(number, None) or self._opened(number)

    def parts(self, number: int, opened: Opened) -> Iterator[Part]:
        """The parts of file `number`, the next one made while this one is worked on, and after the last the next file's first."""
        while (part := opened.coming.result()) is not None:
            opened.coming = self.pool.submit(next, opened.parts, None)
            yield part
        if number + 1 < len(self.found):
            with suppress(Exception):  # what is wrong with the next file is said when its turn comes
                self.begun[number + 1] = self._opened(number + 1)

    def _opened(self, number: int) -> Opened | str:
        found = self.found[number]
        try:
            connector = connector_of(found, self.known, self.named, self.guess)
            if isinstance(connector, str):
                return connector
            seen = files.fingerprint(found.path)
        except (PermissionError, FileNotFoundError) as error:
            return f"It cannot be read ({error.strerror}). Let Daybook read it: `chmod a+r {found.path}`."
        parts = judged(connector, found.path, self.batch_rows)
        return Opened(connector, seen, parts, self.pool.submit(next, parts, None))


def connector_of(found: Found, known: Mapping[str, Connector], named: str | None, guess: bool) -> Connector | str:
    """The connector, or the sentence why there is none."""
    if found.path.is_symlink() or not found.path.is_file():
        closed = found.path.is_dir() and not found.path.is_symlink()
        listed = f"The folder cannot be listed. Let Daybook read it: `chmod a+rx {found.path}`."
        return listed if closed else "It is a link or no regular file, and is not followed. Put the file itself there."
    name = named or (found.folder if found.folder in known else None)
    if name is None:
        if not guess:
            return (
                f"No connector is called `{found.folder}`. Put the file in landing/<connector>/ (`daybook connectors` lists them), "
                "or use `--connector NAME` or `--guess`."
            )
        candidates = guessed(found.path)
        if len(candidates) != 1:
            said = (
                f"These recognise it: {', '.join(c.name for c in candidates)}."
                if candidates
                else "No connector recognises it."
            )
            return f"{said} Use `--connector NAME`."
        return known[candidates[0].name]
    connector = known[name]
    if not any(fnmatch(found.path.name.lower(), pattern.lower()) for pattern in connector.patterns):
        return f"The connector {name} reads {', '.join(connector.patterns)}. Rename the file, or move it to its own connector's folder."
    return connector


def judged(connector: Connector, path: Path, batch_rows: int) -> Generator[Part]:
    """The file's batches, cut to size, judged and staged. Whatever a reader cannot cope with makes the file a bad one."""
    try:
        for batch in connector.read(path):
            if batch.feed not in connector.feeds:
                raise BadFile(
                    f"The connector {connector.name} gave rows for {batch.feed}, which is not among its feeds."
                )
            feed = FEEDS[batch.feed]
            for part in _cut(batch, batch_rows):
                found = judge(feed, part)
                yield part, found, stage(feed, found.good) if found.good.height else None
    except (BadFile, MemoryError, GeneratorExit, KeyboardInterrupt):
        raise
    except OSError as error:
        raise BadFile(
            f"It cannot be read ({error}).", "Check the disk and its permissions, and drop the file again."
        ) from error
    except (
        BaseException
    ) as error:  # parsers fail in many ways, polars' panics among them; the next file must still load
        if isinstance(error, SystemExit):
            raise
        said = str(error).strip().splitlines()
        raise BadFile(
            f"The connector {connector.name} failed on it: {type(error).__name__}: {said[0][:500] if said else ''}.",
            "If the file is in order, report this with the file.",
        ) from error


def _cut(batch: Batch, batch_rows: int) -> Iterator[Batch]:
    if batch.rows.height <= batch_rows:
        yield batch
        return
    for part in batch.rows.iter_slices(batch_rows):
        yield Batch(batch.feed, part)
    yield replace(batch, rows=batch.rows.clear())
