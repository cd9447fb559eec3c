"""Sustainability in Chromium: what everybody sees, the desk where it is entered, and a file that is no good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.bookkeeping import month_of
from billing.models import IndexCost, Openness
from tests import factories
from tests.billing.sustainability.rows import HEAD, earned, entered
from tests.browser.walk import Complaints, Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

VISITS = (
    Visit("sustainability", "/sustainability/"),
    Visit("review-sustainability", "/review/sustainability/"),
)


@pytest.fixture
def ruth(transactional_db: None) -> User:
    """Who runs Freehold, with fourteen months that are over."""
    Openness.objects.create(pk=1, is_public=True, currency="usd")
    month = month_of(timezone.now().date())
    for age in range(14):
        month = month_of(month - timedelta(days=1))
        name = f"{month:%Y-%m}"
        entered(name, 1_550_000 - 40_000 * age, category="People and hosting")
        entered(name, 4_570_000 - 190_000 * age, "Edge Delivery Network", category="Bandwidth")
        earned(name, 1_710_000 - 100_000 * age)
    entered(f"{timezone.now() - timedelta(days=60):%Y-%m}", 25_000, category="Lawyers", currency="eur")
    return factories.reviewer(name="Ruth", is_superuser=True)


@every_way
def test_every_page_in_every_way(browser: Browser, ruth: User, live_server: LiveServer, way: dict[str, Any]) -> None:
    walk(browser, live_server.url, VISITS, way, ruth)


def test_a_file_is_refused_mended_and_read_in(browser: Browser, ruth: User, live_server: LiveServer) -> None:
    """The page with its lines has no address of its own, so it is looked at here."""
    with open_context(browser, live_server.url, ruth) as context:
        complaints = Complaints(context.new_page())
        page = complaints.page
        page.goto("/review/sustainability/")
        for amount in ("much", "12.50"):
            text = f"{HEAD}2024-03,Hosting,paid,,{amount},usd\n"
            page.get_by_label("File", exact=True).set_input_files(
                {"name": "costs.csv", "mimeType": "text/csv", "buffer": text.encode()}
            )
            page.get_by_role("button", name="Read it in").click()
            if amount == "much":
                expect(page.get_by_text("Line 2: Write the amount in USD like 1250.00")).to_be_visible()
                complaints.inspect()
        expect(page.get_by_text("1 cost was read in.")).to_be_visible()
        assert complaints.found == []
    assert IndexCost.objects.filter(month="2024-03-01", amount=1250).exists()
