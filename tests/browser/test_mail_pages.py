"""Mails in Chromium: choosing which, stopping one kind by a link, and how they look in a mail program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts import preferences
from accounts.models import Mail, User
from accounts.topics import Topic
from tests import factories
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk
from tests.notices.scenes import SCENES

pytestmark = in_browser

OWN = (Visit("account-mails", "/accounts/mails/"),)
FOR_EVERYBODY = (
    Visit("account-mails-stop", "/accounts/mails/stop/{token}/"),
    Visit("demo-mail-html", "/demo/mail/{mail}/html/"),
)
VISITS = (*OWN, *FOR_EVERYBODY)
SHOWN = ("case_filed.claim", "claim_approved.by-machine", "claim_approved.held", "case_refused.claim", "case_asked",
         "dispute_filed", "overtaken")  # fmt: skip
"""Mails with something of everything that a mail can have."""


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer) -> str:
    return live_server.url


@pytest.fixture
def sam(site: str) -> User:
    return factories.reviewer(name="Sam Spade")


def mails() -> Iterator[Mail]:
    """Of each scene the last mail; what else the scene made is gone again."""
    for name in SHOWN:
        with transaction.atomic():
            SCENES[name]()
            made = Mail.objects.latest("pk")
            transaction.set_rollback(True)
        made.pk = made.key = None
        made.save(force_insert=True)
        yield made


@every_way
def test_choosing(browser: Browser, site: str, sam: User, way: dict[str, Any]) -> None:
    preferences.stop(user=sam, topic=Topic.PROGRESS)
    walk(browser, site, OWN, way, sam)


@every_way
def test_what_everybody_sees(browser: Browser, site: str, sam: User, way: dict[str, Any]) -> None:
    stop, html = FOR_EVERYBODY
    token = preferences.stop_token(sam, Topic.BLOCKED)
    visits = [html._replace(address=html.address.replace("{mail}", str(mail.pk))) for mail in mails()]
    walk(browser, site, [stop._replace(address=stop.address.replace("{token}", token)), *visits], way)


@pytest.mark.parametrize("javascript", [True, False])
def test_choosing_and_stopping(browser: Browser, site: str, sam: User, javascript: bool) -> None:
    with open_context(browser, site, sam, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto("/accounts/mails/")
        box = page.get_by_label("Refused uploads in your namespaces")
        expect(box).to_be_checked()
        box.uncheck()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        expect(page.get_by_label("Refused uploads in your namespaces")).not_to_be_checked()
        expect(page.get_by_role("link", name="Mails to you")).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize("javascript", [True, False])
def test_stopping_by_the_link_without_signing_in(browser: Browser, site: str, sam: User, javascript: bool) -> None:
    with open_context(browser, site, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto(preferences.stop_url(sam, Topic.OVERTAKEN).partition("8000")[2])
        page.get_by_role("button", name="Stop them").click()
        expect(page.get_by_role("heading", name="No more of these mails")).to_be_visible()
        assert not preferences.wants(sam, Topic.OVERTAKEN)


def test_a_mail_does_nothing_but_look(browser: Browser, site: str) -> None:
    """Whatever stands in it: it may show its own style, and fetch, run and send nothing."""
    evil = '<img src="https://mallory.example/a.png"><script>document.title = "run"</script><p>Text</p>'
    made = Mail.objects.create(to="a@b.c", sender="a@b.c", subject="Evil", text="x", html=evil)
    with open_context(browser, site) as context:
        page = context.new_page()
        failed: list[tuple[str, str | None]] = []
        page.on("requestfailed", lambda request: failed.append((request.url, request.failure)))
        page.goto(f"/demo/mail/{made.pk}/html/")
        expect(page.get_by_text("Text")).to_be_visible()
        assert page.title() != "run"
        assert failed == [("https://mallory.example/a.png", "csp")]
