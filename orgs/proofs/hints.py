"""What somebody probably did wrong, told from what is there and what should be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orgs.proofs.observations import Hint
from orgs.proofs.records import PREFIX

QUOTES = "\"'“”„«»`"


def of_values(expected: str, values: Iterable[str]) -> list[str]:
    """Hints for values none of which is the expected one; each once."""
    return list(dict.fromkeys(hint for value in values for hint in _of_value(expected, value)))


def _of_value(expected: str, value: str) -> Iterator[str]:
    plain = "".join(value.split())
    bare = plain.strip(QUOTES)
    if bare.lower() == expected.lower():
        if bare != plain:
            yield Hint.QUOTED
        if plain != value:
            yield Hint.SPACED
        if bare != expected:
            yield Hint.CAPITALS
    elif bare == expected.removeprefix(PREFIX):
        yield Hint.BARE
    elif bare.startswith(PREFIX):
        yield Hint.CUT if expected.startswith(bare) else Hint.OLD
