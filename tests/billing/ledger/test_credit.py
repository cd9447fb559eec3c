"""Customers' credit: the ledger has what Stripe has, whoever changed it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import Gateway
from billing.models import Alert, Call, Customer, Drift, Invoice, LedgerEntry, Reconciliation, Subscription
from billing.money import Money
from billing.reports.balances import credit_differences
from billing.sandbox.store import Sandbox
from billing.services.balancing import balance_ledger
from billing.services.wires import record_wire
from billing.vocabulary import JobState
from orgs.actors import Actor
from orgs.models import Organization
from tests import factories
from tests.billing.ledger.made import books
from tests.billing.world import company

pytestmark = pytest.mark.django_db

Do = Callable[..., Any]
Bought = Callable[..., Subscription]


@pytest.fixture
def customer(acme: Organization, bought: Bought, deliver: Do, settle: Do) -> Customer:
    bought(acme, seats=3)
    deliver()
    settle()
    return Customer.objects.get()


def given(stripe: Gateway, customer: Customer, amount: int, **more: Any) -> str:
    """In the dashboard."""
    asked: Any = {"amount": -amount, "currency": "usd", **more}
    return stripe.v1.customers.balance_transactions.create(customer.stripe_id, asked).id


def credit() -> int:
    """What the ledger owes to customers."""
    return -books("usd").get("customer_balance", 0)


def theirs(sandbox: Sandbox) -> int:
    """What Stripe does."""
    return -sum(int(one["balance"]) for one in sandbox.find("customer") if not one.get("deleted"))


class TestByHand:
    def test_it_is_booked_once_and_told(
        self, customer: Customer, stripe: Gateway, sandbox: Sandbox, deliver: Do, settle: Do
    ) -> None:
        before = books("usd")
        move = given(stripe, customer, 700, description="For the outage")
        deliver()
        settle()
        assert balance_ledger().open == 0
        assert credit() == theirs(sandbox) == 700
        assert books("usd")["suspense"] == 700
        assert {name: amount for name, amount in books("usd").items() if name in before} == before
        entry = LedgerEntry.objects.get(source=f"customer_balance_transaction:{move}")
        assert "For the outage" in entry.narration and entry.organization == customer.organization
        (alert,) = Alert.objects.filter(key=f"credit:{move}")
        assert "7.00 USD" in alert.text and "For the outage" in alert.text

    def test_what_nobody_told_us_of_is_found_at_night(
        self, customer: Customer, stripe: Gateway, sandbox: Sandbox, ahead: Do
    ) -> None:
        sandbox.faults.add("never_made", times=None)
        given(stripe, customer, 700)
        given(stripe, customer, -200)
        Customer.objects.update(balance=-500)
        run = balance_ledger()
        assert credit() == theirs(sandbox) == 500 and (run.repaired, run.open) == (2, 0)
        assert balance_ledger().repaired == 0

    def test_what_the_next_invoice_uses_of_it_is_gone_on_both_sides(
        self, *, customer: Customer, stripe: Gateway, sandbox: Sandbox, deliver: Do, settle: Do, ahead: Do
    ) -> None:
        given(stripe, customer, 700)
        ahead(days=32)
        deliver()
        settle()
        assert Invoice.objects.count() == 2
        balance_ledger()
        assert credit() == theirs(sandbox) == 0 and books("usd")["suspense"] == 700
        assert "receivable" not in books("usd")

    def test_a_debt_is_followed_as_well(self, customer: Customer, stripe: Gateway, deliver: Do, settle: Do) -> None:
        given(stripe, customer, -300)
        deliver()
        settle()
        assert credit() == -300 and not credit_differences()

    def test_an_invoice_or_a_note_that_we_missed_is_booked_by_what_it_moved(
        self, customer: Customer, stripe: Gateway, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add("never_made", times=None)
        invoice = Invoice.objects.get().stripe_id
        asked: Any = {"invoice": invoice, "amount": 600, "credit_amount": 600}
        note = stripe.v1.credit_notes.create(asked)
        customer.balance = -600
        customer.save()
        balance_ledger()
        assert LedgerEntry.objects.filter(source=f"credit_note:{note.id}").exists()
        assert credit() == theirs(sandbox) == 600 and "suspense" not in books("usd")


class TestByWire:
    @pytest.fixture
    def over(self, acme: Organization, bought: Bought, deliver: Do, settle: Do) -> Invoice:
        bought(acme, invoiced=True)
        invoice = Invoice.objects.get()
        if invoice.status == "draft":
            stripe_id = invoice.stripe_id
            from billing.gateway.calls import gateway

            gateway().finalize("k", stripe_id)
            deliver()
            settle()
            invoice.refresh_from_db()
        record_wire(
            actor=Actor.staff(factories.reviewer()),
            invoice=invoice,
            amount=Money(invoice.total + 500, "usd"),
            reference="B-1",
            received_on=timezone.now().date(),
        )
        return invoice

    def test_what_is_too_much_is_credit_there_too_and_booked_once(
        self, over: Invoice, sandbox: Sandbox, deliver: Do, settle: Do
    ) -> None:
        assert credit() == 500
        settle()
        deliver()
        settle()
        run = balance_ledger()
        assert credit() == theirs(sandbox) == 500 and run.open == 0
        assert "suspense" not in books("usd") and not Alert.objects.filter(key__startswith="credit:").exists()

    def test_while_stripe_is_being_told_nothing_differs(self, over: Invoice) -> None:
        assert balance_ledger().open == 0
        Call.objects.update(state=JobState.DEAD)
        assert balance_ledger().open == 1

    def test_somebody_else_who_writes_the_mark_gets_it_booked(
        self, over: Invoice, stripe: Gateway, sandbox: Sandbox, deliver: Do, settle: Do
    ) -> None:
        settle()
        given(stripe, over.customer, 100, metadata={"freehold_wire": f"{over.stripe_id} B-2"})
        deliver()
        settle()
        assert credit() == theirs(sandbox) == 600 and books("usd")["suspense"] == 100


class TestComparing:
    def test_what_can_not_be_explained_is_told_until_it_is_over(
        self, customer: Customer, sandbox: Sandbox, acme: Organization
    ) -> None:
        sandbox.get("customer", customer.stripe_id)["balance"] = -900
        run = balance_ledger()
        assert run.open == 0, "of what the mirror has not heard it hears when it looks"
        Customer.objects.update(balance=-900)
        run = balance_ledger()
        drift = Drift.objects.get(run=run)
        assert (run.open, drift.ours, drift.theirs, drift.organization) == (1, "0.00 USD", "9.00 USD", acme)
        told = Alert.objects.filter(key__startswith="ledger-credit:", settled_at=None)
        assert "9.00 USD" in told.get().text
        sandbox.get("customer", customer.stripe_id)["balance"] = 0
        assert balance_ledger().open == 0 and not told.exists()

    def test_what_can_not_be_booked_keeps_nothing_else_from_it(
        self, customer: Customer, stripe: Gateway, sandbox: Sandbox, deliver: Do, settle: Do
    ) -> None:
        strange, known = given(stripe, customer, 700), given(stripe, customer, 200)
        sandbox.get("customer_balance_transaction", strange)["currency"] = "xts"
        deliver()
        settle()
        assert credit() == 200 and Alert.objects.filter(key=f"credit:{known}").exists()
        assert "xts" in Alert.objects.get(key=f"credit:{strange}").text
        assert balance_ledger().open == 1

    def test_one_does_not_make_up_for_another(
        self, customer: Customer, bought: Bought, stripe: Gateway, sandbox: Sandbox
    ) -> None:
        other = bought(company("other")).customer
        for one, balance in ((customer, -400), (other, 400)):
            sandbox.get("customer", one.stripe_id)["balance"] = balance
            Customer.objects.filter(pk=one.pk).update(balance=balance)
        assert balance_ledger().open == 2

    def test_with_a_deleted_customer_the_credit_goes_to_what_is_to_be_clarified(
        self, customer: Customer, stripe: Gateway, sandbox: Sandbox, deliver: Do, settle: Do
    ) -> None:
        given(stripe, customer, 700)
        deliver()
        settle()
        stripe.v1.customers.delete(customer.stripe_id)
        deliver()
        settle()
        assert credit() == 700, "until the night, when all else is booked"
        for _night in range(2):
            assert balance_ledger().open == 0
        assert credit() == theirs(sandbox) == 0 and "suspense" not in books("usd")
        assert Alert.objects.filter(key=f"customer:{customer.stripe_id}:credit").exists()
        assert Reconciliation.objects.filter(open__gt=0).count() == 0

    def test_what_was_paid_too_much_of_an_invoice_comes_from_there(
        self, customer: Customer, sandbox: Sandbox, stripe: Gateway, deliver: Do, settle: Do
    ) -> None:
        invoice = Invoice.objects.get().stripe_id
        move = given(stripe, customer, 250)
        sandbox.get("customer_balance_transaction", move).update(type="invoice_overpaid", invoice=invoice)
        deliver()
        settle()
        assert books("usd")["receivable"] == 250 and credit() == 250
        assert LedgerEntry.objects.get(reference=move).subject == invoice
        assert not Alert.objects.filter(key=f"credit:{move}").exists()
