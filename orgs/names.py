"""The form of names, of organizations and projects alike: the packaging specification's name format and normalization.

Pure.
"""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 200
"""Longest name accepted, in characters. The specification sets no limit; a file name of 255 bytes does."""

# Explicit ASCII classes and no IGNORECASE: U+212A, the Kelvin sign, folds to "k" and would slip through. Matched with
# fullmatch: "$" would let a trailing newline through. Tested before normalizing, for normalizing hides both.
_VALID = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")
_SEPARATORS = re.compile(r"[-_.]+")


class InvalidName(ValueError):
    """The text is no project name. The message is one sentence that says what a name looks like."""


def is_valid(name: str) -> bool:
    return len(name) <= MAX_LENGTH and _VALID.fullmatch(name) is not None


def normalize(name: str) -> str:
    """The normalized form of a name: ``Foo._Bar`` becomes ``foo-bar``.

    Raises ``InvalidName`` for what is no valid name, since normalizing it could yield one.
    """
    if not is_valid(name):
        raise InvalidName(_explain(name))
    return _SEPARATORS.sub("-", name).lower()


def _explain(name: str) -> str:
    if len(name) > MAX_LENGTH:
        return f"A project name has at most {MAX_LENGTH} characters, not {len(name)}."
    return (
        f"{name!a} is not a valid project name: use ASCII letters, digits, '.', '-' and '_', "
        "beginning and ending with a letter or digit."
    )


# What is read alike, after normalizing. Pairs of letters last, for a fold may make them.
LOOK_ALIKES = (("-", ""), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("rn", "m"), ("vv", "w"))


def folded(name: str) -> str:
    """What is left of a normalized name when what looks alike is made the same: ``my-c0rnpany`` is ``mycompany``.

    For warnings, and for nothing that decides: names that differ may fold to the same.
    """
    for seen, meant in LOOK_ALIKES:
        name = name.replace(seen, meant)
    return name


def derived(text: str) -> str:
    """The normalized name that a display name suggests, as ``acme-rockets-gmbh`` for ``Acme Rockets, GmbH``.

    May be empty: what has no letters or digits of ASCII suggests nothing.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
