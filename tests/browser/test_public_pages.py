"""Every page in Chromium: phone and desktop, light and dark, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from namespaces.states import GrantState
from tests import factories
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

VISITS = (
    Visit("front", "/"),
    Visit("front", "/?q=Free.One"),
    Visit("front", "/?q=acme"),
    Visit("front", "/?q=acme-rockets"),
    Visit("front", "/?q=big"),
    Visit("front", "/?q=waits"),
    Visit("front", "/?q=a-b-c-d-e-f"),
    Visit("front", "/?q=-no"),
    Visit("front", f"/?q={'long-' * 30}x"),
    Visit("register", "/namespaces/"),
    Visit("register", "/namespaces/?q=zzz"),
    Visit("namespace", "/namespaces/acme/"),
    Visit("namespace", "/namespaces/acme/?page=2"),
    Visit("namespace", "/namespaces/acme-labs/"),
    Visit("namespace", "/namespaces/locked/"),
    Visit("namespace", "/namespaces/quarantined/"),
    Visit("namespace", "/namespaces/nobodys/", 404),
    Visit("design", "/design/"),
    Visit("", "/broken/400", 400),
    Visit("", "/broken/403", 403),
    Visit("", "/broken/404", 404),
    Visit("", "/broken/500", 500),
)


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer) -> Iterator[str]:
    """The address of a site with a bit of everything."""
    acme = factories.organization("acme")
    root = factories.grant("acme", acme, effective_at=datetime(2025, 1, 1, tzinfo=UTC))
    labs = factories.grant("acme-labs", acme, root=root)
    factories.share(labs, factories.organization("friend"))
    factories.grant("big-one", acme)
    factories.grant("big-two", factories.organization("other"))
    factories.grant("waits", acme, state=GrantState.HELD)
    factories.grant("locked", acme, state=GrantState.LOCKED)
    factories.grant("quarantined", acme, state=GrantState.QUARANTINED)
    for number in range(60):
        owner, made = (
            ("acme", "user:ann", "")[number % 3],
            datetime(2024, 6, 1, tzinfo=UTC) + timedelta(days=9 * number),
        )
        factories.project(f"acme-project-{number}", owner, made)
    factories.project(f"acme-{'very-' * 20}long", "elsewhere")
    with override_settings(ROOT_URLCONF="tests.browser.broken_urls"):
        yield live_server.url


@pytest.fixture
def staff() -> User:
    """Sees every page."""
    return factories.user(is_staff=True)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, staff: User, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way, staff)


def test_search_works_without_javascript_by_keyboard_alone(browser: Browser, site: str) -> None:
    with open_context(browser, site, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Look up a prefix").fill("Acme_Rockets")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site}/?q=Acme_Rockets")
        expect(page.get_by_role("heading", name="acme-rockets")).to_be_visible()
        assert page.get_by_label("Look up a prefix").input_value() == "Acme_Rockets"


def test_skip_link_is_first_and_leads_to_the_content(browser: Browser, site: str) -> None:
    with open_context(browser, site) as context:
        page = context.new_page()
        page.goto("/namespaces/acme/")
        page.keyboard.press("Tab")
        link = page.get_by_role("link", name="Skip to the content")
        assert link.evaluate("element => element === document.activeElement")
        box = link.bounding_box()
        assert box is not None and box["y"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_command_is_copied(browser: Browser, site: str, staff: User) -> None:
    with open_context(browser, site, staff, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto("/design/")
        page.get_by_role("group", name="An example command").get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "manage.py grant_namespace acme acme"


def test_copy_button_is_hidden_where_it_can_do_nothing(browser: Browser, site: str, staff: User) -> None:
    with open_context(browser, site, staff, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/design/")
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        expect(page.get_by_text("manage.py grant_namespace acme acme")).to_be_visible()


def test_a_narrow_table_is_still_a_table(browser: Browser, site: str) -> None:
    """Its rows become blocks; assistive technology still finds rows, headers and cells."""
    with open_context(browser, site, viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        page.goto("/namespaces/")
        row = page.get_by_role("row", name="acme-labs")
        expect(row.get_by_role("rowheader")).to_have_count(1)
        expect(row.get_by_role("cell")).to_have_count(4)
