"""Checkout: what a session may be made of, what a buyer makes of it, and what is there afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from billing.sandbox import control
from billing.sandbox.clock import DAY, HOUR
from tests.billing.sandbox.buyer import Buyer
from tests.billing.sandbox.shop import START, Shop

TAXED: dict[str, Any] = {"automatic_tax": {"enabled": True}}


def known(shop: Shop, **params: Any) -> dict[str, Any]:
    """A session for a customer who is there already."""
    update = {"name": "auto", "address": "auto"}
    return {"shop": shop, "customer": shop.customer(card=None, **params), "customer_update": update}


# --- A session --------------------------------------------------------------------------------------------------------


def test_a_new_session() -> None:
    buyer = Buyer(metadata={"intent": "7"}, client_reference_id="7")
    session = buyer.session
    assert (session["status"], session["payment_status"], session["mode"]) == ("open", "unpaid", "subscription")
    assert (session["amount_subtotal"], session["amount_total"], session["currency"]) == (2000, 2000, "usd")
    assert session["url"] == f"http://127.0.0.1:8799{buyer.url}" and session["id"].startswith("cs_test_")
    assert session["expires_at"] == START + DAY and session["metadata"] == {"intent": "7"}
    assert session["customer"] is None and session["subscription"] is None
    [line] = session["line_items"]["data"]
    assert (line["quantity"], line["amount_total"], line["price"]["unit_amount"]) == (2, 2000, 1000)


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"mode": "payment"}, "mode"),
        ({"success_url": ""}, "success_url"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"cancel_url": "/relative"}, "cancel_url"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]"),
        ({"customer": "cus_none"}, "customer"),
        ({"customer_update": {"name": "auto"}}, "customer_update"),
        ({"allow_promotion_codes": True, "discounts": [{"coupon": "x"}]}, "discounts"),
        ({"expires_at": START + 60}, "expires_at"),
        ({"expires_at": START + 2 * DAY}, "expires_at"),
        ({"payment_method_types": ["card"]}, "payment_method_types"),
    ],
)
def test_what_makes_no_session(wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        Buyer(**wrong)
    assert refused.value.param == param


def test_for_a_known_customer_it_must_be_said_that_what_is_typed_is_kept() -> None:
    shop = Shop()
    customer = shop.customer(card=None)
    with pytest.raises(stripe.InvalidRequestError, match="customer_update"):
        Buyer(shop=shop, customer=customer, tax_id_collection={"enabled": True})
    with pytest.raises(stripe.InvalidRequestError, match="valid address"):
        Buyer(shop=shop, customer=customer, **TAXED)


def test_prices_of_two_rhythms_or_currencies_do_not_go_together() -> None:
    shop = Shop()
    month, year = shop.price(), shop.price(interval="year")
    with pytest.raises(stripe.InvalidRequestError, match="intervals"):
        Buyer({"price": month, "quantity": 1}, {"price": year, "quantity": 1}, shop=shop)
    euro = shop.price(currency="eur")
    with pytest.raises(stripe.InvalidRequestError, match="currency"):
        Buyer({"price": month, "quantity": 1}, {"price": euro, "quantity": 1}, shop=shop)


def test_a_session_expires_by_the_clock_or_by_command() -> None:
    buyer = Buyer()
    other = buyer.order(expires_at=START + HOUR)
    buyer.shop.later(seconds=HOUR)
    assert buyer.shop.api.checkout.sessions.retrieve(other.id).status == "expired"
    assert "checkout.session.expired" in buyer.shop.heard()
    assert buyer.shop.api.checkout.sessions.expire(buyer.session_id).url is None
    assert buyer.page().status == 410
    with pytest.raises(stripe.InvalidRequestError):
        buyer.shop.api.checkout.sessions.expire(buyer.session_id)


def test_sessions_are_listed_by_customer_and_by_subscription() -> None:
    buyer = Buyer()
    buyer.order()
    buyer.pay()
    sessions = buyer.shop.api.checkout.sessions
    assert len(sessions.list().data) == 2
    assert [one.id for one in sessions.list({"customer": buyer.session["customer"]}).data] == [buyer.session_id]
    assert [one.id for one in sessions.list({"subscription": buyer.session["subscription"]}).data] == [buyer.session_id]
    assert [one.status for one in sessions.list({"status": "open"}).data] == ["open"]


def test_where_stripe_is_the_merchant_it_sees_to_the_tax() -> None:
    shop = Shop()
    buyer = Buyer(shop=shop, customer=shop.customer(card=None), managed_payments={"enabled": True})
    buyer.pay()
    assert buyer.session["managed_payments"] == {"enabled": True} and buyer.invoice()["total"] == 2380
    with pytest.raises(stripe.InvalidRequestError, match="managed_payments"):
        Buyer(shop=shop, managed_payments={"enabled": True}, **TAXED)


# --- Buying -----------------------------------------------------------------------------------------------------------


def test_paid_by_a_new_customer() -> None:
    buyer = Buyer(metadata={"intent": "7"}, subscription_data={"metadata": {"organization": "acme"}})
    page = buyer.pay()
    assert (page.status, page.location) == (303, f"https://shop.example/done?s={buyer.session_id}")
    session, sub, invoice = buyer.session, buyer.sub(), buyer.invoice()
    assert (session["status"], session["payment_status"], session["url"]) == ("complete", "paid", None)
    assert (sub["status"], sub["metadata"], sub["customer"]) == (
        "active",
        {"organization": "acme"},
        session["customer"],
    )
    assert (invoice["status"], invoice["amount_paid"], invoice["total"]) == ("paid", 2000, session["amount_total"])
    customer = buyer.shop.api.customers.retrieve(session["customer"])
    assert (customer.email, customer.name, customer.address and customer.address.country) == (
        "a@b.example",
        "Acme",
        "DE",
    )
    assert session["customer_details"]["email"] == "a@b.example"
    heard = buyer.shop.heard()
    assert heard[-1] == "checkout.session.completed" and "customer.subscription.created" in heard


def test_metadata_of_the_session_is_not_the_subscriptions() -> None:
    buyer = Buyer(metadata={"intent": "7"})
    buyer.pay()
    assert buyer.sub()["metadata"] == {}


def test_what_is_paid_renews_with_the_same_card() -> None:
    buyer = Buyer()
    buyer.pay()
    buyer.shop.later(days=31, seconds=2 * HOUR)
    assert [one["status"] for one in buyer.shop.invoices(buyer.session["customer"])] == ["paid", "paid"]


def test_a_session_is_paid_once() -> None:
    buyer = Buyer()
    buyer.pay()
    again = buyer.pay()
    assert again.status == 200 and "paid already" in again.words
    assert len(buyer.shop.sandbox.find("subscription")) == 1


def test_a_declined_card_leaves_nothing_and_the_buyer_may_try_again() -> None:
    buyer = Buyer()
    page = buyer.pay("decline")
    assert page.status == 402 and "declined" in page.words
    assert not buyer.shop.sandbox.find("subscription") and not buyer.shop.sandbox.find("customer")
    assert buyer.session["status"] == "open"
    assert buyer.pay().status == 303


def test_payments_that_are_to_fail_fail_here_too() -> None:
    shop = Shop()
    buyer = Buyer(**known(shop))
    control.run(shop.sandbox, "payments/fail", {"customer": buyer.session["customer"], "code": "expired_card"})
    assert buyer.pay().status == 402
    assert buyer.pay().status == 303


def test_the_bank_asks_and_the_buyer_approves() -> None:
    buyer = Buyer()
    page = buyer.pay("authenticate")
    assert page.location == f"{buyer.url}/bank" and not buyer.shop.sandbox.find("subscription")
    assert "$20.00" in buyer.visitor.get(page.location).words
    assert buyer.bank("approve").location.startswith("https://shop.example/done")
    assert buyer.sub()["status"] == "active"


def test_the_bank_asks_and_the_buyer_refuses() -> None:
    buyer = Buyer()
    buyer.pay("authenticate")
    assert buyer.bank("refuse").status == 402
    assert not buyer.shop.sandbox.find("subscription") and buyer.session["status"] == "open"


def test_the_bank_can_not_be_asked_by_whoever_chose_no_such_card() -> None:
    buyer = Buyer()
    assert buyer.bank("approve").location == buyer.url
    assert buyer.session["status"] == "open"


def test_whose_bank_asked_once_is_asked_at_the_renewal() -> None:
    buyer = Buyer()
    buyer.pay("authenticate")
    buyer.bank("approve")
    buyer.shop.heard()
    buyer.shop.later(days=31, seconds=2 * HOUR)
    assert "invoice.payment_action_required" in buyer.shop.heard()
    assert buyer.sub()["status"] == "past_due"


def test_a_card_that_works_once() -> None:
    buyer = Buyer()
    buyer.pay("later")
    assert buyer.sub()["status"] == "active"
    buyer.shop.later(days=31, seconds=2 * HOUR)
    assert buyer.sub()["status"] == "past_due"


@pytest.mark.parametrize(
    ("command", "event", "status", "sub"),
    [
        ("debits/settle", "checkout.session.async_payment_succeeded", "paid", "active"),
        ("debits/fail", "checkout.session.async_payment_failed", "unpaid", "past_due"),
    ],
)
def test_a_bank_debit_is_known_later(command: str, event: str, status: str, sub: str) -> None:
    buyer = Buyer()
    assert buyer.pay("debit").status == 303
    assert (buyer.session["status"], buyer.session["payment_status"]) == ("complete", "unpaid")
    buyer.shop.heard()
    control.run(buyer.shop.sandbox, command, {"invoice": buyer.session["invoice"]})
    assert event in buyer.shop.heard()
    assert buyer.session["payment_status"] == status and buyer.sub()["status"] == sub


# --- What is typed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "nonsense"}, "email"),
        ({"name": ""}, "name"),
        ({"country": ""}, "country"),
        ({"line1": ""}, "line1"),
        ({"country": "US", "state": ""}, "state"),
        ({"tax_type": "eu_vat", "tax_value": "1"}, "tax_value"),
        ({"tax_value": "DE123456789"}, "tax_type"),
        ({"way": "gold"}, "way-succeed"),
        ({"code": "NONE"}, "code"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_nothing_is_paid(typed: dict[str, str], field: str) -> None:
    buyer = Buyer(
        billing_address_collection="required", tax_id_collection={"enabled": True}, allow_promotion_codes=True
    )
    page = buyer.visitor.post(buyer.url, {**_person(), **typed, "act": "pay"})
    assert page.status == 422 and f'href="#{field}"' in page.text
    assert buyer.session["status"] == "open"


def _person() -> dict[str, str]:
    return {
        "email": "a@b.example",
        "name": "Acme",
        "country": "DE",
        "line1": "Am Weg 1",
        "city": "Bonn",
        "postal_code": "53111",
        "way": "succeed",
    }


def test_the_buyer_may_change_a_quantity_where_it_is_allowed() -> None:
    shop = Shop()
    adjustable = {"enabled": True, "minimum": 2, "maximum": 9}
    buyer = Buyer({"price": shop.price(), "quantity": 3, "adjustable_quantity": adjustable}, shop=shop)
    name = f"quantity_{buyer.item}"
    for wrong in ("1", "10", "-3", "x", "３", ""):
        assert buyer.pay(**{name: wrong}).status == 422
    assert "$50.00" in buyer.look(**{name: "5"}).words
    assert buyer.session["amount_total"] == 5000
    buyer.pay(**{name: "7"})
    assert buyer.sub()["items"]["data"][0]["quantity"] == 7
    assert buyer.invoice()["total"] == buyer.session["amount_total"] == 7000


def test_a_quantity_that_is_fixed_stays() -> None:
    buyer = Buyer()
    buyer.pay(**{f"quantity_{buyer.item}": "50"})
    assert buyer.sub()["items"]["data"][0]["quantity"] == 2


def test_tax_is_shown_before_and_is_the_same_afterwards() -> None:
    buyer = Buyer(**TAXED)
    assert buyer.session["automatic_tax"]["status"] == "requires_location_inputs"
    assert "once the address is known" in buyer.page().words
    assert "$23.80" in buyer.look().words
    assert buyer.session["total_details"]["amount_tax"] == 380
    buyer.pay()
    assert buyer.invoice()["total"] == buyer.session["amount_total"] == 2380


@pytest.mark.parametrize(
    ("number", "total", "status"),
    [("IE1234567WA", 2000, "verified"), ("IE111111111", 2460, "unverified"), ("IE222222222", 2460, "pending")],
)
def test_a_business_abroad_with_a_number_that_holds_pays_no_tax(number: str, total: int, status: str) -> None:
    buyer = Buyer(**TAXED, tax_id_collection={"enabled": True})
    typed = {"country": "IE", "tax_type": "eu_vat", "tax_value": number}
    buyer.look(**typed)
    assert buyer.session["amount_total"] == total
    buyer.pay(**typed)
    assert buyer.invoice()["total"] == buyer.session["amount_total"] == total
    [tax_id] = buyer.shop.api.customers.tax_ids.list(buyer.session["customer"]).data
    assert tax_id.verification is not None and tax_id.verification.status == status
    assert buyer.session["customer_details"]["tax_ids"] == [{"type": "eu_vat", "value": number}]


def test_a_promotion_code() -> None:
    shop = Shop()
    coupon = shop.api.coupons.create({"percent_off": 25, "duration": "once"})
    shop.api.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "EARLY"})
    buyer = Buyer(shop=shop, allow_promotion_codes=True, **TAXED)
    assert "EARLY is used" in buyer.look(code="early").words
    assert buyer.session["total_details"] == {"amount_discount": 500, "amount_shipping": 0, "amount_tax": 285}
    assert "Remove the code" in buyer.page().words
    buyer.visitor.post(buyer.url, {"act": "remove"})
    assert buyer.session["amount_total"] == 2380
    buyer.pay(code="EARLY")
    assert buyer.invoice()["total"] == buyer.session["amount_total"] == 1785
    assert shop.api.promotion_codes.list().data[0].times_redeemed == 1


def test_a_discount_of_the_sellers() -> None:
    shop = Shop()
    coupon = shop.api.coupons.create({"amount_off": 300, "currency": "usd", "duration": "forever"})
    buyer = Buyer(shop=shop, discounts=[{"coupon": coupon.id}])
    buyer.pay()
    assert buyer.invoice()["total"] == buyer.session["amount_total"] == 1700


def test_what_costs_nothing_is_not_paid() -> None:
    shop = Shop()
    coupon = shop.api.coupons.create({"percent_off": 100, "duration": "forever"})
    buyer = Buyer(shop=shop, discounts=[{"coupon": coupon.id}])
    buyer.pay()
    assert buyer.session["payment_status"] == "no_payment_required" and buyer.sub()["status"] == "active"


def test_credit_is_used_first_and_the_button_says_what_is_charged() -> None:
    shop = Shop()
    buyer = Buyer(**known(shop, balance=-700))
    assert "From the balance −$7.00" in buyer.page().words and "Pay $13.00" in buyer.page().words
    buyer.pay()
    assert buyer.invoice()["amount_paid"] == 1300 and buyer.session["amount_total"] == 2000


def test_a_trial_is_charged_afterwards() -> None:
    buyer = Buyer(subscription_data={"trial_period_days": 14})
    buyer.pay()
    assert (buyer.session["amount_total"], buyer.session["payment_status"]) == (0, "no_payment_required")
    assert buyer.sub()["status"] == "trialing"
    buyer.shop.later(days=14, seconds=2 * HOUR)
    assert (
        buyer.sub()["status"] == "active" and buyer.shop.invoices(buyer.session["customer"])[-1]["amount_paid"] == 2000
    )


def test_a_known_customer_is_changed_as_far_as_the_session_says() -> None:
    shop = Shop()
    told = known(shop)
    told["customer_update"] = {"address": "auto"}
    buyer = Buyer(**told)
    buyer.pay(name="Somebody else", email="other@x.example")
    customer = shop.api.customers.retrieve(told["customer"])
    assert (customer.name, customer.email) == ("Example", "owner@example.com")
    assert customer.address is not None and customer.address.city == "Bonn"
    assert len(shop.sandbox.find("customer")) == 1


def test_metered_prices_are_charged_afterwards() -> None:
    shop = Shop()
    meter = shop.api.billing.meters.create(
        {"display_name": "Bytes", "event_name": "bytes", "default_aggregation": {"formula": "sum"}}
    )
    metered = shop.price(1, recurring={"usage_type": "metered", "meter": meter.id})
    buyer = Buyer({"price": shop.price(), "quantity": 1}, {"price": metered}, shop=shop)
    assert "by use, per month" in buyer.page().words
    buyer.pay()
    assert buyer.invoice()["total"] == buyer.session["amount_total"] == 1000
    assert len(buyer.sub()["items"]["data"]) == 2
