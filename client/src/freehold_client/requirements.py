"""The names in a requirements file: what would be installed, without resolving anything.

The format is pip's: comments, continued lines, options, included files, extras, markers, hashes, direct references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from freehold_client.dists import InvalidDistribution, name_in_filename
from freehold_client.names import is_valid, normalize

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement(?:\s+|=))(?P<path>\S.*)")
_EDITABLE = re.compile(r"(?:-e\s*|--editable(?:\s+|=))(?P<target>\S.*)")
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\]\s*)?(?:$|[@;(<>=!~]|\s)")
_EGG = re.compile(r"(?:^|[&?])egg=(?P<name>[^&\[]+)")


class InvalidRequirements(ValueError):
    """A line can't be understood, or a file can't be included. The message says which and where."""


class Requirement(NamedTuple):
    """A line of a requirements file: where it stands, and the normalized name; None where the line names none, such as
    that of a local directory."""

    file: str
    line: int
    text: str
    name: str | None


def read(path: str | Path) -> list[Requirement]:
    """The requirements of a file and of those that it includes, in order.

    Raises ``InvalidRequirements``, ``OSError``.
    """
    return list(_read(Path(path), ()))


def _read(path: Path, including: tuple[Path, ...]) -> Iterator[Requirement]:
    if path.resolve() in including:
        return  # a circle, which pip passes over as well
    for number, line in _logical_lines(path.read_text(encoding="utf-8-sig")):
        include = _INCLUDE.fullmatch(line)
        if include is None:
            requirement = _requirement(path, number, line)
            if requirement is not None:
                yield requirement
        elif "://" in include["path"]:
            raise InvalidRequirements(f"{path}:{number}: a file from the network can't be included: {line}")
        else:
            yield from _read(path.parent / include["path"].strip("\"'"), (*including, path.resolve()))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continued ones joined, with the number of their first."""
    start, parts = 1, list[str]()
    for number, physical in enumerate([*text.splitlines(), ""], start=1):
        start = start if parts else number
        if physical.endswith("\\") and not physical.lstrip().startswith("#"):
            parts.append(physical[:-1])
            continue
        line = _COMMENT.sub("", "".join([*parts, physical])).strip()
        parts.clear()
        if line:
            yield start, line


def _requirement(path: Path, number: int, line: str) -> Requirement | None:
    editable = _EDITABLE.fullmatch(line)
    if editable is None and line.startswith("-"):
        return None  # an option for the installer; constraints too install nothing by themselves
    text = line if editable is None else editable["target"]
    text = re.split(r"\s+--(?:hash|config-settings?|global-option)\b", text)[0].strip()
    return Requirement(str(path), number, text, _name(path, number, text))


def _name(path: Path, number: int, text: str) -> str | None:
    if _is_location(text):
        return _name_of_file(text)
    named = _NAMED.match(text)
    if named is None or not is_valid(named["name"]):
        raise InvalidRequirements(f"{path}:{number}: {text!a} is no requirement.")
    return normalize(named["name"])


def _is_location(text: str) -> bool:
    """Whether it is an address or a path, which may tell a name by its end, and no name of its own."""
    head = text.split("@", 1)[0].split(";", 1)[0].strip()
    return head.startswith((".", "~")) or "/" in head or head.endswith((".whl", ".tar.gz"))


def _name_of_file(text: str) -> str | None:
    """The name that an address or a path tells: of ``#egg=``, or of the file; else None."""
    parts = urlsplit(text.split(" ;", 1)[0].strip())
    egg = _EGG.search(parts.fragment)
    if egg is not None and is_valid(egg["name"]):
        return normalize(egg["name"])
    try:
        return name_in_filename(unquote(PurePosixPath(parts.path).name))
    except InvalidDistribution:
        return None
