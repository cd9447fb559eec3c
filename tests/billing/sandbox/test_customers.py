"""Customers, their tax ids and methods, what we sell, and test clocks."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from billing.sandbox import tax_ids
from billing.sandbox.clock import DAY
from billing.sandbox.fields import rounded
from tests.billing.sandbox.shop import START, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_customer_is_changed_field_by_field(shop: Shop) -> None:
    customer = shop.customer(card=None, metadata={"a": "1", "b": "2"}, phone="1")
    shop.heard()
    told = shop.api.customers.update(customer, {"metadata": {"a": "", "c": "3"}, "phone": "", "name": "New"})
    assert (dict(told.metadata.to_dict()), told.phone, told.name, told.email) == (  # type: ignore[union-attr]  # it has some
        {"b": "2", "c": "3"},
        None,
        "New",
        "owner@example.com",
    )
    event = shop.api.events.list({"limit": 1}).data[0].to_dict()
    assert (shop.heard(), event["data"]["previous_attributes"]["name"]) == (["customer.updated"], "Example")
    shop.api.customers.update(customer, {"name": "New"})
    assert shop.heard() == []


def test_a_deleted_customer_leaves_its_history(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(), 1))
    shop.heard()
    assert shop.api.customers.delete(customer).deleted is True
    assert shop.heard() == ["customer.subscription.deleted", "customer.deleted"]
    assert (shop.api.customers.retrieve(customer).deleted, shop.sub(sub)["status"]) == (True, "canceled")
    assert (len(shop.invoices(customer)), shop.api.customers.list().data) == (1, [])
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.customers.update(customer, {"name": "x"})
    assert (refused.value.code, refused.value.http_status) == ("resource_missing", 404)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        shop.subscribe(customer, (shop.price(), 1))
    shop.later(days=90)


@pytest.mark.parametrize(
    ("kind", "value", "status"),
    [
        ("eu_vat", "FR 12.345678901", "verified"),
        ("eu_vat", "FR111111111", "unverified"),
        ("eu_vat", "FR222222222", "pending"),
        ("us_ein", "12-3456789", "unavailable"),
    ],
)
def test_tax_ids_are_verified_as_their_digits_say(shop: Shop, kind: Any, value: str, status: str) -> None:
    customer = shop.customer(card=None)
    made = shop.api.customers.tax_ids.create(customer, {"type": kind, "value": value})
    assert (made.verification.status, made.value) == (status, value.replace(" ", "").replace(".", ""))  # type: ignore[union-attr]  # it has one
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "nonsense"})
    assert refused.value.code == "tax_id_invalid"
    shop.api.customers.tax_ids.delete(customer, made.id)
    assert shop.api.customers.tax_ids.list(customer).data == []


def test_a_tax_id_counts_from_when_it_is_verified(shop: Shop) -> None:
    customer = shop.customer(address={"country": "FR"})
    made = shop.api.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "FR222222222"})
    shop.subscribe(customer, (shop.price(1000), 1), automatic_tax={"enabled": True})
    tax_ids.verify(shop.sandbox, shop.sandbox.get("tax_id", made.id), "verified")
    shop.later(days=32)
    shop.api.customers.tax_ids.delete(customer, made.id)
    shop.later(days=30)
    told = [
        (invoice["total"], invoice["total_taxes"][0]["taxability_reason"], len(invoice["customer_tax_ids"]))
        for invoice in shop.invoices(customer)
    ]
    assert told == [(1200, "standard_rated", 1), (1000, "reverse_charge", 1), (1200, "standard_rated", 0)]


@pytest.mark.parametrize(
    ("address", "exempt", "total"),
    [
        ({"country": "DE"}, "none", 1190),
        ({"country": "DE"}, "exempt", 1000),
        ({"country": "US", "state": "NY"}, "none", 1089),
        ({"country": "US", "state": "OR"}, "none", 1000),
        ({"country": "CA", "state": "QC"}, "none", 1150),
        ({"country": "FI"}, "reverse", 1000),
        ({"country": "FI"}, "none", 1255),
    ],
)
def test_tax_by_the_table(shop: Shop, address: Any, exempt: Any, total: int) -> None:
    customer = shop.customer(address=address, tax_exempt=exempt)
    shop.subscribe(customer, (shop.price(1000), 1), automatic_tax={"enabled": True})
    assert shop.invoices(customer)[0]["total"] == total


def test_a_price_with_the_tax_in_it(shop: Shop) -> None:
    customer = shop.customer(address={"country": "DE"})
    shop.subscribe(customer, (shop.price(1190, tax_behavior="inclusive"), 1), automatic_tax={"enabled": True})
    invoice = shop.invoices(customer)[0]
    assert (invoice["total"], invoice["total_excluding_tax"], invoice["total_taxes"][0]["amount"]) == (1190, 1000, 190)


@pytest.mark.parametrize(
    ("amount", "over", "whole"), [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1), (0, 7, 0), (29, 2, 15)]
)
def test_halves_are_rounded_away_from_zero(amount: int, over: int, whole: int) -> None:
    assert rounded(amount, over) == whole


# --- What we sell -----------------------------------------------------------------------------------------------------


def test_a_lookup_key_belongs_to_one_price_at_a_time(shop: Shop) -> None:
    old = shop.price(lookup_key="team")
    with pytest.raises(stripe.InvalidRequestError, match="already uses"):
        shop.price(lookup_key="team")
    new = shop.price(2000, lookup_key="team", transfer_lookup_key=True)
    assert [one.id for one in shop.api.prices.list({"lookup_keys": ["team"]}).data] == [new]
    assert shop.api.prices.retrieve(old).lookup_key is None


@pytest.mark.parametrize(
    ("mode", "quantity", "total"),
    [("graduated", 5, 500), ("graduated", 12, 1100), ("volume", 5, 500), ("volume", 12, 600)],
)
def test_tiers(shop: Shop, mode: str, quantity: int, total: int) -> None:
    tiers = [{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount": 50}]
    customer = shop.customer()
    shop.subscribe(customer, (shop.price(None, billing_scheme="tiered", tiers_mode=mode, tiers=tiers), quantity))
    assert shop.invoices(customer)[0]["total"] == total


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"quantity": 1}],
        [{"price": "price_0"}],
        [{"price": "monthly"}, {"price": "yearly"}],
        [{"price": "monthly"}, {"price": "monthly"}],
        [{"price": "off"}],
    ],
)
def test_what_can_not_be_subscribed_to(shop: Shop, items: list[dict[str, Any]]) -> None:
    known = {"monthly": shop.price(), "yearly": shop.price(interval="year"), "off": shop.price(active=False)}
    rows: Any = [{**one, "price": known.get(one["price"], one["price"])} if "price" in one else one for one in items]
    customer = shop.customer()
    shop.heard()
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.subscriptions.create({"customer": customer, "items": rows})
    assert (shop.heard(), shop.sandbox.find("subscription"), shop.sandbox.find("invoice")) == ([], [], [])


def test_a_code_is_used_up(shop: Shop) -> None:
    coupon = shop.api.coupons.create({"percent_off": 10, "duration": "forever"})
    params: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "ONE", "max_redemptions": 1}
    code = shop.api.promotion_codes.create(params)
    price = shop.price()
    shop.subscribe(shop.customer(), (price, 1), discounts=[{"promotion_code": code.id}])
    assert shop.api.promotion_codes.retrieve(code.id).active is False
    with pytest.raises(stripe.InvalidRequestError):
        shop.subscribe(shop.customer(), (price, 1), discounts=[{"promotion_code": code.id}])


def test_a_setup_for_later(shop: Shop) -> None:
    customer = shop.customer(card=None)
    made = shop.api.setup_intents.create({"customer": customer, "payment_method": "pm_card_visa", "confirm": True})
    assert made.status == "succeeded"
    methods = shop.api.customers.payment_methods.list(customer).data
    assert [one.id for one in methods] == [made.payment_method]
    shop.api.payment_methods.detach(methods[0].id)
    assert shop.api.customers.payment_methods.list(customer).data == []


# --- Test clocks ------------------------------------------------------------------------------------------------------


def test_a_test_clock_is_time_for_its_customers_only(shop: Shop) -> None:
    clock = shop.api.test_helpers.test_clocks.create({"frozen_time": START - 400 * DAY})
    ours, others = shop.customer(test_clock=clock.id), shop.customer()
    subs = [shop.subscribe(customer, (shop.price(), 1)) for customer in (ours, others)]
    shop.api.test_helpers.test_clocks.advance(clock.id, {"frozen_time": START - 300 * DAY})
    assert shop.api.test_helpers.test_clocks.retrieve(clock.id).status == "ready"
    assert (len(shop.invoices(ours)), len(shop.invoices(others))) == (4, 1)
    assert shop.sub(subs[0])["test_clock"] == clock.id
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.test_helpers.test_clocks.advance(clock.id, {"frozen_time": START - 301 * DAY})
    shop.api.test_helpers.test_clocks.delete(clock.id)
    assert (shop.sub(subs[0])["status"], shop.sub(subs[1])["status"]) == ("canceled", "active")
