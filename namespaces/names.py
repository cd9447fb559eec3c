"""Names of projects and namespaces: validity, normalization, and what a namespace covers.

Pure. The rules are the packaging specification's (name format and name normalization) and PEP 752, "Naming" and
"Semantics". ``namespaces/data/name_vectors.json`` holds the vectors that this module, the client and the database are
all tested against.
"""

from __future__ import annotations

from orgs.names import MAX_LENGTH, InvalidName, is_valid, normalize

__all__ = [
    "MAX_LENGTH",
    "InvalidName",
    "covers",
    "depth",
    "interval",
    "is_valid",
    "normalize",
    "overlap",
    "prefixes",
]


def prefixes(normalized: str) -> list[str]:
    """The namespaces that could cover a normalized name, shortest first: ``a-b-c`` gives ``a``, ``a-b``, ``a-b-c``."""
    parts = normalized.split("-")
    return ["-".join(parts[:count]) for count in range(1, len(parts) + 1)]


def covers(namespace: str, normalized: str) -> bool:
    """Whether a namespace covers a name, both normalized: ``foo`` covers ``foo`` and ``foo-bar``, never ``foobar``."""
    return normalized == namespace or normalized.startswith(namespace + "-")


def overlap(one: str, other: str) -> bool:
    """Whether two namespaces have names in common, which is when one covers the other."""
    return covers(one, other) or covers(other, one)


def interval(namespace: str) -> tuple[str, str]:
    """``[low, high)`` in C collation that holds every name strictly below the namespace: "." follows "-"."""
    return f"{namespace}-", f"{namespace}."


def depth(normalized: str) -> int:
    """How many hyphens a normalized name has."""
    return normalized.count("-")
