"""The customer's portal: how it is opened, and what can be done in it."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from billing.sandbox import payments
from billing.sandbox.clock import HOUR
from billing.sandbox.store import Object
from tests.billing.sandbox.shop import Shop
from tests.billing.sandbox.visitor import Page, Visitor

BACK = "https://shop.example/billing"
PLACE = {
    "name": "New GmbH",
    "email": "new@x.example",
    "country": "DE",
    "line1": "Weg 2",
    "city": "Ulm",
    "postal_code": "89073",
}


class Portal:
    """A customer with a subscription, in front of the portal."""

    def __init__(self, **params: Any) -> None:
        self.shop = Shop()
        self.customer = self.shop.customer()
        self.sub_id = self.shop.subscribe(self.customer, (self.shop.price(name="Seats"), 3))
        self.visitor = Visitor(self.shop.sandbox)
        self.open(**params)

    def open(self, **params: Any) -> None:
        told: Any = {"customer": self.customer, "return_url": BACK, **params}
        self.session = self.shop.api.billing_portal.sessions.create(told)
        self.url = self.session.url.removeprefix("http://127.0.0.1:8799")

    def get(self, more: str = "") -> Page:
        return self.visitor.get(f"{self.url}{more}")

    def post(self, more: str, form: dict[str, str] | None = None) -> Page:
        return self.visitor.post(f"{self.url}{more}", form)

    @property
    def sub(self) -> Object:
        return self.shop.sub(self.sub_id)

    def configure(self, **features: Any) -> str:
        told: Any = {"features": features, "business_profile": {"headline": "Freehold"}}
        return self.shop.api.billing_portal.configurations.create(told).id


def cancelling(**more: Any) -> dict[str, Any]:
    return {"enabled": True, **more}


def test_the_first_page_shows_what_there_is() -> None:
    portal = Portal()
    words = portal.get().words
    for text in ("Seats", "3 × $10.00 per month", "Active", "Visa •••• 4242", "owner@example.com", "$30.00", "Paid"):
        assert text in words
    assert f'href="{BACK}"' in portal.get().text


def test_cancelling_at_the_end_and_the_way_back() -> None:
    portal = Portal()
    assert portal.post(f"/cancel/{portal.sub_id}").location == portal.url
    assert portal.sub["cancel_at_period_end"] and portal.sub["status"] == "active"
    assert "Ends on 10 February 2026" in portal.get().words
    portal.post(f"/renew/{portal.sub_id}")
    assert not portal.sub["cancel_at_period_end"] and portal.sub["cancel_at"] is None


def test_a_cancel_at_a_moment_is_taken_back_too() -> None:
    portal = Portal()
    portal.shop.api.subscriptions.update(portal.sub_id, {"cancel_at": portal.shop.now() + 9 * HOUR})
    portal.post(f"/renew/{portal.sub_id}")
    assert portal.sub["cancel_at"] is None


def test_cancelling_at_once_where_the_configuration_says_so() -> None:
    portal = Portal()
    portal.open(configuration=portal.configure(subscription_cancel=cancelling(mode="immediately")))
    assert "ends at once" in portal.get(f"/cancel/{portal.sub_id}").words
    portal.post(f"/cancel/{portal.sub_id}")
    assert portal.sub["status"] == "canceled"


def test_what_is_switched_off_is_neither_shown_nor_done() -> None:
    portal = Portal()
    portal.open(configuration=portal.configure(invoice_history={"enabled": True}))
    words = portal.get().words
    assert "Cancel" not in words and "Change" not in words
    for page in (f"/cancel/{portal.sub_id}", f"/renew/{portal.sub_id}", "/pay", "/details"):
        assert portal.post(page, {"way": "succeed", **PLACE}).status == 403
    assert portal.sub["cancel_at"] is None


def test_another_way_to_pay_is_used_from_now_on() -> None:
    portal = Portal()
    portal.post("/pay", {"way": "later"})
    method = portal.shop.api.payment_methods.retrieve(portal.sub["default_payment_method"])
    assert method.card is not None and method.card.last4 == "0341" and method.customer == portal.customer
    customer = portal.shop.api.customers.retrieve(portal.customer)
    assert customer.invoice_settings and customer.invoice_settings.default_payment_method == method.id
    portal.shop.later(days=31, seconds=2 * HOUR)
    assert portal.sub["status"] == "past_due"


@pytest.mark.parametrize(("way", "status"), [("decline", 402), ("nonsense", 422)])
def test_a_way_to_pay_that_does_not_work_changes_nothing(way: str, status: int) -> None:
    portal = Portal()
    assert portal.post("/pay", {"way": way}).status == status
    assert portal.sub["default_payment_method"] is None


def test_what_is_owed_can_be_paid_from_here() -> None:
    portal = Portal()
    payments.fail_next(portal.shop.sandbox, portal.customer)
    portal.shop.later(days=31, seconds=2 * HOUR)
    portal.open()
    page = portal.get()
    assert "$30.00 could not be collected" in page.words and "Past due" in page.words
    assert f'href="{portal.shop.invoices(portal.customer)[-1]["hosted_invoice_url"]}"' in page.text


def test_details() -> None:
    portal = Portal()
    portal.post("/details", {**PLACE, "tax_type": "eu_vat", "tax_value": "DE 123 456 789"})
    customer = portal.shop.api.customers.retrieve(portal.customer, {"expand": ["tax_ids"]}).to_dict()
    assert (customer["name"], customer["email"], customer["address"]["city"]) == ("New GmbH", "new@x.example", "Ulm")
    assert [one["value"] for one in customer["tax_ids"]["data"]] == ["DE123456789"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"email": "x"}, "email"), ({"country": ""}, "country"), ({"tax_type": "eu_vat", "tax_value": "1"}, "tax_value")],
)
def test_details_that_make_no_sense(wrong: dict[str, str], field: str) -> None:
    portal = Portal()
    page = portal.post("/details", {**PLACE, **wrong})
    assert page.status == 422 and f'href="#{field}"' in page.text
    assert portal.shop.api.customers.retrieve(portal.customer).name == "Example"


def test_a_session_is_over_after_an_hour() -> None:
    portal = Portal()
    portal.shop.later(seconds=HOUR)
    assert portal.get().status == 410 and portal.post(f"/cancel/{portal.sub_id}").status == 410


def test_nobody_elses_subscription() -> None:
    portal = Portal()
    other = portal.shop.customer()
    strange = portal.shop.subscribe(other, (portal.shop.price(), 1))
    assert portal.post(f"/cancel/{strange}").status == 404
    assert portal.shop.sub(strange)["cancel_at"] is None


def test_one_thing_to_do_and_back() -> None:
    portal = Portal()
    after = {"type": "redirect", "redirect": {"return_url": "https://shop.example/done"}}
    portal.open(
        flow_data={
            "type": "subscription_cancel",
            "subscription_cancel": {"subscription": portal.sub_id},
            "after_completion": after,
        }
    )
    assert portal.get().location == f"{portal.url}/cancel/{portal.sub_id}"
    assert portal.post(f"/cancel/{portal.sub_id}").location == "https://shop.example/done"


def test_what_opens_no_session() -> None:
    portal = Portal()
    for wrong in ({"customer": "cus_none"}, {"configuration": "bpc_none"}, {"return_url": "javascript:x"}):
        with pytest.raises(stripe.InvalidRequestError):
            portal.open(**wrong)
    other = portal.shop.subscribe(portal.shop.customer(), (portal.shop.price(), 1))
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        portal.open(flow_data={"type": "subscription_cancel", "subscription_cancel": {"subscription": other}})


def test_configurations() -> None:
    portal = Portal()
    made = portal.configure(subscription_cancel=cancelling(mode="immediately"))
    api = portal.shop.api.billing_portal.configurations
    api.update(made, {"features": {"subscription_cancel": {"mode": "at_period_end"}}, "active": False})
    found = api.retrieve(made)
    assert found.features.subscription_cancel.mode == "at_period_end" and found.features.subscription_cancel.enabled
    assert [one.id for one in api.list({"is_default": False}).data] == [made]
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        portal.open(configuration=made)
