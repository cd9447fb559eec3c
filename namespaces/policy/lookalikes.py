"""Names that pass for one another: what is folded together, how far apart names are, and keys to find the near ones.

Pure. Two names at most two edits apart (missing, added or changed characters; or one swap) have, cut in three, a third
in common in nearly the same place. So an index over the thirds of all names (``namespaces_pieces`` in the database)
gives by equality alone every name that a claim could be mistaken for; ``compare`` then looks at each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from namespaces.policy.inputs import Likeness, NearName, Source
from namespaces.policy.words import EVERYBODYS, Reserved
from orgs.names import LOOK_ALIKES, folded

_SINGLE = str.maketrans({seen: meant for seen, meant in LOOK_ALIKES if len(seen) == 1})
PIECES = 3
ONE_EDIT_FROM, TWO_EDITS_FROM = 5, 10
"""Characters from which on names so many edits apart are alike: most names of four letters have neighbours."""
GLUED_FROM = 6
"""Characters of a name that is found at the beginning or the end of a longer word without a hyphen between."""
LONGEST = 60
"""Characters that are compared: what is longer is no look-alike of anything."""


@dataclass(frozen=True, slots=True)
class Match:
    likeness: Likeness
    distance: int


def flat(name: str) -> str:
    """The normalized name without separators and with single characters that look alike made one.

    What edits are counted on: with pairs of characters folded too, one edit could pull a pair apart and count as three.
    """
    return name.translate(_SINGLE)


def reach(length: int) -> int:
    """How many edits apart a name of so many characters may be and still pass for it."""
    return 0 if length < ONE_EDIT_FROM else 1 if length < TWO_EDITS_FROM else 2


def pieces(flat: str) -> list[str]:
    """The keys under which a flat name is found: ``length:place:third``."""
    size, cuts = len(flat), [len(flat) * place // PIECES for place in range(PIECES + 1)]
    return [f"{size}:{place}:{flat[cuts[place] : cuts[place + 1]]}" for place in range(PIECES)]


def search_keys(flat: str) -> list[str]:
    """The keys of every flat name within ``reach``: its thirds can begin here a little before or after."""
    far = reach(len(flat))
    return sorted(set(_search_keys(flat, far))) if far and len(flat) <= LONGEST else []


def _search_keys(flat: str, far: int) -> Iterator[str]:
    for size in range(max(1, len(flat) - far), len(flat) + far + 1):
        for place in range(PIECES):
            begin, end = size * place // PIECES, size * (place + 1) // PIECES
            for shift in range(-far, far + 1):
                if begin + shift >= 0 and end + shift <= len(flat):
                    yield f"{size}:{place}:{flat[begin + shift : end + shift]}"


def inner_keys(prefix: str) -> set[str]:
    """The folded names that could stand inside the prefix, itself among them."""
    parts = prefix.split("-")
    runs = {
        folded("".join(parts[begin:end])) for begin in range(len(parts)) for end in range(begin + 1, len(parts) + 1)
    }
    glued = {
        piece
        for part in map(folded, parts)
        for place in range(GLUED_FROM, len(part))
        for piece in (part[:place], part[-place:])
    }
    return runs | glued


def compare(prefix: str, name: str) -> Match | None:
    """How the name is like the prefix, both normalized and different; None when they can be told apart."""
    if prefix == name:
        return None
    if folded(prefix) == folded(name):
        return Match(Likeness.FOLDED, 0)
    one, other = flat(prefix), flat(name)
    far = min(reach(len(one)), reach(len(other)))
    distance = OSA.distance(one, other, score_cutoff=far) if far else far + 1
    if distance <= far:
        return Match(Likeness.SWAPPED if _is_swap(one, other) else Likeness.EDITED, distance)
    return Match(Likeness.CONTAINED, len(one) - len(other)) if folded(name) in inner_keys(prefix) else None


def _is_swap(one: str, other: str) -> bool:
    return len(one) == len(other) and sorted(one) == sorted(other)


def closest(found: Iterable[NearName], most: int) -> list[NearName]:
    """The ones that matter most: the likest, then the most popular; each name once, as a grant if it is one."""
    order = sorted(found, key=lambda near: near.source is Source.POPULAR)
    names = {near.name: near for near in reversed(order)}
    return sorted(names.values(), key=_rank)[:most]


def is_everybodys(match: Match, name: str, reserved: Mapping[str, Reserved]) -> bool:
    """Whether the name is only a customary part of the prefix, as ``client`` is in ``acme-client``."""
    return match.likeness is Likeness.CONTAINED and reserved.get(name) in EVERYBODYS


def _rank(near: NearName) -> tuple[int, int, int, str]:
    return list(Likeness).index(near.likeness), abs(near.distance), -near.projects, near.name
