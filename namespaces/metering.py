"""Reported usage: what an entry must be. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from namespaces.names import InvalidName, normalize

LIMIT = 10_000
"""Entries in one report."""
MOST = 2**63 - 1
_ERRORS_SHOWN = 100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class UsageEntry(NamedTuple):
    """What one project cost the index on a day. ``project`` is normalized."""

    project: str
    bytes: int
    downloads: int


class InvalidEntries(ValueError):
    """``errors`` says, for the first hundred positions of entries that can't be used, why."""

    def __init__(self, errors: dict[int, str]) -> None:
        super().__init__(f"{len(errors)} entries can't be used.")
        self.errors = dict(list(errors.items())[:_ERRORS_SHOWN])


def parse_day(text: str) -> date:
    """A day as ``YYYY-MM-DD`` and nothing else; raises ``ValueError``."""
    if _DAY.fullmatch(text) is None:
        raise ValueError(f"{text!a} is no day.")
    return date.fromisoformat(text)


def parse_entries(items: Sequence[Any]) -> list[UsageEntry]:
    """All of them, or ``InvalidEntries``: a report is taken as a whole or not at all."""
    found: dict[str, UsageEntry] = {}
    errors: dict[int, str] = {}
    for position, item in enumerate(items):
        try:
            entry = _parse(item)
            if entry.project in found:
                raise ValueError(f"The project {entry.project!r} is given twice.")
            found[entry.project] = entry
        except ValueError as error:
            errors[position] = str(error)
    if errors:
        raise InvalidEntries(errors)
    return list(found.values())


def _parse(item: Any) -> UsageEntry:
    if not isinstance(item, dict) or not isinstance(item.get("project"), str):
        raise ValueError("An entry is an object with 'project', 'bytes' and 'downloads'.")  # noqa: TRY004 -- one error for all
    try:
        project = normalize(item["project"])
    except InvalidName as error:
        raise ValueError(str(error)) from error
    return UsageEntry(project, _count(item, "bytes"), _count(item, "downloads"))


def _count(item: dict[str, Any], key: str) -> int:
    value = item.get(key)
    if type(value) is not int or not 0 <= value <= MOST:
        raise ValueError(f"'{key}' is a whole number from 0 to {MOST}.")
    return value
