"""Who may do what in an organization: the table, row by row, and nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from orgs.actors import Actor, may, role_of
from orgs.models import Membership
from orgs.views.access import Here
from orgs.views.shell import navigation
from orgs.vocabulary import PUBLISHING_ROLES, ROLE_PERMISSIONS, Permission, Role
from tests import factories
from tests.people import EVERYBODY, OPERATOR, OUTSIDERS, acting_as, in_role

pytestmark = pytest.mark.django_db

# Spelt out, so that a change of the table in the code has to be meant.
MAY: dict[Permission, set[str]] = {
    Permission.VIEW: {"owner", "manager", "billing", "member"},
    Permission.MANAGE_PEOPLE: {"owner"},
    Permission.MANAGE_TEAMS: {"owner", "manager"},
    Permission.MANAGE_NAMESPACES: {"owner"},
    Permission.PUBLISH: {"owner", "manager"},
    Permission.MANAGE_BILLING: {"owner", "billing"},
    Permission.VIEW_AUDIT: {"owner", "manager"},
}


def test_every_permission_has_its_row() -> None:
    assert set(MAY) == set(Permission)
    assert set(ROLE_PERMISSIONS) == set(Role)


@pytest.mark.slow
@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("permission", Permission)
def test_the_table(permission: Permission, who: str) -> None:
    acme = factories.organization("acme")
    actor = acting_as(who, acme)
    verdict = may(actor, permission, acme)
    assert bool(verdict) is (who in MAY[permission] | {OPERATOR})
    if not verdict:
        assert verdict.reason == f"{actor.label} may not do this for acme: “{permission.label}”."


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("unknown", ["publishing", "", "VIEW", None])
def test_the_vocabulary_is_closed(unknown: str | None, who: str) -> None:
    acme = factories.organization()
    with pytest.raises(ValueError, match="is not a valid Permission"):
        may(acting_as(who, acme), unknown, acme)  # type: ignore[arg-type]  # what is no permission is to be tried


@pytest.mark.parametrize("role", Role)
def test_a_role_is_one_here_and_none_elsewhere(role: Role) -> None:
    here, elsewhere = factories.organization(), factories.organization()
    actor = in_role(role, here)
    assert role_of(actor, here) is role
    assert role_of(actor, elsewhere) is None
    assert not any(may(actor, permission, elsewhere) for permission in Permission)


@pytest.mark.parametrize("who", OUTSIDERS)
def test_who_is_outside_has_no_role(who: str) -> None:
    acme = factories.organization()
    assert role_of(acting_as(who, acme), acme) is None


def test_a_role_takes_effect_at_once_and_ends_at_once() -> None:
    acme = factories.organization()
    factories.member(acme, "gina")
    actor = in_role(Role.MEMBER, acme)
    membership = Membership.objects.get(user=actor.user)
    assert not may(actor, Permission.MANAGE_PEOPLE, acme)
    membership.role = Role.OWNER
    membership.save()
    assert may(actor, Permission.MANAGE_PEOPLE, acme)
    membership.delete()
    assert not may(actor, Permission.VIEW, acme)


def test_staff_of_the_site_are_nobody_in_an_organization() -> None:
    acme = factories.organization()
    actor = Actor.person(factories.user(is_staff=True, is_superuser=True))
    assert not any(may(actor, permission, acme) for permission in Permission)


def test_owners_may_everything() -> None:
    assert ROLE_PERMISSIONS[Role.OWNER] == set(Permission)


def test_who_publishes_by_role() -> None:
    assert set(PUBLISHING_ROLES) == {Role.OWNER, Role.MANAGER}


def test_the_database_knows_no_other_role() -> None:
    with pytest.raises(IntegrityError, match="membership_role_known"), transaction.atomic():
        factories.member(factories.organization(), "sam", "admin")  # type: ignore[arg-type]  # what is no role


def test_somebody_is_in_an_organization_once() -> None:
    acme = factories.organization()
    factories.member(acme, "sam", Role.MEMBER)
    with pytest.raises(IntegrityError, match="membership_unique"), transaction.atomic():
        factories.member(acme, "sam", Role.OWNER)


@pytest.mark.django_db
def test_what_a_page_shows_of_itself_asks_the_database_nothing(django_assert_num_queries: Any) -> None:
    """The navigation asks for each of its pages whether the viewer may see it, on every page."""
    organization = factories.organization("acme")
    owner = factories.member(organization, "olga", Role.OWNER)
    here = Here(organization, owner, Actor.person(owner.user))
    with django_assert_num_queries(0):
        shown = navigation(here, "organization-overview")
    assert len(shown) > 5
