"""Reads of who is in an organization, and who is invited."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from orgs import hooks, tokens
from orgs.invitees import Invitee, Line
from orgs.models import AuditEvent, Invitation, Membership, Organization, Team
from orgs.vocabulary import PUBLISHING_ROLES, Role, State


class Known(StrEnum):
    """How somebody who is to be invited stands to the organization already."""

    NO = ""
    MEMBER = "member"
    INVITED = "invited"
    TWICE = "twice"


@dataclass(frozen=True)
class Seats:
    """How many there are, None for any number; how many are taken; how many more the open invitations would take."""

    limit: int | None
    taken: int
    invited: int

    @property
    def is_short(self) -> bool:
        """Not everybody who is invited will find a seat."""
        return self.short_of(0)

    def short_of(self, more: int) -> bool:
        """As above, if so many more were invited."""
        return self.limit is not None and self.taken + self.invited + more > self.limit


@dataclass(frozen=True)
class Person:
    """A row of the page of people. ``publishing_teams`` are those by which they publish, where the role does not."""

    membership: Membership
    teams: list[Team]
    publishing_teams: list[Team]
    publishes_by_role: bool
    lacks_second_factor: bool
    is_last_owner: bool

    @property
    def would_publish(self) -> bool:
        """By their role or a team."""
        return self.publishes_by_role or bool(self.publishing_teams)


def active_owners(organization: Organization) -> QuerySet[Membership]:
    """The owners who can act: one whose account is closed is none."""
    return Membership.objects.filter(organization=organization, role=Role.OWNER, user__is_active=True)


def has_single_owner(organization: Organization) -> bool:
    """Whether one lost account would leave nobody: then a second owner is advised."""
    return active_owners(organization).count() == 1


def seats_of(organization: Organization) -> Seats:
    return Seats(
        limit=organization.seats,
        taken=organization.memberships.count(),
        invited=Invitation.objects.open().filter(organization=organization).count(),
    )


def memberships_like(
    organization: Organization, *, text: str = "", role: str = "", without_second_factor: bool = False
) -> QuerySet[Membership]:
    """Those whose name, address or user name has the text in it, in the order of what is shown of them."""
    found = Membership.objects.filter(organization=organization).select_related("user", "organization")
    if text:
        found = found.filter(
            Q(user__name__icontains=text) | Q(user__email__icontains=text) | Q(user__index_username__icontains=text)
        )
    if role in Role.values:
        found = found.filter(role=role)
    if without_second_factor:
        found = found.filter(user__second_factor=False)
    teams = Prefetch("teams", Team.objects.order_by("name"))
    shown = Coalesce(NullIf("user__name", Value("")), "user__email")
    return found.prefetch_related(teams).order_by(Lower(shown), "pk")


def people(organization: Organization, memberships: Iterable[Membership]) -> list[Person]:
    """The rows for these memberships of the organization."""
    publishing = {pk for ask in hooks.publishing_teams for pk in ask(organization)}
    owners = set(active_owners(organization).values_list("pk", flat=True)[:2])
    return [_person(organization, membership, publishing, owners) for membership in memberships]


def _person(organization: Organization, membership: Membership, publishing: set[int], owners: set[int]) -> Person:
    teams = list(membership.teams.all())
    return Person(
        membership=membership,
        teams=teams,
        publishing_teams=[team for team in teams if team.pk in publishing],
        publishes_by_role=membership.role in PUBLISHING_ROLES,
        lacks_second_factor=organization.requires_second_factor and not membership.user.second_factor,
        is_last_owner=membership.role == Role.OWNER and owners <= {membership.pk},
    )


def verified_addresses(user: User) -> list[str]:
    """In lower case: whoever writes to one of these reaches the user."""
    found = EmailAddress.objects.filter(user_id=user.pk, verified=True).values_list("email", flat=True)
    return [address.lower() for address in found]


def is_addressee(user: User, invitation: Invitation) -> bool:
    """Whether the invitation is to an address that the user verified, or to their user name of the index."""
    if invitation.index_username:
        return user.index_username == invitation.index_username
    return invitation.email.lower() in verified_addresses(user)


def has_account(email: str) -> bool:
    """Whether somebody can sign in with the address. Only for whoever has shown to read its mail."""
    return bool(EmailAddress.objects.filter(email=email.lower(), verified=True, user__is_active=True).exists())


def invitations_for(user: User) -> QuerySet[Invitation]:
    """The open ones that the user may answer, the newest first."""
    to_them = Q(email__in=verified_addresses(user))
    if user.index_username:
        to_them |= Q(index_username=user.index_username)
    found = Invitation.objects.open().filter(to_them).exclude(organization__state=State.CLOSED)
    return found.select_related("organization", "invited_by__user").prefetch_related("teams").order_by("-sent_at")


def open_invitation(token: str) -> Invitation | None:
    """The one whose link has this token, while it can be answered."""
    if not tokens.is_well_formed(token):
        return None
    found = Invitation.objects.open().filter(digest=tokens.digest(token)).exclude(organization__state=State.CLOSED)
    return found.select_related("organization", "invited_by__user").first()


def invitations_of(organization: Organization) -> QuerySet[Invitation]:
    """All that are not answered, expired ones among them; the newest first."""
    found = Invitation.objects.filter(organization=organization).select_related("invited_by__user")
    return found.prefetch_related("teams").order_by("-sent_at", "-pk")


def known(organization: Organization, addressees: Iterable[str]) -> list[Known]:
    """How each stands to the organization, in order. An addressee is an address in lower case or a user name.

    Members are found by what owners see of them, so that nobody learns whose other address one is.
    """
    asked = list(addressees)
    users = Membership.objects.filter(organization=organization).values_list("user__email", "user__index_username")
    members = {name.lower() for row in users for name in row if name}
    invited = Invitation.objects.open().filter(organization=organization).values_list("email", "index_username")
    invitations = {name.lower() for row in invited for name in row if name}
    seen: set[str] = set()
    return [_known(one, members, invitations, seen) for one in asked]


def _known(addressee: str, members: set[str], invitations: set[str], seen: set[str]) -> Known:
    if addressee in members:
        return Known.MEMBER
    if addressee in invitations:
        return Known.INVITED
    if addressee in seen:
        return Known.TWICE
    seen.add(addressee)
    return Known.NO


PLAIN_NAME_LENGTH = 60
_LOOKS_LIKE_A_LINK = re.compile(r"[/:@\\]|\.\w|\bwww\b", re.IGNORECASE)


def plain_name(organization: Organization) -> str:
    """What it is called in mails to strangers: its display name, unless that could pass for a message or a link."""
    name = " ".join(organization.display_name.split())
    if len(name) > PLAIN_NAME_LENGTH or _LOOKS_LIKE_A_LINK.search(name) or not name.isprintable():
        return organization.name
    return name or organization.name


_TARGET = "invitation of "
_SENDINGS = ("invitation.sent", "invitation.resent")


def invitation_target(addressee: str) -> str:
    """How the audit trail names an invitation."""
    return f"{_TARGET}{addressee}"


def sent_lately(organization: Organization) -> Counter[str]:
    """How many invitations were sent within 24 hours, by addressee; under whatever name it had then."""
    since = timezone.now() - timedelta(days=1)
    names = organization.names.values("name")
    events = AuditEvent.objects.filter(organization__in=names, action__in=_SENDINGS, at__gt=since)
    return Counter(target.removeprefix(_TARGET) for target in events.values_list("target", flat=True))


def invitations_left(organization: Organization) -> int:
    """How many more it may send now."""
    return max(0, settings.FREEHOLD_INVITATIONS_PER_DAY - sent_lately(organization).total())


@dataclass(frozen=True)
class Entry:
    """A line of a list of people as it will be taken: its invitee, and how they stand already; or why it is not."""

    line: Line
    invitee: Invitee | None = None
    known: Known = Known.NO
    problem: str = ""

    def as_line(self) -> Line:
        """The line, with the role and the teams that were meant for those who say none."""
        invitee = self.invitee
        assert invitee is not None
        return replace(self.line, role=invitee.role, teams=tuple(team.name for team in invitee.teams))

    @property
    def is_new(self) -> bool:
        return self.invitee is not None and not self.known


def preview(organization: Organization, lines: Sequence[Line], role: Role, teams: Sequence[Team]) -> list[Entry]:
    """What would come of each line. ``role`` and ``teams`` are for those who say none.

    Nobody becomes owner by a list: it is too easy to give everything to the wrong line.
    """
    by_name = {team.name.casefold(): team for team in Team.objects.filter(organization=organization)}
    entries = [_entry(line, role, teams, by_name) for line in lines]
    standings = iter(known(organization, [entry.invitee.addressee for entry in entries if entry.invitee]))
    return [replace(entry, known=next(standings)) if entry.invitee else entry for entry in entries]


def _entry(line: Line, role: Role, teams: Sequence[Team], by_name: dict[str, Team]) -> Entry:
    unknown = [name for name in line.teams if name.casefold() not in by_name]
    problem = line.problem
    if not problem and unknown:
        problem = gettext("“%(name)s” is neither a role nor one of your teams.") % {"name": unknown[0]}
    if not problem and line.role is Role.OWNER:
        problem = gettext("Owners may do everything: invite them one by one.")
    if problem:
        return Entry(line, problem=problem)
    named = tuple(dict.fromkeys(by_name[name.casefold()] for name in line.teams)) or tuple(teams)
    invitee = Invitee(email=line.email, index_username=line.index_username, role=line.role or role, teams=named)
    return Entry(line, invitee)
