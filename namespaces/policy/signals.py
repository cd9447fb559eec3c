"""What code forges say about the repositories of an organization, as plain values that go to JSON and back. Pure.

Only what the forge tells to everybody. Times are days (UTC).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

from namespaces.policy.inputs import MAKERS, every, made, plain

ACTIVITY_DAYS = 365
"""For so long back are commits and releases counted."""

HELPERS = frozenset({".github", ".gitlab", ".profile", ".freehold", "gitlab-profile"})
"""Repositories that are about the account itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """``licence`` is an identifier of the SPDX list, ``NOASSERTION`` for what the forge can't make out, or empty.

    ``copied``: it is a fork of somebody else's, or mirrors it. ``commits`` and ``releases`` are those of the last
    ``ACTIVITY_DAYS`` days, up to a page of them; null where they were not asked for or not told.
    """

    name: str
    licence: str = ""
    begun: date | None = None
    changed: date | None = None
    stars: int = 0
    forks: int = 0
    archived: bool = False
    copied: bool = False
    commits: int | None = None
    releases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeFacts:
    """What one forge said ``on`` that day about the account at ``address``, the most popular repositories first.

    ``website`` and ``about`` are what the account says of itself.
    """

    address: str
    on: date
    website: str = ""
    about: str = ""
    repositories: tuple[Repository, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``json.dumps``; ``from_json`` takes them back."""
        found: dict[str, Any] = plain(self)
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ForgeFacts:
        """Raises ``ValueError`` for what ``as_json`` did not make."""
        try:
            found: ForgeFacts = made(cls, data, SIGNAL_MAKERS)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"These are no signals of a forge: {error}") from error
        return found


def _made_repository(data: Any) -> Repository:
    found: Repository = made(Repository, data, SIGNAL_MAKERS)
    return found


SIGNAL_MAKERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {**MAKERS, "tuple[Repository, ...]": partial(every, _made_repository)}
)
