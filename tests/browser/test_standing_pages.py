"""Staff's pages of standings in Chromium."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Mail, User
from billing.services import ladder
from namespaces.models import Grant
from namespaces.states import GrantState
from orgs.models import Organization
from tests import factories
from tests.billing.standing.rows import company, decline, subscription
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

VISITS = (
    Visit("review-standings", "/review/standings/"),
    Visit("review-standing", "/review/standings/over/"),
    Visit("review-standing", "/review/standings/late/"),
    Visit("review-standing", "/review/standings/never/"),
)


@pytest.fixture
def staff(transactional_db: None) -> User:
    """One organization for each rung, the last of them at the end."""
    late, over = company("late"), company("over")
    Organization.objects.filter(pk=over.pk).update(display_name="A company with a name that is rather long " * 3)
    factories.organization("never")
    factories.grant("a-namespace-with-a-name-that-is-rather-long", over)
    now = timezone.now()
    for organization, days in ((late, 3), (company("locked"), 30), (over, 300)):
        decline(subscription(organization), now - timedelta(days=days))
    for _ in range(2):
        ladder.sweep()
        Mail.objects.update(created_at=now - timedelta(days=2))
    ladder.sweep()
    return factories.reviewer()


@pytest.fixture
def site(staff: User, live_server: LiveServer) -> str:
    return str(live_server.url)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, staff: User, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way, staff)


def test_the_end_of_a_quarantine_is_confirmed_by_a_person(browser: Browser, site: str, staff: User) -> None:
    with open_context(browser, site, staff, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/review/standings/")
        page.get_by_role("link", name="A company with a name").click()
        page.get_by_label("Why", exact=True).fill("Nobody answers.")
        page.get_by_role("button", name="Release them for everybody").click()
        expect(page.get_by_text("Everybody can have these names now.")).to_be_visible()
    assert list(Grant.objects.values_list("state", flat=True)) == [GrantState.RELEASED]
