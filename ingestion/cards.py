"""Card numbers: never wanted, never kept where people look. A token or fingerprint stands for a card."""

import re

import polars as pl

SHAPE = r"^\d(?:[ -]?\d){12,18}$"
RUN = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")


def luhn(digits: str) -> bool:
    """True when the check digit fits, as on every card.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = int(character) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def is_card_number(column: pl.Series) -> pl.Series:
    """Per row: the whole text is 13 to 19 digits (blanks and dashes aside) with a fitting check digit."""
    shaped = column.str.contains(SHAPE).fill_null(False)
    if not shaped.any():
        return shaped
    digits = column.filter(shaped).unique()
    cards = [text for text in digits if luhn(re.sub(r"\D", "", text))]
    return column.is_in(cards).fill_null(False)


def masked(text: str) -> str:
    """The text with each card number in it shown by its first six and last four digits.

    >>> masked("paid by 4111 1111 1111 1111")
    'paid by 411111******1111'
    """

    def hide(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found.group())
        return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}" if luhn(digits) else found.group()

    return RUN.sub(hide, text)
