"""API tokens of organizations: made once and shown once, known by their hash alone (DESIGN section 7)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from freehold.errors import Invalid, NotPermitted
from orgs import audit, tokens
from orgs.actors import ALLOWED, Actor, Verdict, may, membership_of
from orgs.models import Organization, OrganizationToken
from orgs.selectors_tokens import SOON, NoSuchOrganizationToken, expiring_tokens
from orgs.services.notices import people, site_url, tell
from orgs.vocabulary import Permission, Role, State

NAME_LENGTH = 100
LIFETIME, LONGEST_LIFETIME = timedelta(days=90), timedelta(days=366)
MOST = 100
"""Tokens that an organization has at once; a limit for scripts that have gone wrong."""


class TooManyTokens(Invalid):
    code = "too-many-tokens"
    status = 409


@transaction.atomic
def create_organization_token(
    *,
    actor: Actor,
    organization: Organization,
    name: str,
    permissions: Collection[Permission],
    expires_at: datetime | None,
) -> tuple[OrganizationToken, str]:
    """A new token, and it in clear: it can't be had again. Without ``expires_at`` it lasts until it is revoked.

    It belongs to the membership of whoever makes it, may do at most what they may, and goes with that membership.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if not (verdict := can_create_token(actor, organization)):
        raise NotPermitted(verdict.reason)
    maker = membership_of(actor, organization)
    if maker is None:
        raise NotPermitted("A token is made by a member of the organization: it goes with that membership.")
    _check(actor, organization, name, permissions, expires_at)
    secret = tokens.generate(tokens.ORGANIZATION)
    token = OrganizationToken.objects.create(
        organization=organization,
        membership=maker,
        name=name,
        digest=tokens.digest(secret),
        hint=secret[-4:],
        permissions=_in_order(permissions),
        expires_at=expires_at,
        made_with=actor.token,
    )
    _record(actor, "token.created", token, after=_facts(token))
    return token, secret


def can_create_token(actor: Actor, organization: Organization) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, organization)):
        return verdict
    if organization.state in {State.SUSPENDED, State.CLOSED}:
        return Verdict(False, f"{organization.name} is {organization.state}; no tokens are made for it.")
    return ALLOWED


def _check(
    actor: Actor,
    organization: Organization,
    name: str,
    permissions: Collection[Permission],
    expires_at: datetime | None,
) -> None:
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable() or name != name.strip():
        raise Invalid(f"A token has a name of 1 to {NAME_LENGTH} printable characters.")
    if not permissions:
        raise Invalid("A token needs at least one permission.")
    for permission in _in_order(permissions):
        if not (verdict := may(actor, permission, organization)):
            raise NotPermitted(f"A token may do at most what its maker may. {verdict.reason}")
    now = timezone.now()
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFETIME:
        raise Invalid(f"A token expires within {LONGEST_LIFETIME.days} days from now, or not at all.")
    if organization.tokens.usable().count() >= MOST:
        raise TooManyTokens(f"{organization.name} has {MOST} tokens; revoke one that is not used first.")


@transaction.atomic
def revoke_organization_token(*, actor: Actor, token: OrganizationToken) -> None:
    """At once: the next request with it is refused. One that is revoked stays so, and nothing is written."""
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, token.organization)):
        raise NotPermitted(verdict.reason)
    locked = OrganizationToken.objects.select_for_update().filter(pk=token.pk).first()
    if locked is None:  # its maker has left in this instant
        raise NoSuchOrganizationToken("There is no such token any more.")
    if locked.revoked_at is None:
        locked.revoked_at = timezone.now()
        locked.save(update_fields=["revoked_at"])
        _record(actor, "token.revoked", locked, before=_facts(locked))


def warn_of_expiring_tokens(*, within: timedelta = SOON) -> int:
    """Mail the owners of tokens that expire soon, each once; how many tokens there are. May run at any time."""
    found = expiring_tokens(within)
    for token in found:
        organization = token.organization
        page = site_url("organization-tokens", organization.name)
        key = f"token-expiring:{token.pk}"
        tell(people(organization, role=Role.OWNER), organization, "token_expiring", key=key, token=token, page=page)
    return len(found)


def _in_order(permissions: Collection[Permission]) -> list[Permission]:
    return [permission for permission in Permission if permission in permissions]


def _facts(token: OrganizationToken) -> dict[str, object]:
    until = token.expires_at.isoformat() if token.expires_at else None
    return {"permissions": [str(value) for value in token.permissions], "expires_at": until}


def _record(
    actor: Actor,
    action: str,
    token: OrganizationToken,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    name = token.organization.name
    audit.record(actor, action, f"API token {token.name}", organization=name, before=before, after=after)
