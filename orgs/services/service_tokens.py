"""Service tokens: made once and shown once, known by their hash alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from freehold.errors import Invalid, NotPermitted
from orgs import audit, tokens
from orgs.actors import Actor
from orgs.models import ServiceToken
from orgs.vocabulary import Scope

NAME_LENGTH = 100


@transaction.atomic
def create_service_token(
    *, actor: Actor, name: str, scopes: Collection[Scope], expires_at: datetime | None = None
) -> str:
    """A new token, in clear: it can't be had again."""
    if not actor.is_operator:
        raise NotPermitted("Only the operator makes service tokens.")
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise Invalid(f"A token has a name of 1 to {NAME_LENGTH} printable characters.")
    if not scopes:
        raise Invalid("A token needs at least one scope.")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("A token must expire in the future.")
    token = tokens.generate()
    ServiceToken.objects.create(
        name=name,
        digest=tokens.digest(token),
        hint=token[-4:],
        scopes=sorted(scopes),
        expires_at=expires_at,
    )
    audit.record(actor, "token.created", f"service token {name}", after={"scopes": sorted(scopes)})
    return token


@transaction.atomic
def revoke_service_token(*, actor: Actor, token: ServiceToken) -> None:
    """At once: the next request with it is refused."""
    if not actor.is_operator:
        raise NotPermitted("Only the operator revokes service tokens.")
    changed = ServiceToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
    if changed:
        audit.record(actor, "token.revoked", f"service token {token.name}")
