"""Which projects a distribution's file name could belong to.

Pure. A wheel's name has one reading (PEP 427). A source distribution's has one where its maker follows PEP 625, and
several where not: ``a-1-2.0.zip`` is version 2.0 of ``a-1`` or version ``1-2.0`` of ``a``, and indexes guess
differently. So all readings are given, and whoever asks has to be content with each of them.
"""

from __future__ import annotations

import re

from freehold_client.names import is_valid, normalize

MAX_LENGTH = 255
SDIST_SUFFIXES = (".tar.gz", ".tar.bz2", ".tar.xz", ".tar.Z", ".tgz", ".zip", ".egg")
"""``.egg`` reads like a source distribution for what matters here: name, hyphen, version, and what follows."""

# No separators of paths, no percent signs, no spaces: what some index would cut off or decode can't be in a name.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*").fullmatch
# An index may take a hyphen with one of these after it for the place where the version begins.
_VERSION = re.compile(r"[vV]?[0-9][A-Za-z0-9._+!-]*").fullmatch
_WHEEL = re.compile(
    r"(?P<name>[A-Za-z0-9._]+)"
    r"-[0-9][A-Za-z0-9._+!]*"  # version
    r"(?:-[0-9][A-Za-z0-9._]*)?"  # build tag
    r"-[A-Za-z0-9._]+-[A-Za-z0-9._]+-[A-Za-z0-9._]+\.whl"  # python, abi and platform tag
).fullmatch


class InvalidFilename(ValueError):
    """The text is no file name of a distribution. The message is one ASCII sentence."""


def readings(filename: str) -> frozenset[str]:
    """The normalized names of all projects that some index could read from the name of a distribution's file."""
    _check_plain(filename)
    if filename.lower().endswith(".whl"):
        return _wheel_readings(filename)
    return _splits(_without_suffix(filename), filename)


def documentation_readings(filename: str) -> frozenset[str]:
    """The same for an archive of documentation: ``<name>.zip``, ``<name>-<version>.zip``, ``….doc.zip``."""
    _check_plain(filename)
    for suffix in (".doc.zip", ".zip"):
        if filename.endswith(suffix):
            stem = filename[: -len(suffix)]
            whole = frozenset({normalize(stem)}) if is_valid(stem) else frozenset()
            return whole | _splits(stem, filename, required=not whole)
    raise InvalidFilename(f"{filename!a} is no name of an archive of documentation.")


def _check_plain(filename: str) -> None:
    if len(filename) > MAX_LENGTH or _PLAIN(filename) is None:
        raise InvalidFilename(f"{filename[:80]!a} is not the plain name of a distribution's file.")


def _wheel_readings(filename: str) -> frozenset[str]:
    match = _WHEEL(filename)
    if match is None or not is_valid(match["name"]):
        raise InvalidFilename(f"{filename!a} is not the name of a wheel.")
    return frozenset({normalize(match["name"])})


def _without_suffix(filename: str) -> str:
    for suffix in SDIST_SUFFIXES:
        if filename.endswith(suffix):
            return filename[: -len(suffix)]
    raise InvalidFilename(f"{filename!a} is neither a wheel nor a source distribution by its name.")


def _splits(stem: str, filename: str, *, required: bool = True) -> frozenset[str]:
    """What stands before each hyphen that a version may follow."""
    hyphens = (place for place, character in enumerate(stem) if character == "-")
    found = frozenset(
        normalize(stem[:place]) for place in hyphens if is_valid(stem[:place]) and _VERSION(stem[place + 1 :])
    )
    if required and not found:
        raise InvalidFilename(f"{filename!a} has no name and version that could be told apart.")
    return found
