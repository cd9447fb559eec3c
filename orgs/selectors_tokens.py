"""Reads of organizations' API tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from freehold.errors import NotFound
from orgs.models import Organization, OrganizationToken
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, Role

SOON = timedelta(days=7)
REMEMBERED = timedelta(days=30)
"""For how long a leak is shown."""


class NoSuchOrganizationToken(NotFound):
    code = "no-such-token"


@dataclass(frozen=True)
class TokenRow:
    """A token as a list shows it. ``weakened`` are those of its permissions that its maker has no more."""

    token: OrganizationToken
    permissions: tuple[Permission, ...]
    weakened: tuple[Permission, ...]

    @property
    def is_everything(self) -> bool:
        """Made for all that there is, and not weakened."""
        return len(self.permissions) == len(Permission) and not self.weakened

    @property
    def has_expired(self) -> bool:
        return self.token.expires_at is not None and self.token.expires_at <= timezone.now()

    @property
    def expires_soon(self) -> bool:
        expires_at = self.token.expires_at
        return expires_at is not None and not self.has_expired and expires_at <= timezone.now() + SOON


def known_organization_token(digest: bytes) -> OrganizationToken | None:
    """The token with this digest, usable or not, with its organization and its maker."""
    found = OrganizationToken.objects.filter(digest=digest)
    return found.select_related("organization", "membership__user").first()


def usable_organization_token(digest: bytes) -> OrganizationToken | None:
    """The token with this digest, when it is neither revoked nor expired and its maker's account is active."""
    found = OrganizationToken.objects.usable().filter(digest=digest, membership__user__is_active=True)
    return found.select_related("organization", "membership__user").first()


def token_of(organization: Organization, number: int) -> OrganizationToken:
    """A token of this very organization; raises ``NoSuchOrganizationToken``."""
    found = organization.tokens.select_related("organization", "membership__user").filter(pk=number).first()
    if found is None:
        raise NoSuchOrganizationToken("There is no such token.")
    return found


def tokens_in_use(organization: Organization) -> list[TokenRow]:
    """Those that are not revoked, the newest first; expired ones too, so that somebody sees why theirs fails."""
    found = organization.tokens.filter(revoked_at__isnull=True).order_by("-pk")
    return [_row(token) for token in found.select_related("membership__user", "made_with")]


def leaked_tokens(organization: Organization) -> list[OrganizationToken]:
    """Those that were revoked of late for a reason that nobody in the organization gave."""
    since = timezone.now() - REMEMBERED
    return list(organization.tokens.filter(revoked_at__gte=since).exclude(revoked_because="").order_by("-revoked_at"))


def _row(token: OrganizationToken) -> TokenRow:
    made_for = tuple(Permission(value) for value in token.permissions)
    now = ROLE_PERMISSIONS[Role(token.membership.role)]
    return TokenRow(token, made_for, tuple(permission for permission in made_for if permission not in now))


def expiring_tokens(within: timedelta) -> list[OrganizationToken]:
    """Usable ones that expire within that time from now."""
    soon = OrganizationToken.objects.usable().filter(expires_at__lte=timezone.now() + within)
    return list(soon.select_related("organization", "membership__user").order_by("pk"))
