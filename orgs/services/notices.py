"""Mail to the people of an organization: rows in the outbox, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.outbox import queue_mail
from orgs.models import Membership, Organization
from orgs.vocabulary import Role


def tell_owners(organization: Organization, template: str, **context: Any) -> None:
    """Mail each owner who can sign in; the template knows ``organization``, ``person`` and ``url`` besides."""
    tell(people(organization, role=Role.OWNER), organization, template, **context)


def tell_members(organization: Organization, template: str, **which: Any) -> None:
    """As above, those members who are ``which``."""
    tell(people(organization, **which), organization, template)


def people(organization: Organization, **which: Any) -> list[User]:
    """The users behind the memberships, without those who are switched off."""
    memberships: QuerySet[Membership] = organization.memberships.filter(user__is_active=True, **which)
    return [membership.user for membership in memberships.select_related("user").order_by("pk")]


def tell(users: Iterable[User], organization: Organization, template: str, *, key: str = "", **context: Any) -> None:
    """Mail each of them; with a ``key``, nobody twice."""
    known = {"organization": organization, "url": overview_url(organization), **context}
    for user in users:
        own_key = f"{key}:{user.pk}" if key else None
        queue_mail(to=user.email, template=template, context={"person": user, **known}, key=own_key)


def overview_url(organization: Organization) -> str:
    return site_url("organization-overview", organization.name)


def site_url(route: str, *arguments: str | int) -> str:
    """The address of a page as it stands in mails."""
    return settings.FREEHOLD_URL + reverse(route, args=arguments)
