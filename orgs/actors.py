"""Who acts. Services take an actor, never a request, so that pages, API, commands and jobs call the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orgs.models import Membership, Organization, OrganizationToken
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, Role

if TYPE_CHECKING:
    from accounts.models import User

LABEL_LENGTH = 300
"""As much as the audit trail takes."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """``label`` is what the audit trail shows; ``origin`` is where from: an address, ``command line``, ``worker``.

    ``is_operator`` is whoever runs Freehold, ``user`` with it the person of the staff. ``is_machine`` is nobody.
    """

    label: str
    origin: str = ""
    user: User | None = None
    is_operator: bool = False
    is_machine: bool = False
    token: OrganizationToken | None = None

    @classmethod
    def person(cls, user: User, *, origin: str = "") -> Actor:
        return cls(label=user.email, origin=origin, user=user)

    @classmethod
    def operator(cls) -> Actor:
        """Somebody with a shell on the server: the commands."""
        return cls(label="operator", origin="command line", is_operator=True)

    @classmethod
    def service(cls, name: str, *, origin: str = "") -> Actor:
        """A service token, named as its owner named it."""
        return cls(label=f"token {name}", origin=origin)

    @classmethod
    def staff(cls, user: User, *, origin: str = "") -> Actor:
        """A person of the staff, using the powers that staff has. The page that makes one has asked for them."""
        return cls(label=f"staff {user.email}", origin=origin, user=user, is_operator=True)

    @classmethod
    def automation(cls, token: OrganizationToken, *, origin: str = "") -> Actor:
        """A token of an organization, for the member who made it."""
        label = f"token {token.name} of {token.membership.user.email}"[:LABEL_LENGTH]
        return cls(label=label, origin=origin, token=token)

    @classmethod
    def worker(cls) -> Actor:
        """A scheduled job."""
        return cls(label="freehold", origin="worker", is_operator=True, is_machine=True)


@dataclass(frozen=True)
class Verdict:
    """The answer of a predicate: whether it may be done, and when not, the reason in one sentence."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Verdict(True)


def may(
    actor: Actor, permission: Permission, organization: Organization, *, second_factor_asked: bool = True
) -> Verdict:
    """Whether the actor has the permission in the organization (DESIGN section 7, the table).

    A token may do what it was made for and what its maker may do now. Who lacks the second factor that the
    organization requires may look, and no more, except where it is not asked for: at what takes nothing from anybody.
    The vocabulary is closed: what is no permission raises ``ValueError``, and is not refused or allowed.
    """
    permission = Permission(permission)
    if actor.is_operator:
        return ALLOWED
    membership = membership_of(actor, organization)
    if membership is None:
        return _not_permitted(actor, permission, organization)
    return may_as(actor, permission, membership, second_factor_asked=second_factor_asked)


def may_as(
    actor: Actor, permission: Permission, membership: Membership, *, second_factor_asked: bool = True
) -> Verdict:
    """The same by a membership at hand, with its user and organization: for what a page shows of itself, which asks a
    dozen times. What is done asks ``may``."""
    if permission not in ROLE_PERMISSIONS[Role(membership.role)]:
        return _not_permitted(actor, permission, membership.organization)
    if actor.token is not None and permission not in actor.token.permissions:
        return Verdict(False, f"The token was not made for this: “{permission.label}” ({permission}).")
    if second_factor_asked and permission is not Permission.VIEW and lacks_second_factor(membership):
        name = membership.organization.name
        return Verdict(False, f"{name} requires two-step verification: set it up in your account first.")
    return ALLOWED


def _not_permitted(actor: Actor, permission: Permission, organization: Organization) -> Verdict:
    return Verdict(False, f"{actor.label} may not do this for {organization.name}: “{permission.label}”.")


def membership_of(actor: Actor, organization: Organization) -> Membership | None:
    """The membership by which the actor acts for the organization; read anew, so that a lost one counts at once."""
    memberships = Membership.objects.filter(organization=organization, user__is_active=True)
    if actor.token is not None:
        memberships = memberships.filter(pk=actor.token.membership_id)
    elif actor.user is not None:
        memberships = memberships.filter(user=actor.user)
    else:
        return None
    return memberships.select_related("user", "organization").first()


def lacks_second_factor(membership: Membership) -> bool:
    """Whether the organization requires a second factor that the member does not have."""
    return membership.organization.requires_second_factor and not membership.user.second_factor


def role_of(actor: Actor, organization: Organization) -> Role | None:
    membership = membership_of(actor, organization)
    return Role(membership.role) if membership else None
