"""The public pages: what they say, whom they let in, how much they ask the database, and how long they may be kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from freehold import access, error_pages
from namespaces import pages
from namespaces.models import Grant, Project
from namespaces.pages import Availability, ProjectStatus
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.vocabulary import Standing, State
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


BLOCKS = {"h1", "h2", "p", "li", "dt", "dd", "td", "th", "title", "span", "caption"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.parts.append(" ")


def text_of(response: Any) -> str:
    """What a person reads, with single spaces."""
    parser = _Text()
    parser.feed(response.content.decode())
    return " ".join("".join(parser.parts).split())


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


# --- The search -----------------------------------------------------------------------------------------------------


def test_front_page_counts_namespaces_and_projects(client: Client, acme: Organization) -> None:
    factories.grant("acme", acme)
    factories.grant("waiting", acme, state=GrantState.HELD)
    factories.project("acme-x")
    assert "Namespaces reserved 1 Projects on the index 1" in text_of(client.get("/"))


def test_a_large_mirror_is_estimated(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXACT_UP_TO", 600)
    Project.objects.bulk_create([Project(name=f"p{n}", first_uploaded=timezone.now()) for n in range(700)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE namespaces_project")
    assert pages.mirror_size() == pages.Size(1000, is_exact=False)
    assert "Projects on the index, about 1,000" in text_of(client.get("/"))


@pytest.mark.parametrize(
    ("typed", "availability", "sentence"),
    [
        ("Free_One", Availability.FREE, "This namespace can be had"),
        ("ACME", Availability.RESERVED, "Reserved: Acme holds this namespace."),
        ("acme.rockets", Availability.INSIDE, "it lies inside acme, which Acme holds"),
        ("wait", Availability.HELD, "wait is set aside for an organization"),
        ("wait-here", Availability.HELD, "wait is set aside for an organization"),
        ("big", Availability.AROUND, "around 2 namespaces that are held already"),
        ("a-b-c-d-e-f", Availability.TOO_DEEP, "Too deep: a namespace has at most 4 hyphens."),
        ("a" * 201, Availability.TOO_LONG, "longer than 200 characters"),
        ("-x", Availability.INVALID, "Not a valid name"),
        ("\u212aelvin", Availability.INVALID, "Not a valid name"),
        ("acme\nx", Availability.INVALID, "Not a valid name"),
        ("<script>alert(1)</script>", Availability.INVALID, "Not a valid name"),
    ],
)
def test_search_says_whether_a_prefix_can_be_had(
    client: Client, acme: Organization, typed: str, availability: Availability, sentence: str
) -> None:
    factories.grant("acme", acme)
    factories.grant("wait", acme, state=GrantState.HELD)
    factories.grant("big-one", acme)
    factories.grant("big-two", factories.organization("other"))
    response = client.get("/", {"q": typed})
    assert response.status_code == 200
    assert response.context["prospect"].availability is availability
    assert sentence in text_of(response)
    assert "<script>alert" not in response.content.decode()


def test_a_released_namespace_is_free_again(client: Client, acme: Organization) -> None:
    factories.grant("acme", acme, state=GrantState.RELEASED)
    assert "can be had" in text_of(client.get("/?q=acme"))


def test_who_waits_for_a_namespace_stays_private(client: Client) -> None:
    factories.grant("wait-inner", factories.organization("secretive"), state=GrantState.HELD)
    for query in ("wait-inner", "wait-inner-x", "wait"):
        response = client.get("/", {"q": query})
        assert "secretive" not in text_of(response).lower()
    assert "and one more" in text_of(response)
    assert "wait-inner" not in text_of(response)


def test_only_the_holder_of_all_that_is_inside_can_have_what_is_around(client: Client, acme: Organization) -> None:
    factories.grant("big-one", acme)
    assert "Only the organization that holds what is inside can have it" in text_of(client.get("/?q=big"))
    factories.grant("big-two", factories.organization("other"))
    assert "nobody can have it" in text_of(client.get("/?q=big"))


def test_search_shows_what_a_prefix_covers(client: Client) -> None:
    for name, owner in [("foo", "acme"), ("foo-a", "user:ann"), ("foo-b", "user:ann"), ("foo-c", ""), ("foobar", "x")]:
        factories.project(name, owner)
    text = text_of(client.get("/?q=Foo"))
    assert "4 existing projects. 2 different owners are known." in text
    assert "foobar" not in text
    assert "Foo and foo are the same name" in text


def test_search_names_the_first_projects_and_counts_the_rest(client: Client) -> None:
    for number in range(10):
        factories.project(f"foo-{number}")
    text = text_of(client.get("/?q=foo"))
    assert "foo-5 and 4 more" in text
    assert "Their owners are not known here." in text


def test_search_says_how_to_get_a_namespace(client: Client) -> None:
    response = client.get("/?q=Foo.Bar")
    assert "An organization claims it" in text_of(response)
    assert b'href="/claim/?name=foo-bar"' in response.content


@pytest.mark.parametrize("query", ["\x00", " ", "acme\x00", "\ud83d\ude00", "%", "é" * 400])
def test_search_takes_anything(client: Client, query: str) -> None:
    raw = query.encode("utf-16", "surrogatepass").decode("utf-16")
    assert client.get("/", {"q": raw}).status_code == 200
    assert client.get("/namespaces/", {"q": raw, "state": raw, "page": raw}).status_code == 200


def test_one_interval_covers_what_the_namespace_covers() -> None:
    """``[foo, foo.)`` in C collation is ``foo`` with every ``foo-…``."""
    for name in ("foo", "foo-a", "foo-0", "foo-z-z", "foo0", "fooa", "foo0-a", "fo", "fop", "fo-o"):
        factories.project(name)
    assert [p.name for p in Project.objects.under("foo")] == ["foo", "foo-0", "foo-a", "foo-z-z"]


# --- The register ---------------------------------------------------------------------------------------------------


def test_register_lists_what_is_reserved_and_nothing_else(client: Client, acme: Organization) -> None:
    root = factories.grant("acme", acme)
    factories.grant("acme-labs", acme, root=root)
    factories.grant("acme-labs-x", acme, root=root)
    factories.grant("locked", acme, state=GrantState.LOCKED)
    factories.grant("waits", acme, state=GrantState.HELD)
    factories.grant("gone", acme, state=GrantState.RELEASED)
    response = client.get("/namespaces/")
    found = {grant.name: grant.inside_count for grant in response.context["page"]}
    assert found == {"acme": 2, "acme-labs": 1, "acme-labs-x": 0, "locked": 0}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"q": "LABS"}, ["acme-labs"]),
        ({"q": "other"}, ["zeta"]),
        ({"state": "locked"}, ["acme-labs"]),
        ({"state": "held"}, ["acme", "acme-labs", "zeta"]),
        ({"q": "a", "state": "active"}, ["acme", "zeta"]),
        ({"q": "%"}, []),
    ],
)
def test_register_is_filtered(client: Client, acme: Organization, filters: dict[str, str], found: list[str]) -> None:
    factories.grant("acme", acme)
    factories.grant("acme-labs", acme, state=GrantState.LOCKED)
    factories.grant("zeta", factories.organization("other"))
    response = client.get("/namespaces/", filters)
    assert [grant.name for grant in response.context["page"]] == found


def test_register_is_paged_and_keeps_the_filter(client: Client, acme: Organization) -> None:
    for number in range(120):
        factories.grant(f"n{number:03}", acme)
    response = client.get("/namespaces/?q=n&page=2")
    assert [grant.name for grant in response.context["page"]][::49] == ["n050", "n099"]
    assert '?q=n&amp;page=3"' in response.content.decode()
    assert client.get("/namespaces/?page=999").context["page"].number == 3
    assert client.get("/namespaces/?page=x").context["page"].number == 1


def test_empty_states(client: Client) -> None:
    assert "No namespace is reserved yet." in text_of(client.get("/namespaces/"))
    assert "No namespace matches." in text_of(client.get("/namespaces/?q=zzz"))


# --- A namespace ----------------------------------------------------------------------------------------------------


def test_namespace_page(client: Client, acme: Organization) -> None:
    root = factories.grant("acme", acme)
    labs = factories.grant("acme-labs", acme, root=root)
    factories.grant("acme-labs-x", acme, root=root)
    factories.share(labs, factories.organization("friend"))
    factories.share(labs, factories.organization("former"), expires_at=timezone.now() - DAY)
    response = client.get("/namespaces/acme-labs/")
    text = text_of(response)
    for part in ("Reserved for Acme.", "Acme Company", "Shared with Friend", "Parent acme", "Children acme-labs-x"):
        assert part in text
    assert "Former" not in text
    assert "never acme-labsfoo" in text
    assert "/simple/namespace/acme-labs" in response.content.decode()
    assert "Was your upload refused?" in text


def test_the_names_that_a_refused_uploader_is_offered_lie_outside_every_parent(
    client: Client, acme: Organization
) -> None:
    root = factories.grant("acme", acme)
    factories.grant("acme-labs", acme, root=root)
    assert "Choose a name outside: acmefoo and foo-acme are not inside acme." in text_of(
        client.get("/namespaces/acme-labs/")
    )


@pytest.mark.parametrize(
    ("state", "organization", "sentence"),
    [
        (GrantState.ACTIVE, {}, "Only its holders can start a project here."),
        (GrantState.LOCKED, {}, "and locked: for now it takes no new projects from anybody."),
        (GrantState.ACTIVE, {"standing": Standing.LAPSED}, "and locked: for now"),
        (GrantState.ACTIVE, {"state": State.SUSPENDED}, "and locked: for now"),
        (GrantState.QUARANTINED, {}, "gave it up, or lost it. Nobody can start a project here until"),
    ],
)
def test_the_state_in_plain_words(
    client: Client, state: GrantState, organization: dict[str, Any], sentence: str
) -> None:
    factories.grant("acme", factories.organization("acme", **organization), state=state)
    assert sentence in text_of(client.get("/namespaces/acme/"))


def test_a_namespace_that_is_not_enforced_yet_says_from_when(client: Client, acme: Organization) -> None:
    factories.grant("acme", acme, effective_at=timezone.now() + DAY)
    assert "From then, only its holders can start a project here." in text_of(client.get("/namespaces/acme/"))


@pytest.mark.parametrize("spelling", ["ACME.labs", "acme-labs", "Acme_-.Labs"])
def test_another_spelling_redirects(client: Client, acme: Organization, spelling: str) -> None:
    factories.grant("acme-labs", acme)
    response = client.get(f"/namespaces/{spelling}?page=2")
    assert (response.status_code, response["Location"]) == (301, "/namespaces/acme-labs/?page=2")


def test_the_register_redirects_to_its_slash(client: Client) -> None:
    response = client.get("/namespaces?q=a")
    assert (response.status_code, response["Location"]) == (301, "/namespaces/?q=a")


@pytest.mark.parametrize("name", ["nope", "-", "a%00b", "%20", "%E2%84%AA", "%FF", "x" * 300])
def test_what_is_not_reserved_is_a_404_with_the_search(client: Client, name: str) -> None:
    response = client.get(f"/namespaces/{name}/")
    assert response.status_code == 404
    assert "There is no such namespace in the register." in text_of(response)
    assert 'name="q"' in response.content.decode()
    assert response["Surrogate-Key"] == "pages namespaces"


def test_held_and_released_namespaces_have_no_page(client: Client) -> None:
    owner = factories.organization("secretive")
    factories.grant("waits", owner, state=GrantState.HELD)
    factories.grant("gone", owner, state=GrantState.RELEASED)
    for name in ("waits", "gone"):
        response = client.get(f"/namespaces/{name}/")
        assert response.status_code == 404
        assert "secretive" not in text_of(response).lower()


def statuses(client: Client, namespace: str) -> dict[str, ProjectStatus]:
    rows = client.get(f"/namespaces/{namespace}/").context["rows"]
    return {row.name: row.status for row in rows}


def test_badges_follow_the_rules_of_the_check(client: Client, acme: Organization) -> None:
    """A holder of any covering namespace owns; what is older than the earliest of them is grandfathered."""
    now = timezone.now()
    root = factories.grant("acme", acme, effective_at=now - 10 * DAY)
    inner = factories.grant("acme-in", acme, root=root, effective_at=now - 50 * DAY)
    factories.share(inner, factories.organization("friend"))
    for name, owner, age in [
        ("acme", "acme", 1),
        ("acme-old", "user:ann", 11),
        ("acme-unknown-old", "", 11),
        ("acme-young", "user:ann", 9),
        ("acme-friend", "friend", 9),
        ("acme-in-friend", "friend", 9),
        ("acme-in-sold", "user:ann", 20),
        ("acme-in-old", "user:ann", 51),
        ("acmefoo", "user:ann", 1),
    ]:
        factories.project(name, owner, now - age * DAY)
    assert statuses(client, "acme") == {
        "acme": ProjectStatus.HOLDER,
        "acme-old": ProjectStatus.GRANDFATHERED,
        "acme-unknown-old": ProjectStatus.GRANDFATHERED,
        "acme-young": ProjectStatus.CLOSED,
        "acme-friend": ProjectStatus.CLOSED,
        "acme-in-friend": ProjectStatus.HOLDER,
        "acme-in-sold": ProjectStatus.CLOSED,
        "acme-in-old": ProjectStatus.GRANDFATHERED,
    }


def test_a_person_who_is_called_like_the_holder_is_not_the_holder(client: Client, acme: Organization) -> None:
    factories.grant("acme", acme)
    factories.project("acme-x", "user:acme")
    response = client.get("/namespaces/acme/")
    assert statuses(client, "acme") == {"acme-x": ProjectStatus.CLOSED}
    assert "acme person" in text_of(response)


def test_owners_are_shown_as_organization_person_or_unknown(client: Client, acme: Organization) -> None:
    Organization.objects.filter(pk=acme.pk).update(display_name="Acme Corporation")
    factories.grant("acme", acme)
    for name, owner in [("acme-a", "acme"), ("acme-b", "elsewhere"), ("acme-c", "user:ann"), ("acme-d", "")]:
        factories.project(name, owner)
    text = text_of(client.get("/namespaces/acme/"))
    for part in ("Acme Corporation organization", "elsewhere organization", "ann person", "Not known"):
        assert part in text


def test_projects_are_paged_by_25(client: Client, acme: Organization) -> None:
    factories.grant("acme", acme)
    for number in range(60):
        factories.project(f"acme-{number:02}")
    assert list(statuses(client, "acme"))[::24] == ["acme-00", "acme-24"]
    rows = client.get("/namespaces/acme/?page=3").context["rows"]
    assert [row.name for row in rows][::9] == ["acme-50", "acme-59"]
    assert "60 projects under acme" in text_of(client.get("/namespaces/acme/?page=99"))


# --- Queries and caches ---------------------------------------------------------------------------------------------


def _few(acme: Organization) -> None:
    root = factories.grant("acme", acme)
    factories.grant("acme-labs", acme, root=root)
    factories.project("acme-x", "acme")


def _many(acme: Organization) -> None:
    root = Grant.objects.get(name="acme")
    for number in range(60):
        one = factories.grant(f"acme-n{number}", acme, root=root)
        factories.share(one, factories.organization())
        factories.project(f"acme-n{number}-x", "acme")


@pytest.mark.parametrize(
    ("address", "most"),
    [("/", 3), ("/?q=acme", 8), ("/?q=ac", 8), ("/namespaces/", 2), ("/namespaces/acme/", 12), ("/namespaces/ac/", 5)],
)
def test_pages_ask_the_database_a_bounded_number_of_times(
    client: Client, acme: Organization, address: str, most: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    _few(acme)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    _many(acme)
    with django_assert_max_num_queries(most) as many:
        client.get(address)
    assert len(many) <= len(few) + 1


@pytest.mark.parametrize(
    ("address", "keys"),
    [
        ("/", "pages namespaces"),
        ("/namespaces/", "pages namespaces"),
        ("/namespaces/acme/", "pages namespaces namespace/acme"),
    ],
)
def test_pages_may_be_cached_for_a_minute_and_purged(
    client: Client, acme: Organization, address: str, keys: str
) -> None:
    factories.grant("acme", acme)
    response = client.get(address)
    assert response["Cache-Control"] == "public, max-age=60"
    assert response["Surrogate-Key"] == keys
    assert "Cookie" not in response.get("Vary", "") and not response.cookies
    assert client.get(address, headers={"If-None-Match": response["ETag"]}).status_code == 304


def test_pages_are_for_reading(client: Client) -> None:
    for address in ("/", "/namespaces/", "/namespaces/x/"):
        assert client.post(address).status_code == 405
        assert client.head(address).content == b""


def test_csp_has_no_exception_for_us(client: Client) -> None:
    response = client.get("/?q=acme")
    assert "unsafe" not in response["Content-Security-Policy"]
    content = response.content.decode()
    assert " style=" not in content and "<style" not in content and " onclick" not in content


# --- The components -------------------------------------------------------------------------------------------------


def test_components_are_for_builders(client: Client, django_user_model: Any) -> None:
    assert client.get("/design/").status_code == 404
    client.force_login(factories.user())
    assert client.get("/design/").status_code == 404
    client.force_login(factories.user(is_staff=True))
    response = client.get("/design/")
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"


@override_settings(DEBUG=True)
def test_components_are_there_where_debug_is_on(client: Client) -> None:
    assert client.get("/design/").status_code == 200


# --- Access ---------------------------------------------------------------------------------------------------------


def silent_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@access.public
def frank_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("silent", silent_view), path("frank", frank_view)]


@override_settings(ROOT_URLCONF=__name__)
def test_a_view_that_does_not_say_who_may_see_it_fails_the_check() -> None:
    """A missing permission must not mean "anyone"."""
    found = access.check_every_view_says_who_may()
    assert [(message.id, "'silent'" in message.msg) for message in found] == [(access.WITHOUT_ACCESS, True)]


def test_every_view_says_who_may_see_it() -> None:
    assert access.check_every_view_says_who_may() == []
    call_command("check", "--tag", "urls", "--fail-level", "ERROR")


# --- Errors ---------------------------------------------------------------------------------------------------------

HANDLERS: dict[int, Callable[[HttpRequest], Any]] = {
    400: lambda request: error_pages.bad_request(request, Exception()),
    403: lambda request: error_pages.permission_denied(request, Exception()),
    404: lambda request: error_pages.not_found(request, Exception()),
    500: error_pages.server_error,
}


@pytest.mark.parametrize("status", HANDLERS)
def test_errors_are_problems_under_api_and_pages_elsewhere(rf: RequestFactory, status: int) -> None:
    problem = HANDLERS[status](rf.get("/api/v1/x"))
    assert (problem.status_code, problem["Content-Type"]) == (status, "application/problem+json")
    page = HANDLERS[status](rf.get("/x"))
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert page["Cache-Control"] == "no-store"
    assert f"{status}" in text_of(page) and "Freehold keeps the namespaces of the index." in text_of(page)


def test_an_unknown_address_has_our_page(client: Client) -> None:
    assert "There is nothing here." in text_of(client.get("/nope"))
    assert client.get("/api/v1/nope").json()["status"] == 404


def test_the_page_for_a_broken_server_needs_no_database(rf: RequestFactory) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert error_pages.server_error(rf.get("/x")).status_code == 500
    assert len(queries) == 0


def test_the_page_for_a_broken_server_survives_broken_templates(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(error_pages, "render_to_string", broken)
    response = error_pages.server_error(rf.get("/x"))
    assert response.status_code == 500
    assert "Something broke on our side" in text_of(response)


# --- Components as such ---------------------------------------------------------------------------------------------


def test_components_escape_what_they_are_given(client: Client, acme: Organization) -> None:
    Organization.objects.filter(pk=acme.pk).update(display_name="<b>Acme</b> & Co")
    factories.grant("acme", acme)
    for address in ("/namespaces/", "/namespaces/acme/", "/?q=acme"):
        content = client.get(address).content.decode()
        assert "<b>Acme" not in content
        assert "&lt;b&gt;Acme&lt;/b&gt; &amp; Co" in content
        assert "&amp;lt;" not in content


def test_a_component_sees_only_what_it_is_given() -> None:
    html = render_to_string("components/badge.html", {"text": "<i>", "tone": "good"})
    assert html.strip() == '<span class="badge badge--good">&lt;i&gt;</span>'
