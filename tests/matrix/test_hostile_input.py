"""Every address × everything that somebody may send to break it: never a 500, and nothing comes back as markup.

Complete by construction: the addresses are those of the URLconf, the fields those of the forms that the pages show and
of all the forms and serializers that there are.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django import forms
from django.test import Client
from django.urls import get_resolver
from rest_framework import serializers

from accounts.models import User
from freehold import access
from freehold.access import Access, Route
from freehold.outgoing import dns
from freehold.outgoing.errors import Unreachable
from orgs.views.access import MembersWith
from orgs.vocabulary import Scope
from tests import factories
from tests.matrix.test_pages import address, body, parts_of, rows
from tests.matrix.world import ADMIN, Estate, World, rolled_back

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MARKUP = "\"'><script>alert(1)</script>"
HOSTILE: dict[str, str] = {
    "nothing": "",
    "NUL": "a\x00b",
    "a number that no column holds": str(10**30),
    "more digits than Python reads": "9" * 5000,
    "digits of another script": "١٢",
    "much": "x" * 70_000,
    "lines": "a\r\nBcc: x@mallory.example",
    "markup": MARKUP,
    "a template": "{{ 7 }}{% csrf_token %}%(name)s%s{0}",
    "a scheme": "javascript:alert(1)",
    "what turns the direction": "\u202egnp\u200b\u2028",
    "half a character": "\udcff",
    "the last day": "9999-12-31",
    "the first day": "0001-01-01",
    "an address of a broken host": "https://[::1/",
    "an e-mail address of nobody": "a@b@\u212a.example",
}
MOST = 5_000
"""Characters in each field where all have them: with more the request is refused before any page sees it."""
IN_ADDRESSES = ("NUL", "a number that no column holds", "more digits than Python reads", "markup", "half a character")
BODIES: list[Any] = [None, [], "text", 10**30, -1.5, True, {"": {}}, [[]], "\ud800", "\x00", {"\ud800": "\x00"}]
"""As JSON: in place of the body, and of every value in it."""


def quoted(text: str) -> str:
    """As a browser sends it, half characters too."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def encoded(data: dict[str, Any]) -> str:
    return _encoded(tuple((key, str(value)) for key, value in data.items()))


@functools.lru_cache(maxsize=64)
def _encoded(items: tuple[tuple[str, str], ...]) -> str:
    """What all pages are sent alike is written once."""
    return urlencode([(key, value.encode("utf-8", "surrogatepass")) for key, value in items])


def subclasses(of: type) -> Iterator[type]:
    for one in of.__subclasses__():
        yield one
        yield from subclasses(one)


FIELDS = sorted(
    {name for form in subclasses(forms.Form) for name in getattr(form, "base_fields", {})}
    | {"next", "page", "before", "after", "from", "lines", "state", "recognized", "required", "namespace", "team"}
)
"""What any page may read from its query or from what is posted."""

DECLARED = [
    item
    for one in subclasses(serializers.Serializer)
    for item in getattr(one, "_declared_fields", {}).items()
    if one.__module__.partition(".")[0] in {"freehold", "orgs", "namespaces"}
]
KEYS = sorted({name for name, _ in DECLARED})
LISTS = sorted(
    {name for name, field in DECLARED if isinstance(field, serializers.ListField | serializers.ListSerializer)}
)
"""What any body may have, and what of it is a list."""


def no_network(*_: Any, **__: Any) -> Any:
    raise Unreachable("There is no network in this test.")


@pytest.fixture(autouse=True)
def _unlimited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is stopped by a limit breaks nothing, and shows nothing. Nothing is asked of the network."""
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for name in ("txt", "addresses"):
        monkeypatch.setattr(dns, name, no_network)


def visitors(route: Route, world: World) -> list[User | None]:
    """Who gets furthest."""
    said, owner = route.view.access, world.estate.owner.user
    if isinstance(said, MembersWith) or said in {Access.SIGNED_IN, Access.CONCERNED}:
        return [owner]
    return [None, owner] if said is Access.PUBLIC else [world.people[ADMIN]]


def ask(client: Client, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
    """One request, after which all is as before."""
    cookies = copy.deepcopy(client.cookies)
    with rolled_back():
        if method == "post":
            response = client.post(path, encoded(data or {}), content_type="application/x-www-form-urlencoded")
        else:
            response = client.get(path, QUERY_STRING=encoded(data or {}))
    client.cookies = cookies
    return response


def harmless(response: Any, *said: object) -> None:
    assert response.status_code < 500, said
    if not response.streaming:
        assert b"<script>alert" not in response.content, said
    assert "\n" not in str(response.headers), said
    location = response.headers.get("Location", "")
    assert not location.startswith(("javascript:", "//", "https://[")), said
    request = response.wsgi_request
    assert request.method != "GET" or location != request.get_full_path(), said


def paths(route: Route, estate: Estate) -> Iterator[str]:
    """Each part of the address in turn as something else than it is."""
    known = address(route, estate.parts)
    for part in parts_of(route):
        marker = "777000777" if f"<int:{part}>" in route.pattern else "k-k" if part == "key" else "mallory"
        try:
            marked = address(route, estate.parts | {part: marker, "request": estate.parts["request"]})
        except KeyError:
            continue
        if marker in marked and marked != known:
            yield from (marked.replace(marker, quoted(HOSTILE[what]), 1) for what in IN_ADDRESSES)


@pytest.mark.parametrize("route", rows(), ids=lambda route: str(route.name))
def test_no_page_breaks(route: Route, world: World, estate: Estate) -> None:
    path = address(route, estate.parts)
    for user in visitors(route, world):
        client = world.browser_of(user)
        for method in ("post",) if access.is_act(route.view) else ("get", "post"):
            for hostile in paths(route, estate):
                harmless(ask(client, method, hostile, body(route, estate.parts)), method, hostile)
            for what, value in HOSTILE.items():
                harmless(ask(client, method, path, dict.fromkeys(FIELDS, value[:MOST])), method, what)
        if not access.is_act(route.view) and route.view.access is not Access.BUILDERS:  # theirs are specimens
            one_by_one(client, path)


def one_by_one(client: Client, path: str) -> None:
    """Each field of the page's forms in turn, while the others hold what they might."""
    shown = ask(client, "get", path)
    method = "get" if ask(client, "post", path).status_code == 405 else "post"
    for form in shown_forms(shown):
        good = {form.add_prefix(name): plausible(form, name) for name in form.fields}
        for name in good:
            for what, value in HOSTILE.items():
                harmless(ask(client, method, path, good | {name: value}), name, what)


def shown_forms(response: Any) -> list[forms.BaseForm]:
    found: dict[type, forms.BaseForm] = {}
    for context in getattr(response, "context", None) or []:
        for value in context.flatten().values() if hasattr(context, "flatten") else ():
            if isinstance(value, forms.BaseForm):
                found[type(value)] = value
    return list(found.values())


def plausible(form: forms.BaseForm, name: str) -> str:
    """What somebody might type there."""
    field: Any = form.fields[name]
    initial = form.get_initial_for_field(field, name)
    if choices := getattr(field, "choices", None):
        return next((str(value) for value, _ in choices if value and not isinstance(value, list | tuple)), "")
    examples = ((forms.EmailField, "new@new.example"), (forms.URLField, "https://new.example/"))
    return str(initial or next((text for kind, text in examples if isinstance(field, kind)), "acme-new"))


def api_routes() -> list[Route]:
    """Without the schema and its page, which another package makes, in a second or two each."""
    found = [route for route in access.routes(get_resolver().url_patterns) if not hasattr(route.view, "access")]
    return [route for route in found if route.name not in {"schema", "api-docs"}]


def methods(route: Route) -> list[str]:
    view = getattr(route.view, "cls", None) or getattr(route.view, "view_class", None)
    return [method for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method)]


def api_path(route: Route, parts: dict[str, Any]) -> str:
    """The pattern filled in by hand: not all of these have a name, and none has what `reverse` would refuse."""
    text = "/" + route.pattern.replace("^", "").replace("/?$", "").replace("$", "")
    for part in parts_of(route):
        for form in (f"<str:{part}>", f"<int:{part}>", f"<{part}>", f"(?P<{part}>[^/]+)"):
            text = text.replace(form, quoted(str(parts.get(part, "acme"))))
    assert "<" not in text, text
    return text


@pytest.mark.parametrize("route", api_routes(), ids=lambda route: f"{route.name}")
def test_no_answer_of_the_api_breaks(route: Route, estate: Estate) -> None:
    parts = estate.parts | {"member": estate.parts["membership"], "transfer": estate.parts["offer"]}
    organizations = factories.organization_token(estate.owner)
    secret = organizations if "organizations/" in route.pattern else factories.token(*Scope)
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"})
    for method in methods(route):
        sent = {"get": HOSTILE.values(), "delete": BODIES}.get(method) or bodies()
        send(client, method, api_path(route, parts), sent)
        for part in parts_of(route):
            for what in IN_ADDRESSES:
                send(client, method, api_path(route, parts | {part: HOSTILE[what]}), [{}])


def bodies() -> Iterator[Any]:
    yield from BODIES
    for value in [*BODIES, *HOSTILE.values()]:
        everything = dict.fromkeys(KEYS, value[:5000] if isinstance(value, str) else value)
        yield everything
        yield everything | {
            name: [dict.fromkeys(KEYS, value[:50] if isinstance(value, str) else value)] for name in LISTS
        }


def send(client: Client, method: str, path: str, values: Any) -> None:
    for value in values:
        with rolled_back():
            if method == "get":
                response = client.get(path, QUERY_STRING=encoded({"limit": value, "after": value}))
            else:
                response = getattr(client, method)(path, json.dumps(value), content_type="application/json")
        assert response.status_code < 500 or response.status_code == 503, (method, path, str(value)[:200])


def test_there_is_something_to_send() -> None:
    assert {"name", "email", "password", "code"} <= set(FIELDS)
    assert {"name", "permissions", "role", "claims"} <= set(KEYS)
    assert "invitations" in LISTS
