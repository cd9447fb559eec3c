"""The adversarial requests: each tries to have the index read a reserved name, from somebody who doesn't hold it."""

from __future__ import annotations

from guard.cases import bodies, framing, heads, names
from guard.cases.case import Case

_MAKERS = (
    (names.straight, names.fields, names.values, names.filenames),
    (framing.part_headers, framing.framing, framing.media_types),
    (bodies.pairs, bodies.documents, bodies.other_bodies),
    (heads.heads, heads.targets, heads.lengths, heads.identities),
)

__all__ = ["Case", "all_cases"]


def all_cases() -> list[Case]:
    """Every case, ids unique."""
    cases = [case for makers in _MAKERS for maker in makers for case in maker()]
    assert len({case.id for case in cases}) == len(cases)
    return cases
