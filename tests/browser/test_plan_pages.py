"""Buying a plan in Chromium, and what an organization sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.gateway import calls
from billing.gateway.calls import Gateway
from billing.models import Allowance, Health, Intent
from billing.sandbox.__main__ import arguments, running
from billing.standing import Evidence
from billing.vocabulary import IntentState, Method
from freehold.programs import SANDBOX_SECRET
from freehold.stripe_settings import SANDBOX_KEY, StripeSettings
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.vocabulary import Kind, Role, Standing, State
from tests import factories
from tests.billing import world
from tests.billing.buying.rows import intent, sold
from tests.billing.standing.rows import invoice, subscription
from tests.browser.walk import Complaints, Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

DAY = timedelta(days=1)
INVOICE, ALLOWANCE = 9001, 9002
QUOTE = "Q-2026-00042"
OWNER_VISITS = (
    Visit("organization-plan", "/manage/fresh/plan/"),
    Visit("organization-plan", "/manage/paying/plan/"),
    Visit("organization-plan", "/manage/ending/plan/"),
    Visit("organization-plan", "/manage/late/plan/"),
    Visit("organization-plan", "/manage/locked/plan/"),
    Visit("organization-plan", "/manage/overdue/plan/"),
    Visit("organization-plan", "/manage/unbegun/plan/"),
    Visit("organization-plan", "/manage/begun/plan/"),
    Visit("organization-plan", "/manage/quoted/plan/"),
    Visit("organization-plan", "/manage/project/plan/"),
    Visit("organization-plan-buy", "/manage/fresh/plan/buy/"),
    Visit(
        "organization-plan-buy",
        "/manage/fresh/plan/buy/?tier=business&interval=year&seats=1200&roots=40&method=invoice",
    ),
    Visit("organization-plan-buy", "/manage/fresh/plan/buy/?seats=0&currency=jpy"),
    Visit("organization-plan-buy", "/manage/begun/plan/buy/"),
    Visit("organization-plan-buy", "/manage/paying/plan/buy/"),
    Visit("organization-plan-return", "/manage/begun/plan/return/?session=cs_test_paid"),
    Visit("organization-plan-return", "/manage/begun/plan/return/?session=cs_test_twice"),
    Visit("organization-plan-return", "/manage/begun/plan/return/?session=cs_test_closed"),
    Visit("organization-plan-return", "/manage/begun/plan/return/?session=cs_test_of_others", 404),
    Visit("organization-plan-cancelled", "/manage/begun/plan/cancelled/"),
    Visit("organization-plan-quote-new", "/manage/fresh/plan/quote/?tier=team&seats=3&roots=2"),
    Visit("organization-plan-quote", f"/manage/quoted/plan/quotes/{QUOTE}/"),
    Visit("organization-plan-order", f"/manage/quoted/plan/quotes/{QUOTE}/order/"),
    Visit("organization-plan-invoices", "/manage/paying/plan/invoices/"),
    Visit("organization-plan-invoices", "/manage/fresh/plan/invoices/"),
    Visit("organization-plan-end", "/manage/paying/plan/end/"),
    Visit("organization-plan-end", "/manage/ending/plan/end/"),
    Visit("organization-plan-end", "/manage/dead/plan/end/"),
    Visit("organization-plan-end", "/manage/overdue/plan/end/"),
)
STAFF_VISITS = (
    Visit("review-orders", "/review/orders/"),
    Visit("review-order-wire", f"/review/orders/invoices/{INVOICE}/wire/"),
    Visit("review-allowance-new", "/review/orders/allowances/new/"),
)
VISITS = OWNER_VISITS + STAFF_VISITS


@pytest.fixture
def owner(transactional_db: None) -> User:
    """Of organizations in every condition, one to a word."""
    sold()
    olga = factories.user("olga")
    for name in (*_MAKE, "project"):
        is_new = name in {"fresh", "begun", "quoted", "overdue", "unbegun"}
        kind = Kind.COMMUNITY if name == "project" else Kind.COMPANY
        made = factories.organization(name, kind=kind, state=State.APPLIED if is_new else State.ACTIVE)
        factories.member(made, "olga")
        if name in _MAKE:
            _MAKE[name](made)
    return olga


def _paying(made: Organization) -> None:
    now = timezone.now()
    running = subscription(made, seats=5, roots=2, period_start=now, period_end=now + 30 * DAY)
    factories.grant("paying", made)
    factories.grant("a-name-that-is-rather-long-as-names-go", made)
    for number in range(1, 9):
        paid = {"amount_paid": 6500, "amount_remaining": 0, "paid_at": now, "pdf_url": "https://pay.example/i/1/pdf"}
        known: dict[str, Any] = paid if number > 1 else {"due_at": now + 20 * DAY}
        status = "paid" if number > 1 else "open"
        totals = {"subtotal": 6500, "total": 6500, "amount_due": 6500}
        invoice(running, made, status, number=f"F-2026-{number:04}", created=now - number * DAY, **totals | known)


def _ending(made: Organization) -> None:
    end = timezone.now() + 12 * DAY
    subscription(made, period_start=end - 30 * DAY, period_end=end, ends_at=end, interval="year")


def _late(made: Organization) -> None:
    now = timezone.now()
    late = subscription(made, "past_due", period_end=now + 20 * DAY, unpaid_since=now - 3 * DAY)
    invoice(late, made, finalized_at=now - 3 * DAY)
    _judged(made, Standing.GRACE, now - 3 * DAY, now + 11 * DAY)


def _locked(made: Organization) -> None:
    now = timezone.now()
    gone = subscription(made, "unpaid", unpaid_since=now - 40 * DAY)
    invoice(gone, made, number="F-2026-0007")
    factories.grant("locked", made, state=GrantState.LOCKED)
    _judged(made, Standing.LAPSED, now - 26 * DAY, now + 34 * DAY)


def _dead(made: Organization) -> None:
    subscription(made, "paused")
    _judged(made, Standing.LAPSED, timezone.now() - 26 * DAY, timezone.now() + 34 * DAY)


def _overdue(made: Organization) -> None:
    """Its first invoice: nothing of it was ever in force."""
    now = timezone.now()
    by_invoice: dict[str, Any] = {"collection_method": "send_invoice"}
    ordered = subscription(made, seats=0, roots=1, unpaid_since=now - 3 * DAY, period_end=now + DAY, **by_invoice)
    invoice(ordered, made, number="F-2026-0011", created=now - 33 * DAY, due_at=now - 3 * DAY, **by_invoice)
    factories.grant("overdue", made, state=GrantState.HELD)
    factories.grant("overdue-and-of-a-name-that-is-rather-long", made, state=GrantState.HELD)
    _judged(made, Standing.GRACE, now - 3 * DAY, now + 11 * DAY)


def _unbegun(made: Organization) -> None:
    ended = timezone.now() - 20 * DAY
    subscription(made, "canceled", seats=0, roots=1, ended_at=ended)
    factories.grant("unbegun", made, state=GrantState.HELD)
    _judged(made, Standing.LAPSED, ended + 14 * DAY, ended + 74 * DAY)


def _judged(made: Organization, standing: Standing, since: Any, until: Any) -> None:
    Organization.objects.filter(pk=made.pk).update(standing=standing)
    Health.objects.create(
        organization=made, standing=standing, evidence=Evidence.PAYMENT_FAILED, since=since, until=until
    )


def _fresh(made: Organization) -> None:
    factories.grant("fresh", made, state=GrantState.HELD)
    factories.grant("fresh-tools-and-more", made, state=GrantState.HELD)


def _begun(made: Organization) -> None:
    intent(made, session="cs_test_open", url="https://pay.example/c/pay/cs_test_open")
    bought = subscription(factories.organization("elsewhere"))
    ended: dict[str, Any] = {"ended_at": timezone.now(), "subscription": bought.stripe_id}
    intent(made, state=IntentState.COMPLETED, session="cs_test_paid", **ended)
    intent(made, state=IntentState.REVERSED, session="cs_test_twice", **ended)
    intent(made, state=IntentState.EXPIRED, session="cs_test_closed", ended_at=timezone.now())


def _quoted(made: Organization) -> None:
    quote = intent(made, Method.INVOICE, number=QUOTE, seats=12, roots=4, interval="year", total=180_000)
    Allowance.objects.create(
        pk=ALLOWANCE,
        organization=made,
        reason="Ordered by PO-4711; the wire is on its way.",
        seats=12,
        roots=4,
        until=timezone.now() + 44 * DAY,
        intent=quote,
        requested_by=quote.requested_by,
    )
    running = subscription(factories.organization("wiring"), collection_method="send_invoice")
    due: dict[str, Any] = {
        "due_at": timezone.now() - DAY,
        "purchase_order": "PO-4711",
        "collection_method": "send_invoice",
    }
    invoice(running, running.organization, pk=INVOICE, number="F-2026-0099", **due)


_MAKE = {
    "overdue": _overdue,
    "unbegun": _unbegun,
    "dead": _dead,
    "fresh": _fresh,
    "paying": _paying,
    "ending": _ending,
    "late": _late,
    "locked": _locked,
    "begun": _begun,
    "quoted": _quoted,
}


@pytest.fixture
def site(owner: User, live_server: LiveServer) -> str:
    return str(live_server.url)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    walk(browser, site, OWNER_VISITS, way, owner)


@every_way
def test_the_pages_of_the_staff(browser: Browser, site: str, way: dict[str, Any]) -> None:
    walk(browser, site, STAFF_VISITS, way, factories.reviewer())


# --- From choosing to having ------------------------------------------------------------------------------------------


@pytest.fixture
def shop(transactional_db: None, live_server: LiveServer) -> Iterator[str]:
    """The site with a sandbox beside it, as in the demo; no worker runs."""
    with running(arguments(["--port", "0"])) as (port, sandbox):
        stripe = StripeSettings(
            enabled=True, key=SANDBOX_KEY, secrets=(SANDBOX_SECRET,), base=f"http://127.0.0.1:{port}"
        )
        changed = {"FREEHOLD_STRIPE": stripe, "FREEHOLD_URL": live_server.url}
        with override_settings(**changed), calls.use(Gateway(settings.FREEHOLD_STRIPE)):
            world.plans(sandbox)
            yield str(live_server.url)


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_company_buys_two_seats_and_a_namespace_by_card(
    browser: Browser, shop: str, width: int, javascript: bool
) -> None:
    acme = factories.organization("acme", state=State.APPLIED)
    olga = factories.member(acme, "olga").user
    factories.grant("acme", acme, state=GrantState.HELD)
    way: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "java_script_enabled": javascript}
    with open_context(browser, shop, olga, **way) as context:
        page = context.new_page()
        complaints = Complaints(page)
        page.goto("/manage/acme/plan/")
        page.get_by_role("link", name="Choose a plan").last.click()
        page.get_by_label("People", exact=True).fill("2")
        if not javascript:
            page.get_by_role("button", name="Reckon anew").click()
        order = page.get_by_role("region", name="Your order")
        expect(order.locator(".order__total")).to_contain_text("US$10.00")
        complaints.inspect(axe=javascript)
        page.get_by_role("button", name="Go on to pay US$10.00").click()
        page.wait_for_url("**/c/pay/**")
        page.get_by_label("Name or company").fill("Acme Inc.")
        page.get_by_label("Country").select_option("US")
        for label, text in (("Street", "1 Main Street"), ("Town", "Austin"), ("Postal code", "78701"), ("State", "TX")):
            page.get_by_label(label).fill(text)
        page.locator("button[value=pay]").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you: it is paid")
        complaints.inspect(axe=javascript)
        page.get_by_role("link", name="See the plan").click()
        expect(page.get_by_text("1 of 2 seats taken").first).to_be_visible()
        assert complaints.found == []
    acme.refresh_from_db()
    assert (acme.state, acme.seats) == (State.ACTIVE, 2)
    assert acme.grants.get().state == GrantState.ACTIVE
    assert Intent.objects.get().state == IntentState.COMPLETED


def test_a_member_without_the_billing_role_sees_no_plan(browser: Browser, site: str, owner: User) -> None:
    mia = factories.member(Organization.objects.get(name="paying"), "mia", Role.MEMBER).user
    with open_context(browser, site, mia) as context:
        page = context.new_page()
        page.goto("/manage/paying/")
        expect(page.get_by_role("link", name="Plan and invoices")).to_have_count(0)
        assert (answer := page.goto("/manage/paying/plan/")) is not None and answer.status == 403
