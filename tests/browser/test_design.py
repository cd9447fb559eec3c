"""The shell of signed-in pages and the parts that JavaScript makes better, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.browser.walk import Complaints, Visit, every_window, in_browser, open_context

pytestmark = in_browser

VISITS = (
    Visit("", "/shell/"),
    Visit("", "/profile/"),
    Visit("", "/private-404/", 404),
    Visit("design", "/design/"),
)
SMALLEST = 24
"""Pixels that a target measures at least in each direction (WCAG 2.2, 2.5.8)."""
TOO_SMALL = """
smallest => [...document.querySelectorAll("a, button, summary, input, select, textarea")]
  .filter(one => one.checkVisibility() && !one.closest("p, .visually-hidden, .skip-link") && one.type !== "hidden")
  .map(one => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
  .filter(([, box]) => box.width < smallest || box.height < smallest).map(([html]) => html)
"""


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer) -> Iterator[str]:
    with override_settings(ROOT_URLCONF="tests.design.urls"):
        yield live_server.url


def window(browser: Browser, site: str, **options: Any) -> BrowserContext:
    """A window of somebody of the staff, who sees the page of the components too."""
    return open_context(browser, site, factories.user(name="Ada Lovelace", is_staff=True), **options)


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    with window(browser, site) as context:
        yield context.new_page()


@every_window
def test_the_shell_in_every_way(browser: Browser, site: str, way: dict[str, Any]) -> None:
    with window(browser, site, **way) as context:
        complaints = Complaints(context.new_page())
        for visit in VISITS:
            complaints.look(visit, axe=way["java_script_enabled"])
            assert complaints.page.evaluate(TOO_SMALL, SMALLEST) == []
        complaints.page.goto("/profile/")
        complaints.page.get_by_role("button", name="Save").click()
        expect(complaints.page).to_have_title(re.compile("^Error: "))
        complaints.inspect(axe=way["java_script_enabled"])
    assert complaints.found == []


@pytest.mark.parametrize("opened", ["dialog", "menu"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_is_clean_too(browser: Browser, site: str, scheme: Any, opened: str) -> None:
    with window(browser, site, color_scheme=scheme) as context:
        complaints = Complaints(context.new_page())
        complaints.page.goto("/design/")
        if opened == "dialog":
            complaints.page.get_by_role("link", name="Remove Ada…").click()
        else:
            complaints.page.locator(".user-menu summary").click()
        complaints.inspect()
    assert complaints.found == []


def test_a_form_that_is_refused_takes_the_focus_and_leads_to_its_fields(page: Page) -> None:
    page.goto("/profile/")
    page.get_by_label("About").fill("kept")
    page.get_by_role("button", name="Save").click()
    summary = page.get_by_role("group", name="Something is not right yet")
    expect(summary).to_be_focused()
    page.get_by_role("link", name="E-mail address: This field is required.").click()
    expect(page.get_by_label("E-mail address")).to_be_focused()
    expect(page.get_by_label("About")).to_have_value("kept")


def test_a_dialog_opens_closes_and_gives_the_focus_back(page: Page) -> None:
    page.goto("/design/")
    opener = page.get_by_role("link", name="Remove Ada…")
    dialog = page.get_by_role("dialog", name="Remove Ada Lovelace?")
    for close in (
        lambda: page.keyboard.press("Escape"),
        lambda: dialog.get_by_role("link", name="Cancel").click(),
        lambda: page.mouse.click(5, 5),
    ):
        opener.press("Enter")
        expect(dialog).to_be_visible()
        expect(dialog.get_by_role("heading")).to_be_focused()
        close()
        expect(dialog).to_be_hidden()
        expect(opener).to_be_focused()


def test_a_dialog_is_a_page_without_javascript(browser: Browser, site: str) -> None:
    with window(browser, site, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/design/")
        page.get_by_role("link", name="Remove Ada…").click()
        expect(page).to_have_url(f"{site}/design/#dialogs")


def test_a_toast_can_be_put_away(page: Page) -> None:
    page.goto("/shell/")
    toast = page.get_by_role("status").filter(has_text="was made")
    toast.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)


def test_a_menu_closes_by_key_and_by_a_click_elsewhere(page: Page) -> None:
    page.goto("/shell/")
    button, inside = page.locator(".user-menu summary"), page.locator(".user-menu .menu__panel")
    button.press("Enter")
    expect(inside).to_be_visible()
    page.keyboard.press("Escape")
    expect(inside).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    page.get_by_role("heading", level=1).click()
    expect(inside).to_be_hidden()


def test_where_one_is_is_in_sight_on_a_narrow_screen(browser: Browser, site: str) -> None:
    with window(browser, site, viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        page.goto("/profile/")
        expect(page.get_by_role("link", name="Settings", exact=True)).to_be_in_viewport(ratio=1)
        assert page.evaluate("scrollY") == 0


def test_htmx_is_there_and_may_do_little(page: Page) -> None:
    page.goto("/shell/")
    config = page.evaluate("htmx.config")
    for forbidden in ("includeIndicatorStyles", "allowEval", "allowScriptTags"):
        assert config[forbidden] is False
    assert config["selfRequestsOnly"]
    assert config["historyCacheSize"] == 0
