"""Tokens as DRF sees them: those of indexes, and those of organizations.

A token that is good for something, and used where the other kind is asked for, is refused with 403 and told so; one
that is good for nothing with 401.
"""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from freehold.origin import client_address
from orgs import tokens
from orgs.actors import Actor
from orgs.models import OrganizationToken, ServiceToken
from orgs.selectors import usable_token
from orgs.selectors_tokens import usable_organization_token
from orgs.usage import organization_token_used, token_used
from orgs.vocabulary import State

REALM = 'Bearer realm="freehold"'
UNKNOWN = "The token is not known, expired or revoked."
FOR_INDEXES = "This takes a service token, by which an index speaks; yours is an organization's."
FOR_ORGANIZATIONS = "This takes an API token of the organization; yours is a service token, by which an index speaks."


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


@dataclass(frozen=True)
class OrganizationCaller:
    """What stands in ``request.user`` when an organization's token speaks: nobody, acting for a member."""

    token: OrganizationToken
    actor: Actor
    is_authenticated: bool = True
    is_active: bool = True
    pk: None = None


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
            _explain_organization_token(token)
            raise AuthenticationFailed(UNKNOWN)
        token_used(found.pk, found.last_used_at)
        return ServiceCaller(found), found

    def authenticate_header(self, request: Request) -> str:
        return REALM


def _explain_organization_token(token: str | None) -> None:
    if token and is_organization_token(token):
        raise PermissionDenied(FOR_INDEXES)


def is_organization_token(token: str) -> bool:
    """Whether it is one of an organization that could be used, where it belongs."""
    return tokens.kind_of(token) == tokens.ORGANIZATION and usable_organization_token(tokens.digest(token)) is not None


class OrganizationTokenAuthentication(BaseAuthentication):
    """Of a suspended or closed organization no token is good for anything, and its holder is told why."""

    def authenticate(self, request: Request) -> tuple[OrganizationCaller, OrganizationToken] | None:
        header = get_authorization_header(request).decode("latin-1")
        if not header:
            return None
        token = bearer(header)
        found = usable_organization_token(tokens.digest(token)) if token else None
        if found is None:
            _explain_service_token(token)
            raise AuthenticationFailed(UNKNOWN)
        organization_token_used(found)
        _refuse_suspended(found)
        return OrganizationCaller(found, Actor.automation(found, origin=client_address(request))), found

    def authenticate_header(self, request: Request) -> str:
        return REALM


def _explain_service_token(token: str | None) -> None:
    if token and tokens.kind_of(token) == tokens.SERVICE and usable_token(tokens.digest(token)):
        raise PermissionDenied(FOR_ORGANIZATIONS)


def _refuse_suspended(token: OrganizationToken) -> None:
    organization = token.organization
    if organization.state in {State.SUSPENDED, State.CLOSED}:
        raise PermissionDenied(f"{organization.name} is {organization.state}; its tokens open nothing.")
