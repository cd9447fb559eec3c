"""Pages of an organization: each names the permission of its members that it takes.

Anonymous people are asked to sign in; to outsiders the organization's pages are not there; a member without the
permission is refused. The organization is looked up through the viewer's memberships, so that no page can forget to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from accounts.access import ask_to_sign_in, fresh, viewer_of
from freehold.access import mark
from freehold.errors import NotFound, NotPermitted
from freehold.origin import client_address
from orgs.actors import Actor, may, may_as
from orgs.models import Membership, Organization
from orgs.vocabulary import Permission, State

PageView = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Here:
    """Where a page is: the organization, and who looks at it, by which membership."""

    organization: Organization
    membership: Membership
    actor: Actor

    def may(self, permission: Permission, *, second_factor_asked: bool = True) -> bool:
        """By the membership as it was when the page was asked for."""
        return bool(may_as(self.actor, permission, self.membership, second_factor_asked=second_factor_asked))


@dataclass(frozen=True)
class MembersWith:
    """The access of an organization's page: members who have the permission; with ``fresh``, and just showed it.

    Without ``second_factor_asked`` also those who lack the second factor that the organization requires.
    """

    permission: Permission
    fresh: bool = False
    second_factor_asked: bool = True


def organization_page(
    permission: Permission, *, fresh_only: bool = False, second_factor_asked: bool = True
) -> Callable[[PageView], PageView]:
    """The view takes ``(request, here, …)`` in place of the ``name`` in its address."""
    said = MembersWith(permission, fresh_only, second_factor_asked)

    def decorate(view: PageView) -> PageView:
        inner = _entered(fresh(view) if fresh_only else view, said)

        @wraps(view)
        def guarded(request: HttpRequest, name: str, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            here = _find(request, name)
            if here.organization.name != name and request.method in {"GET", "HEAD"}:
                return redirect(request.get_full_path().replace(f"/{name}/", f"/{here.organization.name}/", 1))
            return inner(request, here, **kwargs)

        return mark(guarded, said)

    return decorate


def _entered(view: PageView, said: MembersWith) -> PageView:
    @wraps(view)
    def entered(request: HttpRequest, here: Here, **kwargs: Any) -> HttpResponseBase:
        asked = said.second_factor_asked
        if not (verdict := may(here.actor, said.permission, here.organization, second_factor_asked=asked)):
            raise PermissionDenied(verdict.reason)
        try:
            return view(request, here, **kwargs)
        except NotPermitted as error:
            raise PermissionDenied(error.message) from error
        except NotFound as error:
            raise Http404(error.message) from error

    return entered


def _find(request: HttpRequest, name: str) -> Here:
    """By a name that the organization has or had, among those that the viewer is in."""
    if "\x00" in name:  # no name has it, and no column takes it
        raise Http404
    user = viewer_of(request)
    memberships = Membership.objects.select_related("organization", "user").exclude(organization__state=State.CLOSED)
    membership = memberships.filter(user=user, organization__names__name=name).first()
    if membership is None:
        raise Http404
    actor = Actor.person(user, origin=client_address(request))
    return Here(organization=membership.organization, membership=membership, actor=actor)
