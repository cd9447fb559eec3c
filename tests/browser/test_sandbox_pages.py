"""The Stripe sandbox's own pages in Chromium: they need no script, and they say that no money moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from billing.sandbox.__main__ import arguments, running
from billing.sandbox.transport import client
from tests.browser.walk import LOOKS, SHOTS, Complaints, Visit, in_browser, open_context

pytestmark = in_browser
VISITS: tuple[Visit, ...] = ()
"""None of these pages is one of Freehold's."""


class Place(NamedTuple):
    """Where a sandbox is, on which somebody is about to buy."""

    url: str
    checkout: str
    portal: str
    customer: str


@pytest.fixture
def place() -> Iterator[Place]:
    with running(arguments(["--port", "0"])) as (port, sandbox):
        api = client(sandbox).v1
        seats, roots = (_price(api, *told) for told in (("Team, seats", 500), ("Team, root namespaces", 4000)))
        coupon = api.coupons.create({"percent_off": 25, "duration": "once"})
        api.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "EARLY"})
        customer = api.customers.create({"email": "billing@acme.example", "name": "Acme Widgets"}).id
        url = f"http://127.0.0.1:{port}"
        adjustable = {"enabled": True, "minimum": 1, "maximum": 50}
        told: Any = {
            "mode": "subscription",
            "customer": customer,
            "customer_update": {"name": "auto", "address": "auto"},
            "line_items": [
                {"price": seats, "quantity": 3, "adjustable_quantity": adjustable},
                {"price": roots, "quantity": 1},
            ],
            "success_url": f"{url}/_sandbox/customers/{customer}?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{url}/_sandbox/",
            "automatic_tax": {"enabled": True},
            "tax_id_collection": {"enabled": True},
            "allow_promotion_codes": True,
            "billing_address_collection": "required",
        }
        session = api.checkout.sessions.create(told)
        portal = api.billing_portal.sessions.create({"customer": customer, "return_url": f"{url}/_sandbox/"})
        yield Place(url, session.url or "", portal.url, customer)


def _price(api: Any, name: str, amount: int) -> str:
    product = api.products.create({"name": name})
    recurring = {"interval": "month"}
    return str(
        api.prices.create(
            {"currency": "usd", "unit_amount": amount, "recurring": recurring, "product": product.id, "nickname": name}
        ).id
    )


class Walk:
    """One window, through everything; each page is looked at as it comes."""

    def __init__(self, page: Page, place: Place, *, axe: bool) -> None:
        self.page, self.place, self.axe = page, place, axe
        self.complaints = Complaints(page)

    def see(self, title: str) -> None:
        """In both themes, narrow and wide: the same page, for that is left to the style alone."""
        assert title in self.page.title()
        assert self.page.get_by_text("Sandbox: no money moves", exact=True).is_visible()
        for look in LOOKS[self.axe]:
            self.complaints.turn(look.width, look.scheme)
            self.complaints.inspect(axe=self.axe, rules=look.rules)
            if SHOTS:
                self.page.screenshot(path=f"{SHOTS}/{look.width}-{look.scheme}/sandbox-{title}.png", full_page=True)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def buy(self) -> None:
        page = self.page
        page.goto(self.place.checkout)
        self.see("Pay")
        self.press("Pay $55.00")
        self.see("Pay")
        page.get_by_label("Team, seats").fill("4")
        page.get_by_label("Promotion code").fill("EARLY")
        page.get_by_label("Country").select_option("IE")
        page.get_by_label("Street").fill("1 Quay")
        page.get_by_label("Town").fill("Dublin")
        page.get_by_label("Postal code").fill("D01")
        page.get_by_label("Town").press("Enter")
        assert page.get_by_role("button", name="Pay $55.35").is_visible(), "60.00 less a quarter, and 23 % of tax"
        page.get_by_label("A card whose bank asks first").check()
        self.press("Pay $55.35")
        self.see("Your bank asks")
        self.press("Approve the payment")
        self.see("Acme Widgets")

    def manage(self) -> None:
        self.page.goto(self.place.portal)
        self.see("Billing")
        self.follow("Change the details")
        self.see("Details")
        self.press("Save")
        self.follow("Change the way to pay")
        self.see("Way to pay")
        self.page.get_by_label("A card that works once").check()
        self.press("Save")
        self.follow("Cancel the subscription")
        self.see("Cancel")
        self.press("Cancel the subscription")
        assert self.page.get_by_text("and is not renewed").is_visible()
        self.press("Don’t cancel")

    def fail_and_pay(self) -> None:
        self.page.goto(f"{self.place.url}/_sandbox/")
        self.see("Control")
        self.press("31 days forward")
        self.press("An hour forward")
        self.follow("Acme Widgets")
        assert self.page.get_by_text("Past due").is_visible()
        self.see("Acme Widgets")
        self.page.locator("tr", has_text="To be paid").get_by_role("link").click()
        self.see("Invoice")
        self.page.get_by_label("A bank debit").check()
        self.page.get_by_role("button", name="Pay $").click()
        assert self.page.get_by_text("on its way").is_visible()
        self.page.goto(f"{self.place.url}/_sandbox/customers/{self.place.customer}")
        self.page.get_by_role("button", name="The debit succeeds").click()
        assert self.page.get_by_text("Past due").count() == 0


@pytest.mark.parametrize("javascript", [True, False])
def test_buy_manage_fail_and_pay(place: Place, browser: Browser, javascript: bool) -> None:
    """axe itself needs JavaScript; the pages don't."""
    with open_context(browser, place.url, java_script_enabled=javascript) as context:
        walk = Walk(context.new_page(), place, axe=javascript)
        walk.buy()
        walk.manage()
        walk.fail_and_pay()
    assert walk.complaints.found == []
