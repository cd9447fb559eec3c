"""The mirror becomes equal to Stripe, whatever happened there and in whatever order we hear of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from billing.gateway.calls import Gateway
from billing.gateway.errors import NotThere, Unavailable
from billing.gateway.objects import SubscriptionObject
from billing.gateway.orders import Change, Mode
from billing.models import Alert, Customer, Invoice, Plan, Subscription
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import Sandbox
from billing.services import syncing
from billing.services.locks import Lock
from billing.services.syncing import sync_invoice, sync_object, sync_organization, sync_subscription
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Standing, State
from tests.billing import world
from tests.concurrency import PATIENCE, Contender, another_connection, wait_until_blocked

Buy = Callable[..., Subscription]
Ahead = Callable[..., Any]


def synced(subscription: Subscription) -> Subscription:
    found = sync_subscription(subscription.stripe_id)
    assert found is not None
    return found


def quantities(subscription: Subscription) -> dict[str, tuple[int, int, int | None]]:
    """By item: what the next invoice bills, what is paid, what waits."""
    rows = subscription.items.all()
    return {row.item: (row.quantity, row.paid_quantity, row.pending_quantity) for row in rows}


def pay_with(stripe: Gateway, subscription: Subscription, card: str) -> None:
    customer = subscription.customer.stripe_id
    method = stripe.v1.payment_methods.attach(card, {"customer": customer})
    stripe.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})


def seat_of(subscription: Subscription) -> str:
    return subscription.items.get(item="seat").stripe_id


@pytest.mark.django_db
class TestSubscription:
    def test_what_was_bought(self, bought: Buy, acme: Organization, plans: dict[str, Plan]) -> None:
        found = bought(acme, seats=3, roots=2)
        assert (found.organization, found.plan, found.status, found.interval) == (
            acme,
            plans["team"],
            "active",
            "month",
        )
        assert quantities(found) == {"seat": (3, 3, None), "root": (1, 1, None)}
        assert (found.problems, found.unpaid_since, found.ends_at) == ([], None, None)
        assert found.period_end is not None
        assert found.period_start is not None
        invoice = found.invoices.get()
        assert (invoice.status, invoice.subtotal, invoice.tax, invoice.total) == ("paid", 5500, 1045, 6545)
        assert [line["amount"] for line in invoice.lines] == [1500, 4000]
        assert invoice.taxes[0] | {"reason": ""} == {
            "jurisdiction": "DE", "rate": "19", "taxable": 5500, "amount": 1045, "reason": "",
        }  # fmt: skip
        acme.refresh_from_db()
        assert (acme.state, acme.seats) == (State.ACTIVE, 3)

    def test_in_a_currency_without_decimals(self, bought: Buy, acme: Organization) -> None:
        assert bought(acme, seats=2, currency="jpy").invoices.get().subtotal == 1500

    def test_looked_at_again_it_is_the_same(self, bought: Buy, acme: Organization) -> None:
        found = bought(acme)
        before = Subscription.objects.values().get(), list(found.items.values()), list(found.invoices.values())
        synced(found)
        after = Subscription.objects.values().get(), list(found.items.values()), list(found.invoices.values())
        assert _without_times(before) == _without_times(after)

    def test_another_application_s_is_not_ours(
        self, stripe: Gateway, plans: dict[str, Plan], acme: Organization
    ) -> None:
        customer = stripe.v1.customers.create({"name": "Somebody"})
        price = plans["team"].prices.get(item="seat", currency="usd", interval="month").stripe_id
        made = stripe.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": price}], "payment_behavior": "default_incomplete"}
        )
        assert sync_subscription(made.id) is None
        assert sync_object("subscription", made.id) is None
        assert not Customer.objects.exists()

    def test_of_a_customer_that_we_made_and_did_not_live_to_write_down(self, bought: Buy, acme: Organization) -> None:
        stripe_id = bought(acme).stripe_id
        Invoice.objects.all().delete()
        Subscription.objects.all().delete()
        Customer.objects.all().delete()
        found = sync_subscription(stripe_id)
        assert found is not None
        assert (found.organization, found.invoices.count()) == (acme, 1)

    def test_one_that_nobody_has(self, stripe: Gateway) -> None:
        with pytest.raises(NotThere):
            sync_subscription("sub_nothing")

    def test_one_that_stripe_lost_stays_as_it_was_and_is_reported(
        self, bought: Buy, acme: Organization, sandbox: Sandbox
    ) -> None:
        found = bought(acme)
        sandbox.forget("subscription", found.stripe_id)
        assert sync_subscription(found.stripe_id) is None
        assert Subscription.objects.get().status == "active"
        assert Alert.objects.get().key == f"subscription-gone:{found.stripe_id}"

    def test_silence_changes_nothing(self, bought: Buy, acme: Organization, sandbox: Sandbox) -> None:
        found = bought(acme)
        sandbox.faults.add(kind=RequestTrouble.ERROR, times=None)
        with pytest.raises(Unavailable):
            sync_subscription(found.stripe_id)
        assert Subscription.objects.get().synced_at == found.synced_at

    def test_a_problem_is_reported_and_withdrawn(self, stripe: Gateway, bought: Buy, acme: Organization) -> None:
        found = bought(acme)
        product = stripe.v1.products.create({"name": "Something else"}).id
        recurring: Any = {"interval": "month"}
        price = stripe.v1.prices.create(
            {"product": product, "currency": "usd", "unit_amount": 1, "recurring": recurring}
        ).id
        changed = stripe.change_items("k", found.stripe_id, [Change(price=price, quantity=1)], Mode.DECREASE)
        found = synced(found)
        assert found.problems == [f"Nobody here knows the price {price}."]
        assert Alert.objects.get(settled_at=None).organization == acme
        assert found.plan is not None
        added = next(item.id for item in changed.items if item.price == price)
        stripe.change_items("l", found.stripe_id, [Change(item=added, remove=True)], Mode.DECREASE)
        assert synced(found).problems == []
        assert not Alert.objects.filter(settled_at=None).exists()

    def test_two_that_are_not_over_are_reported(self, bought: Buy, acme: Organization) -> None:
        bought(acme)
        second = bought(acme)
        assert Alert.objects.get().key == f"subscription-problems:{second.stripe_id}"


def _without_times(rows: tuple[Any, ...]) -> str:
    return str([{k: v for k, v in row.items() if k != "synced_at"} for part in rows for row in _listed(part)])


def _listed(part: Any) -> list[dict[str, Any]]:
    return part if isinstance(part, list) else [part]


@pytest.mark.django_db
class TestQuantities:
    def test_more_counts_when_it_is_paid(self, stripe: Gateway, bought: Buy, acme: Organization) -> None:
        found = bought(acme, seats=2)
        stripe.set_quantities("k", found.stripe_id, {seat_of(found): 5}, Mode.INCREASE)
        assert quantities(synced(found)) == {"seat": (5, 5, None)}

    def test_more_that_is_not_paid_waits_and_harms_nobody(
        self, stripe: Gateway, bought: Buy, acme: Organization
    ) -> None:
        found = bought(acme, seats=2)
        pay_with(stripe, found, world.DECLINES)
        stripe.set_quantities("k", found.stripe_id, {seat_of(found): 5}, Mode.INCREASE)
        found = synced(found)
        assert quantities(found) == {"seat": (2, 2, 5)}
        assert found.pending_until is not None
        assert found.unpaid_since is None
        acme.refresh_from_db()
        assert (acme.standing, acme.seats) == (Standing.GOOD, 2)

    def test_fewer_may_be_used_until_the_period_is_over(
        self, stripe: Gateway, bought: Buy, acme: Organization, ahead: Ahead
    ) -> None:
        found = bought(acme, seats=5)
        stripe.set_quantities("k", found.stripe_id, {seat_of(found): 2}, Mode.DECREASE)
        assert quantities(synced(found)) == {"seat": (2, 5, None)}
        ahead(days=32)
        assert quantities(synced(found)) == {"seat": (2, 2, None)}

    def test_the_first_payment_is_still_to_be_made(self, bought: Buy, acme: Organization) -> None:
        found = bought(acme, card=world.DECLINES, payment_behavior="allow_incomplete")
        assert (found.status, quantities(found)) == ("incomplete", {"seat": (2, 0, None)})
        acme.refresh_from_db()
        assert acme.state == State.APPLIED

    def test_by_invoice_it_counts_when_the_wire_has_come(
        self, stripe: Gateway, bought: Buy, acme: Organization
    ) -> None:
        found = bought(acme, seats=4, invoiced=True)
        assert (found.status, quantities(found)) == ("active", {"seat": (4, 0, None)})
        stripe.finalize("f", found.latest_invoice)
        stripe.pay_out_of_band("p", found.latest_invoice)
        assert sync_invoice(found.latest_invoice) is not None
        assert quantities(found) == {"seat": (4, 4, None)}
        more = {found.items.get().stripe_id: 9}
        stripe.set_quantities("m", found.stripe_id, more, Mode.INVOICED, at=timezone.now())
        found = synced(found)
        assert quantities(found) == {"seat": (9, 4, None)}, "More counts when it is paid, too."
        if stripe.invoice(found.latest_invoice).status == "draft":
            stripe.finalize("g", found.latest_invoice)
        assert quantities(synced(found)) == {"seat": (9, 4, None)}
        stripe.pay_out_of_band("q", found.latest_invoice)
        assert quantities(synced(found)) == {"seat": (9, 9, None)}

    def test_an_increase_of_which_the_invoice_is_void_counts_with_the_next_period(
        self, stripe: Gateway, bought: Buy, acme: Organization, ahead: Ahead
    ) -> None:
        found = bought(acme, seats=4, invoiced=True)
        stripe.finalize("f", found.latest_invoice)
        stripe.pay_out_of_band("p", found.latest_invoice)
        more = {synced(found).items.get().stripe_id: 9}
        stripe.set_quantities("m", found.stripe_id, more, Mode.INVOICED, at=timezone.now())
        stripe.finalize("g", synced(found).latest_invoice)
        stripe.void("v", synced(found).latest_invoice)
        assert quantities(synced(found)) == {"seat": (9, 4, None)}
        ahead(days=32)
        stripe.pay_out_of_band("q", synced(found).latest_invoice)
        assert quantities(synced(found)) == {"seat": (9, 9, None)}


@pytest.mark.django_db
class TestUnpaid:
    def test_since_the_first_attempt_whatever_is_tried_later(
        self, stripe: Gateway, bought: Buy, acme: Organization, ahead: Ahead
    ) -> None:
        found = bought(acme)
        renewal = found.period_end
        assert renewal is not None
        pay_with(stripe, found, world.DECLINES)
        ahead(days=32)
        first = synced(found)
        assert first.status == "past_due"
        assert first.unpaid_since is not None
        assert timedelta() <= first.unpaid_since - renewal <= timedelta(hours=2)
        ahead(days=4)
        again = synced(found)
        assert again.invoices.get(stripe_id=again.latest_invoice).attempts > 1
        assert again.unpaid_since == first.unpaid_since
        pay_with(stripe, found, world.VISA)
        stripe.v1.invoices.pay(again.latest_invoice)
        paid = synced(found)
        assert (paid.status, paid.unpaid_since) == ("active", None)

    def test_by_invoice_from_the_day_on_which_it_is_due(self, stripe: Gateway, bought: Buy, acme: Organization) -> None:
        found = bought(acme, invoiced=True)
        stripe.finalize("f", found.latest_invoice)
        found = synced(found)
        assert found.unpaid_since is not None
        assert timedelta(days=29) < found.unpaid_since - timezone.now() <= timedelta(days=30)


@pytest.mark.django_db
class TestInvoice:
    def test_of_no_subscription(self, stripe: Gateway, acme: Organization) -> None:
        customer = world.customer_of(acme)
        stripe.v1.invoice_items.create({"customer": customer.stripe_id, "amount": 700, "currency": "usd"})
        made = stripe.v1.invoices.create({"customer": customer.stripe_id, "pending_invoice_items_behavior": "include"})
        found = sync_invoice(made.id)
        assert found is not None
        assert (found.subscription, found.status, found.total, found.organization) == (None, "draft", 700, acme)

    def test_another_application_s(self, stripe: Gateway) -> None:
        customer = stripe.v1.customers.create({"name": "Somebody"})
        made = stripe.v1.invoices.create({"customer": customer.id})
        assert sync_invoice(made.id) is None

    def test_a_draft_that_was_deleted(self, stripe: Gateway, acme: Organization) -> None:
        customer = world.customer_of(acme)
        made = stripe.v1.invoices.create({"customer": customer.stripe_id})
        sync_invoice(made.id)
        stripe.v1.invoices.delete(made.id)
        found = sync_invoice(made.id)
        assert found is not None
        assert found.status == "deleted"
        with pytest.raises(NotThere):
            sync_invoice("in_nothing")


@pytest.mark.django_db
def test_everything_of_an_organization(stripe: Gateway, bought: Buy, acme: Organization) -> None:
    found = bought(acme)
    stripe.cancel_now("k", found.stripe_id, prorate=False)
    assert sync_organization(actor=Actor.operator(), organization=acme) == 1
    found.refresh_from_db()
    assert found.status == "canceled"
    assert sync_organization(actor=Actor.operator(), organization=world.company("never")) == 0


@pytest.mark.django_db
def test_what_nobody_looks_at_is_nothing(stripe: Gateway) -> None:
    assert sync_object("coupon", "half-off") is None


@pytest.mark.django_db
def test_who_waits_too_long_for_another_who_asks_knows_nothing(stripe: Gateway) -> None:
    """As if Stripe had been silent: a page says so, and a job is done later."""
    with another_connection() as other, connection.cursor() as cursor:
        other.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [Lock.OBJECT.value, "sub_1"])
        cursor.execute("SET LOCAL lock_timeout = '20ms'")
        with pytest.raises(Unavailable, match="Somebody else"):
            sync_subscription("sub_1")


class Slow(Gateway):
    """The first that asks for a subscription gets the answer of then, much later."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.asked, self.go_on = threading.Event(), threading.Event()

    def subscription(self, identifier: str) -> SubscriptionObject:
        found = super().subscription(identifier)
        if not self.asked.is_set():
            self.asked.set()
            assert self.go_on.wait(PATIENCE)
        return found


@pytest.mark.django_db(transaction=True)
def test_what_was_asked_last_stands(
    stripe: Gateway, bought: Buy, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that was on its way for long does not overwrite a newer one."""
    found = bought(acme)
    slow = Slow(stripe.settings, stripe.v1._requestor._client)
    monkeypatch.setattr(syncing, "gateway", lambda: slow)
    late, newer = (Contender(lambda: sync_subscription(found.stripe_id)) for _ in range(2))
    late.start()
    assert slow.asked.wait(PATIENCE)
    stripe.cancel_now("k", found.stripe_id, prorate=False)
    newer.start()
    assert newer.connected.wait(PATIENCE)
    wait_until_blocked(newer.pid, by=late.pid)
    slow.go_on.set()
    for contender in (late, newer):
        contender.join(PATIENCE)
        assert contender.outcome == "done"
    found.refresh_from_db()
    assert found.status == "canceled"
