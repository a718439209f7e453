"""Equal facts have equal bytes: our fast text is RFC 8785's, to the byte."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.approvals.canonical import canonical, digest, plain

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
leaves = (
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | text | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12
)


@settings(max_examples=300, deadline=None)
@given(values)
def test_every_value_has_the_text_of_rfc_8785(value):
    assert canonical(value).encode() == rfc8785.dumps(plain(value))


def test_amounts_and_times_are_exact_text():
    at = datetime(2026, 11, 22, 6, 0, 0, 12, tzinfo=timezone(timedelta(hours=2)))
    assert canonical({"b": Decimal("1E+2"), "a": at, "c": 2**60}) == (
        '{"a":"2026-11-22T04:00:00.000012Z","b":"100","c":"1152921504606846976"}'
    )
    assert canonical(datetime(2026, 1, 1, tzinfo=UTC)) == canonical(datetime(2026, 1, 1))


def test_what_json_cannot_say_is_refused():
    for value in (float("nan"), "\ud800", object()):
        with pytest.raises((ValueError, TypeError)):
            canonical({"x": value})


def test_the_order_of_keys_does_not_change_the_fingerprint():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": (1, 2), "a": 1}) != digest({"a": 1, "b": [2, 1]})
