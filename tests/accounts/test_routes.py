"""Every page of an account says who may see it, is kept by no cache, and is drawn by us."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account import urls as account_urls
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.template.backends.django import Template
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.urls import path

from accounts import urls
from freehold.access import Access, access_of, routes
from freehold.middleware import PagesAccountMiddleware, PagesHtmxMiddleware
from tests.accounts.people import Person

PATTERNS: list[Any] = urls.urlpatterns
NAMED = {route.name: route for route in routes(PATTERNS)}


def test_a_route_of_allauth_without_a_row_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="who may see 'brand_new'"):
        list(urls.guarded([path("new/", lambda _: HttpResponse(), name="brand_new")]))


def test_every_row_is_a_route() -> None:
    assert not set(urls.ACCESS) - set(NAMED)
    assert not urls.UNUSED - {pattern.name for pattern in account_urls.urlpatterns}


def test_every_route_says_so() -> None:
    assert {access_of(route.view) for route in NAMED.values()} == {Access.PUBLIC, Access.SIGNED_IN}


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(name for name in NAMED if name))
def test_is_private_and_no_server_error(sam: Person, name: str) -> None:
    """For whoever comes, by whatever method."""
    address = "/accounts/" + NAMED[name].pattern
    for given, value in {
        "<int:pk>": "1",
        "^oidc/(?P<provider_id>[a-z0-9-]+)/": "oidc/none/",
        "^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "password/reset/key/1-bad/",
    }.items():
        address = address.replace(given, value)
    anonymous, member = Client(), sam.client
    sam.sign_in()
    for client in (anonymous, member):
        for method in (client.head, client.get, client.post, client.put, client.delete, client.options):
            response = method(address)
            assert response.status_code < 500, (method, address)
            if response.status_code not in {302, 404, 405}:
                assert response.headers["Cache-Control"] in {"private, no-store", "no-store"}


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(n for n, r in NAMED.items() if access_of(r.view) is Access.SIGNED_IN and n))
def test_strangers_are_asked_to_sign_in(name: str) -> None:
    address = "/accounts/" + NAMED[name].pattern.replace("<int:pk>", "1")
    assert Client().get(address).headers["Location"] == f"/accounts/login/?next={address}"


def test_every_template_that_allauth_has_for_these_pages_is_ours() -> None:
    names = {
        template
        for route in NAMED.values()
        if (template := getattr(getattr(inner(route.view), "view_class", None), "template_name", None))
        and template.endswith(".html")
    }
    assert len(names) > 20
    ours = str(settings.BASE_DIR / "templates")
    assert not [name for name in names if not origin_of(name).startswith(ours)]


def origin_of(name: str) -> str:
    template = get_template(name)
    assert isinstance(template, Template)
    return str(template.origin)


def inner(view: Any) -> Any:
    while not hasattr(view, "view_class") and hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    return view


class TestMachines:
    """What programs ask for passes by what only people need."""

    PATHS = ("/api/v1/uploads/check", "/simple/namespaces", "/healthz", "/readyz")

    @pytest.mark.parametrize("address", PATHS)
    @pytest.mark.parametrize("middleware", [PagesAccountMiddleware, PagesHtmxMiddleware])
    def test_pass_by(self, middleware: Any, address: str) -> None:
        def answer(request: HttpRequest) -> HttpResponse:
            assert not hasattr(request, "allauth") and not hasattr(request, "htmx")
            return HttpResponse()

        made = middleware(answer)
        assert made(RequestFactory().get(address)).status_code == 200

    def test_and_people_do_not(self) -> None:
        def answer(request: HttpRequest) -> HttpResponse:
            assert hasattr(request, "allauth") and hasattr(request, "htmx")
            return HttpResponse()

        assert PagesAccountMiddleware(PagesHtmxMiddleware(answer))(RequestFactory().get("/")).status_code == 200
