"""What Stripe says happened to money, in the books: on the sandbox, through the gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import Sum

from billing.bookkeeping import Account, Posting, earned
from billing.gateway.calls import Gateway, gateway
from billing.gateway.orders import CreditOrder
from billing.models import Alert, Deferral, Drift, Invoice, LedgerEntry, LedgerLine, Subscription
from billing.reports.balances import clearing, differences
from billing.sandbox import disputes, ledger, outcomes, refunds
from billing.sandbox.store import Sandbox
from billing.services import settling
from billing.services.balancing import balance_ledger
from billing.services.reconciling import EVERYTHING, reconcile
from billing.services.settling import SETTLERS, settle_movements
from billing.services.syncing import sync_invoice
from orgs.models import Organization
from tests.billing.ledger.made import books, kinds, movement

pytestmark = pytest.mark.django_db
Bought = Callable[..., Subscription]


@pytest.fixture
def invoice(acme: Organization, bought: Bought) -> Invoice:
    """Paid by card, with tax."""
    bought(acme, seats=3)
    return Invoice.objects.get()


def charge_of(stripe: Gateway, invoice: Invoice) -> str:
    return stripe.invoice(invoice.stripe_id).payments[0].charge


def in_step(stripe: Gateway) -> bool:
    return differences(stripe.balance()) == []


def test_a_purchase_is_owed_paid_and_deferred(stripe: Gateway, invoice: Invoice) -> None:
    found = books("usd")
    assert set(found) == {"clearing", "deferred", "fees", "tax"}
    assert -found["deferred"] == invoice.subtotal and -found["tax"] == invoice.tax > 0
    assert in_step(stripe)


def test_scenario_53_seen_by_everybody_it_is_booked_once(
    stripe: Gateway, invoice: Invoice, deliver: Any, settle: Any
) -> None:
    """By the purchase, by its events, by the charge, by the sweep."""
    once = books("usd")
    deliver()
    settle()
    SETTLERS["charge"](charge_of(stripe, invoice))
    assert settle_movements() == 0
    assert books("usd") == once and kinds() == ["invoice", "charge"]


@pytest.mark.parametrize("end", ["void", "mark_uncollectible"])
@pytest.mark.parametrize("is_late", [False, True])
def test_what_was_taken_off_before_is_no_loss(
    acme: Organization, stripe: Gateway, bought: Bought, *, end: str, is_late: bool
) -> None:
    """Though we hear of the end of the invoice first."""
    identifier = bought(acme, seats=3, invoiced=True).latest_invoice
    invoice = stripe.finalize("f", identifier)
    note = stripe.create_credit_note("n", CreditOrder(invoice=identifier, amount=595))
    if not is_late:
        SETTLERS["credit_note"](note.id)
    getattr(stripe, end)("e", identifier)
    sync_invoice(identifier)
    SETTLERS["credit_note"](note.id)
    found = books("usd")
    assert "receivable" not in found
    lost = LedgerLine.objects.filter(account=Account.BAD_DEBT).aggregate(sum=Sum("amount"))["sum"] or 0
    deferred = LedgerLine.objects.filter(account=Account.DEFERRED, entry__kind=Posting.UNCOLLECTIBLE)
    lost += deferred.aggregate(sum=Sum("amount"))["sum"] or 0
    assert lost == (0 if end == "void" else invoice.total - 595)


@pytest.mark.parametrize("part", [595, 0])
def test_what_is_taken_off_after_it_was_given_up_is_less_of_a_loss(
    *, acme: Organization, stripe: Gateway, bought: Bought, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of it, or all: then Stripe calls it paid. Nobody has to ask for the notes again."""
    identifier = bought(acme, seats=3, invoiced=True).latest_invoice
    invoice = stripe.finalize("f", identifier)
    stripe.mark_uncollectible("e", identifier)
    sync_invoice(identifier)
    before = books("usd")
    note = stripe.create_credit_note("n", CreditOrder(invoice=identifier, amount=part or invoice.total))
    assert SETTLERS["credit_note"](note.id)
    found = books("usd")
    assert "receivable" not in found
    assert found.get("tax", 0) == (before["tax"] + 95 if part else 0)
    sync_invoice(identifier)
    assert books("usd") == found
    monkeypatch.setattr(settling, "gateway", SimpleNamespace)
    settling._post(stripe.invoice(identifier), acme)


def test_a_note_that_we_hear_of_before_the_loss_comes_after_it_all_the_same(
    acme: Organization, stripe: Gateway, bought: Bought, ahead: Any
) -> None:
    """What was not earned yet is cut once: as of the day on which the invoice was given up."""
    identifier = bought(acme, seats=3, invoiced=True).latest_invoice
    stripe.finalize("f", identifier)
    sync_invoice(identifier)
    ahead(days=3)
    stripe.mark_uncollectible("e", identifier)
    ahead(days=5)
    note = stripe.create_credit_note("n", CreditOrder(invoice=identifier, amount=595))
    SETTLERS["credit_note"](note.id)
    sync_invoice(identifier)
    assert "receivable" not in books("usd")
    day = note.created.date()
    assert not sum(row.amount - earned(row.amount, row.start, row.end, day) for row in Deferral.objects.all())


def test_a_note_that_nobody_tells_of_is_seen_on_its_invoice(
    acme: Organization, stripe: Gateway, bought: Bought
) -> None:
    """It moved neither money nor credit; nor does its being declared void."""
    identifier = bought(acme, seats=3, invoiced=True).latest_invoice
    stripe.finalize("f", identifier)
    sync_invoice(identifier)
    before = books("usd")
    note = stripe.create_credit_note("n", CreditOrder(invoice=identifier, amount=595))
    sync_invoice(identifier)
    after = books("usd")
    assert (after["receivable"], after["tax"]) == (before["receivable"] - 595, before["tax"] + 95)
    stripe.v1.credit_notes.void_credit_note(note.id)
    sync_invoice(identifier)
    assert books("usd") == before


def test_what_a_debit_paid_too_much_is_owed_to_the_customer(
    *, acme: Organization, stripe: Gateway, sandbox: Sandbox, bought: Bought, deliver: Any, settle: Any
) -> None:
    """A credit note came while it was under way."""
    row = bought(acme, seats=3, invoiced=True)
    identifier = row.latest_invoice
    stripe.finalize("f", identifier)
    asked = {"payment_method": "pm_usBankAccount"}
    stripe.v1.invoices.pay(identifier, asked)  # type: ignore[arg-type]  # a plain dict
    stripe.create_credit_note("n", CreditOrder(invoice=identifier, amount=595))
    outcomes.settle_debit(sandbox, sandbox.find("payment_intent", status="processing")[0]["id"])
    deliver()
    settle()
    found = books("usd")
    assert found["customer_balance"] == -595 and "receivable" not in found and in_step(stripe)


def test_each_night_the_notes_of_old_invoices_are_found_too(stripe: Gateway, invoice: Invoice, ahead: Any) -> None:
    ahead(days=60)
    reconcile(kind=EVERYTHING)
    before = books("usd")
    stripe.v1.credit_notes.create({"invoice": invoice.stripe_id, "amount": 595, "out_of_band_amount": 595})
    reconcile(kind=EVERYTHING)
    after = books("usd")
    assert (after["refunds"], after["tax"]) == (-595, before["tax"] + 95)


def test_scenario_51_a_credit_note_takes_tax_back_and_a_dashboard_refund_does_not(
    stripe: Gateway, sandbox: Sandbox, invoice: Invoice
) -> None:
    """And one that fails comes back."""
    before = books("usd")
    asked = {"invoice": invoice.stripe_id, "amount": 595, "refund_amount": 595}
    note = stripe.v1.credit_notes.create(asked)  # type: ignore[arg-type]  # a plain dict
    assert SETTLERS["credit_note"](note.id)
    after = books("usd")
    assert after["tax"] == before["tax"] + 95 and "refunds" not in after and in_step(stripe)
    refund = stripe.v1.refunds.create({"charge": charge_of(stripe, invoice), "amount": 100})
    assert SETTLERS["refund"](refund.id)
    assert books("usd")["refunds"] == 100 and books("usd")["tax"] == after["tax"] and in_step(stripe)
    told = Alert.objects.filter(key=f"refund-without-credit-note:{refund.id}", settled_at=None)
    assert told.exists()
    refunds.conclude(sandbox, sandbox.get("refund", refund.id), arrives=False)
    assert SETTLERS["refund"](refund.id)
    assert books("usd") == after and in_step(stripe) and not told.exists()


def test_scenario_52_a_dispute_from_its_opening_to_its_end(stripe: Gateway, sandbox: Sandbox, invoice: Invoice) -> None:
    before = books("usd")
    opened = disputes.dispute(sandbox, sandbox.get("charge", charge_of(stripe, invoice)))
    assert SETTLERS["dispute"](opened["id"])
    assert books("usd")["disputed"] == invoice.total and in_step(stripe)
    assert Alert.objects.filter(key=f"dispute:{opened['id']}", settled_at=None).exists(), "Stripe waits for an answer."
    disputes.close(sandbox, opened, "lost")
    assert SETTLERS["dispute"](opened["id"])
    found = books("usd")
    assert found["dispute_losses"] == invoice.total and "disputed" not in found
    assert found["fees"] > before["fees"] and in_step(stripe)
    told = Alert.objects.get(key=f"dispute:{opened['id']}:lost")
    assert told.organization == invoice.organization
    assert not Alert.objects.filter(key=f"dispute:{opened['id']}", settled_at=None).exists()


def test_a_debit_that_fails_late_is_owed_again_in_the_currency_of_the_invoice(
    invoice: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe had converted it."""
    entry = LedgerEntry.objects.get(kind="charge")
    charge = replace(gateway().charge(entry.reference), currency="eur", amount=1_000)
    monkeypatch.setattr(settling, "gateway", lambda: SimpleNamespace(charge=lambda _: charge))
    settling._settle_movement(movement("charge_failure", -1_100, currency="usd", source=entry.reference))
    assert (books("eur")["receivable"], books("eur")["exchange"]) == (1_000, -1_000)
    assert "receivable" not in books("usd")


def test_a_payout_that_nobody_told_us_of(stripe: Gateway, sandbox: Sandbox, invoice: Invoice) -> None:
    ledger.pay_out(sandbox, "usd")
    assert not in_step(stripe)
    run = balance_ledger()
    assert (run.repaired, run.open) == (1, 0) and run.ended_at
    assert in_step(stripe) and clearing()["usd"].amount == 0 and books("usd")["bank"] > 0


def test_what_is_not_ours_is_in_step_too_and_in_suspense(stripe: Gateway, invoice: Invoice) -> None:
    """Another application on the same account: its money is at Stripe as well."""
    other = stripe.v1.customers.create({"email": "other@shop.example"}, {"idempotency_key": "k1"})
    method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": other.id})
    stripe.v1.customers.update(other.id, {"invoice_settings": {"default_payment_method": method.id}})
    stripe.v1.invoice_items.create({"customer": other.id, "amount": 900, "currency": "usd"})
    bill = stripe.v1.invoices.create({"customer": other.id, "pending_invoice_items_behavior": "include"})
    assert bill.id
    stripe.v1.invoices.pay(bill.id)
    before = books("usd")
    balance_ledger()
    assert in_step(stripe)
    assert books("usd")["suspense"] == -900
    assert {name: amount for name, amount in books("usd").items() if name not in {"suspense", "clearing", "fees"}} == {
        name: amount for name, amount in before.items() if name not in {"clearing", "fees"}
    }


def test_a_balance_that_is_not_explained_is_told(
    stripe: Gateway, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.services.balancing.differences", lambda balance: differences(_more(balance)))
    run = balance_ledger()
    assert run.open == 1
    assert Drift.objects.get(run=run).object_id == "usd"
    assert Alert.objects.filter(key="ledger-clearing:usd", settled_at=None).exists()
    monkeypatch.undo()
    assert balance_ledger().open == 0
    assert not Alert.objects.filter(key="ledger-clearing:usd", settled_at=None).exists()


def _more(balance: Any) -> Any:
    return type(balance)(available={"usd": balance.available["usd"] + 1}, pending=balance.pending)


def test_what_is_written_names_the_party_as_it_was(invoice: Invoice, acme: Organization) -> None:
    type(acme).objects.update(display_name="Another")
    assert set(LedgerEntry.objects.values_list("party", flat=True)) == {"Acme"}
