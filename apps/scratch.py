"""A copy of what is built, to compute in and to throw away; the home it is made of is only read."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from warehouse.engine import WarehouseError, make_home
from warehouse.settings import Settings
from warehouse.slot import writer_slot


@contextlib.contextmanager
def scratch_copy(settings: Settings, who: str) -> Iterator[Settings]:
    """A home with a copy of the build file, taken while nobody writes; gone afterwards. Raises WarehouseError when nothing is built yet."""
    if not settings.build_file.exists():
        raise WarehouseError("Nothing is built yet. Run `daybook run`.")
    with tempfile.TemporaryDirectory(prefix="daybook-scratch-") as folder:
        copy = Settings(home=Path(folder), memory_limit=settings.memory_limit)
        make_home(copy)
        with writer_slot(settings, who):
            shutil.copyfile(settings.build_file, copy.build_file)
        yield copy
