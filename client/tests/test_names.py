"""Names, against the vectors that the server and the database are tested against too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(("namespace", "name", "expected"), VECTORS["covers"])
def test_covers(namespace: str, name: str, expected: bool) -> None:
    assert covers(namespace, name) is expected
    assert (namespace in prefixes(name)) is expected


@pytest.mark.parametrize("name", ["A", "a_b", "a--b", "a.b", "-a", "a-", "a\n", ""])
def test_not_normalized(name: str) -> None:
    assert not is_normalized(name)
