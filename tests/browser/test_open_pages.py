"""The pages that sceptics read first, in Chromium: the policy, the statistics, the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from namespaces.cases import CaseKind, CaseState, EntryKind, Party
from namespaces.models import CaseDecision, CaseEntry, Grant
from namespaces.states import GrantState
from orgs.vocabulary import State
from tests import factories
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

VISITS = (
    Visit("policy", "/policy/"),
    Visit("statistics", "/statistics/"),
    Visit("log", "/log/"),
    Visit("log", "/log/?namespace=no%20name"),
    Visit("log", "/log/?change=held&namespace=acme"),
    Visit("log", "/log/?namespace=acme"),
    Visit("namespace", "/namespaces/machine/"),
    Visit("namespace", "/namespaces/people/"),
    Visit("organization", "/organizations/zebra/"),
)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer) -> Iterator[str]:
    """The address of a site on which things have been decided for a year."""
    cache.clear()
    now = timezone.now()
    acme = factories.organization("acme")
    root = factories.grant("acme", acme)
    factories.grant("acme-labs", acme, root=root)
    factories.grant("waits", acme, state=GrantState.HELD)
    Grant.objects.filter(name="acme").update(state=GrantState.LOCKED)
    factories.case(factories.organization("machine"), state=CaseState.APPROVED)
    reviewer = factories.reviewer()
    factories.case(factories.organization("people"), state=CaseState.APPROVED, by=reviewer)
    for number in range(36):
        by = reviewer if number % 2 else None
        decided(f"past{number}", now - number * 10 * DAY, HOUR * (2 + number * 7 % 90), by=by)
    for number in range(4):
        factories.case(
            factories.organization(f"now{number}"), filed_at=now - number * DAY, waiting_since=now - number * DAY
        )
    factories.case(factories.organization("asked"), state=CaseState.ASKED)
    factories.case(factories.organization("disputed"), kind=CaseKind.DISPUTE)
    zebra = factories.organization("zebra", state=State.APPLIED)
    factories.case(zebra, kind=CaseKind.APPLICATION, state=CaseState.APPROVED)
    yield live_server.url
    cache.clear()


def decided(name: str, at: datetime, after: timedelta, *, by: User | None) -> None:
    """A claim that took so long to decide by somebody, some of them to a refusal; or seconds by machine."""
    after = after if by else timedelta(seconds=2)
    state = CaseState.REFUSED if by and name.endswith("5") else CaseState.APPROVED
    case = factories.case(
        factories.organization(name), state=state, by=by, filed_at=at - after, decided_at=at, waiting_since=at - after
    )
    CaseDecision.objects.filter(case=case).update(at=at, effective_at=at)
    CaseEntry.objects.filter(case=case).exclude(kind=EntryKind.FILED).update(at=at, party=Party.REVIEWER)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way)


def test_a_criterion_can_be_linked_to(browser: Browser, site: str) -> None:
    with open_context(browser, site) as context:
        page = context.new_page()
        page.goto("/policy/")
        page.get_by_role("link", name="It is not common").click()
        page.wait_for_url("**/policy/#namespace-not-common")
        expect(page.locator("#namespace-not-common")).to_be_in_viewport()


def test_charts_have_their_numbers_as_tables(browser: Browser, site: str) -> None:
    with open_context(browser, site, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/statistics/")
        expect(page.get_by_role("img", name="Open cases, week by week.")).to_be_visible()
        table = page.get_by_role("table", name="Open cases week by week, now first")
        expect(table).to_be_hidden()
        page.get_by_text("The same as tables").click()
        expect(table).to_be_visible()


def test_the_log_is_narrowed_without_javascript(browser: Browser, site: str) -> None:
    with open_context(browser, site, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/log/")
        page.get_by_label("Namespace").fill("Acme")
        page.get_by_label("Change").select_option("locked")
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url("**/log/?namespace=Acme&change=locked")
        expect(page.get_by_role("rowheader")).to_have_text(["acme"])
