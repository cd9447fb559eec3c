"""Events as Stripe sends them, in every disorder: the end is always what Stripe has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import Gateway
from billing.models import Alert, Event, Subscription
from billing.sandbox.store import Sandbox
from billing.services import doctor
from billing.vocabulary import JobState
from orgs.models import Organization
from orgs.vocabulary import Standing
from tests.billing.inbox.letters import event, send
from tests.commands import refused, run

pytestmark = pytest.mark.django_db
Do = Callable[..., Any]


def only() -> Subscription:
    return Subscription.objects.get()


def made_there(stripe: Gateway, acme: Organization, bought: Do) -> str:
    """A subscription that Stripe has and of which we know nothing yet; its id."""
    found: str = bought(acme).stripe_id
    for row in Subscription.objects.all():
        row.items.all().delete()
        row.invoices.all().delete()
        row.delete()
    return found


def test_scenario_04_updated_and_deleted_before_created(
    *, stripe: Gateway, sandbox: Sandbox, acme: Organization, bought: Do, deliver: Do, settle: Do
) -> None:
    made = made_there(stripe, acme, bought)
    stripe.v1.subscriptions.update(made, {"metadata": {"x": "y"}})
    stripe.v1.subscriptions.cancel(made)
    waiting = list(sandbox.objects["event"].values())
    for late_first in reversed(waiting):
        send(late_first)
        settle()
    assert only().status == "canceled"
    assert not Event.objects.filter(state=JobState.PENDING).exists()
    with nothing_comes_of_it():
        deliver()
        settle()


@contextmanager
def nothing_comes_of_it() -> Iterator[None]:
    """It may be looked at, and nothing else."""
    before = shown()
    yield
    assert shown() == before


def shown() -> list[Any]:
    fields = ("stripe_id", "status", "ends_at", "ended_at", "period_end", "items__quantity", "items__paid_quantity")
    return [
        list(Subscription.objects.order_by("pk", "items__pk").values_list(*fields)),
        list(Organization.objects.order_by("pk").values_list("state", "standing", "seats")),
    ]


def test_scenario_05_of_two_events_in_one_second_the_newest_state_wins_whichever_comes_last(
    stripe: Gateway, sandbox: Sandbox, acme: Organization, bought: Do, settle: Do
) -> None:
    made = bought(acme).stripe_id
    for note in ("first", "second"):
        stripe.v1.subscriptions.update(made, {"metadata": {"note": note}, "cancel_at_period_end": note == "second"})
    first, second = sandbox.find("event", type="customer.subscription.updated")[-2:]
    assert first["created"] == second["created"]
    for one in (second, first):
        send(one)
        settle()
    assert only().ends_at is not None, "the first says that it goes on"


def test_scenario_06_an_old_event_after_a_cancel_brings_nothing_back_to_life(
    *, stripe: Gateway, sandbox: Sandbox, acme: Organization, bought: Do, deliver: Do, settle: Do
) -> None:
    made = bought(acme).stripe_id
    stripe.v1.subscriptions.cancel(made)
    deliver()
    settle()
    assert only().status == "canceled"
    said_active = sandbox.find("event", type="customer.subscription.created")[0]
    assert said_active["data"]["object"]["status"] in {"active", "incomplete"}
    with nothing_comes_of_it():
        send(said_active)
        send(said_active | {"id": "evt_the_same_under_another_id"})
        settle()


def test_scenario_09_what_another_application_does_on_the_same_account(
    stripe: Gateway, plans: Any, deliver: Do, settle: Do
) -> None:
    theirs = stripe.v1.customers.create({"email": "somebody@elsewhere.example"})
    price = next(iter(stripe.prices())).id
    method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": theirs.id})
    stripe.v1.customers.update(theirs.id, {"invoice_settings": {"default_payment_method": method.id}})
    stripe.v1.subscriptions.create({"customer": theirs.id, "items": [{"price": price, "quantity": 1}]})
    assert set(deliver()) == {200}
    settle()
    assert set(Event.objects.values_list("state", flat=True)) == {JobState.IGNORED}
    assert not Subscription.objects.exists() and not Alert.objects.exists()


def test_scenario_10_a_status_that_nobody_knows_leaves_the_standing(
    stripe: Gateway, sandbox: Sandbox, acme: Organization, bought: Do, settle: Do
) -> None:
    made = bought(acme)
    standing = Organization.objects.get().standing
    sandbox.objects["subscription"][made.stripe_id]["status"] = "hibernating"
    assert send(event(about={"id": made.stripe_id, "object": "subscription"})).status_code == 200
    settle()
    assert only().status == "hibernating"
    assert Organization.objects.get().standing == standing == Standing.GOOD


@pytest.mark.parametrize(("seconds", "told"), [(0, False), (30, False), (200, True), (-200, True)])
def test_scenario_17_a_clock_that_drifts_is_told_by_the_doctor(seconds: int, told: bool) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert bool(doctor.drift(now, now + timedelta(seconds=seconds))) is told


def test_scenario_58_while_stripe_is_out_nothing_changes_and_afterwards_all_is_caught_up(
    *, stripe: Gateway, sandbox: Sandbox, acme: Organization, bought: Do, deliver: Do, settle: Do
) -> None:
    made = bought(acme).stripe_id
    deliver()
    settle()
    stripe.v1.subscriptions.update(made, {"cancel_at_period_end": True})
    sandbox.faults.add("error", match="GET *", times=None)
    deliver()
    with nothing_comes_of_it():
        settle()
        assert Event.objects.filter(state=JobState.PENDING).exists()
    sandbox.faults.clear()
    Event.objects.filter(state=JobState.PENDING).update(due_at=timezone.now())
    settle()
    assert only().ends_at is not None and not Event.objects.filter(state=JobState.PENDING).exists()


class TestReplayCommand:
    def test_what_was_given_up_is_looked_at_again(
        self, stripe: Gateway, acme: Organization, bought: Do, deliver: Do, settle: Do
    ) -> None:
        bought(acme)
        deliver()
        settle()
        Event.objects.update(state=JobState.DEAD, error="RuntimeError: a bug of ours")
        said = run("billing_replay_event", "--dead")
        assert not Event.objects.filter(state=JobState.DEAD, object_type="subscription").exists()
        assert "customer.subscription.created: Done" in said
        assert run("billing_replay_event") == "There is none.\n"

    def test_what_never_came_is_fetched(
        self, stripe: Gateway, sandbox: Sandbox, acme: Organization, bought: Do, deliver: Do
    ) -> None:
        sandbox.faults.add("drop", times=None)
        bought(acme)
        (made,) = sandbox.find("event", type="customer.subscription.created")
        assert not deliver()
        assert run("billing_replay_event", made["id"]) == f"{made['id']} customer.subscription.created: Done\n"

    def test_what_is_nowhere(self, stripe: Gateway, db: None) -> None:
        assert "evt_nowhere" in refused("billing_replay_event", "evt_nowhere")
