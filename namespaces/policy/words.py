"""How common the words of a prefix are, given how many projects use each word; why some are reserved. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _

from namespaces.policy.inputs import WordUse

LEAST_PART = 3
"""Characters that a word needs to be found inside another: of two letters, there is one in everything."""


class Reserved(models.TextChoices):
    """Why a prefix is on the list of reserved words (``namespaces/data/reserved.toml``)."""

    PYTHON = "python", _("it stands for the language itself")
    PACKAGING = "packaging", _("it stands for packaging and for the index")
    INDEX = "index", _("it stands for the people who run the index")
    ECOSYSTEM = "ecosystem", _("it is a customary part of names that many use")
    FORMATS = "formats", _("it stands for a format or a protocol that is everybody's")
    TRUST = "trust", _("it says that somebody vouches for it")


EVERYBODYS = frozenset({Reserved.ECOSYSTEM, Reserved.FORMATS})
"""Reasons of words that anybody may have as a part of a longer prefix."""


def reserved_reason(prefix: str, reserved: Mapping[str, Reserved]) -> str:
    """Why the prefix is reserved, or nothing: it is on the list, or a part of it promises trust."""
    promises = any(reserved.get(part) is Reserved.TRUST for part in prefix.split("-"))
    return Reserved.TRUST.value if promises else str(reserved.get(prefix, ""))


def measure(prefix: str, counts: Mapping[str, int]) -> tuple[WordUse, ...]:
    """How much each part between hyphens is used as a word."""
    return tuple(_measure(part, counts) for part in prefix.split("-"))


def _measure(part: str, counts: Mapping[str, int]) -> WordUse:
    if part in counts:
        return WordUse(part=part, projects=counts[part])
    splits = [(part[:place], part[place:]) for place in range(LEAST_PART, len(part) - LEAST_PART + 1)]
    found = [
        (min(counts[one], counts[other]), one, other) for one, other in splits if one in counts and other in counts
    ]
    if not found:
        return WordUse(part=part)
    projects, one, other = max(found)
    return WordUse(part=part, projects=projects, words=(one, other))


def is_common(use: WordUse, *, word: int, compound: int) -> bool:
    """Whether as many projects use the word, or both words that it is made of. Numbers are no names: always common."""
    if use.part.isdigit():
        return True
    return use.projects >= (compound if use.words else word)
