"""Every page in Chromium: phone and desktop, light and dark, with and without JavaScript."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client, override_settings
from django.urls import get_resolver
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from freehold import access
from namespaces.states import GrantState
from tests import factories

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NOT_PAGES = {"healthz", "readyz"}
"""Addresses that say who may see them as pages do, and answer programs."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.exists() and "FREEHOLD_REQUIRE_BROWSER" not in os.environ,
        reason=f"{CHROMIUM} is missing: apt-get install chromium",
    ),
]


class Visit(NamedTuple):
    route: str
    address: str
    status: int = 200


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


def test_every_page_is_visited() -> None:
    """A page that no browser test visits fails here."""
    named = {r.name for r in access.routes(get_resolver().url_patterns) if r.name and hasattr(r.view, "access")}
    assert named - NOT_PAGES == {visit.route for visit in VISITS if visit.route}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


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


def open_context(browser: Browser, site: str, **options: Any) -> BrowserContext:
    """A window of somebody of the staff, who sees every page."""
    client = Client()
    client.force_login(factories.user(is_staff=True))
    context = browser.new_context(base_url=site, **options)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}])
    return context


class Complaints:
    """What the browser and axe find wrong, with where."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.add(f"error {error}"))

    def add(self, what: str) -> None:
        self.found.append(f"{self.page.url}: {what}")

    def _console(self, message: ConsoleMessage) -> None:
        """Violations of the CSP come here too. That a page is answered with 404 is no complaint."""
        if message.type in {"error", "warning"} and message.location["url"] != self.page.url:
            self.add(message.text)

    def look(self, visit: Visit, *, axe: bool) -> None:
        response = self.page.goto(visit.address)
        assert response is not None
        if response.status != visit.status:
            self.add(f"answered {response.status}")
        if "content-security-policy" not in response.headers:
            self.add("has no CSP")
        over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            self.add(f"{over} pixels too wide")
        if axe:
            self._axe()

    def _axe(self) -> None:
        violations = Axe().run(self.page, options={"runOnly": RULES}).response["violations"]
        for found in violations:
            self.add(f"{found['id']} {[node['html'] for node in found['nodes']][:3]}")


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_in_every_way(browser: Browser, site: str, width: int, scheme: Any, javascript: bool) -> None:
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "java_script_enabled": javascript}
    with open_context(browser, site, **options) as context:
        complaints = Complaints(context.new_page())
        for visit in VISITS:
            complaints.look(visit, axe=javascript)
    assert complaints.found == []


def test_search_works_without_javascript_by_keyboard_alone(browser: Browser, site: str) -> None:
    with open_context(browser, site, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Look up a prefix").fill("Acme_Rockets")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site}/?q=Acme_Rockets")
        assert page.get_by_role("heading", name="acme-rockets").is_visible()
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


def test_command_is_copied(browser: Browser, site: str) -> None:
    with open_context(browser, site, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto("/?q=Free.One")
        page.get_by_role("button", name="Copy").click()
        assert page.get_by_role("button", name="Copied").is_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "manage.py grant_namespace free-one ORGANIZATION"


def test_copy_button_is_hidden_where_it_can_do_nothing(browser: Browser, site: str) -> None:
    with open_context(browser, site, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/?q=Free.One")
        assert page.get_by_role("button", name="Copy").count() == 0
        assert page.get_by_text("manage.py grant_namespace free-one ORGANIZATION").is_visible()


def test_a_narrow_table_is_still_a_table(browser: Browser, site: str) -> None:
    """Its rows become blocks; assistive technology still finds rows, headers and cells."""
    with open_context(browser, site, viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        page.goto("/namespaces/")
        row = page.get_by_role("row", name="acme-labs")
        assert row.get_by_role("rowheader").count() == 1
        assert row.get_by_role("cell").count() == 4
