"""Writing a file so that a reader finds it whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path, *, synced: bool = False) -> Iterator[Path]:
    """Gives the hidden name to write under; the file becomes `target`, in place of what stood there, when the block ends well.

    With `synced` its bytes are on the disk before it gets its name. A block that breaks off leaves the hidden file to the next writer.
    """
    part = target.with_name(f".{target.name}.part")
    yield part
    if synced:
        with part.open("rb") as written:
            os.fsync(written.fileno())
    part.replace(target)
