"""Who is in an organization, as what, and how that ends.

Whoever changes it takes the organization's row first, then the membership's: so two wait for each other, and neither
deadlocks nor sees an organization with two owners when the other has just taken one away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext, ngettext

from accounts.models import User
from freehold.errors import DomainError, NotFound, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may, membership_of
from orgs.models import Membership, Organization, Team, TeamMember
from orgs.selectors_people import active_owners
from orgs.services import notices
from orgs.services.organizations import demand_owner, locked_organization
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, Role, State


class AlreadyMember(DomainError):
    code = "already-member"


class NoSuchUser(NotFound):
    code = "no-such-user"


class NoSuchMember(NotFound):
    code = "no-such-member"


class LastOwner(DomainError):
    code = "last-owner"


class NoSeatLeft(DomainError):
    code = "no-seat-left"


@transaction.atomic
def add_member(*, actor: Actor, organization: Organization, email: str, role: Role) -> Membership:
    """Make the person with this e-mail address a member."""
    organization = locked_organization(organization)
    demand_owner(actor, organization)
    user = User.objects.with_email(email).first()
    if user is None:
        raise NoSuchUser(f"There is no user with the e-mail address {email!r}; they have to sign up first.")
    return admit(organization, user, role, by=actor)


@transaction.atomic
def change_role(*, actor: Actor, membership: Membership, role: Role) -> Membership:
    """At once. Who is no owner any more has invited nobody: the open invitations that they sent are revoked."""
    membership = _lock(membership)
    organization, before = membership.organization, Role(membership.role)
    demand_owner(actor, organization)
    if before is role:
        return membership
    if not (verdict := can_change_role(membership, role, actor)):
        raise LastOwner(verdict.reason)
    membership.role = role
    with _refusals_of_the_database(organization):
        membership.save(update_fields=["role"])
    ended = {} if _invites(role) else _end_invitations(membership)
    audit.record(
        actor,
        "member.role_changed",
        f"member {membership.user.email}",
        organization=organization.name,
        before={"role": before.value, **ended},
        after={"role": role.value},
    )
    _tell_of_new_role(actor, membership, before)
    return membership


def can_change_role(membership: Membership, role: Role, actor: Actor) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, membership.organization)):
        return verdict
    return ALLOWED if role is Role.OWNER else _unless_last_owner(membership)


@transaction.atomic
def remove_member(*, actor: Actor, membership: Membership) -> None:
    """End the membership and all that derives from it: team rights, tokens made, invitations sent, publishing."""
    membership = _lock(membership)
    demand_owner(actor, membership.organization)
    if not (verdict := can_remove_member(membership, actor)):
        raise LastOwner(verdict.reason)
    _end(actor, "member.removed", membership)
    if not _is(actor, membership.user):
        _tell(membership.user, "membership_removed", membership.organization, by=actor.label)
    _tell_owners(actor, membership, "removed")


def can_remove_member(membership: Membership, actor: Actor) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, membership.organization)):
        return verdict
    return _unless_last_owner(membership)


@transaction.atomic
def leave_organization(*, actor: Actor, organization: Organization) -> None:
    """End one's own membership, as ``remove_member`` does. A person does it; a token does not leave for its maker."""
    organization = locked_organization(organization)
    membership = _own_membership(organization, actor)
    if membership is None:
        raise NotPermitted(_not_in(organization))
    if not (verdict := can_leave(membership, actor)):
        raise LastOwner(verdict.reason)
    _end(actor, "member.left", membership)
    _tell_owners(actor, membership, "left")


def can_leave(membership: Membership, actor: Actor) -> Verdict:
    """Whether the actor may end this membership as their own."""
    if actor.user is None or actor.user.pk != membership.user_id:
        return Verdict(False, _not_in(membership.organization))
    return _unless_last_owner(membership)


def admit(
    organization: Organization,
    user: User,
    role: Role,
    *,
    by: Actor,
    teams: Iterable[Team] = (),
    facts: dict[str, Any] | None = None,
) -> Membership:
    """The membership, with its event. The caller holds the organization's row and has asked whether it may be."""
    with _refusals_of_the_database(organization, user):
        membership = Membership.objects.create(organization=organization, user=user, role=role)
    names = _join(membership, teams)
    after = {"role": role.value, **({"teams": names} if names else {}), **(facts or {})}
    audit.record(by, "member.added", f"member {user.email}", organization=organization.name, after=after)
    _tell_owners(by, membership, "added")
    return membership


def _join(membership: Membership, teams: Iterable[Team]) -> list[str]:
    joined = list(teams)
    TeamMember.objects.bulk_create(TeamMember(team=team, membership=membership) for team in joined)
    return sorted(team.name for team in joined)


def _lock(membership: Membership) -> Membership:
    organization = locked_organization(membership.organization)
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user").filter(pk=membership.pk)
    found = rows.first()
    if found is None:
        raise NoSuchMember(
            gettext("This person is not in %(organization)s any more.") % {"organization": organization.name}
        )
    found.organization = organization
    return found


def _own_membership(organization: Organization, actor: Actor) -> Membership | None:
    membership = membership_of(actor, organization) if actor.user is not None else None
    return _lock(membership) if membership is not None else None


def _not_in(organization: Organization) -> str:
    return gettext("Only somebody who is in %(organization)s can leave it.") % {"organization": organization.name}


def _unless_last_owner(membership: Membership) -> Verdict:
    organization = membership.organization
    if membership.role != Role.OWNER or organization.state == State.CLOSED:
        return ALLOWED
    others = active_owners(organization).exclude(pk=membership.pk)
    return ALLOWED if others.exists() else Verdict(False, _last_owner(organization))


def _last_owner(organization: Organization) -> str:
    return gettext(
        "%(organization)s must have an owner: make somebody else an owner first, or close the organization in its"
        " settings."
    ) % {"organization": organization.name}


@contextmanager
def _refusals_of_the_database(organization: Organization, user: User | None = None) -> Iterator[None]:
    """What its constraints refuse, as errors of the domain. They decide, whatever was looked up before."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
        if constraint == "organization_has_owner":
            raise LastOwner(_last_owner(organization)) from error
        if constraint == "organization_seats":
            raise NoSeatLeft(_no_seat_left(organization)) from error
        if constraint == "membership_unique" and user is not None:
            raise AlreadyMember(f"{user.email!r} is in {organization.name!r} already.") from error
        raise


def _no_seat_left(organization: Organization) -> str:
    text = ngettext(
        "The only seat of %(organization)s is taken: an owner can free one or add seats; try again then.",
        "All %(seats)s seats of %(organization)s are taken: an owner can free one or add seats; try again then.",
        organization.seats or 0,
    )
    return text % {"seats": organization.seats, "organization": organization.name}


def _invites(role: Role) -> bool:
    return Permission.MANAGE_PEOPLE in ROLE_PERMISSIONS[role]


def _end_invitations(membership: Membership) -> dict[str, Any]:
    """How many were revoked, for the trail; nothing where there were none."""
    sent = membership.invitations_sent.all()
    count = sent.count()
    sent.delete()
    return {"invitations": count} if count else {}


def _end(actor: Actor, action: str, membership: Membership) -> None:
    before = {
        "role": membership.role,
        "teams": list(membership.teams.order_by("name").values_list("name", flat=True)),
        "tokens": list(membership.tokens.order_by("pk").values_list("name", flat=True)),
        "invitations": membership.invitations_sent.count(),
    }
    organization = membership.organization
    with _refusals_of_the_database(organization):
        Membership.objects.filter(pk=membership.pk).delete()
    audit.record(actor, action, f"member {membership.user.email}", organization=organization.name, before=before)


def _is(actor: Actor, user: User) -> bool:
    return actor.user is not None and actor.user.pk == user.pk


def _tell(user: User, template: str, organization: Organization, **context: Any) -> None:
    notices.tell([user] if user.is_active else [], organization, template, **context)


def _tell_of_new_role(actor: Actor, membership: Membership, before: Role) -> None:
    organization, user = membership.organization, membership.user
    if not _is(actor, user):
        role = Role(membership.role).label
        _tell(user, "membership_role_changed", organization, by=actor.label, role=role, before=before.label)
    if Role.OWNER in {before, membership.role}:
        _tell_owners(actor, membership, "demoted" if before is Role.OWNER else "added", is_owner=True)


def _tell_owners(actor: Actor, membership: Membership, change: str, *, is_owner: bool = False) -> None:
    """Tell the owners of one more or one fewer, but not whoever did it, nor whom it is about."""
    if not is_owner and membership.role != Role.OWNER:
        return
    owners = notices.people(membership.organization, role=Role.OWNER)
    others = [user for user in owners if user.pk != membership.user_id and not _is(actor, user)]
    about = {"change": change, "email": membership.user.email, "by": actor.label}
    notices.tell(others, membership.organization, "membership_owners", **about)
