"""The snapshot in memory: which namespaces cover a name, and who holds them.

Look-ups are by dictionary: a name has as many prefixes as it has parts, whatever the number of grants. With a million
of them each step to another object is a wait for memory, which takes longer than the work: so a name whose first part
begins no namespace is outside after one look-up, a grant leads to its owner's facts without one, and the people of an
organization are one text.

Readers take no lock. One thread applies changes while others read; each change is one assignment, so a reader sees
every grant and organization as it was at some revision between the one before and the one after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Optional

Trusted = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""Pairs of an issuer and the claims, as pairs, that a trusted publisher asks for."""

Shares = tuple[tuple[str, Optional[float]], ...]
TeamPublishers = tuple[tuple[str, str], ...]

Facts = tuple[str, str, str, Trusted, tuple[str, ...]]
"""Of an organization: its state, its standing, its publishers as ``has_publisher`` reads them, its trusted ones, and
the names that it had before, which nobody else ever gets."""

ACTIVE = "active"
LAPSED = "lapsed"

_GONE: Facts = ("", "", "", (), ())
"""The facts of an organization of which there are none: it may not do anything."""


class Organization:
    """An organization that holds a namespace.

    ``publishers``: index user names of its owners and managers. Its grants point to it, so a snapshot keeps one object
    for each name, and a change replaces its ``facts``.
    """

    __slots__ = ("facts", "name")

    def __init__(  # noqa: PLR0917 -- a row, in the order of its columns
        self,
        name: str,
        state: str,
        standing: str,
        publishers: Sequence[str] = (),
        trusted: Trusted = (),
        former_names: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.facts: Facts = state, standing, _listed(publishers), trusted, former_names

    def row(self) -> tuple[Any, ...]:
        """What it was made of; without the former names where there are none, as nearly everywhere."""
        state, standing, listed, trusted, former = self.facts
        row = self.name, state, standing, tuple(listed[1:-1].split("\n")) if listed else (), trusted
        return (*row, former) if former else row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Organization) and (self.name, self.facts) == (other.name, other.facts)

    __hash__ = None  # type: ignore[assignment]  # it changes


def _listed(publishers: Sequence[str]) -> str:
    """User names as one text. One with a line's end in it, which no index user has, would read as two: left out."""
    if not publishers:
        return ""
    listed = "\n" + "\n".join(publishers) + "\n"
    if listed.count("\n") == len(publishers) + 1:
        return listed
    return _listed([user for user in publishers if "\n" not in user])


def has_publisher(listed: str, user: str) -> bool:
    """Whether the user, a name without line ends, is among the publishers of an organization's ``facts``."""
    return f"\n{user}\n" in listed


_UNKNOWN = Organization("", "", "")


class Grant:
    """An enforced namespace. Times are seconds since 1970, UTC; names are normalized.

    ``state``: ``active``, ``locked`` or ``quarantined``. ``shares``: pairs of an organization and when its share
    expires, or None. ``publishers``: pairs of an organization and a user of one of its teams with the publishing right.

    ``others``: both, or None where there are neither, as nearly everywhere. ``holder``: the owner, as the snapshot that
    the grant is put in knows it.
    """

    __slots__ = ("effective_at", "holder", "name", "others", "owner", "state")

    def __init__(  # noqa: PLR0917 -- a row, in the order of its columns
        self,
        name: str,
        state: str,
        effective_at: float,
        owner: str,
        shares: Shares = (),
        publishers: TeamPublishers = (),
    ) -> None:
        self.name, self.state, self.effective_at, self.owner = name, state, effective_at, owner
        self.others = (shares, publishers) if shares or publishers else None
        self.holder = _UNKNOWN

    @property
    def shares(self) -> Shares:
        """With whom it is shared."""
        return self.others[0] if self.others else ()

    @property
    def publishers(self) -> TeamPublishers:
        """Who may publish in it by a team."""
        return self.others[1] if self.others else ()

    def holders(self, now: float) -> Sequence[str]:
        """The owner and those with whom the namespace is shared at ``now``, in seconds since 1970."""
        if not self.shares:
            return (self.owner,)
        return [self.owner, *(name for name, until in self.shares if until is None or until > now)]

    def row(self) -> tuple[Any, ...]:
        """What it was made of."""
        return self.name, self.state, self.effective_at, self.owner, self.shares, self.publishers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grant) and self.row() == other.row()

    __hash__ = None  # type: ignore[assignment]  # its holder changes


_NO_GRANT = Grant("", "", 0.0, "")


class Snapshot:
    """All grants and the organizations that hold them, as of ``revision``. They are the snapshot's own: no other may
    be made of the same objects."""

    __slots__ = ("_depth", "_firsts", "_organizations", "grants", "revision")

    def __init__(self, revision: int, grants: Iterable[Grant], organizations: Iterable[Organization]) -> None:
        self.revision = revision
        self._organizations = {organization.name: organization for organization in organizations}
        self.grants: dict[str, Grant] = {}
        # The first part of every namespace's name, with the grant of just that name.
        self._firsts: dict[str, Grant] = {}
        self._depth = 0
        for grant in grants:
            self.put_grant(grant.name, grant)

    @property
    def organizations(self) -> dict[str, Organization]:
        """The organizations by name: a copy."""
        known = self._organizations.copy()
        return {name: organization for name, organization in known.items() if organization.facts is not _GONE}

    def covering(self, normalized: str) -> list[Grant]:
        """The grants that cover a normalized name, outermost first; empty outside every namespace."""
        end = normalized.find("-")
        root = self._firsts.get(normalized if end < 0 else normalized[:end])
        if root is None:
            return []
        found = [] if root is _NO_GRANT else [root]
        grants, depth = self.grants, self._depth
        while end > 0 and depth > 0:
            end = normalized.find("-", end + 1)
            grant = grants.get(normalized if end < 0 else normalized[:end])
            if grant is not None:
                found.append(grant)
            depth -= 1
        return found

    def facts(self, organization: str) -> Facts:
        """An organization's ``facts``, by its name; they say that it may do nothing if there is none."""
        return self._organizations.get(organization, _UNKNOWN).facts

    def put_grant(self, name: str, grant: Grant | None) -> None:
        """The grant of that name is now this one, or there is none."""
        first, deeper, _ = name.partition("-")
        if grant is None:
            if not deeper and first in self._firsts:
                self._firsts[first] = _NO_GRANT  # there may be others further inside
            self.grants.pop(name, None)
            return
        grant.holder = self._known(grant.owner)
        if deeper:
            # First, lest a reader stop short of the new one.
            self._depth = max(self._depth, name.count("-"))
            self._firsts.setdefault(first, _NO_GRANT)
        else:
            self._firsts[name] = grant
        self.grants[name] = grant

    def put_organization(self, name: str, organization: Organization | None) -> None:
        """The organization of that name is now this one, or it holds nothing any more."""
        self._known(name).facts = _GONE if organization is None else organization.facts

    def _known(self, name: str) -> Organization:
        known = self._organizations.get(name)
        if known is None:
            known = self._organizations[name] = Organization(name, "", "")
            known.facts = _GONE
        return known
