"""XML files, unzipped where they are gzip or lie in a zip archive: read without entities, network or external parts, and walked by local names."""

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  lxml ships no type hints

from ingestion.connectors.base import BadFile
from ingestion.connectors.values import trimmed

MAX_BYTES = 256 * 1024 * 1024
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
ZIP_HEADER = 30
"""Bytes before the name of an archive's first file."""
Element: TypeAlias = etree._Element


def xml_root(path: Path, what: str, remedy: str) -> Element:
    """The document's root. BadFile, with `remedy`, for what is no well-formed XML, carries a DOCTYPE, or is too large."""
    return _root(path.name, _plain(path), what, remedy)


def xml_roots(path: Path, what: str, remedy: str) -> Iterator[Element]:
    """The roots of all documents of a file: one, or those of a zip archive in the order of their names. BadFile as of `xml_root`."""
    with path.open("rb") as file:
        is_archive = file.read(4) == ZIP
    if not is_archive:
        yield xml_root(path, what, remedy)
        return
    for name, content in _members(path):
        yield _root(f"{name} in {path.name}", content, what, remedy)


def _root(name: str, content: bytes, what: str, remedy: str) -> Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        tree = etree.parse(io.BytesIO(content), parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise BadFile(f"{name} is not well-formed XML: {error}.", remedy) from error
    if tree.docinfo.doctype:
        raise BadFile(f"{name} carries a DOCTYPE, which no {what} has.", remedy)
    return tree.getroot()


def _plain(path: Path) -> bytes:
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == GZIP
        with gzip.open(path) if zipped else path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadFile(
            f"The gzip stream of {path.name} is damaged or cut off ({error}).", "Send the file again."
        ) from error
    if len(data) > MAX_BYTES:
        raise BadFile(f"{path.name} is larger than 256 MiB.", "Ask for one file per day.")
    return data


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The archive's XML files, each read within what is left of the limit: its own word on sizes is not believed."""
    left = MAX_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.lower().endswith(".xml"))
            if not names:
                raise BadFile(
                    f"{path.name} holds no XML file.", "Put the statements into it, or drop them as they are."
                )
            for name in names:
                with archive.open(name) as stream:
                    data = stream.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise BadFile(f"{path.name} unpacks to more than 256 MiB.", "Drop its files one by one.")
                yield name, data
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        lzma.LZMAError,
        OSError,
    ) as error:
        raise BadFile(
            f"The archive {path.name} is damaged, or locked by a password ({error}).", "Send the file again, unlocked."
        ) from error


def unpacked_head(head: bytes) -> bytes:
    """The beginning of a file, unzipped as far as it goes where it is gzip or a zip archive (its first file's)."""
    if head[:2] == GZIP:
        return _inflated(head, zlib.MAX_WBITS | 16)
    if head[:4] == ZIP and len(head) > ZIP_HEADER:
        method, name, extra = (int.from_bytes(head[at : at + 2], "little") for at in (8, 26, 28))
        content = head[ZIP_HEADER + name + extra :]
        return _inflated(content, -zlib.MAX_WBITS) if method == zipfile.ZIP_DEFLATED else content
    return head


def _inflated(packed: bytes, window: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(packed, 64 * 1024)
    except zlib.error:
        return b""


def local(element: Element) -> str:
    """The element's name without its namespace; empty for what is no element."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def every(element: Element | None, name: str) -> list[Element]:
    """The children of that name."""
    return [] if element is None else [child for child in element if local(child) == name]


def child(element: Element | None, path: str) -> Element | None:
    """The first element at a path of names, or None."""
    for name in path.split("/"):
        element = next(iter(every(element, name)), None)
        if element is None:
            return None
    return element


def text(element: Element | None, path: str) -> str | None:
    """The trimmed text at a path, or None."""
    found = child(element, path)
    return trimmed(found.text) if found is not None else None


def leaves(element: Element) -> dict[str, object]:
    """Every leaf below an element by its path, for quarantine and for what is kept beside a row."""
    found: dict[str, object] = {}

    def walk(part: Element, path: str) -> None:
        children = [one for one in part if isinstance(one.tag, str)]
        for name, value in part.attrib.items():
            found.setdefault(f"{path}@{etree.QName(name).localname}", str(value))
        if not children and (held := trimmed(part.text)):
            place, number = path, 1
            while place in found:
                number += 1
                place = f"{path}[{number}]"
            found[place] = held
        for one in children:
            walk(one, f"{path}/{local(one)}" if path else local(one))

    walk(element, "")
    return found
