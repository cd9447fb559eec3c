"""Billing at the review desk in Chromium, with one of everything, and with nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.models import Alert, Call, Drift, Event
from billing.vocabulary import JobState
from orgs.models import Organization
from tests import factories
from tests.billing.operator.rows import LONG, alert, call, drift, event, full
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser
DESK = "/review/billing/"

VISITS = (
    Visit("review-billing", DESK),
    Visit("review-billing-customers", f"{DESK}customers/"),
    Visit("review-billing-customer", f"{DESK}customers/acme/"),
    Visit("review-billing-customer", f"{DESK}customers/never/"),
    Visit("review-billing-subscriptions", f"{DESK}subscriptions/"),
    Visit("review-billing-intents", f"{DESK}purchases/"),
    Visit("review-billing-events", f"{DESK}inbox/"),
    Visit("review-billing-event", f"{DESK}inbox/901/"),
    Visit("review-billing-calls", f"{DESK}calls/"),
    Visit("review-billing-call", f"{DESK}calls/901/"),
    Visit("review-billing-call-give-up", f"{DESK}calls/902/give-up/"),
    Visit("review-billing-drifts", f"{DESK}drift/"),
    Visit("review-billing-drift", f"{DESK}drift/901/"),
    Visit("review-billing-alerts", f"{DESK}alerts/"),
    Visit("review-billing-alert", f"{DESK}alerts/901/"),
    Visit("review-billing-revenue", f"{DESK}revenue/"),
)


@pytest.fixture
def ruth(transactional_db: None) -> User:
    """Who runs Freehold, with a customer that has one of everything, some of it long."""
    acme = full("acme")
    Organization.objects.filter(pk=acme.pk).update(display_name="A company with a name that is rather long " * 2)
    factories.organization("never")
    payload = {"id": "evt_x", "data": {"object": {"id": LONG, "description": "word " * 60}}}
    event(f"evt_{LONG}", JobState.DEAD, pk=901, payload=payload, error="LookupError: " + "nobody knows " * 9)
    call(acme, pk=901, topic=LONG)
    call(acme, JobState.PENDING, pk=902, topic="other")
    drift(pk=901, organization=acme, object_id=LONG)
    alert(LONG, pk=901, organization=acme)
    return factories.reviewer(name="Ruth", is_superuser=True)


@every_way
def test_every_page_in_every_way(browser: Browser, ruth: User, live_server: LiveServer, way: dict[str, Any]) -> None:
    walk(browser, live_server.url, VISITS, way, ruth)


def test_nothing_at_all_is_calm(browser: Browser, transactional_db: None, live_server: LiveServer) -> None:
    user = factories.reviewer(is_superuser=True)
    empty = [visit for visit in VISITS if not any(part in visit.address for part in ("90", "acme", "never"))]
    with open_context(browser, live_server.url, user, java_script_enabled=False) as context:
        page = context.new_page()
        for visit in empty:
            answer = page.goto(visit.address)
            assert answer is not None and answer.status == 200, visit
            expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_staff_works_it_off_without_javascript(browser: Browser, ruth: User, live_server: LiveServer) -> None:
    with open_context(browser, live_server.url, ruth, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{DESK}inbox/?state=dead")
        page.get_by_role("link", name="customer.subscription.updated").first.click()
        page.get_by_role("button", name="Settle it again").click()
        expect(page.get_by_text("A worker looks at it once more")).to_be_visible()
        page.goto(f"{DESK}calls/901/")
        page.get_by_role("button", name="Make it once more").click()
        page.goto(f"{DESK}calls/902/")
        page.get_by_role("link", name="Give it up").click()
        page.get_by_label("Why", exact=True).fill("Not wanted any more.")
        page.get_by_role("button", name="Give it up").click()
        for place in ("alerts", "drift"):
            page.goto(f"{DESK}{place}/901/")
            page.get_by_label("What you found").fill("They asked for it by mail.")
            page.get_by_role("button", name="Settle").click()
            expect(page.get_by_text("Settled.")).to_be_visible()
    assert Event.objects.filter(state=JobState.PENDING).count() == 1
    assert list(Call.objects.filter(pk__gt=900).order_by("pk").values_list("state", flat=True)) == ["pending", "dead"]
    assert Alert.objects.get(pk=901).settled_at and Drift.objects.get(pk=901).settled_at
