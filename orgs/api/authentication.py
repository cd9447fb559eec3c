"""Service tokens as DRF sees them."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from orgs import tokens
from orgs.models import ServiceToken
from orgs.selectors import usable_token
from orgs.usage import token_used

REALM = 'Bearer realm="freehold"'


@dataclass(frozen=True)
class ServiceCaller:
    """What stands in ``request.user`` when a service token speaks: nobody, with scopes."""

    token: ServiceToken
    is_authenticated: bool = True
    is_active: bool = True
    pk: None = None

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.token.scopes)


def bearer(header: str) -> str | None:
    """The token of an ``Authorization: Bearer`` header, when it is one of ours to look at."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not tokens.is_well_formed(token):
        return None
    return token


class ServiceTokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[ServiceCaller, ServiceToken] | None:
        header = get_authorization_header(request).decode("latin-1")
        if not header:
            return None
        token = bearer(header)
        found = usable_token(tokens.digest(token)) if token else None
        if found is None:
            raise AuthenticationFailed("The token is not known, expired or revoked.")
        token_used(found.pk, found.last_used_at)
        return ServiceCaller(found), found

    def authenticate_header(self, request: Request) -> str:
        return REALM
