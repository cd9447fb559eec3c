"""An order whose key Stripe has forgotten: one subscription comes of it, found there by its mark or made."""

from __future__ import annotations

import pytest

from billing.gateway.calls import gateway
from billing.models import Customer, Intent, Subscription
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import Sandbox
from billing.vocabulary import CallKind, IntentState, JobState
from orgs.models import Organization
from tests.billing.outbox.troubles import LOST, NOTHING, Do, given_up, ordered, the_call, trouble

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plans")]


class TestOrders:
    @pytest.mark.parametrize("kind", LOST + NOTHING)
    def test_one_subscription_comes_of_it(
        self, kind: str, acme: Organization, sandbox: Sandbox, settle: Do, two_days: Do
    ) -> None:
        trouble(sandbox, kind, "POST /v1/subscriptions")
        ordered(acme)
        settle()
        assert len(sandbox.find("subscription")) == (kind in LOST)
        two_days()
        (made,) = sandbox.find("subscription")
        assert the_call(CallKind.OPEN_INVOICED).state == JobState.DONE and not given_up()
        intent = Intent.objects.get()
        assert (intent.state, intent.subscription) == (IntentState.COMPLETED, made["id"])
        assert Subscription.objects.get().stripe_id == made["id"]

    def test_with_another_customer_the_key_is_another(
        self, acme: Organization, sandbox: Sandbox, settle: Do, ahead: Do
    ) -> None:
        """Stripe keeps even a failure for the key, with what was asked."""
        trouble(sandbox, RequestTrouble.ERROR_KEPT, "POST /v1/subscriptions")
        ordered(acme)
        settle()
        sandbox.faults.clear()
        gateway().v1.customers.delete(Customer.objects.get().stripe_id)
        for made in sandbox.find("subscription"):
            made["metadata"] = {}
        ahead(hours=1)
        settle()
        assert the_call(CallKind.OPEN_INVOICED).state == JobState.DONE
        assert Subscription.objects.get().customer.is_current and Customer.objects.count() == 2

    def test_one_that_was_ended_at_stripe_meanwhile_is_not_made_anew(
        self, acme: Organization, sandbox: Sandbox, settle: Do, two_days: Do
    ) -> None:
        trouble(sandbox, RequestTrouble.TIMEOUT_AFTER, "POST /v1/subscriptions")
        ordered(acme)
        settle()
        (made,) = sandbox.find("subscription")
        sandbox.faults.clear()
        gateway().v1.subscriptions.cancel(made["id"])
        two_days()
        assert len(sandbox.find("subscription")) == 1
        assert Intent.objects.get().state == IntentState.COMPLETED
        assert Subscription.objects.get().status == "canceled"
        assert "open" not in {bill["status"] for bill in sandbox.find("invoice")}

    def test_what_came_of_an_order_that_was_taken_back_is_told(
        self, acme: Organization, sandbox: Sandbox, settle: Do, two_days: Do
    ) -> None:
        trouble(sandbox, RequestTrouble.TIMEOUT_AFTER, "POST /v1/subscriptions")
        ordered(acme)
        settle()
        Intent.objects.update(state=IntentState.CANCELLED)
        two_days()
        (made,) = sandbox.find("subscription")
        (text,) = given_up()
        assert made["id"] in text and "cancel it there" in text
