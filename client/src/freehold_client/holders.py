"""Who stands behind an upload, as the snapshot shows it: Freehold's own rules on a copy of its facts.

Pure. The same question is answered by Freehold's decision table, and the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from freehold_client.decisions import Publisher
from freehold_client.names import InvalidName, normalize
from freehold_client.snapshot import ACTIVE, LAPSED, Grant, Organization, Snapshot


def publishing_holder(
    snapshot: Snapshot, covering: Sequence[Grant], publisher: Publisher, now: float
) -> tuple[Grant, str] | None:
    """The grant by which the publisher may publish new projects, and the organization that holds it: the most specific
    grant if there are several, then the organization that the index named, then by name. ``now`` in seconds since
    1970, for shares that expire."""
    acting = _acting(snapshot, covering, publisher, now)
    if not acting:
        return None
    first = acting[0]
    for grant in reversed(covering):
        if grant.state == ACTIVE:
            if len(acting) == 1 and first == grant.owner:  # nearly always
                return grant, first
            publishing = [name for name in grant.holders(now) if name in acting]
            if publishing:
                return grant, _preferred(publishing, publisher)
    return None


def _preferred(organizations: Sequence[str], publisher: Publisher) -> str:
    named = organization_name(publisher.organization)
    return named if named is not None and named in organizations else min(organizations)


def _acting(snapshot: Snapshot, covering: Sequence[Grant], publisher: Publisher, now: float) -> list[str]:
    """The holders that may publish new projects and for which the publisher acts. A team's right on one covering grant
    makes its members act for the organization in all of them."""
    user = None if publisher.user is None else username(publisher.user)
    vouched = organization_name(publisher.organization) if publisher.organization_is_vouched_for else None
    holders: list[str] = []
    by_team: list[str] = []
    for grant in covering:
        if grant.owner not in holders:  # overlapping namespaces mostly have one and the same holder
            holders.append(grant.owner)
        if grant.shares:
            holders += [name for name in grant.holders(now) if name not in holders]
        if grant.publishers:
            by_team += [name for name in grant.holders(now) if (name, user) in grant.publishers]
    acting = []
    for name in holders:
        organization = snapshot.organizations.get(name)
        if organization is None or organization.state != ACTIVE or organization.standing == LAPSED:
            continue
        if name == vouched or name in by_team or _acts_for(organization, user, publisher.claims):
            acting.append(name)
    return acting


def _acts_for(organization: Organization, user: str | None, claims: Mapping[str, Any] | None) -> bool:
    if user is not None and user in organization.publishers:
        return True
    if claims is None or not organization.trusted:
        return False
    issuer = claims.get("iss")
    return any(issuer == trusted and claims_match(pattern, claims) for trusted, pattern in organization.trusted)


def claims_match(pattern: Sequence[tuple[str, str]], claims: Mapping[str, Any]) -> bool:
    """Whether a token's claims carry all that a trusted publisher asks for; a trailing ``*`` matches any ending."""
    return bool(pattern) and all(_value_matches(wanted, claims.get(name)) for name, wanted in pattern)


def _value_matches(wanted: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


def username(user: str) -> str | None:
    """The index user name as Freehold stores it. Only ASCII is folded: U+212A would fold to ``k`` and be another's."""
    return user.lower() if user.isascii() and user.isprintable() else None


def organization_name(name: str | None) -> str | None:
    """The organization's normalized name; what is no name is kept as it is and matches nothing."""
    try:
        return None if name is None else normalize(name)
    except InvalidName:
        return name


def marks(covering: Sequence[Grant], owner: str | None, now: float) -> list[tuple[str, bool]]:
    """PEP 752's ``namespaces`` for a project of ``owner``, outermost first (PEP 752, "Project Detail").

    ``owned`` is true of a namespace when the owner holds it or one further inside, for that right came from its holder.
    """
    wanted = organization_name(owner)
    longest = max((len(grant.name) for grant in covering if wanted in grant.holders(now)), default=0)
    return [(grant.name, len(grant.name) <= longest) for grant in covering]
