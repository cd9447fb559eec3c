"""Reads for the pages on which an organization manages its namespaces.

Everything is looked up through the organization: what it owns, and what is shared with it. ``Who`` says who may publish
new projects and why, by the rules of the check (``decision.acts_for``, ``facts``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from freehold.errors import NotFound
from namespaces import names
from namespaces.models import BlockedAttempt, Grant, Share, TeamGrant, Transfer
from namespaces.states import GrantState
from orgs.actors import lacks_second_factor
from orgs.models import Membership, Organization, Team, TeamMember, TrustedPublisher
from orgs.vocabulary import PUBLISHING_ROLES, Standing, State

ATTEMPTS = 5

_Row = TypeVar("_Row", Share, TeamGrant, Transfer)


class NoNamespaceHere(NotFound):
    code = "no-such-namespace"


class NoOfferHere(NotFound):
    code = "no-such-transfer"


# --- Look-ups through the organization ------------------------------------------------------------------------------


def own_grant(organization: Organization, namespace: str) -> Grant:
    """The grant that the organization holds under this name; raises ``NoNamespaceHere``."""
    held = Grant.objects.holding().filter(owner=organization).select_related("owner", "root")
    return _found(held, namespace)


def held_grant(organization: Organization, namespace: str) -> Grant:
    """The same, or one that is shared with it now; raises ``NoNamespaceHere``."""
    return _found(held_grants(organization), namespace)


def held_grants(organization: Organization) -> QuerySet[Grant]:
    """What it owns and what is shared with it, by name."""
    shared = Share.objects.current().filter(organization=organization).values("grant")
    everything = Grant.objects.holding().select_related("owner", "root").order_by("name")
    return everything.filter(owner=organization) | everything.filter(pk__in=shared)


def _found(grants: QuerySet[Grant], namespace: str) -> Grant:
    found = grants.filter(name=namespace).first() if names.is_valid(namespace) else None
    if found is None:
        raise NoNamespaceHere("There is no such namespace here.")
    return found


def offer_of(organization: Organization, number: int) -> Transfer:
    """An offer to the organization that can still be accepted; raises ``NoOfferHere``."""
    found = offers_to(organization).filter(pk=number).first()
    if found is None:
        raise NoOfferHere("There is no such offer, or it has been withdrawn or has expired.")
    return found


def offers_to(organization: Organization) -> QuerySet[Transfer]:
    current = Transfer.objects.filter(to=organization, expires_at__gt=timezone.now())
    return current.select_related("grant__owner", "to").order_by("grant__name")


def open_offer(grant: Grant) -> Transfer | None:
    """To whom the grant is offered now."""
    return Transfer.objects.filter(grant=grant, expires_at__gt=timezone.now()).select_related("to").first()


# --- The tree -------------------------------------------------------------------------------------------------------


class Branch(NamedTuple):
    """A row of the tree: how deep it stands in it, with whom it is shared and which teams have a right on it."""

    grant: Grant
    depth: int
    shares: list[Share]
    teams: list[Team]
    offered_to: Organization | None


def tree(organization: Organization) -> list[Branch]:
    """What the organization owns, every grant after the one that it stands in."""
    grants = list(Grant.objects.holding().filter(owner=organization).select_related("owner").order_by("name"))
    shares = _by_grant(Share.objects.current().filter(grant__in=grants).select_related("organization"))
    rights = _by_grant(
        TeamGrant.objects.filter(grant__in=grants, team__organization=organization).select_related("team")
    )
    offers = _by_grant(Transfer.objects.filter(grant__in=grants, expires_at__gt=timezone.now()).select_related("to"))
    held = {grant.name for grant in grants}
    return [
        Branch(
            grant,
            sum(above in held for above in names.prefixes(grant.name)[:-1]),
            sorted(shares.get(grant.pk, []), key=lambda share: share.organization.name),
            sorted((right.team for right in rights.get(grant.pk, [])), key=lambda team: team.name),
            next((offer.to for offer in offers.get(grant.pk, [])), None),
        )
        for grant in grants
    ]


def _by_grant(rows: Iterable[_Row]) -> dict[int, list[_Row]]:
    found: dict[int, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.grant_id, []).append(row)
    return found


def shared_with(organization: Organization) -> list[Share]:
    """What others share with it, by name."""
    current = Share.objects.current().filter(organization=organization)
    return list(current.select_related("grant__owner").order_by("grant__name"))


# --- A namespace ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Situation:
    """Where a grant stands: the ones around it, whether it is enforced yet, and why nothing new can be published."""

    grant: Grant
    organization: Organization

    @property
    def is_own(self) -> bool:
        return self.grant.owner_id == self.organization.pk

    @property
    def is_enforced(self) -> bool:
        return self.grant.effective_at is not None and self.grant.effective_at <= timezone.now()

    @property
    def takes_new_projects(self) -> bool:
        """The same condition as ``decision.Holding.may_publish_new``."""
        in_order = self.organization.state == State.ACTIVE and self.organization.standing != Standing.LAPSED
        return self.grant.state == GrantState.ACTIVE and in_order

    @property
    def quarantined_until(self) -> datetime | None:
        if self.grant.state != GrantState.QUARANTINED:
            return None
        until: datetime = self.grant.state_changed_at + settings.FREEHOLD_QUARANTINE
        return until


@dataclass
class Person:
    """A member who may publish, by role or by teams' rights, and what that still wants."""

    membership: Membership
    by_role: bool = False
    by_teams: list[TeamGrant] = field(default_factory=list)

    @property
    def lacks_username(self) -> bool:
        return self.membership.user.index_username is None

    @property
    def lacks_second_factor(self) -> bool:
        return lacks_second_factor(self.membership)

    @property
    def counts(self) -> bool:
        """Whether the check lets them publish as things are."""
        return not self.lacks_username and not self.lacks_second_factor


class Who(NamedTuple):
    """Who may publish new projects in a namespace for one organization, and with whom it is shared besides."""

    people: list[Person]
    publishers: list[TrustedPublisher]
    shares: list[Share]


def who_publishes(organization: Organization, grant: Grant) -> Who:
    """By role everywhere; by a team's right, or as a guest, on this grant and on those around it."""
    around = [g.pk for g in held_grants(organization).filter(name__in=names.prefixes(grant.name))]
    shares = Share.objects.current().filter(grant__in=around, grant__owner=organization)
    return Who(
        _people(organization, around),
        list(organization.trusted_publishers.order_by("issuer", "pk")),
        list(shares.select_related("organization", "grant").order_by("organization__name", "grant__name")),
    )


def _people(organization: Organization, around: list[int]) -> list[Person]:
    """Owners and managers first, then the teams' people, by address."""
    members = organization.memberships.filter(user__is_active=True).select_related("user", "organization")
    people = {
        member.pk: Person(member, by_role=True)
        for member in members.filter(role__in=PUBLISHING_ROLES).order_by("user__email")
    }
    rights = TeamGrant.objects.filter(grant__in=around, team__organization=organization)
    by_team: dict[int, list[TeamGrant]] = {}
    for right in rights.select_related("team", "grant").order_by("team__name", "grant__name"):
        by_team.setdefault(right.team_id, []).append(right)
    inside = TeamMember.objects.filter(team__in=by_team, membership__user__is_active=True)
    for row in inside.select_related("membership__user", "membership__organization").order_by(
        "membership__user__email"
    ):
        person = people.setdefault(row.membership_id, Person(row.membership))
        person.by_teams += by_team[row.team_id]
    return list(people.values())


def teams_on(organization: Organization, grant: Grant) -> QuerySet[Team]:
    """The organization's teams with a right on this very grant, by name, with ``member_count``."""
    having = organization.teams.filter(team_grants__grant=grant)
    return having.annotate(member_count=Count("team_members", distinct=True)).order_by("name")


def teams_without(organization: Organization, grant: Grant) -> QuerySet[Team]:
    """Its teams that could be given a right on the grant."""
    return organization.teams.exclude(team_grants__grant=grant).order_by("name")


def rights_of(team: Team) -> list[TeamGrant]:
    """What the team may publish in, by name."""
    rights = TeamGrant.objects.filter(team=team).select_related("grant__owner")
    return list(rights.order_by("grant__name"))


def rights_by_team(organization: Organization) -> dict[int, list[Grant]]:
    """For each team with rights, the grants that they are on."""
    found: dict[int, list[Grant]] = {}
    rights = TeamGrant.objects.filter(team__organization=organization).select_related("grant")
    for right in rights.order_by("grant__name"):
        found.setdefault(right.team_id, []).append(right.grant)
    return found


# --- Blocked attempts -----------------------------------------------------------------------------------------------


class Blocked(NamedTuple):
    """Uploads that were refused in a namespace: how many, of how many names, and the latest."""

    total: int
    projects: int
    latest: list[BlockedAttempt]


def blocked(grant: Grant) -> Blocked:
    """Of the namespace itself; those in a child are told on the child's page."""
    attempts = BlockedAttempt.objects.filter(namespace=grant.name)
    counted = attempts.aggregate(count=Sum("count"), projects=Count("project", distinct=True))
    return Blocked(counted["count"] or 0, counted["projects"], list(attempts.order_by("-last_at", "pk")[:ATTEMPTS]))


@dataclass(frozen=True)
class AttemptFilter:
    """What to leave out; ``query`` is a part of the project's or the publisher's name."""

    query: str = ""
    reason: str = ""
    inside: bool = False
    often: bool = False

    def __bool__(self) -> bool:
        return bool(self.query or self.reason)


def attempts(grant: Grant, wanted: AttemptFilter) -> QuerySet[BlockedAttempt]:
    """The refused uploads, the latest first or the most frequent; with ``inside`` those of the children, too."""
    low, high = names.interval(grant.name)
    of_children = Q(namespace__gte=low, namespace__lt=high) if wanted.inside else Q(pk__in=[])
    found = BlockedAttempt.objects.filter(Q(namespace=grant.name) | of_children)
    if wanted.query:
        found = found.filter(Q(project__icontains=wanted.query) | Q(publisher__icontains=wanted.query))
    if wanted.reason:
        found = found.filter(reason=wanted.reason)
    return found.order_by("-count", "-last_at", "pk") if wanted.often else found.order_by("-last_at", "pk")
