"""Buying by invoice: quote, order, invoice, wire; and beginning before the money is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Mail
from billing.gateway.calls import gateway
from billing.models import Alert, Allowance, Call, Intent, Invoice, Plan, Subscription, Wire
from billing.money import Money
from billing.sandbox.store import Sandbox
from billing.selectors.entitlements import Source, entitlement
from billing.services import ladder, syncing
from billing.services.allowances import approve_allowance, refuse_allowance, request_allowance
from billing.services.purchases import can_drop
from billing.services.quotes import accept_with_order, request_quote
from billing.services.wires import record_wire
from billing.vocabulary import IntentState, JobState
from freehold.errors import Invalid, NotPermitted
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Membership, Organization
from orgs.services.organizations import NotNow
from orgs.vocabulary import Role, Standing, State
from tests import factories
from tests.billing.buying.shop import BILLED, begin, order
from tests.billing.world import owner_of

pytestmark = pytest.mark.django_db

Settle = Callable[[], None]
Bought = Callable[..., Subscription]


@pytest.fixture(autouse=True)
def _sold(plans: dict[str, Plan]) -> None:
    """There is something to buy."""


@pytest.fixture
def staff() -> Actor:
    return Actor.staff(factories.reviewer())


def quote(organization: Organization, **other: Any) -> Intent:
    return request_quote(actor=owner_of(organization), organization=organization, order=order(**other), billed=BILLED)


def ordered(organization: Organization, settle: Settle, *, begin_now: bool = False) -> Invoice:
    """What the worker made of an order: the invoice."""
    accept_with_order(
        actor=owner_of(organization), intent=quote(organization), purchase_order="PO-4711", begin_now=begin_now
    )
    settle()
    return Invoice.objects.get(organization=organization)


def wired(invoice: Invoice, staff: Actor, amount: int, reference: str = "B-1", **more: Any) -> Wire:
    today = timezone.now().date()
    money = Money(amount, invoice.currency)
    return record_wire(actor=staff, invoice=invoice, amount=money, reference=reference, received_on=today, **more)


class TestWhatStripeRefuses:
    def test_another_currency_than_that_of_the_invoices_so_far_is_said_before(
        self, acme: Organization, settle: Settle
    ) -> None:
        ordered(acme, settle)
        Subscription.objects.update(status="canceled")
        with pytest.raises(Invalid, match="have been in USD"):
            quote(acme, currency="eur")
        with pytest.raises(Invalid, match="have been in USD"):
            begin(acme, currency="eur")
        assert quote(acme).currency == "usd"

    def test_an_order_that_was_given_up_does_not_stand_in_the_way_of_another(self, acme: Organization) -> None:
        intent = accept_with_order(actor=owner_of(acme), intent=quote(acme), purchase_order="PO-1")
        with pytest.raises(NotNow, match="an order already"):
            quote(acme)
        assert not can_drop(intent)
        Call.objects.update(state=JobState.DEAD)
        assert can_drop(intent)
        assert quote(acme, seats=3).state == IntentState.QUOTED
        intent.refresh_from_db()
        assert intent.state == IntentState.CANCELLED


class TestOrdering:
    def test_an_order_becomes_an_invoice_with_the_buyers_number_due_in_thirty_days(
        self, acme: Organization, sandbox: Sandbox, settle: Settle
    ) -> None:
        invoice = ordered(acme, settle)
        assert (invoice.status, invoice.purchase_order, invoice.collection_method) == (
            "open",
            "PO-4711",
            "send_invoice",
        )
        assert invoice.due_at is not None
        assert timedelta(days=29) < invoice.due_at - timezone.now() <= timedelta(days=30)
        assert Intent.objects.get().state == IntentState.COMPLETED
        customer = sandbox.get("customer", invoice.customer.stripe_id)
        assert (customer["name"], customer["email"]) == (BILLED.name, BILLED.email)
        acme.refresh_from_db()
        assert acme.state == State.APPLIED, "An invoice is no payment."

    def test_a_quote_is_ordered_once_and_in_time(
        self, acme: Organization, settle: Settle, ahead: Callable[..., Any]
    ) -> None:
        old = quote(acme)
        ahead(days=31)
        with pytest.raises(NotNow, match="good until"):
            accept_with_order(actor=owner_of(acme), intent=old, purchase_order="")
        new = quote(acme)
        accept_with_order(actor=owner_of(acme), intent=new, purchase_order="")
        with pytest.raises(NotNow, match="answered already"):
            accept_with_order(actor=owner_of(acme), intent=new, purchase_order="")
        with pytest.raises(NotNow, match="order already"):
            quote(acme)
        settle()
        assert Subscription.objects.count() == 1

    def test_the_prices_of_a_quote_stay(self, acme: Organization) -> None:
        made = quote(acme, seats=10)
        assert (made.total, made.number[:2]) == (5_000, "Q-")

    @pytest.mark.parametrize("wrong", [{"email": "nobody"}, {"name": " "}, {"address": {"line1": "x", "city": "y"}}])
    def test_an_invoice_needs_somebody_to_go_to(self, acme: Organization, wrong: dict[str, Any]) -> None:
        fields = {"name": BILLED.name, "email": BILLED.email, "address": BILLED.address} | wrong
        with pytest.raises(Invalid):
            request_quote(actor=owner_of(acme), organization=acme, order=order(), billed=type(BILLED)(**fields))


class TestWires:
    def test_a_wire_pays_and_what_was_held_begins(self, acme: Organization, staff: Actor, settle: Settle) -> None:
        grant = factories.grant("acme", acme, state=GrantState.HELD)
        invoice = ordered(acme, settle)
        assert wired(invoice, staff, invoice.total).settles
        settle()
        invoice.refresh_from_db()
        acme.refresh_from_db()
        grant.refresh_from_db()
        assert (invoice.status, acme.state, grant.state) == ("paid", State.ACTIVE, GrantState.ACTIVE)
        with pytest.raises(NotNow):
            wired(invoice, staff, 1, "B-2")

    def test_scenario_54_too_little_stays_open_until_the_rest_comes(
        self, acme: Organization, staff: Actor, settle: Settle
    ) -> None:
        invoice = ordered(acme, settle)
        assert not wired(invoice, staff, invoice.total - 300).settles
        settle()
        invoice.refresh_from_db()
        assert invoice.status == "open"
        assert Alert.objects.filter(key__startswith="wire-under:").exists()
        assert Mail.objects.filter(subject__contains="is still missing").exists()
        with pytest.raises(NotNow, match="already"):
            wired(invoice, staff, 300)
        assert wired(invoice, staff, 300, "B-2").settles
        settle()
        invoice.refresh_from_db()
        assert invoice.status == "paid"

    def test_scenario_54_a_little_less_may_be_enough_and_too_much_is_told(
        self, acme: Organization, staff: Actor, settle: Settle
    ) -> None:
        invoice = ordered(acme, settle)
        assert wired(invoice, staff, invoice.total - 15, is_enough=True).settles
        other = factories.organization("other", state=State.APPLIED)
        factories.member(other, "otto")
        theirs = ordered(other, settle)
        assert wired(theirs, staff, theirs.total + 500).settles
        assert Alert.objects.get(key__startswith="wire-over:").organization == other
        settle()
        assert set(Invoice.objects.values_list("status", flat=True)) == {"paid"}

    def test_only_staff_reads_the_bank(self, acme: Organization, settle: Settle) -> None:
        with pytest.raises(NotPermitted):
            wired(ordered(acme, settle), owner_of(acme), 100)

    def test_nobody_records_one_for_their_own_organization(
        self, acme: Organization, staff: Actor, settle: Settle
    ) -> None:
        invoice = ordered(acme, settle)
        assert staff.user is not None
        Membership.objects.create(organization=acme, user=staff.user, role=Role.BILLING)
        with pytest.raises(NotPermitted, match="You are in"):
            wired(invoice, staff, invoice.total)
        assert not Wire.objects.exists()


class TestBeginning:
    def test_nobody_approves_for_their_own_organization(self, acme: Organization, staff: Actor, settle: Settle) -> None:
        ordered(acme, settle, begin_now=True)
        assert staff.user is not None
        Membership.objects.create(organization=acme, user=staff.user, role=Role.MEMBER)
        with pytest.raises(NotNow, match="You are in"):
            approve_allowance(actor=staff, allowance=Allowance.objects.get())
        assert not Allowance.objects.filter(approved_by__isnull=False).exists()

    def test_a_lapsed_company_does_not_come_back_by_an_order_that_nobody_pays(
        self, acme: Organization, staff: Actor, settle: Settle, ahead: Callable[..., Any], bought: Bought
    ) -> None:
        old, worker = bought(acme, 1), Actor.worker()
        grant = factories.grant("acme", acme)
        gateway().cancel_now("over", old.stripe_id, prorate=False)
        settle()
        syncing.sync_subscription(old.stripe_id)
        ahead(days=15)
        ladder.follow(actor=worker, organization=acme)
        quoted = quote(acme)
        accept_with_order(actor=owner_of(acme), intent=quoted, purchase_order="")
        settle()
        acme.refresh_from_db()
        grant.refresh_from_db()
        assert (acme.standing, grant.state) == (Standing.LAPSED, GrantState.LOCKED)
        invoice = Invoice.objects.get(status="open")
        wired(invoice, staff, invoice.total)
        settle()
        acme.refresh_from_db()
        grant.refresh_from_db()
        assert (acme.standing, grant.state) == (Standing.GOOD, GrantState.ACTIVE)

    def test_who_approves_is_not_who_asked(self, acme: Organization, staff: Actor, settle: Settle) -> None:
        ordered(acme, settle, begin_now=True)
        asked = Allowance.objects.get()
        assert entitlement(acme).source is Source.NOTHING
        owner = acme.memberships.get().user
        with pytest.raises(NotNow, match="Somebody else"):
            approve_allowance(actor=Actor.staff(owner), allowance=asked)
        with pytest.raises(IntegrityError), transaction.atomic():
            Allowance.objects.update(approved_by=owner, approved_at=timezone.now())
        approve_allowance(actor=staff, allowance=asked)
        acme.refresh_from_db()
        assert (acme.state, acme.seats) == (State.ACTIVE, 2)
        with pytest.raises(NotNow):
            refuse_allowance(actor=staff, allowance=asked, reason="Too late.")

    def test_staff_proposes_and_another_of_them_approves(self, acme: Organization, staff: Actor) -> None:
        made = request_allowance(actor=staff, organization=acme, seats=3, roots=1, days=30, reason="A sponsor.")
        with pytest.raises(NotNow):
            approve_allowance(actor=staff, allowance=made)
        approve_allowance(actor=Actor.staff(factories.reviewer()), allowance=made)
        assert (entitlement(acme).source, entitlement(acme).seats) == (Source.BY_HAND, 3)

    def test_refused_it_says_why_and_the_order_stays(self, acme: Organization, staff: Actor, settle: Settle) -> None:
        invoice = ordered(acme, settle, begin_now=True)
        with pytest.raises(Invalid):
            refuse_allowance(actor=staff, allowance=Allowance.objects.get(), reason=" ")
        refuse_allowance(actor=staff, allowance=Allowance.objects.get(), reason="We don't know you yet.")
        assert "know you yet" in Mail.objects.latest("pk").text
        assert (entitlement(acme).source, invoice.status) == (Source.NOTHING, "open")
        assert gateway().invoice(invoice.stripe_id).status == "open"
