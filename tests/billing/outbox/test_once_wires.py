"""A wire told to Stripe when Stripe has forgotten the key: the invoice is paid, and what is too much is there once."""

from __future__ import annotations

from typing import Any

import pytest

from billing.gateway.calls import gateway
from billing.models import Alert, Call, Customer
from billing.sandbox.store import Object, Sandbox
from billing.vocabulary import CallKind, JobState
from orgs.models import Organization
from tests.billing.outbox.troubles import LOST, NOTHING, Do, given_up, invoiced, the_call, trouble, wired

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plans")]


class TestWires:
    @pytest.mark.parametrize("kind", LOST + NOTHING)
    @pytest.mark.parametrize("match", ["POST /v1/invoices/*/pay", "POST /v1/customers/*/balance_transactions"])
    def test_the_invoice_is_paid_and_what_is_too_much_is_there_once(
        self, *, match: str, kind: str, acme: Organization, settle: Do, sandbox: Sandbox, two_days: Do
    ) -> None:
        invoice = invoiced(acme, settle)
        trouble(sandbox, kind, match)
        wired(invoice, invoice.total + 500)
        settle()
        two_days()
        assert the_call(CallKind.MARK_PAID).state == JobState.DONE and not given_up()
        assert sandbox.get("invoice", invoice.stripe_id)["status"] == "paid"
        assert credit(sandbox) == [-500]
        assert Customer.objects.get().balance == -500

    def test_what_was_given_up_meanwhile_is_paid_all_the_same(
        self, acme: Organization, settle: Do, sandbox: Sandbox
    ) -> None:
        invoice = invoiced(acme, settle)
        wired(invoice, invoice.total)
        gateway().mark_uncollectible("k", invoice.stripe_id)
        settle()
        assert sandbox.get("invoice", invoice.stripe_id)["status"] == "paid" and credit(sandbox) == []

    def test_for_an_invoice_that_is_void_by_now_staff_is_told(
        self, acme: Organization, settle: Do, sandbox: Sandbox
    ) -> None:
        invoice = invoiced(acme, settle)
        wired(invoice, invoice.total)
        gateway().void("k", invoice.stripe_id)
        settle()
        assert Call.objects.get(kind=CallKind.MARK_PAID).state == JobState.DONE
        assert Alert.objects.filter(key=f"wire-for-nothing:{invoice.stripe_id}", settled_at=None).exists()

    def test_too_much_of_a_customer_who_was_deleted_is_for_staff_to_send_back(
        self, acme: Organization, settle: Do, sandbox: Sandbox
    ) -> None:
        invoice = invoiced(acme, settle)
        call = wired(invoice, invoice.total + 500)
        gateway().v1.customers.delete(invoice.customer.stripe_id)
        settle()
        assert Call.objects.get(kind=CallKind.MARK_PAID).state == JobState.DONE and not given_up()
        assert Alert.objects.filter(key=f"wire-rest:{call.arguments['wire']}", settled_at=None).exists()
        assert Customer.objects.get().deleted_at is not None

    def test_for_an_invoice_that_was_paid_by_card_too_staff_is_told(
        self, acme: Organization, settle: Do, sandbox: Sandbox
    ) -> None:
        invoice = invoiced(acme, settle)
        call = wired(invoice, invoice.total)
        gateway().v1.invoices.pay(invoice.stripe_id, {"payment_method": "pm_card_visa"})
        settle()
        call.refresh_from_db()
        assert call.state == JobState.DONE
        assert Alert.objects.filter(key=f"wire-twice:{invoice.stripe_id}", settled_at=None).exists()

    def test_paid_by_another_at_the_same_moment_it_is_paid(
        self, acme: Organization, settle: Do, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invoice = invoiced(acme, settle)
        really = type(gateway()).pay_out_of_band

        def twice(self: Any, key: str, identifier: str) -> Any:
            really(self, "another", identifier)
            return really(self, key, identifier)

        monkeypatch.setattr(type(gateway()), "pay_out_of_band", twice)
        wired(invoice, invoice.total)
        settle()
        assert Call.objects.get(kind=CallKind.MARK_PAID).state == JobState.DONE and not given_up()


def credit(sandbox: Sandbox) -> list[int]:
    moves: list[Object] = sandbox.find("customer_balance_transaction")
    return [move["amount"] for move in moves]
