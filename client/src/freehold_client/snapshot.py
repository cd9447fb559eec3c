"""The snapshot in memory: which namespaces cover a name, and who holds them.

Rows are tuples and look-ups are by dictionary: a name has as many prefixes as it has parts, whatever the number of
grants. Readers take no lock. One thread applies changes while others read; each change is one assignment, so a reader
sees every grant and organization as it was at some revision between the one before and the one after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

ACTIVE = "active"
LAPSED = "lapsed"


class Grant(NamedTuple):
    """An enforced namespace. Times are seconds since 1970, UTC; names are normalized.

    ``state``: ``active``, ``locked`` or ``quarantined``. ``shares``: pairs of an organization and when its share
    expires, or None. ``publishers``: pairs of an organization and a user of one of its teams with the publishing right.
    """

    name: str
    state: str
    effective_at: float
    owner: str
    shares: tuple[tuple[str, float | None], ...] = ()
    publishers: tuple[tuple[str, str], ...] = ()

    def holders(self, now: float) -> Sequence[str]:
        """The owner and those with whom the namespace is shared at ``now``, in seconds since 1970."""
        if not self.shares:
            return (self.owner,)
        return [self.owner, *(name for name, until in self.shares if until is None or until > now)]


class Organization(NamedTuple):
    """An organization that holds a namespace.

    ``publishers``: index user names of its owners and managers. ``trusted``: pairs of an issuer and the claims, as
    pairs, that a trusted publisher asks for.
    """

    name: str
    state: str
    standing: str
    publishers: tuple[str, ...] = ()
    trusted: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


class Snapshot:
    """All grants and the organizations that hold them, as of ``revision``."""

    __slots__ = ("_depth", "grants", "organizations", "revision")

    def __init__(self, revision: int, grants: Iterable[Grant], organizations: Iterable[Organization]) -> None:
        self.revision = revision
        self.grants = {grant.name: grant for grant in grants}
        self.organizations = {organization.name: organization for organization in organizations}
        self._depth = max((name.count("-") for name in self.grants), default=-1)

    def covering(self, normalized: str) -> list[Grant]:
        """The grants that cover a normalized name, outermost first; empty outside every namespace."""
        found = []
        end = normalized.find("-")
        grants, depth = self.grants, self._depth
        while end > 0 and depth >= 0:
            if (grant := grants.get(normalized[:end])) is not None:
                found.append(grant)
            end = normalized.find("-", end + 1)
            depth -= 1
        if depth >= 0 and (grant := grants.get(normalized)) is not None:
            found.append(grant)
        return found

    def put_grant(self, name: str, grant: Grant | None) -> None:
        """The grant of that name is now this one, or there is none."""
        if grant is None:
            self.grants.pop(name, None)
        else:
            self._depth = max(self._depth, name.count("-"))  # first, lest a reader stop short of the new one
            self.grants[name] = grant

    def put_organization(self, name: str, organization: Organization | None) -> None:
        """The organization of that name is now this one, or it holds nothing any more."""
        if organization is None:
            self.organizations.pop(name, None)
        else:
            self.organizations[name] = organization
