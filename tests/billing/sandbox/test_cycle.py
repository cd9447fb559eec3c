"""A subscription's course with the clock: first payment, renewals, dunning, trials, and its end."""

from __future__ import annotations

from typing import Any

import pytest

from billing.sandbox import cycle, payments
from billing.sandbox.clock import HOUR
from tests.billing.sandbox.shop import Shop, at


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_first_invoice_is_paid_at_once(shop: Shop) -> None:
    customer, price = shop.customer(), shop.price(1000)
    shop.heard()
    sub = shop.sub(shop.subscribe(customer, (price, 3)))
    assert (sub["status"], sub["items"]["data"][0]["quantity"]) == ("active", 3)
    assert sub["items"]["data"][0]["current_period_end"] == at("2026-02-10T12:00")
    invoice = shop.invoice(sub["latest_invoice"])
    assert (invoice["status"], invoice["total"], invoice["amount_remaining"]) == ("paid", 3000, 0)
    assert invoice["parent"]["subscription_details"]["subscription"] == sub["id"]
    assert [one["status"] for one in invoice["payments"]["data"]] == ["paid"]
    assert shop.heard() == [
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.updated",
        "invoice_payment.paid",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
    ]


def test_it_renews_with_an_hour_between_draft_and_payment(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(1000), 2))
    shop.later(to=at("2026-02-10T12:00"))
    first, second = shop.invoices(customer)
    assert (second["status"], second["billing_reason"], second["total"]) == ("draft", "subscription_cycle", 2000)
    assert (second["period_start"], second["period_end"]) == (first["created"], second["created"])
    assert second["lines"]["data"][0]["period"] == {"start": second["created"], "end": at("2026-03-10T12:00")}
    shop.later(seconds=HOUR)
    assert shop.invoices(customer)[1]["status"] == "paid"
    assert shop.sub(sub)["items"]["data"][0]["current_period_end"] == at("2026-03-10T12:00")


@pytest.mark.parametrize(
    ("start", "interval", "ends"),
    [
        ("2026-01-31T12:00", "month", ["2026-02-28T12:00", "2026-03-31T12:00", "2026-04-30T12:00"]),
        ("2028-02-29T00:00", "year", ["2029-02-28T00:00", "2030-02-28T00:00", "2031-02-28T00:00", "2032-02-29T00:00"]),
        ("2026-03-28T02:30", "day", ["2026-03-29T02:30", "2026-03-30T02:30"]),
        ("2026-12-31T23:59", "week", ["2027-01-07T23:59"]),
    ],
)
def test_periods_end_on_the_day_that_they_are_anchored_to(start: str, interval: str, ends: list[str]) -> None:
    shop = Shop(start=at(start))
    sub = shop.subscribe(shop.customer(), (shop.price(100, interval=interval), 1))
    for end in ends:
        assert shop.sub(sub)["items"]["data"][0]["current_period_end"] == at(end)
        shop.later(to=at(end))


def test_what_a_decline_leads_to(shop: Shop) -> None:
    """Past due from the first attempt on; three more attempts, after three, five and seven days; then the end."""
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(), 1))
    shop.card(customer, "pm_card_chargeCustomerFail")
    shop.later(to=at("2026-02-10T13:00"))
    invoice = shop.invoices(customer)[-1]
    assert (shop.sub(sub)["status"], invoice["status"], invoice["attempt_count"]) == ("past_due", "open", 1)
    assert invoice["next_payment_attempt"] == at("2026-02-13T13:00")
    assert shop.api.customers.retrieve(customer).delinquent is True
    for day, attempts in (("2026-02-13", 2), ("2026-02-18", 3)):
        shop.later(to=at(f"{day}T13:00"))
        assert (shop.sub(sub)["status"], shop.invoices(customer)[-1]["attempt_count"]) == ("past_due", attempts)
    shop.heard()
    shop.later(to=at("2026-02-25T13:00"))
    ended = shop.sub(sub)
    assert (ended["status"], ended["cancellation_details"]["reason"]) == ("canceled", "payment_failed")
    assert shop.heard()[-2:] == ["invoice.payment_failed", "customer.subscription.deleted"]
    assert shop.invoices(customer)[-1]["auto_advance"] is False


@pytest.mark.parametrize(("chosen", "status"), [(cycle.UNPAID, "unpaid"), (cycle.PAST_DUE, "past_due")])
def test_the_end_of_dunning_can_be_chosen(shop: Shop, chosen: str, status: str) -> None:
    cycle.set_after_retries(shop.sandbox, chosen)
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(), 1))
    shop.card(customer, "pm_card_chargeCustomerFail")
    shop.later(days=50)
    assert shop.sub(sub)["status"] == status
    shop.later(days=31)
    assert shop.invoices(customer)[-1]["status"] == ("draft" if status == "unpaid" else "open")


def test_paid_later_is_paid(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(), 1))
    payments.fail_next(shop.sandbox, customer, times=1)
    shop.later(to=at("2026-02-10T13:00"))
    assert shop.sub(sub)["status"] == "past_due"
    shop.later(to=at("2026-02-13T13:00"))
    assert shop.sub(sub)["status"] == "active"
    assert shop.api.customers.retrieve(customer).delinquent is False


def test_authentication_at_renewal(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(), 1))
    shop.card(customer, "pm_card_authenticationRequired")
    shop.later(to=at("2026-02-10T12:00"))
    shop.heard()
    shop.later(seconds=HOUR)
    heard = shop.heard()
    assert {"invoice.payment_action_required", "invoice.payment_failed"} <= set(heard)
    assert (shop.sub(sub)["status"], shop.invoices(customer)[-1]["status"]) == ("past_due", "open")


def test_the_end_of_a_period_as_the_end(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(), 1))
    shop.api.subscriptions.update(sub, {"cancel_at_period_end": True})
    told = shop.sub(sub)
    assert (told["cancel_at_period_end"], told["cancel_at"], told["canceled_at"]) == (
        True,
        at("2026-02-10T12:00"),
        shop.now(),
    )
    shop.api.subscriptions.update(sub, {"cancel_at_period_end": False})
    assert (shop.sub(sub)["cancel_at"], shop.sub(sub)["canceled_at"]) == (None, None)
    shop.api.subscriptions.update(sub, {"cancel_at_period_end": True})
    shop.later(to=at("2026-02-10T11:59:59"))
    assert shop.sub(sub)["status"] == "active"
    shop.later(seconds=1)
    assert (shop.sub(sub)["status"], shop.sub(sub)["ended_at"]) == ("canceled", at("2026-02-10T12:00"))
    assert len(shop.invoices(customer)) == 1


def test_a_date_as_the_end(shop: Shop) -> None:
    sub = shop.subscribe(shop.customer(), (shop.price(), 1))
    shop.api.subscriptions.update(sub, {"cancel_at": at("2026-01-20T00:00")})
    assert shop.sub(sub)["cancel_at_period_end"] is False
    shop.later(to=at("2026-01-20T00:00"))
    assert shop.sub(sub)["status"] == "canceled"


def test_a_trial_costs_nothing_until_it_ends(shop: Shop) -> None:
    customer = shop.customer(card=None)
    sub = shop.subscribe(customer, (shop.price(), 1), trial_period_days=14)
    assert (shop.sub(sub)["status"], shop.invoices(customer)[0]["total"], shop.invoices(customer)[0]["status"]) == (
        "trialing",
        0,
        "paid",
    )
    shop.card(customer, "pm_card_visa")
    shop.later(days=14, seconds=HOUR)
    assert (shop.sub(sub)["status"], shop.invoices(customer)[1]["total"]) == ("active", 1000)
    assert shop.sub(sub)["items"]["data"][0]["current_period_end"] == at("2026-02-24T12:00")


def test_nobody_pays_the_first_invoice(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    sub = shop.subscribe(customer, (shop.price(), 1))
    assert shop.sub(sub)["status"] == "incomplete"
    shop.later(seconds=23 * HOUR)
    assert (shop.sub(sub)["status"], shop.invoices(customer)[0]["status"]) == ("incomplete_expired", "void")


def test_a_purchase_order_is_sent_and_waits(shop: Shop) -> None:
    customer = shop.customer(card=None)
    sub = shop.subscribe(customer, (shop.price(), 5), collection_method="send_invoice", days_until_due=30)
    assert (shop.sub(sub)["status"], shop.invoices(customer)[0]["status"]) == ("active", "draft")
    shop.heard()
    shop.later(seconds=HOUR)
    invoice = shop.invoices(customer)[0]
    assert (invoice["status"], invoice["due_date"]) == ("open", at("2026-02-09T12:00"))
    assert "invoice.sent" in shop.heard()
    shop.later(to=invoice["due_date"])
    assert shop.sub(sub)["status"] == "past_due"
    assert "invoice.overdue" in shop.heard()
    paid = shop.api.invoices.pay(invoice["id"], {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid_off_stripe, shop.sub(sub)["status"]) == ("paid", 5000, "active")
    assert (shop.balance(), "invoice.paid" in shop.told, "invoice.payment_succeeded" in shop.told) == (0, True, False)


def test_one_of_two_overdue_invoices_is_not_enough(shop: Shop) -> None:
    customer = shop.customer(card=None)
    sub = shop.subscribe(customer, (shop.price(), 5), collection_method="send_invoice", days_until_due=7)
    shop.later(days=45)
    for status, invoice in zip(("past_due", "active"), shop.invoices(customer), strict=True):
        shop.api.invoices.pay(invoice["id"], {"paid_out_of_band": True})
        assert shop.sub(sub)["status"] == status


@pytest.mark.parametrize(
    ("behavior", "status"), [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")]
)
def test_paused_collection(shop: Shop, behavior: str, status: str) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer, (shop.price(), 1))
    pause: Any = {"pause_collection": {"behavior": behavior, "resumes_at": at("2026-03-01T00:00")}}
    shop.api.subscriptions.update(sub, pause)
    shop.later(to=at("2026-02-11T00:00"))
    assert (shop.invoices(customer)[-1]["status"], shop.sub(sub)["status"]) == (status, "active")
    shop.later(to=at("2026-03-11T00:00"))
    assert (shop.invoices(customer)[-1]["status"], shop.sub(sub)["pause_collection"]) == ("paid", None)


def test_events_come_in_the_order_of_time(shop: Shop) -> None:
    for day in range(3):
        shop.subscribe(shop.customer(), (shop.price(), 1))
        shop.later(days=day)
    shop.later(days=200)
    made = [event["created"] for event in shop.sandbox.find("event")]
    assert made == sorted(made)


def test_the_same_calls_make_the_same_world() -> None:
    def world() -> object:
        shop = Shop(seed=7)
        customer = shop.customer()
        shop.change(shop.subscribe(customer, (shop.price(), 1)), 4, proration_behavior="always_invoice")
        shop.later(days=40)
        for event in shop.sandbox.find("event"):
            event["request"]["idempotency_key"] = None  # the library makes them up
        return shop.sandbox.objects

    assert world() == world()
