"""Files on their way: found in the landing folder, known by their sha256, then kept in the archive or set aside."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from warehouse.settings import Settings
from warehouse.whole_file import whole_file

UNFINISHED = (".part", ".tmp")
CHUNK = 1 << 20


def printable(text: str) -> str:
    """The text with what UTF-8 cannot hold (a byte of a file name that is no character) as `\\udc..`, for tables, logs and databases."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class Found:
    """A file to look at. `folder` is the name of the folder it lies in, which in the landing folder is the connector's."""

    path: Path
    folder: str
    in_landing: bool

    def shown(self, settings: Settings) -> str:
        """The path as loads and quarantine record it: below `landing/` where it lies there, so that a moved home keeps its past."""
        return printable(self.path.relative_to(settings.landing).as_posix() if self.in_landing else str(self.path))


@dataclass(frozen=True)
class Fingerprint:
    """What a file was when it was hashed; if it is no longer that when it has been read, someone was still writing."""

    sha256: str
    size: int
    changed: tuple[int, int, int]


def is_unfinished(path: Path) -> bool:
    """A name a writer uses until the file is complete; never read."""
    return path.name.startswith(".") or path.name.lower().endswith(UNFINISHED)


def in_landing(settings: Settings) -> list[Found]:
    """Every finished file of the landing folder, in path order."""
    return sorted(_walk(settings.landing, settings.landing), key=lambda found: found.path.as_posix())


def lying(settings: Settings) -> dict[Path, tuple[int, int, int]]:
    """What lies in the landing folder now, each with what changes when it does. A link is not followed."""
    seen = {}
    for found in in_landing(settings):
        with suppress(FileNotFoundError):  # taken away meanwhile
            stat = found.path.lstat()
            seen[found.path] = stat.st_ino, stat.st_size, stat.st_ctime_ns  # a new owner or mode counts too
    return seen


def at(paths: list[Path], settings: Settings) -> list[Found]:
    """The files that the paths name, folders expanded (`truth/` never), in path order. Raises FileNotFoundError."""
    found: dict[Path, Found] = {}
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        full = path.absolute()
        for one in _walk(full, settings.landing) if full.is_dir() else [_found(full, settings.landing)]:
            found.setdefault(one.path, one)
    return sorted(found.values(), key=lambda one: one.path.as_posix())


def _walk(folder: Path, landing: Path) -> Iterator[Found]:
    """Finished files; a folder that cannot be listed stands for what may lie in it, so that it is reported."""
    closed: list[OSError] = []
    for root, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "truth")
        linked = [name for name in folders if (Path(root) / name).is_symlink()]  # not followed, but told
        for name in [*names, *linked]:
            path = Path(root) / name
            if not is_unfinished(path):
                yield _found(path, landing)
    for error in closed:
        if isinstance(error, PermissionError):
            yield _found(Path(error.filename), landing)


def _found(path: Path, landing: Path) -> Found:
    inside = path.resolve().is_relative_to(landing) if not path.is_symlink() else path.is_relative_to(landing)
    return Found(path if not inside else landing / os.path.relpath(_real(path), landing), path.parent.name, inside)


def _real(path: Path) -> Path:
    return path.parent.resolve() / path.name


def fingerprint(path: Path) -> Fingerprint:
    """The file's sha256, streamed, and what it looked like meanwhile. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        before = os.fstat(stream.fileno())
        while block := stream.read(CHUNK):
            digest.update(block)
    return Fingerprint(digest.hexdigest(), before.st_size, _identity(before))


def is_unchanged(path: Path, seen: Fingerprint) -> bool:
    """True when the file is still the one that was hashed."""
    return path.exists() and _identity(path.stat()) == seen.changed


def _identity(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def archive(found: Found, sha256: str, settings: Settings) -> None:
    """Keeps the file, unchanged, as archive/<sha256>; one in the landing folder is moved, any other is copied."""
    _keep(found, settings.archive / sha256)


def set_aside(found: Found, reason: dict[str, object], settings: Settings) -> Path:
    """Puts a refused file under quarantine/<folder>/ beside a `.reason.json`; gives its new place."""
    name, sha256 = found.path.name, str(reason["sha256"])
    target = settings.quarantine / found.folder / name
    sidecar = target.with_name(f"{name}.reason.json")
    if sidecar.exists() and json.loads(sidecar.read_text()).get("sha256") != sha256:  # another bad file of that name
        target = target.with_name(f"{sha256[:12]}-{name}")
        sidecar = target.with_name(f"{target.name}.reason.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(sidecar) as part:
        part.write_text(printable(json.dumps(reason, indent=2, ensure_ascii=False)) + "\n", encoding="utf-8")
    _keep(found, target)
    return target


def _keep(found: Found, target: Path) -> None:
    """At every instant the bytes are whole in at least one of the two places, and never half in `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.stat().st_size == found.path.stat().st_size:
        if found.in_landing:
            found.path.unlink()
        return
    if found.in_landing:
        try:
            found.path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        else:
            _sync(target.parent)
            return
    with whole_file(target, synced=True) as part, found.path.open("rb") as source, part.open("wb") as copy:
        shutil.copyfileobj(source, copy, CHUNK)
    _sync(target.parent)
    if found.in_landing:
        found.path.unlink()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
