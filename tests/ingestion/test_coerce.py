"""Texts become exact decimals or nothing, whatever else stands in their column."""

import re
from decimal import Decimal
from itertools import product

import polars as pl
import pytest

from ingestion.coerce import coerce
from ingestion.feeds import FEEDS

ALPHABET = "05+-. ,_e"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
USUAL = ["1.5", "-20", "0.00000001"]


def read(texts: list[str]) -> list[Decimal | None]:
    """The column `profit` of a batch of deals."""
    return coerce(FEEDS["deals"], pl.DataFrame({"profit": texts})).rows.get_column("profit").to_list()


def exactly(text: str) -> Decimal | None:
    """The text as a decimal of at most eight digits after the point, by Python's own reading."""
    if not NUMBER.fullmatch(text.strip()):
        return None
    value = Decimal(text.strip())
    return value if value == round(value, 8) else None


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_text_alone_in_its_column_is_read_as_python_reads_it(length: int) -> None:
    texts = ["".join(letters) for letters in product(ALPHABET, repeat=length)]
    wrong = {text: found for text in texts if (found := read([text])[0]) != exactly(text)}
    assert wrong == {}


@pytest.mark.parametrize("length", [1, 2, 3])
def test_an_integer_is_digits_with_at_most_a_sign(length: int) -> None:
    texts = ["".join(letters) for letters in product(ALPHABET, repeat=length)]
    read_alone = {text: coerce(FEEDS["deals"], pl.DataFrame({"login": [text]})).rows["login"][0] for text in texts}
    expected = {text: int(text) if re.fullmatch(r"[+-]?\d+", text.strip()) else None for text in texts}
    assert {text: found for text, found in read_alone.items() if found != expected[text]} == {}


@pytest.mark.parametrize("odd", ["1e-9", "0.123456789", "1.50000000000", "2e3", "1.5.5", "12_3", "nan", "", "9" * 40])
def test_one_odd_text_changes_nothing_about_its_neighbours(odd: str) -> None:
    *usual, last = read([*USUAL, odd])
    assert usual == [Decimal(text) for text in USUAL]
    assert last == (exactly(odd) if len(odd) < 40 else None)
