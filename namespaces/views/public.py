"""The pages that everybody sees: the front page with its search, the register, a namespace, and the components."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from freehold.access import builders_only, public
from freehold.caching import PUBLIC, cacheable, keyed
from freehold.samples import samples
from namespaces import names, pages, pages_public
from namespaces.public_log import RECENT, recent_entries
from namespaces.purging import NAMESPACES, PAGES, namespace_key
from namespaces.states import ENFORCED

HTML = "text/html; charset=utf-8"
LONGEST_QUERY = 300


def typed(request: HttpRequest, field: str) -> str:
    """What somebody typed, without the spaces around it. NUL has no place in PostgreSQL's text."""
    return request.GET.get(field, "").replace("\x00", "").strip()[:LONGEST_QUERY]


def page(request: HttpRequest, template: str, context: dict[str, Any], *keys: str) -> HttpResponse:
    """A page that is the same for everybody, so that a cache may hold it until one of the keys is purged."""
    body = render_to_string(template, context, request).encode()
    return cacheable(request, body, content_type=HTML, keys=(PAGES, NAMESPACES, *keys))


@public
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    query = typed(request, "q")
    prospect = pages.look_up(query) if query else None
    context = {
        "query": query,
        "prospect": prospect,
        "reserved": pages.reserved_count(),
        "mirror": pages.mirror_size(),
    }
    return page(request, "namespaces/front.html", context)


@public
@require_safe
def register(request: HttpRequest) -> HttpResponse:
    """Every reserved namespace; ``q`` and ``state`` narrow it."""
    if not request.path.endswith("/"):
        return moved(request, reverse("register"))
    query, state = typed(request, "q"), typed(request, "state")
    found = Paginator(pages.register(query, state), pages.NAMESPACES_PER_PAGE)
    context = {
        "section": "register",
        "query": query,
        "state": state if state in ENFORCED else "",
        "states": ENFORCED,
        "narrowed": bool(query or state in ENFORCED),
        **paged(found.get_page(typed(request, "page"))),
    }
    return page(request, "namespaces/register.html", context)


@public
@require_safe
def namespace(request: HttpRequest, name: str) -> HttpResponse:
    """The page that answers of the check link to (PEP 755). Another spelling redirects to the normalized one."""
    try:
        normalized = names.normalize(name)
    except names.InvalidName:
        return not_reserved(request, name)
    canonical = reverse("namespace", args=[normalized])
    if request.path != canonical:
        return moved(request, canonical)
    sheet = pages.namespace_sheet(normalized)
    if sheet is None:
        return not_reserved(request, normalized)
    return page(request, "namespaces/namespace.html", namespace_context(request, sheet), namespace_key(normalized))


def namespace_context(request: HttpRequest, sheet: pages.NamespaceSheet) -> dict[str, Any]:
    projects = pages.project_page(sheet.grant.name, typed(request, "page"))
    lines = recent_entries(sheet.grant.name)
    return {
        "section": "register",
        "sheet": sheet,
        "grant": sheet.grant,
        "origin": pages_public.origin(sheet.grant),
        "older": pages_public.older_projects(sheet, projects.paginator.count),
        "lines": lines[:RECENT],
        "more": len(lines) > RECENT,
        "rows": pages.project_rows(projects.object_list),
        **paged(projects),
    }


def paged(found: Page[Any]) -> dict[str, Any]:
    """The page and the numbers that lead to the others, of which many are elided."""
    numbers = found.paginator.get_elided_page_range(found.number, on_each_side=1, on_ends=1)
    return {"page": found, "numbers": list(numbers)}


def not_reserved(request: HttpRequest, name: str) -> HttpResponse:
    """404 with the search: what stands between this name and a namespace. Purged when the name is granted."""
    query = name.replace("\x00", "").strip()[:LONGEST_QUERY]
    context = {"query": query, "prospect": pages.look_up(query)}
    body = render_to_string("namespaces/not_reserved.html", context, request)
    response = HttpResponse(body, status=404)
    response["Cache-Control"] = PUBLIC
    return keyed(response, (PAGES, NAMESPACES))


def moved(request: HttpRequest, path: str) -> HttpResponse:
    query = request.META.get("QUERY_STRING", "")
    response = HttpResponsePermanentRedirect(f"{path}?{query}" if query else path)
    response["Cache-Control"] = PUBLIC
    return response


@builders_only
@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every component in every variant, for those who make pages from them."""
    response = HttpResponse(render_to_string("design.html", samples(), request))
    response["Cache-Control"] = "private, no-store"
    return response
