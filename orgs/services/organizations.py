"""Organizations: setting one up, what it says of itself, what it asks of its members, its name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from freehold.errors import DomainError, Invalid, NotPermitted
from orgs import audit, hooks, names
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import AuditEvent, Membership, Organization
from orgs.services.notices import tell_members, tell_owners
from orgs.vocabulary import Kind, Permission, Role, State

NAME_LENGTH = 100
DISPLAY_NAME_LENGTH = 200
DESCRIPTION_LENGTH = 500
WEBSITE_LENGTH = 300
RESERVED_PREFIX = "freehold"
RENAMES, RENAMES_WITHIN = 3, timedelta(days=30)

_is_url = URLValidator(schemes=["http", "https"])


class OrganizationNameTaken(DomainError):
    code = "organization-name-taken"


class TooManyApplied(DomainError):
    code = "too-many-applied"


class NotNow(DomainError):
    """The organization, or what is asked about it, is in no state for it."""

    code = "not-now"


# --- Setting up -----------------------------------------------------------------------------------------------------


@transaction.atomic
def create_organization(
    *, actor: Actor, name: str, kind: Kind, state: State = State.APPLIED, display_name: str = ""
) -> Organization:
    """Set up an organization; a person who does becomes its owner. Only an operator can make it active at once.

    ``display_name`` is as ``name`` was written where it is not given.
    """
    if not actor.is_operator and not (actor.user and actor.user.is_active):
        raise NotPermitted("An organization is set up by a person, who becomes its owner.")
    if state is not State.APPLIED and not actor.is_operator:
        raise NotPermitted("Only the operator sets up an organization that is active at once.")
    normalized = free_for(actor, parse_name(name))
    if actor.user is not None and not actor.is_operator and not (verdict := can_create(_locked_user(actor.user))):
        raise TooManyApplied(verdict.reason)
    organization = Organization(
        name=normalized, display_name=parse_display_name(display_name or name), kind=kind, state=state
    )
    _save_named(organization, is_new=True)
    if actor.user is not None and not actor.is_operator:
        Membership.objects.create(organization=organization, user=actor.user, role=Role.OWNER)
    audit.record(
        actor,
        "organization.created",
        f"organization {organization.name}",
        organization=organization.name,
        after={"kind": organization.kind, "state": organization.state},
    )
    return organization


def can_create(user: User) -> Verdict:
    """Whether the user may set up another one: names are not to be collected."""
    limit = settings.FREEHOLD_APPLIED_LIMIT
    applied = Organization.objects.filter(
        state=State.APPLIED, memberships__user=user, memberships__role=Role.OWNER
    ).count()
    if applied < limit:
        return ALLOWED
    return Verdict(
        False,
        f"You own {applied} organizations that are not active yet, and {limit} is the most: "
        "finish or close one of them first.",
    )


def _locked_user(user: User) -> User:
    """So that of two organizations that are set up at once the second counts the first."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def parse_name(text: str) -> str:
    """The normalized name; raises ``Invalid``."""
    try:
        name = names.normalize(text)
    except names.InvalidName as error:
        raise Invalid(str(error)) from error
    if len(name) > NAME_LENGTH:
        raise Invalid(f"An organization's name has at most {NAME_LENGTH} characters, not {len(name)}.")
    return name


def free_for(actor: Actor, name: str) -> str:
    """The name, unless it is kept for those who run Freehold. Whether somebody has it, the database says."""
    if name.startswith(RESERVED_PREFIX) and not actor.is_operator:
        raise OrganizationNameTaken(f"Names that begin with {RESERVED_PREFIX!r} are kept for those who run Freehold.")
    return name


def parse_display_name(text: str) -> str:
    """On one line, without spaces around it; raises ``Invalid``."""
    found = " ".join(text.split())
    if not 1 <= len(found) <= DISPLAY_NAME_LENGTH or not found.isprintable():
        raise Invalid(f"A display name has 1 to {DISPLAY_NAME_LENGTH} printable characters.")
    return found


def _save_named(organization: Organization, *, is_new: bool = False) -> None:
    """Save it under its name. Whether another has or had the name, only the database can say for certain."""
    try:
        with transaction.atomic():
            organization.save(force_insert=is_new)
    except IntegrityError as error:
        raise _taken(organization.name) from error


def _taken(name: str) -> OrganizationNameTaken:
    if Organization.objects.filter(name=name).exists():
        return OrganizationNameTaken(f"There is an organization named {name!r} already.")
    return OrganizationNameTaken(f"An organization was named {name!r}, and names are never given to another.")


def locked_organization(organization: Organization) -> Organization:
    """Read anew, and held until the transaction ends. Rows that merely point to it may still be written by others."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def demand_owner(actor: Actor, organization: Organization) -> None:
    """Raises ``NotPermitted`` for who may not settle the organization's affairs, ``NotNow`` where there are none."""
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, organization)):
        raise NotPermitted(verdict.reason)
    if organization.state == State.CLOSED:
        raise NotNow(f"{organization.name!r} is closed.")


# --- What it says of itself -----------------------------------------------------------------------------------------


@transaction.atomic
def describe_organization(
    *, actor: Actor, organization: Organization, display_name: str, description: str, website: str
) -> Organization:
    """Change what its public profile says."""
    organization = locked_organization(organization)
    demand_owner(actor, organization)
    wanted = {
        "display_name": parse_display_name(display_name),
        "description": _parse_description(description),
        "website": parse_website(website),
    }
    before = {field: getattr(organization, field) for field in wanted if getattr(organization, field) != wanted[field]}
    if not before:
        return organization
    for field in before:
        setattr(organization, field, wanted[field])
    organization.save(update_fields=list(before))
    _record(actor, "organization.described", organization, before=before, after={f: wanted[f] for f in before})
    return organization


def _parse_description(text: str) -> str:
    found = " ".join(text.split())
    if len(found) > DESCRIPTION_LENGTH or not (found.isprintable() or not found):
        raise Invalid(f"A description has at most {DESCRIPTION_LENGTH} printable characters.")
    return found


def parse_website(text: str) -> str:
    """An address of the web, with a host that has a dot and without a user name; or empty. Raises ``Invalid``."""
    found = text.strip()
    if not found:
        return ""
    try:
        _is_url(found)
        parts = urlsplit(found)
    except (ValidationError, ValueError) as error:
        raise Invalid("A website begins with https:// or http://, as in https://acme.example.") from error
    if len(found) > WEBSITE_LENGTH or not found.isprintable() or parts.username is not None:
        raise Invalid(f"A website is an address without a user name, of at most {WEBSITE_LENGTH} characters.")
    return found


# --- What it asks of its members ------------------------------------------------------------------------------------


@transaction.atomic
def require_second_factor(*, actor: Actor, organization: Organization, required: bool) -> Organization:
    """Let only members with two-step verification act for the organization, or all again.

    Who lacks it may only look, and publishes nothing, from this moment on; they are told.
    """
    organization = locked_organization(organization)
    demand_owner(actor, organization)
    if not (verdict := can_require_second_factor(actor, required=required)):
        raise NotNow(verdict.reason)
    if organization.requires_second_factor is required:
        return organization
    organization.requires_second_factor = required
    organization.save(update_fields=["requires_second_factor"])
    _record(
        actor,
        "organization.second_factor",
        organization,
        before={"required": not required},
        after={"required": required},
    )
    if required:
        tell_members(organization, "organization_second_factor", user__second_factor=False)
    return organization


def can_require_second_factor(actor: Actor, *, required: bool) -> Verdict:
    """Whoever turns it on has one: else they could not turn it off again."""
    person = actor.token.membership.user if actor.token else actor.user
    if required and not actor.is_operator and not (person and person.second_factor):
        return Verdict(False, "Set up two-step verification for yourself first; then you can ask it of the others.")
    return ALLOWED


# --- Its name -------------------------------------------------------------------------------------------------------


@transaction.atomic
def rename_organization(*, actor: Actor, organization: Organization, name: str) -> Organization:
    """Give it another name. The one it had leads to it for ever and is never given to another; it may take it back."""
    organization = locked_organization(organization)
    demand_owner(actor, organization)
    wanted, former = free_for(actor, parse_name(name)), organization.name
    if wanted == former:
        raise NotNow(f"{former!r} is its name already.")
    if not (verdict := can_rename(organization, actor)):
        raise NotNow(verdict.reason)
    organization.name = wanted
    _save_named(organization)
    _record(actor, "organization.renamed", organization, before={"name": former}, after={"name": wanted})
    for tell in hooks.on_renamed:
        tell(actor, organization, former)
    tell_owners(organization, "organization_renamed", by=actor.label, former=former)
    return organization


def can_rename(organization: Organization, actor: Actor) -> Verdict:
    """Whether it may have another name now; each name it leaves stays taken, so there are not to be many."""
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, organization)):
        return verdict
    had = organization.names.values("name")
    recent = AuditEvent.objects.filter(
        organization__in=had, action="organization.renamed", at__gt=timezone.now() - RENAMES_WITHIN
    )
    if recent.count() >= RENAMES and not actor.is_operator:
        days = RENAMES_WITHIN.days
        return Verdict(False, f"It was renamed {RENAMES} times within {days} days; wait before you do it again.")
    return ALLOWED


def _record(
    actor: Actor, action: str, organization: Organization, *, before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit.record(
        actor,
        action,
        f"organization {organization.name}",
        organization=organization.name,
        before=before,
        after=after,
    )
