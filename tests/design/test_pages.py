"""What a page shows of who looks: a public one nothing, a private one who is signed in; and who may keep it."""

from __future__ import annotations

import re

import pytest
from django.test import Client, override_settings

from accounts.models import User
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.design.urls")]


@pytest.fixture
def ada() -> User:
    return factories.user("ada", name="Ada <b>")


@pytest.fixture
def as_ada(ada: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    return client


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


@pytest.mark.parametrize("path", ["/", "/namespaces/", "/namespaces/nobodys/"])
def test_a_public_page_is_the_same_for_everybody(as_ada, path):
    assert text(as_ada, path) == text(Client(), path)


@pytest.mark.parametrize("path", ["/", "/namespaces/"])
def test_a_public_page_neither_loads_htmx_nor_carries_a_token(as_ada, path):
    response = as_ada.get(path)
    assert "htmx" not in response.content.decode()
    assert "csrftoken" not in response.cookies


def test_a_private_page_says_who_is_signed_in(as_ada):
    page = text(as_ada, "/shell/")
    assert "Ada &lt;b&gt;" in page
    assert "ada@example.com" in page


def test_no_cache_may_keep_a_private_page(as_ada):
    for path in ("/shell/", "/private-404/"):
        assert as_ada.get(path)["Cache-Control"] == "private, no-store"


def test_a_private_page_keeps_its_status(as_ada):
    assert as_ada.get("/private-404/").status_code == 404


def test_somebody_who_is_not_signed_in_is_shown_no_menu(client):
    assert "user-menu" not in text(client, "/private-404/")


def test_htmx_sends_the_token(as_ada):
    sent = re.search(r'hx-headers=\'{"X-CSRFToken": "(\w+)"}\'', text(as_ada, "/shell/"))
    assert sent
    assert as_ada.post("/profile/", headers={"X-CSRFToken": sent[1]}).status_code == 200
    assert as_ada.post("/profile/").status_code == 403


def test_a_message_is_shown_once_and_escaped(as_ada):
    assert "The team &lt;b&gt;Releases&lt;/b&gt; was made." in text(as_ada, "/shell/")
    assert "was made" not in text(as_ada, "/profile/")


def test_a_public_page_leaves_messages_for_the_next_private_one(as_ada):
    as_ada.get("/shell/")
    assert "was made" not in text(as_ada, "/")


def test_an_organizations_pages_show_it_and_where_one_is(as_ada):
    page = text(as_ada, "/shell/")
    assert "Acme Rockets" in page
    assert re.search(r'aria-current="page">People<', page)
    assert page.count("<h1>") == 1


@pytest.mark.parametrize("demo", [True, False])
def test_a_demo_says_that_it_is_one(client, demo):
    with override_settings(FREEHOLD_ENV="demo" if demo else "production"):
        assert ("A demo:" in text(client, "/")) == demo
