"""An organization as everybody sees it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from freehold.access import public
from freehold.caching import PUBLIC, REVALIDATED, cacheable, keyed
from freehold.errors import NotFound
from orgs import hooks, names
from orgs.models import Organization
from orgs.selectors import organization_named
from orgs.selectors_organizations import is_verified_website, verified_proofs
from orgs.vocabulary import State

HTML = "text/html; charset=utf-8"


@public
@require_safe
def profile(request: HttpRequest, name: str) -> HttpResponse:
    """By any spelling, and by any name it had: those lead to the one it has.

    Caches ask each time whether it is still so: what an organization merely says of itself is not in the feed, so
    nothing would purge it, and whoever saves a new description looks at once whether it is there.
    """
    organization = named_in_address(name)
    canonical = reverse("organization", args=[organization.name])
    if request.path != canonical:
        response = HttpResponsePermanentRedirect(canonical)
        response["Cache-Control"] = PUBLIC
        return response
    template = "orgs/closed.html" if organization.state == State.CLOSED else "orgs/profile.html"
    body = render_to_string(template, profile_context(organization), request).encode()
    if organization.state == State.CLOSED:
        gone = HttpResponse(body, status=410, headers={"Cache-Control": PUBLIC})
        return keyed(gone, keys_of(organization))
    return cacheable(request, body, content_type=HTML, control=REVALIDATED, keys=keys_of(organization))


def named_in_address(text: str) -> Organization:
    """The organization; 404 where none has or had the name, or it is no name."""
    try:
        return organization_named(names.normalize(text))
    except (names.InvalidName, NotFound) as error:
        raise Http404(str(error)) from error


def keys_of(organization: Organization) -> tuple[str, ...]:
    """By which caches forget it: as every page, and as this organization (``namespaces.purging``)."""
    return ("pages", f"organization/{organization.name}")


def profile_context(organization: Organization) -> dict[str, object]:
    """An organization that nobody has looked at yet, or that is suspended, says nothing of itself in public."""
    speaks = organization.state == State.ACTIVE
    return {
        "organization": organization,
        "speaks": speaks,
        "is_verified": speaks and is_verified_website(organization),
        "proofs": verified_proofs(organization) if speaks else [],
        "facts": [fact for ask in hooks.profile_facts for fact in ask(organization)] if speaks else [],
        "listings": [listing for ask in hooks.profile_listings for listing in ask(organization)],
    }
