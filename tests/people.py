"""Everybody who could try to act for an organization."""

from __future__ import annotations

from orgs.actors import Actor
from orgs.models import Membership, Organization
from orgs.vocabulary import Role
from tests import factories

OPERATOR = "operator"
INACTIVE_OWNER = "inactive owner"
OUTSIDERS = ("outsider", "owner elsewhere", "service token", INACTIVE_OWNER)
EVERYBODY = (*OUTSIDERS, *Role.values, OPERATOR)


def acting_as(who: str, organization: Organization) -> Actor:
    """An actor who stands so to the organization."""
    match who:
        case "operator":
            return Actor.operator()
        case "service token":
            return Actor.service("index")
        case "outsider":
            return Actor.person(factories.user())
        case "owner elsewhere":
            return owner_of(factories.organization())
        case "inactive owner":
            user = owner_of(organization).user
            assert user is not None
            user.is_active = False
            user.save()
            return Actor.person(user)
        case role:
            return in_role(Role(role), organization)


def in_role(role: Role, organization: Organization) -> Actor:
    user = factories.user()
    Membership.objects.create(organization=organization, user=user, role=role)
    return Actor.person(user)


def owner_of(organization: Organization) -> Actor:
    return in_role(Role.OWNER, organization)
