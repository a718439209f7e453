"""The text of a file as clean UTF-8 bytes: unzipped within bounds, BOM taken off, every wrong byte named by its offset."""

import codecs
import gzip
import io
import zlib
from pathlib import Path

from ingestion.connectors.base import BadFile

BOMB_RATIO = 200
"""Real feed files compress 5 to 20 times; one that grows more than this, beyond BOMB_FREE, is meant to fill the memory or disk."""
BOMB_FREE = 64 * 2**20
BOMB_LIMIT = 64 * 2**30
OTHER_ENCODINGS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


class CleanStream(io.RawIOBase):
    """A readable stream of checked UTF-8. `failure` holds what went wrong, since a reader in between may hide the exception."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.failure: BadFile | None = None
        self._file = path.open("rb")
        self._source = gzip.GzipFile(fileobj=self._file) if path.name.lower().endswith(".gz") else self._file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._offset = 0
        self._lines = 0
        self._held = b""
        self.quotes = 0
        """Double quotes seen; odd at the end means that one was opened and never closed."""
        self.ends_in_line_end = True

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer; raises BadFile at the first byte that is not text."""
        data = self._held or self._next(len(buffer))
        taken, self._held = data[: len(buffer)], data[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def put_back(self, data: bytes) -> None:
        """Bytes to be read again first."""
        self._held = data + self._held

    def _next(self, size: int) -> bytes:
        try:
            return self._checked(self._unzipped(max(size, 4)))
        except BadFile as failure:
            self.failure = failure
            raise

    def _unzipped(self, size: int) -> bytes:
        try:
            data = self._source.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadFile(
                f"The gzip stream is damaged or cut off after {self._offset} bytes ({error}).", "Send the file again."
            ) from error
        unzipped, packed = self._offset + len(data), self._file.tell()
        if (
            self._source is not self._file
            and unzipped > BOMB_FREE
            and (unzipped > BOMB_RATIO * packed or unzipped > BOMB_LIMIT)
        ):
            raise BadFile(
                f"The file unpacks to more than {BOMB_RATIO} times its size; that is no export but a zip bomb.",
                "If it is genuine, unpack it and drop the plain file.",
            )
        return data

    def _checked(self, data: bytes) -> bytes:
        start, pending = self._offset, len(self._decoder.getstate()[0])
        self._offset += len(data)
        if start == 0 and (name := OTHER_ENCODINGS.get(data[:2])):
            raise BadFile(f"The file is {name} text; the contract is UTF-8.", "Save it as UTF-8 and drop it again.")
        nul = data.find(b"\0")
        if nul >= 0:
            raise BadFile(
                f"There is a NUL byte at offset {start + nul}; this is no text file.", "Export it again as UTF-8 text."
            )
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            place = start - pending + error.start
            wrong = error.object[error.start]
            line = self._lines + data.count(b"\n", 0, max(place - start, 0)) + 1
            raise BadFile(
                f"The byte 0x{wrong:02x} at offset {place} (line {line}) is not UTF-8.",
                "Save the file as UTF-8 (it may be Windows-1252 or Latin-1) and drop it again.",
            ) from error
        self._lines += data.count(b"\n")
        self.quotes += data.count(b'"')
        if data:
            self.ends_in_line_end = data[-1:] in (b"\n", b"\r")
        return data[3:] if start == 0 and data.startswith(codecs.BOM_UTF8) else data
