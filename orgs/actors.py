"""Who acts. Services take an actor, never a request, so that pages, API, commands and jobs call the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orgs.models import Membership, Organization
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, Role

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, kw_only=True)
class Actor:
    """``label`` is what the audit trail shows; ``origin`` is where from: an address, ``command line``, ``worker``."""

    label: str
    origin: str = ""
    user: User | None = None
    is_operator: bool = False

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
    def worker(cls) -> Actor:
        """A scheduled job."""
        return cls(label="freehold", origin="worker", is_operator=True)


@dataclass(frozen=True)
class Verdict:
    """The answer of a predicate: whether it may be done, and when not, the reason in one sentence."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Verdict(True)


def may(actor: Actor, permission: Permission, organization: Organization) -> Verdict:
    """Whether the actor has the permission in the organization (DESIGN section 7, the table).

    The vocabulary is closed: what is no permission raises ``ValueError``, and is not refused or allowed.
    """
    permission = Permission(permission)
    if actor.is_operator:
        return ALLOWED
    role = role_of(actor, organization)
    if role is not None and permission in ROLE_PERMISSIONS[role]:
        return ALLOWED
    return Verdict(False, f"{actor.label} may not do this for {organization.name}: “{permission.label}”.")


def role_of(actor: Actor, organization: Organization) -> Role | None:
    if actor.user is None or not actor.user.is_active:
        return None
    membership = Membership.objects.filter(organization=organization, user=actor.user).only("role").first()
    return Role(membership.role) if membership else None
