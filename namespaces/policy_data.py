"""The lists that the policy is fed with, read once from ``namespaces/data``."""

from __future__ import annotations

import gzip
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from namespaces.policy.words import Reserved

DATA = Path(__file__).resolve().parent / "data"


@cache
def word_counts() -> Mapping[str, int]:
    """How many projects describe themselves with each word without being called so (``bench/claims/make_words.py``)."""
    with gzip.open(DATA / "words.tsv.gz", "rt", encoding="ascii") as lines:
        next(lines)
        rows = (line.rstrip("\n").split("\t") for line in lines)
        return MappingProxyType({word: int(projects) for word, projects in rows})


@cache
def reserved_words() -> Mapping[str, Reserved]:
    """Reserved prefixes, normalized, with the reason of each."""
    groups = tomllib.loads((DATA / "reserved.toml").read_text(encoding="utf-8"))
    return MappingProxyType({word: Reserved(reason) for reason, words in groups.items() for word in words})
