"""Ending a plan, taking that back, and what becomes of it without anybody left (scenario 47)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Mail, User
from billing.gateway.calls import gateway
from billing.models import Alert, Call, Customer, Invoice, Plan, Subscription
from billing.sandbox.store import Sandbox
from billing.services import outbox
from billing.services.customers import sync_customer
from billing.services.effects import follow_change_of_kind
from billing.services.endings import can_end, can_take_back, end_abandoned, end_plan, is_ending, take_back
from billing.services.portal import portal_address
from billing.services.purchases import can_buy
from billing.services.quantities import change_quantities
from billing.vocabulary import IntentState
from freehold.errors import NotPermitted
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.closing import close_organization
from orgs.services.organizations import NotNow
from orgs.vocabulary import Kind, Role, State
from tests import factories
from tests.billing.buying.shop import begin, pay
from tests.billing.world import customer_of, owner_of

pytestmark = pytest.mark.django_db

Settle = Callable[[], None]
Bought = Callable[..., Subscription]


def test_ended_it_runs_until_the_end_of_what_is_paid_and_can_be_taken_back(
    acme: Organization, bought: Bought, settle: Settle
) -> None:
    live = bought(acme)
    end_plan(actor=owner_of(acme), organization=acme)
    assert is_ending(live), "It counts at once."
    settle()
    live.refresh_from_db()
    assert live.ends_at == live.period_end and live.is_live
    assert not can_end(live)
    take_back(actor=owner_of(acme), organization=acme)
    assert not is_ending(live)
    settle()
    live.refresh_from_db()
    assert live.ends_at is None
    assert not can_take_back(live)


def test_ended_and_taken_back_before_the_worker_ran_it_goes_on(
    acme: Organization, bought: Bought, settle: Settle
) -> None:
    live, owner = bought(acme), owner_of(acme)
    end_plan(actor=owner, organization=acme)
    take_back(actor=owner, organization=acme)
    settle()
    live.refresh_from_db()
    assert live.ends_at is None
    end_plan(actor=owner, organization=acme)
    settle()
    live.refresh_from_db()
    assert live.ends_at is not None


@pytest.mark.parametrize("is_ended", [True, False])
def test_what_is_wanted_last_counts_though_a_worker_is_at_what_was_wanted_before(
    is_ended: bool, acme: Organization, bought: Bought, settle: Settle
) -> None:
    live, owner = bought(acme), owner_of(acme)
    end_plan(actor=owner, organization=acme)
    if is_ended:
        settle()
        take_back(actor=owner, organization=acme)
    in_hand = outbox._claim()
    assert in_hand is not None
    (end_plan if is_ended else take_back)(actor=owner, organization=acme)
    live.refresh_from_db()
    assert is_ending(live) is is_ended
    outbox.make_calls()  # by another worker, to whom Stripe answers sooner
    outbox._make(in_hand)
    settle()
    assert gateway().subscription(live.stripe_id).cancel_at_period_end is is_ended


def test_a_change_that_waits_for_staff_does_not_keep_the_end_waiting(
    acme: Organization, bought: Bought, settle: Settle
) -> None:
    live, owner = bought(acme, 5), owner_of(acme)
    change_quantities(actor=owner, organization=acme, seats=1, roots=1)
    Call.objects.update(attempts=3, error="It has to be looked at.", due_at=timezone.now() + timedelta(days=1))
    end_plan(actor=owner, organization=acme)
    settle()
    assert gateway().subscription(live.stripe_id).cancel_at_period_end


def test_staff_is_told_of_the_credit_of_a_closed_organization(
    acme: Organization, bought: Bought, settle: Settle
) -> None:
    customer = customer_of(acme)
    gateway().v1.customers.balance_transactions.create(customer.stripe_id, {"amount": -100_000, "currency": "usd"})
    bought(acme)
    sync_customer(customer.stripe_id)
    close_organization(actor=owner_of(acme), organization=acme, name="acme")
    settle()
    assert Alert.objects.filter(key=f"closed-with-credit:{customer.stripe_id}").exists()


@pytest.mark.parametrize("credit", [100_000, 3_000])
def test_closed_what_was_paid_out_of_credit_is_credit_again_and_staff_is_told(
    acme: Organization, bought: Bought, sandbox: Sandbox, settle: Settle, ahead: Callable[..., Any], *, credit: int
) -> None:
    """As far as a card paid the rest, the card gets it back, and before the credit does."""
    customer = customer_of(acme)
    gateway().v1.customers.balance_transactions.create(customer.stripe_id, {"amount": -credit, "currency": "usd"})
    live = bought(acme)
    invoice, before = live.invoices.get(), sandbox.get("customer", customer.stripe_id)["balance"]
    by_card, by_credit = invoice.amount_paid, min(credit, invoice.total)
    assert by_card + by_credit == invoice.total
    Customer.objects.update(balance=0)  # nothing is known of it
    ahead(days=10)
    close_organization(actor=owner_of(acme), organization=acme, name="acme")
    settle()
    refunded, credited = (
        sum(one["amount"] for one in sandbox.find("refund")),
        before - sandbox.get("customer", customer.stripe_id)["balance"],
    )
    assert invoice.total * 0.6 < refunded + credited < invoice.total * 0.7
    assert refunded == min(by_card, refunded + credited)
    told = Alert.objects.filter(key=f"closed-with-credit:{customer.stripe_id}")
    assert told.exists() == (before - credited < 0)


def test_paid_after_it_was_closed_everything_is_given_back(
    acme: Organization, plans: dict[str, Plan], sandbox: Sandbox, settle: Settle
) -> None:
    intent = begin(acme)
    close_organization(actor=owner_of(acme), organization=acme, name="acme")
    pay(sandbox, intent)  # before the worker could close the page
    settle()
    intent.refresh_from_db()
    assert intent.state == IntentState.REVERSED
    assert not Subscription.objects.live().exists()
    (refund,), invoice = sandbox.objects["refund"].values(), Invoice.objects.get()
    assert refund["amount"] == invoice.amount_paid > 0
    assert Alert.objects.filter(key=f"bought-closed:{intent.subscription}").exists()


@pytest.mark.parametrize("is_late", [False, True])
def test_who_becomes_a_community_project_does_not_go_on_to_buy(
    is_late: bool, acme: Organization, plans: dict[str, Plan], sandbox: Sandbox, settle: Settle
) -> None:
    intent = begin(acme)
    Organization.objects.filter(pk=acme.pk).update(kind=Kind.COMMUNITY, state=State.ACTIVE)
    acme.refresh_from_db()
    follow_change_of_kind(Actor.worker(), acme)
    if is_late:
        pay(sandbox, intent)
    settle()
    intent.refresh_from_db()
    if is_late:
        assert Alert.objects.filter(key=f"community-pays:{acme.pk}").exists()
    else:
        assert intent.state == IntentState.CANCELLED
        assert sandbox.get("checkout.session", intent.session)["status"] == "expired"


@pytest.mark.parametrize("status", ["unpaid", "paused"])
def test_one_that_can_not_be_paid_any_more_ends_at_once_and_another_can_be_bought(
    status: str, acme: Organization, bought: Bought, settle: Settle
) -> None:
    """A lapsed customer can always pay again."""
    live = bought(acme)
    Subscription.objects.filter(pk=live.pk).update(status=status)
    assert not can_buy(acme, owner_of(acme))
    end_plan(actor=owner_of(acme), organization=acme)
    assert not can_end(live)
    settle()
    live.refresh_from_db()
    assert live.status == "canceled"
    assert can_buy(acme, owner_of(acme))


def test_it_takes_the_permission(acme: Organization, bought: Bought) -> None:
    bought(acme)
    mia = Actor.person(factories.member(acme, "mia", Role.MEMBER).user)
    for act in (end_plan, take_back, portal_address):
        with pytest.raises(NotPermitted):
            act(actor=mia, organization=acme)


def test_scenario_47_closed_the_plan_ends_at_once_and_the_rest_is_given_back(
    acme: Organization, bought: Bought, sandbox: Sandbox, settle: Settle, ahead: Callable[..., Any]
) -> None:
    live = bought(acme)
    ahead(days=10)
    close_organization(actor=owner_of(acme), organization=acme, name="acme")
    settle()
    live.refresh_from_db()
    assert live.status == "canceled"
    invoice = live.invoices.get()
    (refund,) = sandbox.objects["refund"].values()
    assert invoice.total * 0.6 < refund["amount"] < invoice.total * 0.7
    assert Alert.objects.filter(key=f"closed-with-plan:{live.stripe_id}").exists()
    assert not Mail.objects.filter(subject__contains="payment").exists()


def test_scenario_47_with_no_owner_left_it_ends_with_its_period_and_staff_is_told(
    acme: Organization, bought: Bought, settle: Settle
) -> None:
    live, worker = bought(acme), Actor.worker()
    assert end_abandoned(actor=worker) == 0
    User.objects.filter(memberships__organization=acme).update(is_active=False)
    assert (end_abandoned(actor=worker), end_abandoned(actor=worker)) == (1, 0)
    settle()
    live.refresh_from_db()
    assert live.ends_at == live.period_end and live.is_live
    assert Alert.objects.filter(key=f"abandoned-plan:{live.stripe_id}").exists()
    assert end_abandoned(actor=worker) == 0


def test_an_unpaid_order_of_a_closed_organization_is_voided(acme: Organization, bought: Bought, settle: Settle) -> None:
    live = bought(acme, invoiced=True)
    close_organization(actor=owner_of(acme), organization=acme, name="acme")
    settle()
    live.refresh_from_db()
    assert live.status == "canceled"
    assert set(live.invoices.values_list("status", flat=True)) <= {"void", "draft"}
    assert not Call.objects.filter(state="pending").exists()


def test_the_portal_is_for_who_has_bought_something(acme: Organization, bought: Bought) -> None:
    with pytest.raises(NotNow):
        portal_address(actor=owner_of(acme), organization=acme)
    bought(acme)
    assert portal_address(actor=owner_of(acme), organization=acme).startswith("http")
