"""The decision on an upload: the table of DESIGN section 5, as a pure function over facts.

PEP 752, "Uploads": a new project in a reserved namespace is refused unless an organization that holds the namespace
stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from namespaces.states import GrantState
from orgs.vocabulary import Standing, State


class Reason(StrEnum):
    """Why an upload is allowed or not. Stable; the index may act upon it."""

    UNRESERVED = "unreserved"
    HOLDER = "holder"
    GRANDFATHERED = "grandfathered"
    EXISTING = "existing"
    LAPSED = "lapsed"
    LOCKED = "locked"
    RESERVED = "reserved"


ROWS: dict[Reason, int] = {
    Reason.UNRESERVED: 2,
    Reason.HOLDER: 3,
    Reason.GRANDFATHERED: 4,
    Reason.EXISTING: 5,
    Reason.LAPSED: 6,
    Reason.LOCKED: 6,
    Reason.RESERVED: 7,
}
"""The row of the table by which each is decided (DESIGN section 5); row 1, an invalid name, never comes here."""

ALLOWING = frozenset({Reason.UNRESERVED, Reason.HOLDER, Reason.GRANDFATHERED, Reason.EXISTING})


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who uploads, as the index has established it. At least one of the three is set.

    ``claims`` are those of a trusted-publishing token that the index has verified.
    """

    user: str | None = None
    organization: str | None = None
    claims: Mapping[str, Any] | None = None

    @property
    def organization_is_vouched_for(self) -> bool:
        """The organization named alone: the index says that the project's owner is that organization."""
        return self.organization is not None and self.user is None and self.claims is None


@dataclass(frozen=True, slots=True)
class Question:
    """May this publisher upload this name? ``project`` is normalized.

    ``first_uploaded`` is a time, None for a project new to the index; with ``ask_mirror`` the mirror is asked instead.
    """

    project: str
    publisher: Publisher
    first_uploaded: datetime | None = None
    ask_mirror: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """One organization that holds one covering grant, and what connects the publisher with it.

    ``user_publishes``: the user is an owner or a manager there, or in one of its teams with the publishing right on
    this grant. ``trusted``: the claim patterns of its trusted publishers with the token's issuer.
    """

    namespace: str
    grant_state: GrantState
    effective_at: datetime
    organization: str
    organization_state: State
    standing: Standing
    user_publishes: bool = False
    trusted: tuple[Mapping[str, str], ...] = ()

    @property
    def may_publish_new(self) -> bool:
        return self.grant_state is GrantState.ACTIVE and not self.is_lapsed and self.organization_state is State.ACTIVE

    @property
    def is_lapsed(self) -> bool:
        return self.standing is Standing.LAPSED


@dataclass(frozen=True)
class Facts:
    """All that a decision depends on, read in one statement. ``holdings`` are those of the covering grants, which are
    ``active``, ``locked`` or ``quarantined``, whether or not their time has come."""

    now: datetime
    revision: int
    holdings: tuple[Holding, ...] = ()
    mirrored_owner: str | None = None
    mirrored_first_uploaded: datetime | None = None

    @cached_property
    def enforced(self) -> dict[str, datetime]:
        """The enforced covering namespaces with the time from which they are, outermost first."""
        found = {h.namespace: h.effective_at for h in self.holdings if h.effective_at <= self.now}
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class NamespaceMark:
    """An entry of PEP 752's ``namespaces``: whether the project's owner holds this namespace or one inside it."""

    name: str
    owned: bool


@dataclass(frozen=True, slots=True)
class Decision:
    reason: Reason
    project: str
    revision: int
    namespace: str | None = None
    organization: str | None = None
    namespaces: tuple[NamespaceMark, ...] = ()
    candidates: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.reason in ALLOWING

    @property
    def status(self) -> int:
        """What the index answers the uploader: 409 for a refusal, never "already exists"."""
        return 200 if self.allowed else 409


def decide(question: Question, facts: Facts) -> Decision:
    """The first row of the table that holds decides (rows 2 to 7; row 1, an invalid name, never comes here)."""
    if not facts.enforced:
        return Decision(Reason.UNRESERVED, question.project, facts.revision)
    first_uploaded = facts.mirrored_first_uploaded if question.ask_mirror else question.first_uploaded
    acting = [holding for holding in facts.holdings if acts_for(question.publisher, holding, facts.holdings)]
    publishing = [holding for holding in acting if holding.may_publish_new]
    if publishing:
        return _as_holder(question, facts, publishing)
    if first_uploaded is not None and first_uploaded < min(facts.enforced.values()):
        return _answer(Reason.GRANDFATHERED, question, facts)
    if acting:
        return _as_restricted_holder(question, facts, acting, exists=first_uploaded is not None)
    return _answer(Reason.RESERVED, question, facts)


def acts_for(publisher: Publisher, holding: Holding, holdings: Iterable[Holding]) -> bool:
    """Whether the publisher acts for the organization of the holding.

    A team's right on one covering grant makes its members act for the organization in all of them.
    """
    if publisher.organization_is_vouched_for:
        return publisher.organization == holding.organization
    if any(other.user_publishes for other in holdings if other.organization == holding.organization):
        return True
    claims = publisher.claims
    return claims is not None and any(claims_match(pattern, claims) for pattern in holding.trusted)


def claims_match(pattern: Mapping[str, str], claims: Mapping[str, Any]) -> bool:
    """Whether a token's claims carry all that a trusted publisher asks for; a trailing ``*`` matches any ending."""
    return bool(pattern) and all(_value_matches(wanted, claims.get(name)) for name, wanted in pattern.items())


def _value_matches(wanted: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


def _as_holder(question: Question, facts: Facts, publishing: list[Holding]) -> Decision:
    best = _best(question, publishing)
    return _answer(
        Reason.HOLDER,
        question,
        facts,
        namespace=best.namespace,
        organization=best.organization,
        owner=best.organization,
        candidates=tuple(sorted({holding.organization for holding in publishing})),
    )


def _as_restricted_holder(question: Question, facts: Facts, acting: list[Holding], *, exists: bool) -> Decision:
    own = [holding for holding in acting if exists and _is_projects_owner(holding.organization, question, facts)]
    if own:
        best = _best(question, own)
        return _answer(Reason.EXISTING, question, facts, organization=best.organization, owner=best.organization)
    best = _best(question, acting)
    reason = Reason.LAPSED if best.is_lapsed else Reason.LOCKED
    return _answer(reason, question, facts, namespace=best.namespace)


def _is_projects_owner(organization: str, question: Question, facts: Facts) -> bool:
    """Whether an existing project is the organization's: as the mirror has it, else as the index says.

    Where neither knows, the publisher acts for a holder and the index lets it release the project: a lapse never
    stops the releases of projects that exist.
    """
    if facts.mirrored_owner:
        return facts.mirrored_owner == organization
    return question.publisher.organization in {None, organization}


def _best(question: Question, holdings: list[Holding]) -> Holding:
    """The most specific grant; then the organization that the index named; then by name."""
    named = question.publisher.organization
    return min(holdings, key=lambda h: (-len(h.namespace), h.organization != named, h.organization))


def _answer(
    reason: Reason,
    question: Question,
    facts: Facts,
    *,
    namespace: str | None = None,
    organization: str | None = None,
    owner: str | None = None,
    candidates: tuple[str, ...] = (),
) -> Decision:
    enforced = list(facts.enforced)
    holders = ((h.namespace, h.organization) for h in facts.holdings)
    return Decision(
        reason=reason,
        project=question.project,
        revision=facts.revision,
        namespace=namespace or enforced[-1],
        organization=organization,
        namespaces=marks(enforced, holders, owner),
        candidates=candidates if len(candidates) > 1 else (),
    )


def marks(
    namespaces: Iterable[str], holders: Iterable[tuple[str, str]], owner: str | None
) -> tuple[NamespaceMark, ...]:
    """PEP 752's ``namespaces`` for a project of ``owner``, outermost first (PEP 752, "Project Detail").

    ``owned`` is true of a namespace when the owner holds it or one further inside, for that right came from its holder.
    """
    held = [namespace for namespace, organization in holders if organization == owner]
    longest = max((len(namespace) for namespace in held), default=0)
    return tuple(NamespaceMark(name, len(name) <= longest) for name in sorted(namespaces, key=len))
