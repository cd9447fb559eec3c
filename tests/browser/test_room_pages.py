"""In Chromium: what a company sees that may have a namespace, and has to pay for its place first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing import hooks
from billing.selectors.quantities import payment_page
from namespaces import hooks as of_claims
from namespaces.models import Grant, Transfer
from namespaces.states import GrantState
from orgs.models import Organization
from tests import factories
from tests.billing import world
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

OFFER, LONG_OFFER = 9001, 9002
LONG = "a-name-that-is-rather-long-as-names-of-namespaces-go"
VISITS = (
    Visit("organization-offer", f"/manage/full/offers/{OFFER}/"),
    Visit("organization-offer", f"/manage/full/offers/{LONG_OFFER}/"),
    Visit("organization-namespace-take-back", "/manage/full/namespaces/gone/take-back/"),
    Visit("organization-namespace-take-back", f"/manage/full/namespaces/{LONG}/take-back/"),
)


@pytest.fixture(autouse=True)
def _payment_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where billing is on, whatever the environment of the suite says."""
    monkeypatch.setattr(of_claims, "payment_due", [hooks.payment_due])
    monkeypatch.setattr(of_claims, "payment_pages", [payment_page])
    monkeypatch.setattr(of_claims, "prices", [hooks.price])


@pytest.fixture
def owner(stripe: None) -> User:
    """Of a company that has paid for one root namespace, and has it; it gave up two, and is offered two."""
    full = factories.organization("full")
    olga = factories.member(full, "olga").user
    world.bought(full, 3, 1)
    factories.grant("full", full)
    for name in ("gone", LONG):
        factories.grant(name, full, state=GrantState.QUARANTINED)
    offered(full, OFFER, "comet")
    Organization.objects.filter(name="giver-of-comet").update(display_name=" ".join(["A company with a long name"] * 3))
    root = offered(full, LONG_OFFER, "offered-and-of-a-name-that-is-rather-long").grant
    for number in range(3):
        factories.grant(f"{root.name}-{number}", root.owner, root=root)
    return olga


def offered(to: Organization, pk: int, name: str) -> Transfer:
    grant = factories.grant(name, factories.organization(f"giver-of-{name}"[:39].rstrip("-")))
    return Transfer.objects.create(pk=pk, grant=grant, to=to, expires_at=timezone.now() + timedelta(days=7))


@pytest.fixture
def site(owner: User, live_server: LiveServer) -> str:
    return str(live_server.url)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way, owner)


# --- From the page that asks for a place to the namespace -------------------------------------------------------------


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
def test_its_place_is_paid_and_what_is_offered_accepted(
    browser: Browser, site: str, owner: User, javascript: bool
) -> None:
    with open_context(browser, site, owner, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto(VISITS[0].address)
        expect(page.get_by_role("button", name="Accept the namespace")).to_have_count(0)
        pay_for_one_more(page)
        page.goto(VISITS[0].address)
        page.get_by_role("button", name="Accept the namespace").click()
        expect(page.get_by_text("The namespace is yours.")).to_be_visible()
    assert state_of("comet") == ("full", GrantState.ACTIVE)


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
def test_its_place_is_paid_and_what_was_given_up_taken_back(
    browser: Browser, site: str, owner: User, javascript: bool
) -> None:
    with open_context(browser, site, owner, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto(VISITS[2].address)
        expect(page.get_by_role("button", name="Take it back")).to_have_count(0)
        pay_for_one_more(page)
        page.goto(VISITS[2].address)
        page.get_by_role("button", name="Take it back").click()
        expect(page.get_by_text("The namespace is in use again.")).to_be_visible()
    assert state_of("gone") == ("full", GrantState.ACTIVE)


def pay_for_one_more(page: Page) -> None:
    """By the link that the page has, to the sum that is agreed to there."""
    page.get_by_role("link", name="See the sum and pay").click()
    page.get_by_role("button", name="Agree and pay US$").click()
    expect(page.get_by_text("A change is on its way")).to_be_visible()
    world.settle()


def state_of(name: str) -> tuple[str, str]:
    """Who holds it, and how it is."""
    return Grant.objects.holding().values_list("owner__name", "state").get(name=name)
