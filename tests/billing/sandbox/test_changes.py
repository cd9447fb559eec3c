"""Changes in the middle of a period: prorations to the second, previews that are true, payments that must succeed."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from billing.sandbox import payments
from billing.sandbox.clock import HOUR
from tests.billing.sandbox.shop import Shop, at

NOW: Any = {"proration_behavior": "always_invoice"}
HALF = at("2026-01-26T00:00")
"""Of the 31 days from 10 January, noon."""


@pytest.fixture
def shop() -> Shop:
    return Shop()


def lines(invoice: dict[str, Any]) -> list[int]:
    return [line["amount"] for line in invoice["lines"]["data"]]


def test_more_seats_are_paid_for_the_rest_of_the_period(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 3))
    shop.later(to=HALF)
    shop.heard()
    changed = shop.change(sub, 5, **NOW)
    assert changed["items"]["data"][0]["quantity"] == 5
    invoice = shop.invoices(customer)[-1]
    assert (invoice["billing_reason"], invoice["status"], lines(invoice)) == (
        "subscription_update",
        "paid",
        [-1500, 2500],
    )
    assert [line["parent"]["invoice_item_details"]["proration"] for line in invoice["lines"]["data"]] == [True, True]
    assert shop.heard()[0] == "customer.subscription.updated"
    shop.later(to=at("2026-02-10T13:00"))
    assert lines(shop.invoices(customer)[-1]) == [5000]


@pytest.mark.parametrize("passed", [0, 1, 12_345, 31 * 86_400 - 1])
def test_every_second_counts(shop: Shop, passed: int) -> None:
    """At a cent a second."""
    customer, whole = shop.customer(), 31 * 86_400
    sub = shop.subscribe(customer, (shop.price(whole), 1))
    shop.later(seconds=passed)
    shop.change(sub, 3, **NOW)
    assert lines(shop.invoices(customer)[-1]) == [passed - whole, 3 * (whole - passed)]


def test_prorations_can_wait_for_the_renewal(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 3))
    shop.later(to=HALF)
    shop.change(sub, 5)
    assert len(shop.invoices(customer)) == 1
    shop.later(to=at("2026-02-10T13:00"))
    assert lines(shop.invoices(customer)[-1]) == [-1500, 2500, 5000]


def test_no_proration_means_from_the_next_period_on(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 3))
    shop.later(to=HALF)
    shop.change(sub, 1, proration_behavior="none")
    shop.later(to=at("2026-02-10T13:00"))
    assert [lines(invoice) for invoice in shop.invoices(customer)] == [[3000], [1000]]


def test_what_is_given_back_is_credit_for_the_next_invoice(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 3))
    shop.later(to=HALF)
    shop.change(sub, 1, **NOW)
    invoice = shop.invoices(customer)[-1]
    assert (invoice["total"], invoice["amount_due"], invoice["status"]) == (-1000, 0, "paid")
    assert shop.api.customers.retrieve(customer).balance == -1000
    shop.later(to=at("2026-02-10T13:00"))
    invoice = shop.invoices(customer)[-1]
    assert (invoice["total"], invoice["starting_balance"], invoice["ending_balance"], invoice["amount_due"]) == (
        1000,
        -1000,
        0,
        0,
    )
    assert [one.type for one in shop.api.customers.balance_transactions.list(customer).data] == [
        "applied_to_invoice"
    ] * 2


def test_another_interval_begins_a_new_period(shop: Shop) -> None:
    customer, yearly = shop.customer(), shop.price(10_000, interval="year")
    sub = shop.subscribe(customer, (shop.price(1000), 3))
    shop.later(to=HALF)
    item: Any = {"id": shop.item(sub), "price": yearly, "quantity": 3}
    shop.api.subscriptions.update(sub, {"items": [item]})
    assert lines(shop.invoices(customer)[-1]) == [-1500, 30_000]
    assert shop.sub(sub)["items"]["data"][0]["current_period_end"] == at("2027-01-26T00:00")


def test_items_come_and_go(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 1))
    shop.later(to=HALF)
    more: Any = {"items": [{"price": shop.price(400), "quantity": 2}], **NOW}
    shop.api.subscriptions.update(sub, more)
    assert lines(shop.invoices(customer)[-1]) == [400]
    fewer: Any = {"items": [{"id": shop.item(sub), "deleted": True}], **NOW}
    shop.api.subscriptions.update(sub, fewer)
    assert lines(shop.invoices(customer)[-1]) == [-500]
    with pytest.raises(stripe.InvalidRequestError, match="at least one"):
        shop.api.subscriptions.update(sub, {"items": [{"id": shop.item(sub), "deleted": True}]})


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    cents=st.integers(1, 99_999),
    before=st.integers(0, 40),
    after=st.integers(0, 40),
    seconds=st.integers(0, 31 * 86_400),
)
def test_the_preview_equals_the_charge(cents: int, before: int, after: int, seconds: int) -> None:
    shop = Shop()
    customer = shop.customer(address={"country": "DE"})
    sub = shop.subscribe(customer, (shop.price(cents), before), automatic_tax={"enabled": True})
    shop.later(seconds=min(seconds, 31 * 86_400 - 1))
    details: Any = {"items": [{"id": shop.item(sub), "quantity": after}], **NOW}
    if before != after:
        foreseen = shop.api.invoices.create_preview({"subscription": sub, "subscription_details": details}).to_dict()
        shop.change(sub, after, **NOW)
        compare(foreseen, shop.invoices(customer)[-1])
    foreseen = shop.api.invoices.create_preview({"subscription": sub}).to_dict()
    shop.later(to=at("2026-02-10T12:00") + HOUR)
    compare(foreseen, shop.invoices(customer)[-1])
    assert shop.balance() == sum(entry["net"] for entry in shop.sandbox.find("balance_transaction"))


def compare(foreseen: dict[str, Any], charged: dict[str, Any]) -> None:
    for name in ("total", "subtotal", "amount_due", "starting_balance", "total_taxes"):
        assert foreseen[name] == charged[name], name
    assert lines(foreseen) == lines(charged)
    assert charged["subtotal"] == sum(lines(charged))
    taxes = [part["amount"] for line in charged["lines"]["data"] for part in line["taxes"]]
    assert charged["total"] == charged["subtotal"] + sum(taxes)


def test_a_preview_changes_nothing(shop: Shop) -> None:
    customer, price = shop.customer(address={"country": "FR"}), shop.price(1000)
    coupon = shop.api.coupons.create({"percent_off": 50, "duration": "once", "max_redemptions": 1})
    params: Any = {
        "customer": customer,
        "discounts": [{"coupon": coupon.id}],
        "automatic_tax": {"enabled": True},
        "subscription_details": {"items": [{"price": price, "quantity": 4}]},
    }
    shop.heard()
    known = {kind: set(objects) for kind, objects in shop.sandbox.objects.items()}
    first, second = (shop.api.invoices.create_preview(params) for _ in range(2))
    assert (first.total, second.total, first.id[:9]) == (2400, 2400, "upcoming_")
    after = {kind: set(objects) for kind, objects in shop.sandbox.objects.items() if kind != "tax_rate" and objects}
    assert (after, shop.heard()) == (known, [])
    sub = shop.subscribe(customer, (price, 4), discounts=[{"coupon": coupon.id}], automatic_tax={"enabled": True})
    assert shop.invoice(shop.sub(sub)["latest_invoice"])["total"] == 2400


def test_a_preview_for_somebody_who_is_no_customer_yet(shop: Shop) -> None:
    details: Any = {"items": [{"price": shop.price(1000), "quantity": 1}]}
    for country, vat, total in (
        ("DE", "", 1190),
        ("FR", "", 1200),
        ("FR", "FR12345678901", 1000),
        ("DE", "DE123456789", 1190),
        ("BR", "", 1000),
    ):
        who: Any = {"address": {"country": country}, "tax_ids": [{"type": "eu_vat", "value": vat}] if vat else []}
        foreseen = shop.api.invoices.create_preview(
            {"customer_details": who, "subscription_details": details, "automatic_tax": {"enabled": True}}
        )
        assert foreseen.total == total, (country, vat)


# --- Payments of changes ----------------------------------------------------------------------------------------------


def test_an_error_leaves_everything_as_it_was(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 1))
    payments.fail_next(shop.sandbox, customer)
    shop.heard()
    with pytest.raises(stripe.CardError) as refused:
        shop.change(sub, 9, **NOW, payment_behavior="error_if_incomplete")
    assert (refused.value.code, refused.value.http_status) == ("card_declined", 402)
    assert (shop.sub(sub)["items"]["data"][0]["quantity"], len(shop.invoices(customer)), shop.heard()) == (1, 1, [])


def test_a_change_that_waits_is_made_when_it_is_paid(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 1))
    payments.fail_next(shop.sandbox, customer)
    held = shop.change(sub, 9, **NOW, payment_behavior="pending_if_incomplete")
    assert (held["items"]["data"][0]["quantity"], held["status"]) == (1, "active")
    assert held["pending_update"]["subscription_items"][0]["quantity"] == 9
    shop.api.invoices.pay(held["latest_invoice"])
    assert (shop.sub(sub)["items"]["data"][0]["quantity"], shop.sub(sub)["pending_update"]) == (9, None)
    assert "customer.subscription.pending_update_applied" in shop.heard()


def test_a_change_that_waited_too_long_is_dropped(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 1))
    payments.fail_next(shop.sandbox, customer)
    held = shop.change(sub, 9, **NOW, payment_behavior="pending_if_incomplete")
    shop.later(seconds=23 * HOUR)
    assert (shop.sub(sub)["items"]["data"][0]["quantity"], shop.sub(sub)["pending_update"]) == (1, None)
    assert shop.invoice(held["latest_invoice"])["status"] == "void"
    shop.later(to=at("2026-02-10T13:00"))
    assert lines(shop.invoices(customer)[-1]) == [1000]


def test_a_change_that_waits_ends_with_the_subscription(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 1))
    payments.fail_next(shop.sandbox, customer)
    held = shop.change(sub, 9, **NOW, payment_behavior="pending_if_incomplete")
    shop.api.subscriptions.cancel(sub)
    shop.later(seconds=23 * HOUR)
    assert (shop.sub(sub)["status"], shop.sub(sub)["pending_update"]) == ("canceled", None)
    assert shop.invoice(held["latest_invoice"])["status"] == "void"


def test_otherwise_it_is_made_and_owed(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 1))
    payments.fail_next(shop.sandbox, customer)
    assert shop.change(sub, 9, **NOW)["items"]["data"][0]["quantity"] == 9
    assert (shop.sub(sub)["status"], shop.invoices(customer)[-1]["status"]) == ("past_due", "open")


# --- Discounts, usage, cancelling -------------------------------------------------------------------------------------


def test_a_discount_for_some_months(shop: Shop) -> None:
    customer = shop.customer()
    coupon = shop.api.coupons.create({"percent_off": 25, "duration": "repeating", "duration_in_months": 2})
    code = shop.api.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING"})
    sub = shop.subscribe(customer, (shop.price(999), 1), discounts=[{"promotion_code": code.id}])
    shop.later(days=100)
    assert [invoice["total"] for invoice in shop.invoices(customer)] == [749, 749, 999, 999]
    assert (shop.api.promotion_codes.retrieve(code.id).times_redeemed, shop.sub(sub)["discounts"]) == (1, [])


def test_a_discount_of_a_sum_is_shared_among_the_lines(shop: Shop) -> None:
    customer = shop.customer()
    coupon = shop.api.coupons.create({"amount_off": 100, "currency": "usd", "duration": "once"})
    shop.subscribe(customer, (shop.price(500), 1), (shop.price(250), 1), discounts=[{"coupon": coupon.id}])
    invoice = shop.invoices(customer)[0]
    assert [sum(part["amount"] for part in line["discount_amounts"]) for line in invoice["lines"]["data"]] == [66, 34]
    assert (invoice["total"], invoice["total_discount_amounts"][0]["amount"]) == (650, 100)


def test_usage_is_paid_afterwards(shop: Shop) -> None:
    meter = shop.api.billing.meters.create(
        {"display_name": "Checks", "event_name": "checks", "default_aggregation": {"formula": "sum"}}
    )
    price = shop.price(None, unit_amount_decimal="0.4", recurring={"usage_type": "metered", "meter": meter.id})
    customer = shop.customer()
    shop.subscribe(customer, (price, None))

    def use(value: str, name: str) -> None:
        payload = {"stripe_customer_id": customer, "value": value}
        shop.api.billing.meter_events.create({"event_name": "checks", "identifier": name, "payload": payload})

    use("1000", "a")
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        use("1000", "a")
    shop.later(days=20)
    use("2001", "b")
    shop.later(to=at("2026-02-10T13:00"))
    first, second = shop.invoices(customer)
    assert (first["total"], second["total"], second["lines"]["data"][0]["quantity"]) == (0, 1200, 3001)
    use("10", "c")
    shop.later(to=at("2026-03-10T13:00"))
    assert shop.invoices(customer)[2]["total"] == 4


def test_what_was_counted_is_summed_up_for_whole_minutes(shop: Shop) -> None:
    meter = shop.api.billing.meters.create(
        {"display_name": "Checks", "event_name": "checks", "default_aggregation": {"formula": "sum"}}
    )
    customer, now = shop.customer(), shop.now()
    for value in ("3", "4"):
        payload = {"stripe_customer_id": customer, "value": value}
        shop.api.billing.meter_events.create({"event_name": "checks", "payload": payload, "timestamp": now})
    minute = now // 60 * 60

    def counted(start: int, end: int, who: str = customer) -> list[float]:
        asked: Any = {"customer": who, "start_time": start, "end_time": end}
        return [one.aggregated_value for one in shop.api.billing.meters.event_summaries.list(meter.id, asked).data]

    assert counted(minute, minute + 60) == counted(minute - 600, minute + 600) == [7.0]
    assert counted(minute - 60, minute) == counted(minute, minute + 60, shop.customer()) == []
    with pytest.raises(stripe.InvalidRequestError, match="aligned"):
        counted(minute + 1, minute + 61)


def test_cancelling_at_once(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 2))
    shop.later(to=HALF)
    ended = shop.api.subscriptions.cancel(sub, {"prorate": True, "invoice_now": True})
    assert (ended.status, ended.ended_at) == ("canceled", HALF)
    assert (lines(shop.invoices(customer)[-1]), shop.api.customers.retrieve(customer).balance) == ([-1000], -1000)
    assert [one.id for one in shop.api.subscriptions.list({"customer": customer}).data] == []
    assert [one.id for one in shop.api.subscriptions.list({"customer": customer, "status": "all"}).data] == [sub]
    with pytest.raises(stripe.InvalidRequestError):
        shop.change(sub, 4)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (None, "resource_missing"),
        ("pm_card_authenticationRequired", "authentication_required"),
        ("pm_card_chargeCustomerFail", "card_declined"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
    ],
)
def test_why_a_change_can_not_be_paid(shop: Shop, token: str | None, code: str) -> None:
    customer = shop.customer(card=None)
    sub = shop.subscribe(customer, (shop.price(), 1), collection_method="send_invoice", days_until_due=3)
    if token:
        shop.card(customer, token)
    shop.api.subscriptions.update(sub, {"collection_method": "charge_automatically"})
    with pytest.raises(stripe.StripeError) as refused:
        shop.change(sub, 2, **NOW, payment_behavior="error_if_incomplete")
    assert (refused.value.code, shop.sub(sub)["items"]["data"][0]["quantity"]) == (code, 1)
    with pytest.raises(stripe.StripeError) as refused:
        shop.subscribe(customer, (shop.price(), 1), payment_behavior="error_if_incomplete")
    assert refused.value.code == code
