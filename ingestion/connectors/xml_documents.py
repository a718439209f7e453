"""XML files, unzipped where they are gzip: read without entities, network or external parts, and walked by local names."""

import gzip
import io
import zlib
from pathlib import Path
from typing import TypeAlias

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  lxml ships no type hints

from ingestion.connectors.base import BadFile
from ingestion.connectors.values import trimmed

MAX_BYTES = 256 * 1024 * 1024
Element: TypeAlias = etree._Element


def xml_root(path: Path, what: str, remedy: str) -> Element:
    """The document's root. BadFile, with `remedy`, for what is no well-formed XML, carries a DOCTYPE, or is too large."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        tree = etree.parse(io.BytesIO(_content(path)), parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise BadFile(f"{path.name} is not well-formed XML: {error}.", remedy) from error
    if tree.docinfo.doctype:
        raise BadFile(f"{path.name} carries a DOCTYPE, which no {what} has.", remedy)
    return tree.getroot()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadFile(
            f"The gzip stream of {path.name} is damaged or cut off ({error}).", "Send the file again."
        ) from error
    if len(data) > MAX_BYTES:
        raise BadFile(f"{path.name} is larger than 256 MiB.", "Ask for one file per day.")
    return data


def unpacked_head(head: bytes) -> bytes:
    """The beginning of a file, unzipped as far as it goes where it is gzip."""
    if head[:2] != b"\x1f\x8b":
        return head
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 64 * 1024)
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
