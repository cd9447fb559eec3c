"""Names of projects and namespaces: validity, normalization, and which namespaces could cover a name.

Pure. The rules are the packaging specification's (name format and name normalization) and PEP 752, "Naming" and
"Semantics". They are Freehold's own, and both are tested against the same vectors.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits

MAX_LENGTH = 200
"""Longest name accepted, in characters. The specification sets no limit; a file name of 255 bytes does."""

# Explicit ASCII classes and no IGNORECASE: U+212A, the Kelvin sign, folds to "k" and would slip through. Matched with
# fullmatch: "$" would let a trailing newline through. Tested before normalizing, for normalizing hides both.
_VALID = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]").fullmatch
_NORMALIZED = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*").fullmatch


def _folded(byte: int) -> int:
    character = chr(byte)
    if character in ascii_letters + digits:
        return ord(character.lower())
    return ord("-") if character in "-._" else ord(" ")


_FOLDED = bytes(map(_folded, range(256)))
"""For ``bytes.translate``, which looks at each character once, where a match and four replacements look five times. A
space stands for what no name has."""


class InvalidName(ValueError):
    """The text is no project name. The message is one ASCII sentence that says what a name looks like."""


def is_valid(name: str) -> bool:
    """Whether the text is a project name at all, in any spelling."""
    return len(name) <= MAX_LENGTH and _VALID(name) is not None


def is_normalized(name: str) -> bool:
    """Whether the text is a valid name in its normalized spelling."""
    return len(name) <= MAX_LENGTH and _NORMALIZED(name) is not None


def normalize(name: str) -> str:
    """The normalized form of a name: ``Foo._Bar`` becomes ``foo-bar``.

    Raises ``InvalidName`` for what is no valid name, since normalizing it could yield one.
    """
    if len(name) > MAX_LENGTH:
        raise InvalidName(_explain(name))
    # What is not ASCII becomes "?" before anything is folded: U+212A never gets to be a "k".
    normalized = str.encode(name, "ascii", "replace").translate(_FOLDED).decode("ascii")
    if not normalized or " " in normalized or normalized[0] == "-" or normalized[-1] == "-":
        raise InvalidName(_explain(name))
    while "--" in normalized:
        normalized = normalized.replace("--", "-")
    return normalized


def prefixes(normalized: str) -> list[str]:
    """The namespaces that could cover a normalized name, shortest first: ``a-b-c`` gives ``a``, ``a-b``, ``a-b-c``."""
    parts = normalized.split("-")
    return ["-".join(parts[:count]) for count in range(1, len(parts) + 1)]


def covers(namespace: str, normalized: str) -> bool:
    """Whether a namespace covers a name, both normalized: ``foo`` covers ``foo`` and ``foo-bar``, never ``foobar``."""
    return normalized == namespace or normalized.startswith(namespace + "-")


def _explain(name: str) -> str:
    if len(name) > MAX_LENGTH:
        return f"A project name has at most {MAX_LENGTH} characters, not {len(name)}."
    return (
        f"{name!a} is not a valid project name: use ASCII letters, digits, '.', '-' and '_', "
        "beginning and ending with a letter or digit."
    )
