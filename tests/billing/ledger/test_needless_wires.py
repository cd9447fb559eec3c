"""A wire that brought a part, of which Stripe is not told: when the rest is not owed any more, neither is that part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import Gateway
from billing.gateway.orders import CreditOrder
from billing.models import Alert, Invoice, LedgerEntry, Subscription
from billing.money import Money
from billing.sandbox.store import Sandbox
from billing.services.settling import settle_movements
from billing.services.syncing import sync_invoice
from billing.services.wires import record_wire
from orgs.actors import Actor
from orgs.models import Organization
from tests import factories
from tests.billing.ledger.made import books

pytestmark = pytest.mark.django_db
Do = Callable[..., Any]


@pytest.fixture
def invoice(acme: Organization, bought: Callable[..., Subscription], stripe: Gateway) -> Invoice:
    """Of which ten dollars came by wire."""
    identifier = bought(acme, seats=6, invoiced=True).latest_invoice
    stripe.finalize("f", identifier)
    found = sync_invoice(identifier)
    assert found is not None and found.total > 2_000
    wired(found, 1_000)
    return found


def wired(invoice: Invoice, amount: int, **more: Any) -> None:
    record_wire(
        actor=Actor.staff(factories.reviewer()),
        invoice=invoice,
        amount=Money(amount, "usd"),
        reference=f"B-{amount}",
        received_on=timezone.now().date(),
        **more,
    )


def by_card(stripe: Gateway, invoice: Invoice) -> None:
    stripe.v1.invoices.pay(invoice.stripe_id, {"payment_method": "pm_card_visa"})


def told(kind: str, invoice: Invoice) -> list[str]:
    """What staff has not looked into."""
    return [one.text for one in Alert.objects.filter(key=f"{kind}:{invoice.stripe_id}", settled_at=None)]


def is_short() -> bool:
    return Alert.objects.filter(key__startswith="wire-under:", settled_at=None).exists()


def test_a_card_pays_the_whole(invoice: Invoice, stripe: Gateway, acme: Organization) -> None:
    sync_invoice(invoice.stripe_id)
    assert is_short() and not told("wire-twice", invoice)
    by_card(stripe, invoice)
    sync_invoice(invoice.stripe_id)
    assert books("usd")["receivable"] == -1_000
    (text,) = told("wire-twice", invoice)
    assert "10.00 USD" in text and invoice.number in text
    assert Alert.objects.get(key__startswith="wire-twice:").organization == acme
    assert not is_short(), "Nothing is missing any more."


def test_once_looked_into_nobody_is_told_again(invoice: Invoice, stripe: Gateway) -> None:
    by_card(stripe, invoice)
    sync_invoice(invoice.stripe_id)
    assert told("wire-twice", invoice)
    Alert.objects.update(settled_at=timezone.now())
    sync_invoice(invoice.stripe_id)
    assert not told("wire-twice", invoice)


def test_a_payment_that_is_found_by_what_it_moved(
    invoice: Invoice, stripe: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the charge had no movement yet when the invoice was looked at."""
    by_card(stripe, invoice)
    with monkeypatch.context() as early:
        early.setattr("billing.services.settling._book", lambda *_: None)
        sync_invoice(invoice.stripe_id)
    assert not told("wire-twice", invoice) and not LedgerEntry.objects.filter(kind="charge").exists()
    settle_movements()
    assert len(told("wire-twice", invoice)) == 1


def test_it_is_void(invoice: Invoice, stripe: Gateway) -> None:
    stripe.void("v", invoice.stripe_id)
    sync_invoice(invoice.stripe_id)
    (text,) = told("wire-for-nothing", invoice)
    assert "10.00 USD" in text


def test_a_note_takes_off_more_than_was_still_owed(invoice: Invoice, stripe: Gateway) -> None:
    stripe.create_credit_note("n", CreditOrder(invoice=invoice.stripe_id, amount=invoice.total - 700))
    sync_invoice(invoice.stripe_id)
    (text,) = told("wire-twice", invoice)
    assert "3.00 USD" in text


def test_the_rest_by_another_wire_is_as_it_should_be(
    invoice: Invoice, sandbox: Sandbox, deliver: Do, settle: Do
) -> None:
    wired(invoice, invoice.total - 1_000)
    settle()
    deliver()
    settle()
    assert sandbox.get("invoice", invoice.stripe_id)["status"] == "paid"
    assert not told("wire-twice", invoice) and not told("wire-for-nothing", invoice) and not is_short()
