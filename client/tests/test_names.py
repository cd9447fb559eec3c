"""Names, against the vectors that the server and the database are tested against too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold_client import InvalidName, normalize
from freehold_client.names import covers, is_normalized, is_valid, prefixes

VECTORS = json.loads(
    (Path(__file__).parents[2] / "namespaces" / "data" / "name_vectors.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("name", "normalized"), VECTORS["valid"])
def test_valid(name: str, normalized: str) -> None:
    assert normalize(name) == normalized
    assert normalize(normalized) == normalized
    assert is_normalized(normalized)


@pytest.mark.parametrize("name", VECTORS["invalid"])
def test_invalid(name: str) -> None:
    assert not is_valid(name)
    assert not is_normalized(name)
    with pytest.raises(InvalidName) as refused:
        normalize(name)
    assert str(refused.value).isascii() and str(refused.value).isprintable()


@given(st.text("aZ09.-_", max_size=12) | st.text("aK-._ \n\u212a\u00e9\udc80?", max_size=6) | st.text(max_size=6))
def test_any_text(name: str) -> None:
    """As the packaging specification words both: what is a name, and how it is normalized."""
    if re.fullmatch(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])", name, re.IGNORECASE | re.ASCII) and name.isascii():
        assert is_valid(name)
        assert normalize(name) == re.sub(r"[-_.]+", "-", name).lower()
    else:
        assert not is_valid(name)
        with pytest.raises(InvalidName):
            normalize(name)


@pytest.mark.parametrize("name", [None, 7, b"acme", ["a"], object()])
def test_no_text_is_a_type_error(name: object) -> None:
    with pytest.raises(TypeError):
        normalize(name)  # type: ignore[arg-type]  # the mistake that is tested


@pytest.mark.parametrize(("namespace", "name", "expected"), VECTORS["covers"])
def test_covers(namespace: str, name: str, expected: bool) -> None:
    assert covers(namespace, name) is expected
    assert (namespace in prefixes(name)) is expected


@pytest.mark.parametrize("name", ["A", "a_b", "a--b", "a.b", "-a", "a-", "a\n", ""])
def test_not_normalized(name: str) -> None:
    assert not is_normalized(name)
