"""What must not be done twice, and Stripe has forgotten the key: it is found there, or made, and done once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import Gateway, gateway
from billing.gateway.deadline import not_after
from billing.gateway.errors import Unavailable
from billing.models import Alert, Call, Customer, Intent, Invoice, Plan, Subscription
from billing.money import Money
from billing.sandbox import disputes
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import Object, Sandbox
from billing.services import purchase_calls
from billing.services.calls import MARKED, ONCE
from billing.services.desk import can_retry, retry_call
from billing.services.outbox import enqueue, make_calls
from billing.services.quotes import accept_with_order, request_quote
from billing.services.wires import record_wire
from billing.vocabulary import CallKind, IntentState, JobState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.closing import close_organization
from tests import factories
from tests.billing.buying.shop import BILLED, order
from tests.billing.world import owner_of

pytestmark = pytest.mark.django_db

Do = Callable[..., Any]
LOST = [RequestTrouble.TIMEOUT_AFTER, RequestTrouble.ERROR_KEPT]
"""It was done, and nobody heard of it."""
NOTHING = [RequestTrouble.TIMEOUT]
"""Nothing was done, and nobody can tell."""
EVERY = 10
"""More than the attempts that the library makes for one of ours."""


@pytest.fixture(autouse=True)
def _sold(plans: dict[str, Plan]) -> None:
    """There is something to buy."""


@pytest.fixture
def two_days(ahead: Do, settle: Do, sandbox: Sandbox) -> Callable[[], None]:
    """The trouble ends, and Stripe forgets every key."""

    def passes() -> None:
        sandbox.faults.clear()
        ahead(days=2)
        settle()

    return passes


def trouble(sandbox: Sandbox, kind: str, match: str) -> None:
    sandbox.faults.add(kind, match=match, times=EVERY)


def ordered(organization: Organization) -> Intent:
    owner = owner_of(organization)
    quote = request_quote(actor=owner, organization=organization, order=order(), billed=BILLED)
    return accept_with_order(actor=owner, intent=quote, purchase_order="PO-1")


def invoiced(organization: Organization, settle: Do) -> Invoice:
    ordered(organization)
    settle()
    return Invoice.objects.get(organization=organization)


def wired(invoice: Invoice, amount: int) -> Call:
    today = timezone.now().date()
    staff = Actor.staff(factories.reviewer())
    money = Money(amount, invoice.currency)
    record_wire(actor=staff, invoice=invoice, amount=money, reference="B-1", received_on=today)
    return Call.objects.get(kind=CallKind.MARK_PAID)


def the_call(kind: CallKind) -> Call:
    found = Call.objects.get(kind=kind)
    assert found.attempts > 1, "it was tried before"
    return found


def given_up() -> list[str]:
    return list(Alert.objects.filter(key__startswith="call:", settled_at=None).values_list("text", flat=True))


# --- An order ---------------------------------------------------------------------------------------------------------


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


# --- An end -----------------------------------------------------------------------------------------------------------


class TestEnds:
    @pytest.mark.parametrize("kind", LOST + NOTHING)
    @pytest.mark.parametrize("match", ["POST /v1/credit_notes", "DELETE /v1/subscriptions/*"])
    def test_the_rest_is_given_back_once(
        self, *, match: str, kind: str, acme: Organization, bought: Do, sandbox: Sandbox, settle: Do, two_days: Do
    ) -> None:
        live = bought(acme)
        trouble(sandbox, kind, match)
        close_organization(actor=owner_of(acme), organization=acme, name="acme")
        settle()
        two_days()
        assert Call.objects.get(kind=CallKind.CANCEL_NOW).state == JobState.DONE and not given_up()
        (refund,) = sandbox.find("refund")
        assert 0 < refund["amount"] <= live.invoices.get().total
        live.refresh_from_db()
        assert live.status == "canceled"

    def test_what_the_bank_took_back_keeps_nothing_else_from_being_done(
        self, acme: Organization, bought: Do, sandbox: Sandbox, settle: Do, ahead: Do
    ) -> None:
        live = bought(acme)
        ahead(days=31)
        settle()
        first, second = sorted(sandbox.find("charge"), key=lambda charge: int(charge["created"]))
        disputes.dispute(sandbox, second)
        arguments = {"subscription": live.stripe_id, "give_back": "all"}
        enqueue(kind=CallKind.CANCEL_NOW, organization=acme, topic=live.stripe_id, arguments=arguments)
        settle()
        (refund,) = sandbox.find("refund")
        assert refund["charge"] == first["id"] and given_up()
        live.refresh_from_db()
        assert live.status == "canceled"

    def test_what_is_paid_while_it_is_to_be_voided_is_given_back_too(
        self, acme: Organization, settle: Do, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invoice = invoiced(acme, settle)
        really = type(gateway()).void

        def void(self: Any, key: str, identifier: str) -> Any:
            self.v1.invoices.pay(identifier, {"payment_method": "pm_card_visa"})
            return really(self, key, identifier)

        monkeypatch.setattr(type(gateway()), "void", void)
        arguments = {"subscription": Subscription.objects.get().stripe_id, "give_back": "all"}
        enqueue(kind=CallKind.CANCEL_NOW, organization=acme, topic="x", arguments=arguments)
        settle()
        assert [refund["amount"] for refund in sandbox.find("refund")] == [invoice.total] and not given_up()

    def test_another_call_gives_nothing_back_twice(
        self, acme: Organization, bought: Do, sandbox: Sandbox, settle: Do
    ) -> None:
        live = bought(acme)
        at = (timezone.now() + timedelta(days=15)).isoformat()
        for topic in ("once", "again"):
            arguments = {"subscription": live.stripe_id, "give_back": "rest", "at": at}
            enqueue(kind=CallKind.CANCEL_NOW, organization=acme, topic=topic, arguments=arguments)
            settle()
        assert len(sandbox.find("credit_note")) == 1


# --- A wire -----------------------------------------------------------------------------------------------------------


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


# --- A report ---------------------------------------------------------------------------------------------------------


class TestReports:
    @pytest.fixture
    def report(self, acme: Organization, bought: Do, stripe: Any) -> Callable[[], Call]:
        live = bought(acme)
        stripe.ensure_meter()
        at = timezone.now().replace(microsecond=0).isoformat()
        customer = live.customer.stripe_id
        arguments = {"subscription": live.stripe_id, "customer": customer, "value": 7, "at": at}
        return lambda: enqueue(kind=CallKind.REPORT_USAGE, organization=acme, topic="t", arguments=arguments)

    @pytest.mark.parametrize("kind", LOST + NOTHING)
    def test_it_counts_once(
        self, kind: str, report: Callable[[], Call], sandbox: Sandbox, settle: Do, two_days: Do
    ) -> None:
        trouble(sandbox, kind, "POST /v1/billing/meter_events")
        report()
        settle()
        two_days()
        (event,) = sandbox.find("billing.meter_event")
        assert event["_value"] == "7"
        assert the_call(CallKind.REPORT_USAGE).state == JobState.DONE and not given_up()

    def test_where_stripe_can_not_tell_it_is_given_up_and_says_what_to_do(
        self, report: Callable[[], Call], sandbox: Sandbox, settle: Do, two_days: Do, stripe: Any
    ) -> None:
        trouble(sandbox, RequestTrouble.TIMEOUT, "POST /v1/billing/meter_events")
        call = report()
        settle()
        sandbox.faults.clear()
        at = datetime.fromisoformat(call.arguments["at"])
        stripe.report_usage("by-hand", customer=call.arguments["customer"], value=3, at=at)
        two_days()
        assert len(sandbox.find("billing.meter_event")) == 1
        (text,) = given_up()
        assert "counted 3" in text and "set it right there" in text


# --- In time ----------------------------------------------------------------------------------------------------------


def test_whoever_may_have_lost_it_to_another_tells_stripe_nothing_more(
    acme: Organization, bought: Do, settle: Do, ahead: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what was wanted before would undo what is wanted now, should it come late."""
    live = bought(acme)
    really, slow = type(gateway()).subscription, [True]

    def slowly(self: Any, identifier: str) -> Any:
        if slow:
            slow.clear()
            ahead(minutes=4)
        return really(self, identifier)

    monkeypatch.setattr(type(gateway()), "subscription", slowly)
    arguments = {"subscription": live.stripe_id}
    call = enqueue(kind=CallKind.CANCEL, organization=acme, topic=live.stripe_id, arguments=arguments)
    make_calls()
    call.refresh_from_db()
    assert (call.state, call.leased_until) == (JobState.PENDING, None) and "slowly" in call.error
    assert not gateway().subscription(live.stripe_id).cancel_at_period_end
    ahead(hours=1)
    settle()
    assert gateway().subscription(live.stripe_id).cancel_at_period_end


def test_also_of_what_has_no_key(acme: Organization, bought: Do, stripe: Gateway) -> None:
    live, now = bought(acme), timezone.now()
    with not_after(now - timedelta(minutes=1)), pytest.raises(Unavailable):
        stripe.cancel_now("k", live.stripe_id, prorate=False)
    with not_after(now + timedelta(minutes=1)):
        assert stripe.cancel_now("k", live.stripe_id, prorate=False).ended_at


# --- Once more, by staff ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(ONCE))
def test_what_is_found_by_its_mark_gets_a_new_key_for_stripe_repeats_its_refusal_under_the_old_one(
    kind: CallKind, acme: Organization
) -> None:
    dead = Call.objects.create(kind=kind, organization=acme, state=JobState.DEAD, attempts=3)
    again = retry_call(actor=Actor.operator(), call=dead)
    assert (again.key != dead.key) is (kind in MARKED)


def test_also_after_a_day(acme: Organization) -> None:
    old = timezone.now() - timedelta(days=3)
    verdicts = {
        kind: bool(can_retry(Call(kind=kind, organization=acme, state=JobState.DEAD, created_at=old, pk=0)))
        for kind in CallKind
    }
    assert [kind for kind, may in verdicts.items() if not may] == [CallKind.CREDIT]


def test_a_refusal_that_was_mended_is_not_repeated(acme: Organization, sandbox: Sandbox, settle: Do) -> None:
    """Such as for an address that Stripe could not place."""
    intent = ordered(acme)
    Intent.objects.update(billing_address={**intent.billing_address, "country": "", "postal_code": "", "city": ""})
    settle()
    dead = Call.objects.get(kind=CallKind.OPEN_INVOICED)
    assert dead.state == JobState.DEAD and not sandbox.find("subscription")
    Intent.objects.update(billing_address=intent.billing_address)
    retry_call(actor=Actor.operator(), call=dead)
    settle()
    dead.refresh_from_db()
    assert dead.state == JobState.DONE and purchase_calls.OVER.isdisjoint({Subscription.objects.get().status})
