"""Changing the plan of an organization in Chromium: its quantities, the plan, its interval."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.models import Call, Plan, Subscription, Wanted
from billing.vocabulary import CallKind, Interval, Item, Tier
from orgs.models import Organization
from orgs.vocabulary import State
from tests import factories
from tests.billing import world
from tests.billing.standing.rows import invoice, subscription
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

DAY = timedelta(days=1)
QUANTITIES, CHANGE = "organization-plan-quantities", "organization-plan-change"
VISITS = (
    Visit(QUANTITIES, "/manage/paying/plan/quantities/"),
    Visit(QUANTITIES, "/manage/paying/plan/quantities/?seats=12&roots=4"),
    Visit(QUANTITIES, "/manage/paying/plan/quantities/?seats=none&roots=900"),
    Visit(QUANTITIES, "/manage/fewer/plan/quantities/"),
    Visit(QUANTITIES, "/manage/asked/plan/quantities/"),
    Visit(QUANTITIES, "/manage/unpaid/plan/quantities/"),
    Visit(QUANTITIES, "/manage/over/plan/quantities/?seats=1&roots=1"),
    Visit(CHANGE, "/manage/fresh/plan/change/"),
    Visit(CHANGE, "/manage/paying/plan/change/"),
    Visit(CHANGE, "/manage/paying/plan/change/?choice=business-year"),
    Visit(CHANGE, "/manage/fewer/plan/change/"),
)


@pytest.fixture
def owner(stripe: None) -> User:
    """Of organizations in every condition."""
    olga = factories.user("olga")
    for name in ("fresh", "paying", "fewer", "asked", "unpaid", "over"):
        state = State.APPLIED if name == "fresh" else State.ACTIVE
        factories.member(factories.organization(name, state=state), "olga")
    world.bought(organization("paying"), 3, 2)
    factories.member(organization("paying"), "ann")
    period: dict[str, Any] = {"period_start": timezone.now() - 9 * DAY, "period_end": timezone.now() + 21 * DAY}
    for name in ("fewer", "asked", "unpaid", "over"):
        subscription(organization(name), plan=Plan.objects.get(tier=Tier.TEAM), seats=5, roots=2, **period)
    _fewer(subscription_of("fewer"))
    _asked(subscription_of("asked"))
    _unpaid(subscription_of("unpaid"))
    for number in range(6):
        factories.member(organization("over"), f"over-{number}")
    return olga


def organization(name: str) -> Organization:
    return Organization.objects.get(name=name)


def subscription_of(name: str) -> Subscription:
    return Subscription.objects.get(organization__name=name)


def _fewer(made: Subscription) -> None:
    """From the next period on, with another plan."""
    made.items.filter(item=Item.SEAT).update(quantity=2)
    business = Plan.objects.get(tier=Tier.BUSINESS)
    Wanted.objects.create(
        organization=made.organization, seats=2, roots=2, plan=business, interval=Interval.YEAR, due_at=made.period_end
    )


def _asked(made: Subscription) -> None:
    Wanted.objects.create(organization=made.organization, seats=9, roots=3)
    kind, arguments = CallKind.SET_QUANTITIES, {"subscription": made.stripe_id}
    Call.objects.create(
        kind=kind, organization=made.organization, topic=made.stripe_id, arguments=arguments,
        due_at=timezone.now() + DAY,
    )  # fmt: skip


def _unpaid(made: Subscription) -> None:
    made.pending_until = timezone.now() + DAY
    made.save()
    made.items.filter(item=Item.SEAT).update(pending_quantity=8)
    invoice(made, made.organization, billing_reason="subscription_update")


@pytest.fixture
def site(owner: User, live_server: LiveServer) -> str:
    return live_server.url


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way, owner)


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
def test_two_seats_more_are_seen_agreed_to_and_there(
    browser: Browser, site: str, owner: User, javascript: bool
) -> None:
    with open_context(browser, site, owner, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto("/manage/paying/plan/quantities/")
        page.get_by_label("People", exact=True).fill("5")
        page.get_by_role("button", name="See what it costs").click()
        expect(page.get_by_text("Due now", exact=True)).to_be_visible()
        page.get_by_role("button", name="Agree and pay US$").click()
        expect(page.get_by_text("A change is on its way")).to_be_visible()
        world.settle()
        page.reload()
        expect(page.get_by_text("A change is on its way")).to_be_hidden()
        expect(page.get_by_role("row", name="People").get_by_role("cell", name="5").first).to_be_visible()


def test_a_plan_is_chosen_for_later_and_kept_after_all(browser: Browser, site: str, owner: User) -> None:
    with open_context(browser, site, owner) as context:
        page = context.new_page()
        page.goto("/manage/paying/plan/change/")
        page.get_by_role("button", name="See what it costs Team by the year").click()
        expect(page.get_by_text("What is due now")).to_be_visible()
        page.goto("/manage/fewer/plan/change/")
        expect(page.get_by_text("Another plan from the next period on")).to_be_visible()
        page.get_by_role("button", name="Keep the plan as it is").click()
        expect(page.get_by_text("The plan stays as it is.")).to_be_visible()
        expect(page.get_by_text("Another plan from the next period on")).to_be_hidden()
