"""The page of prices in Chromium, and its calculator."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.walk import Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

VISITS = (
    Visit("prices", "/prices/"),
    Visit("prices", "/prices/?seats=1200&roots=40&currency=jpy&interval=year"),
    Visit("prices", "/prices/?seats=none&roots=-1&currency=xxx"),
)


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer) -> str:
    return live_server.url


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way)


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
def test_the_calculator_answers(browser: Browser, site: str, javascript: bool) -> None:
    """As it is typed, and without JavaScript by its button."""
    with open_context(browser, site, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto("/prices/")
        team = page.get_by_role("region", name="Team")
        expect(team.locator(".offer__price")).to_contain_text("US$15.00")
        page.get_by_label("People").fill("10")
        page.get_by_label("Namespaces", exact=True).fill("4")
        page.get_by_label("Currency").select_option("eur")
        if not javascript:
            page.get_by_role("button", name="Reckon").click()
        expect(team.locator(".offer__price")).to_contain_text("€170.00")
        business = page.get_by_role("region", name="Business")
        expect(business.locator(".offer__price")).to_contain_text("€90.00")
        expect(business.get_by_text("Costs least")).to_be_visible()
        assert "seats=10" in page.url
