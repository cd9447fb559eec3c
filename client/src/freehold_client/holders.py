"""Who stands behind an upload, as the snapshot shows it: Freehold's own rules on a copy of its facts.

Pure. The same question is answered by Freehold's decision table, and the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from freehold_client.decisions import Publisher
from freehold_client.names import InvalidName, normalize
from freehold_client.snapshot import ACTIVE, LAPSED, Facts, Grant, Snapshot, Trusted, has_publisher


def publishing_holder(
    snapshot: Snapshot, covering: Sequence[Grant], publisher: Publisher, now: float
) -> tuple[Grant, str] | None:
    """The grant by which the publisher may publish new projects, and the organization that holds it: the most specific
    grant if there are several, then the organization that the index named, then by name. ``now`` in seconds since
    1970, for shares that expire."""
    holder = covering[0].holder if covering else None
    for grant in covering:
        if grant.holder is not holder or grant.others is not None:
            return _among_several(snapshot, covering, publisher, now)
    # Nearly always: one organization, alone.
    if holder is None or not _acts_for(holder.name, holder.facts, publisher):
        return None
    for grant in reversed(covering):
        if grant.state == ACTIVE:
            return grant, grant.owner
    return None


def _among_several(
    snapshot: Snapshot, covering: Sequence[Grant], publisher: Publisher, now: float
) -> tuple[Grant, str] | None:
    acting = _acting(snapshot, covering, publisher, now)
    for grant in reversed(covering):
        if grant.state == ACTIVE:
            publishing = [name for name in grant.holders(now) if name in acting]
            if publishing:
                return grant, _preferred(snapshot, publishing, publisher)
    return None


def _preferred(snapshot: Snapshot, organizations: Sequence[str], publisher: Publisher) -> str:
    named = organization_name(publisher.organization)
    return _meant(snapshot, organizations, named) or min(organizations)


def _meant(snapshot: Snapshot, organizations: Iterable[str], named: str | None) -> str | None:
    """The one that has the name, or had it before."""
    if named is None or named in organizations:
        return named
    return next((name for name in organizations if named in snapshot.facts(name)[-1]), None)


def present_name(snapshot: Snapshot, covering: Sequence[Grant], named: str | None, now: float) -> str | None:
    """The name that the holder has now, of whom the index may know a former one; what names no holder stays."""
    return _meant(snapshot, [name for grant in covering for name in grant.holders(now)], named) or named


def _acting(snapshot: Snapshot, covering: Sequence[Grant], publisher: Publisher, now: float) -> set[str]:
    """The holders that may publish new projects and for which the publisher acts. A team's right on one covering grant
    makes its members act for the organization in all of them."""
    holders = {name for grant in covering for name in grant.holders(now)}
    by_team = _by_team(covering, publisher, now)
    return {name for name in holders if _acts_for(name, snapshot.facts(name), publisher, by_team=name in by_team)}


def _by_team(covering: Sequence[Grant], publisher: Publisher, now: float) -> set[str]:
    user = None if publisher.user is None else username(publisher.user)
    return {name for grant in covering for name in grant.holders(now) if (name, user) in grant.publishers}


def _acts_for(name: str, facts: Facts, publisher: Publisher, *, by_team: bool = False) -> bool:
    """Whether the organization may publish new projects, and the publisher acts for it."""
    state, standing, publishers, trusted, former = facts
    if state != ACTIVE or standing == LAPSED:
        return False
    if by_team:
        return True
    if publisher.user is not None:
        user = username(publisher.user)
        if user is not None and has_publisher(publishers, user):
            return True
    elif publisher.organization_is_vouched_for:
        named = organization_name(publisher.organization)
        return name == named or named in former
    claims = publisher.claims
    return claims is not None and _is_trusted(trusted, claims)


def _is_trusted(trusted: Trusted, claims: Mapping[str, Any]) -> bool:
    issuer = claims.get("iss")
    return any(issuer == wanted and claims_match(pattern, claims) for wanted, pattern in trusted)


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


def marks(snapshot: Snapshot, covering: Sequence[Grant], owner: str | None, now: float) -> list[tuple[str, bool]]:
    """PEP 752's ``namespaces`` for a project of ``owner``, outermost first (PEP 752, "Project Detail").

    ``owned`` is true of a namespace when the owner holds it or one further inside, for that right came from its holder.
    """
    wanted = None if owner is None else present_name(snapshot, covering, organization_name(owner), now)
    longest = max((len(grant.name) for grant in covering if wanted in grant.holders(now)), default=0)
    return [(grant.name, len(grant.name) <= longest) for grant in covering]
