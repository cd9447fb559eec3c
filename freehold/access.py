"""Who may see a page: every view says so, and a view that does not refuses to start.

Views of the API say it by DRF's ``permission_classes``; pages by one of the decorators that stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.core import checks
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.decorators.http import require_POST

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

WITHOUT_ACCESS = "freehold.E001"


class Access(StrEnum):
    """Who a page is for. Pages of an organization name a permission of its members instead (``orgs.views.access``);
    those of a case are for whom it concerns (``namespaces.views.concerned``)."""

    PUBLIC = "public"
    BUILDERS = "builders"
    SIGNED_IN = "signed in"
    CONCERNED = "concerned"
    STAFF = "staff"
    ADMINS = "staff admins"


def public(view: View) -> View:
    """Open to everybody, and the same for everybody."""
    return mark(view, Access.PUBLIC)


def builders_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For those who build or run Freehold: staff, or anybody where DEBUG is on. To all others it is not there."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not (settings.DEBUG or getattr(request.user, "is_staff", False)):
            raise Http404
        return view(request, *args, **kwargs)

    return mark(guarded, Access.BUILDERS)


def act(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """An address that does something and shows nothing: POST only. Stands outside of what says who may."""
    only_post = require_POST(view)
    only_post.is_act = True  # type: ignore[attr-defined]  # as in mark
    return only_post


def mark(view: View, access: object) -> View:
    """Say whom the view lets in; what really lets in or refuses is the decorator that calls this."""
    view.access = access  # type: ignore[attr-defined]  # functions take attributes; their type does not say so
    return view


class Route(NamedTuple):
    """An address of the URLconf: its pattern, its name, which may be missing, and its view."""

    pattern: str
    name: str | None
    view: Any


@checks.register(checks.Tags.security, checks.Tags.urls)
def check_every_view_says_who_may(**options: Any) -> list[checks.CheckMessage]:
    """A system check: fails for an address whose view names nobody who may see it."""
    return [
        checks.Error(
            f"The view of {route.pattern!r} does not say who may see it.",
            hint="Decorate it with freehold.access.public, or give the API view its permission_classes.",
            id=WITHOUT_ACCESS,
        )
        for route in routes(get_resolver().url_patterns)
        if access_of(route.view) is None
    ]


def routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[Route]:
    """Every address under the patterns."""
    for pattern in patterns:
        text = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, text)
        else:
            yield Route(text, pattern.name, pattern.callback)


def pages(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[Route]:
    """The addresses that people see in a browser and that answer GET; acts, which take only POST, are none."""
    return (route for route in routes(patterns) if hasattr(route.view, "access") and not is_act(route.view))


def is_act(view: Any) -> bool:
    """Whether the view only acts: it says so by ``freehold.access.act``."""
    return getattr(view, "is_act", False)


def access_of(view: Any) -> object:
    """What the view says, or None. DRF's default is Nobody, so an API view that is silent is closed, not open."""
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    return getattr(view, "access", None) or getattr(view_class, "permission_classes", None) or None
