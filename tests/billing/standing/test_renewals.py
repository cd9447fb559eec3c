"""A renewal that fails at Stripe, told by its events, from the first mail to the payment that sets everything right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Mail
from billing.gateway.calls import Gateway, gateway
from billing.models import StandingChange, Subscription
from billing.sandbox import cycle
from billing.sandbox.store import Sandbox
from billing.services import ladder, syncing
from namespaces.models import Grant
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.vocabulary import Standing, State
from tests import factories
from tests.billing import world

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
Do = Callable[..., Any]


@pytest.fixture
def pass_by(ahead: Do, deliver: Do, settle: Do) -> Do:
    """``pass_by(days=3)``: time passes, events come, the workers work."""

    def act(**interval: float) -> None:
        ahead(**interval)
        deliver()
        settle()
        ladder.sweep()

    return act


@pytest.fixture
def renew(bought: Do, acme: Organization, pass_by: Do) -> Do:
    """``renew(card)``: a month after it was bought by a good card, the renewal meets another."""

    def act(card: str) -> Subscription:
        factories.grant("acme", acme, state=GrantState.HELD)
        made: Subscription = bought(acme)
        acme.refresh_from_db()
        assert (acme.state, acme.seats, state()) == (State.ACTIVE, 2, GrantState.ACTIVE)
        pay_by(made, card)
        pass_by(days=31, hours=3)
        made.refresh_from_db()
        return made

    return act


def pay_by(made: Subscription, card: str) -> None:
    stripe = gateway()
    method = stripe.v1.payment_methods.attach(card, {"customer": made.customer.stripe_id})
    stripe.v1.customers.update(made.customer.stripe_id, {"invoice_settings": {"default_payment_method": method.id}})


def state() -> str:
    return Grant.objects.get().state


def billed() -> list[str]:
    """What the one owner was mailed about payments."""
    return [subject for subject in Mail.objects.order_by("pk").values_list("subject", flat=True) if "Acme: " in subject]


def test_scenario_32_one_grace_and_one_mail_however_often_it_is_tried(
    acme: Organization, renew: Do, pass_by: Do
) -> None:
    made = renew(world.DECLINES)
    acme.refresh_from_db()
    began = acme.health.since
    assert (made.status, acme.standing, state()) == ("past_due", Standing.GRACE, GrantState.ACTIVE)
    pass_by(days=5)
    acme.health.refresh_from_db()
    assert made.invoices.get(status="open").attempts > 1
    assert acme.health.since == began
    assert billed() == ["Acme: a payment did not go through"]


@pytest.mark.parametrize("after", ["past_due", "cancel"])
def test_scenario_34_given_up_it_is_locked_and_a_payment_opens_it_again(
    sandbox: Sandbox, acme: Organization, renew: Do, pass_by: Do, after: str
) -> None:
    cycle.set_after_retries(sandbox, after)
    made = renew(world.DECLINES)
    pass_by(days=16)
    for row in (acme, made):
        row.refresh_from_db()
    assert (made.is_live, acme.standing, state()) == (after != "cancel", Standing.LAPSED, GrantState.LOCKED)
    if made.is_live:
        pay_by(made, world.VISA)
        gateway().v1.invoices.pay(made.latest_invoice)
    else:
        world.bought(acme)
    pass_by()
    acme.refresh_from_db()
    assert (acme.standing, state()) == (Standing.GOOD, GrantState.ACTIVE)
    assert billed()[-1] == "Acme: everything is paid"


def test_scenario_33_authentication_at_a_renewal_is_asked_for_by_mail(acme: Organization, renew: Do) -> None:
    made = renew(world.ASKS)
    assert billed() == ["Acme: your bank wants you to confirm a payment"]
    assert made.invoices.get(status="open").hosted_url in Mail.objects.latest("pk").text


def test_scenario_35_a_cancellation_ends_it_and_taking_it_back_does_not(
    stripe: Gateway, acme: Organization, bought: Do, pass_by: Do
) -> None:
    made = bought(acme)
    for ending in (True, False, True):
        stripe.v1.subscriptions.update(made.stripe_id, {"cancel_at_period_end": ending})
        syncing.sync_subscription(made.stripe_id)
        made.refresh_from_db()
        assert (made.ends_at is not None) is ending
    pass_by(days=25)
    assert [subject.partition(" on ")[0] for subject in billed()] == ["Acme: your plan ends"]
    pass_by(days=7)
    assert list(StandingChange.objects.values_list("before", "after", "evidence")) == [("good", "grace", "ended")]
