"""Pages of a case: for those whom it concerns, on either side of it. To all others it is not there.

Anonymous people are asked to sign in. What may be done, and by which side, the services decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from accounts.access import ask_to_sign_in, viewer_of
from freehold.access import Access, mark
from freehold.errors import NotPermitted
from freehold.origin import client_address
from namespaces.cases import Party
from namespaces.models import Case
from namespaces.services.casework import parties_of
from orgs.actors import Actor

PageView = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class AtCase:
    """Which case a page is about, who looks at it, and on which sides of it they stand."""

    case: Case
    actor: Actor
    sides: frozenset[Party]


def concerned(view: PageView) -> PageView:
    """The view takes ``(request, at, …)`` in place of the ``case`` in its address."""

    @wraps(view)
    def guarded(request: HttpRequest, case: int, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        try:
            return view(request, _find(request, case), **kwargs)
        except NotPermitted as error:
            raise PermissionDenied(error.message) from error

    return mark(guarded, Access.CONCERNED)


def _find(request: HttpRequest, number: int) -> AtCase:
    actor = Actor.person(viewer_of(request), origin=client_address(request))
    case = Case.objects.select_related("organization", "grant").filter(pk=number).first()
    sides = frozenset(parties_of(case, actor)) if case is not None else frozenset()
    if case is None or not sides:
        raise Http404
    return AtCase(case, actor, sides)
