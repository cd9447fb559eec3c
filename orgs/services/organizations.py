"""Organizations and their people."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.models import User
from freehold.errors import DomainError, Invalid, NotFound, NotPermitted
from orgs import audit, names
from orgs.actors import Actor, may
from orgs.models import Membership, Organization
from orgs.vocabulary import Kind, Permission, Role, State

NAME_LENGTH = 100


class OrganizationNameTaken(DomainError):
    code = "organization-name-taken"


class AlreadyMember(DomainError):
    code = "already-member"


class NoSuchUser(NotFound):
    code = "no-such-user"


@transaction.atomic
def create_organization(*, actor: Actor, name: str, kind: Kind, state: State = State.APPLIED) -> Organization:
    """Set up an organization; a person who does becomes its owner. Only an operator can make it active at once."""
    if not actor.is_operator and not (actor.user and actor.user.is_active):
        raise NotPermitted("An organization is set up by a person, who becomes its owner.")
    if state is not State.APPLIED and not actor.is_operator:
        raise NotPermitted("Only the operator sets up an organization that is active at once.")
    organization = Organization(name=parse_name(name), display_name=name, kind=kind, state=state)
    try:
        with transaction.atomic():
            organization.save(force_insert=True)
    except IntegrityError as error:
        raise OrganizationNameTaken(f"There is an organization named {organization.name!r} already.") from error
    if actor.user is not None:
        Membership.objects.create(organization=organization, user=actor.user, role=Role.OWNER)
    audit.record(
        actor,
        "organization.created",
        f"organization {organization.name}",
        organization=organization.name,
        after={"kind": organization.kind, "state": organization.state},
    )
    return organization


def parse_name(text: str) -> str:
    """The normalized name; raises ``Invalid``."""
    try:
        name = names.normalize(text)
    except names.InvalidName as error:
        raise Invalid(str(error)) from error
    if len(name) > NAME_LENGTH:
        raise Invalid(f"An organization's name has at most {NAME_LENGTH} characters, not {len(name)}.")
    return name


@transaction.atomic
def add_member(*, actor: Actor, organization: Organization, email: str, role: Role) -> Membership:
    """Make the person with this e-mail address a member."""
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, organization)):
        raise NotPermitted(verdict.reason)
    user = User.objects.with_email(email).first()
    if user is None:
        raise NoSuchUser(f"There is no user with the e-mail address {email!r}; they have to sign up first.")
    try:
        with transaction.atomic():
            membership = Membership.objects.create(organization=organization, user=user, role=role)
    except IntegrityError as error:
        raise AlreadyMember(f"{email!r} is in {organization.name!r} already.") from error
    audit.record(
        actor,
        "member.added",
        f"member {user.email}",
        organization=organization.name,
        after={"role": role.value},
    )
    return membership
