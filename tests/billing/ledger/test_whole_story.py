"""A customer’s time with us, from the first payment to the last day: in the end all is earned, and every sum
that Stripe has is in the books."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import Gateway
from billing.models import Call, Invoice, Subscription, Wire
from billing.money import Money
from billing.reports.balances import differences
from billing.sandbox import ledger
from billing.sandbox.store import Sandbox
from billing.services.balancing import balance_ledger
from billing.services.syncing import sync_object
from billing.services.wires import outstanding, record_wire
from orgs.actors import Actor
from orgs.models import Organization
from tests.billing.ledger.made import books

pytestmark = pytest.mark.django_db
Bought = Callable[..., Subscription]
Step = Callable[[], Any]


@pytest.fixture
def work(deliver: Step, settle: Step) -> Step:
    """Every event delivered, and all that follows done."""
    return lambda: (deliver(), settle())


@pytest.fixture
def paid(acme: Organization, bought: Bought) -> Subscription:
    return bought(acme, seats=3)


@pytest.mark.slow
def test_by_card(work: Step, stripe: Gateway, sandbox: Sandbox, paid: Subscription, ahead: Any) -> None:
    item = paid.items.get(item="seat")
    for month in range(4):
        ahead(days=31)
        if month == 0:
            change: Any = {"items": [{"id": item.stripe_id, "quantity": 7}], "proration_behavior": "always_invoice"}
            stripe.v1.subscriptions.update(paid.stripe_id, change)
        if month == 1:
            bill = Invoice.objects.order_by("-created")[0].stripe_id
            asked: Any = {"invoice": bill, "amount": 700, "refund_amount": 700}
            sync_object("credit_note", stripe.v1.credit_notes.create(asked).id)
        if month == 2:
            ledger.pay_out(sandbox, "usd")
        work()
    stripe.v1.subscriptions.cancel(paid.stripe_id, {"prorate": True, "invoice_now": True})
    ahead(days=62)
    work()
    assert balance_ledger().open == 0
    assert differences(stripe.balance()) == []
    sums = books("usd")
    credit = sums.pop("customer_balance")  # what was paid for days after the end stays the customer's
    assert credit < 0 and set(sums) == {"bank", "clearing", "fees", "revenue", "tax"}
    billed = Invoice.objects.filter(status="paid")
    assert -sums["revenue"] - sums["tax"] - credit == sum(each.amount_paid for each in billed) - 700
    assert sum(Invoice.objects.values_list("tax", flat=True)) - _tax_of(700) == -sums["tax"]


def _tax_of(total: int) -> int:
    return round(total * 19 / 119)


def test_scenario_54_a_wire_that_is_short_and_one_that_makes_up_for_it(
    stripe: Gateway, acme: Organization, bought: Bought, settle: Step
) -> None:
    bought(acme, seats=3, invoiced=True)
    invoice = Invoice.objects.get()
    if invoice.status == "draft":
        stripe.v1.invoices.finalize_invoice(invoice.stripe_id)
        sync_object("invoice", invoice.stripe_id)
        invoice.refresh_from_db()
    _wire(invoice, Money(invoice.total - 500, "usd"), "R1")
    assert books("usd")["receivable"] == 500
    _wire(invoice, Money(700, "usd"), "R2")
    settle()
    assert not Call.objects.exclude(state="done").exists()
    sync_object("invoice", invoice.stripe_id)
    invoice.refresh_from_db()
    assert invoice.status == "paid"
    sums = books("usd")
    assert (sums["bank"], sums["customer_balance"]) == (invoice.total + 200, -200)
    assert not {"receivable", "by_hand", "shortfalls"} & set(sums)
    assert Wire.objects.filter(settles=True).count() == 1


def _wire(invoice: Invoice, amount: Money, reference: str) -> None:
    found = Invoice.objects.get(pk=invoice.pk)
    yesterday = (timezone.now() - timedelta(days=1)).date()
    record_wire(actor=Actor.operator(), invoice=found, amount=amount, reference=reference, received_on=yesterday)
    assert outstanding(Invoice.objects.get(pk=invoice.pk)).amount <= 500
