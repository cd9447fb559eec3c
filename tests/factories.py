"""Rows for tests, made directly: the services have tests of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from namespaces.models import Grant, Project, Share, TeamGrant
from namespaces.states import GrantState
from orgs import tokens
from orgs.models import Membership, Organization, ServiceToken, Team, TeamMember, TrustedPublisher
from orgs.vocabulary import Kind, Role, Scope, Standing, State

_numbers = itertools.count(1)
HOUR = timedelta(hours=1)


def user(index_username: str | None = None, **fields: Any) -> User:
    name = index_username or f"user{next(_numbers)}"
    return User.objects.create_user(f"{name}@example.com", index_username=index_username, **fields)


def organization(
    name: str | None = None,
    *,
    kind: Kind = Kind.COMPANY,
    state: State = State.ACTIVE,
    standing: Standing = Standing.GOOD,
) -> Organization:
    name = name or f"org{next(_numbers)}"
    return Organization.objects.create(name=name, display_name=name.title(), kind=kind, state=state, standing=standing)


def member(org: Organization, username: str, role: Role = Role.OWNER) -> Membership:
    person = User.objects.filter(index_username=username).first() or user(username)
    return Membership.objects.create(organization=org, user=person, role=role)


def grant(
    name: str,
    owner: Organization,
    *,
    state: GrantState = GrantState.ACTIVE,
    effective_at: datetime | None = None,
    root: Grant | None = None,
) -> Grant:
    now = timezone.now()
    return Grant.objects.create(
        name=name, display_name=name, owner=owner, state=state, root=root, effective_at=effective_at or now - HOUR
    )


def share(of: Grant, org: Organization, *, expires_at: datetime | None = None) -> Share:
    return Share.objects.create(grant=of, organization=org, expires_at=expires_at)


def team(org: Organization, *usernames: str, grants: Iterable[Grant] = (), name: str | None = None) -> Team:
    made = Team.objects.create(organization=org, name=name or f"team{next(_numbers)}")
    for username in usernames:
        found = Membership.objects.filter(organization=org, user__index_username=username).first()
        TeamMember.objects.create(team=made, membership=found or member(org, username, Role.MEMBER))
    for one in grants:
        TeamGrant.objects.create(team=made, grant=one)
    return made


def trusted(org: Organization, issuer: str = "https://ci.example", **claims: str) -> TrustedPublisher:
    return TrustedPublisher.objects.create(organization=org, issuer=issuer, claims=claims)


def project(name: str, owner: str = "", first_uploaded: datetime | None = None) -> Project:
    return Project.objects.create(name=name, owner=owner, first_uploaded=first_uploaded or timezone.now())


def token(*scopes: Scope, expires_at: datetime | None = None, revoked_at: datetime | None = None) -> str:
    secret = tokens.generate()
    ServiceToken.objects.create(
        name="test",
        digest=tokens.digest(secret),
        hint=secret[-4:],
        scopes=list(scopes or Scope),
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    return secret
