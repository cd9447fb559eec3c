"""What no event told us is found by comparing, repaired and told; and nothing is written to Stripe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from billing.gateway.calls import Gateway
from billing.gateway.orders import CustomerOrder
from billing.models import Alert, Call, Customer, Drift, Event, Plan, Reconciliation, Subscription, Wanted
from billing.sandbox.app import App
from billing.sandbox.store import Sandbox
from billing.selectors.buying import price_of
from billing.services import reconciling, syncing
from billing.services.customers import metadata_of, sync_customer
from billing.services.locks import Lock, alone
from billing.services.reconciling import EVERYTHING, LATELY, reconcile
from billing.vocabulary import Interval, Item, JobState
from orgs.models import Organization
from orgs.vocabulary import Role
from tests import factories
from tests.billing.hands import all_hands
from tests.billing.world import customer_of
from tests.commands import run

pytestmark = pytest.mark.django_db
Do = Callable[..., Any]
EITHER = pytest.mark.parametrize("kind", [LATELY, EVERYTHING])


def only() -> Subscription:
    return Subscription.objects.get()


@pytest.fixture
def synced(acme: Organization, bought: Do, deliver: Do, settle: Do) -> Subscription:
    """A subscription of which everything was told."""
    made: Subscription = bought(acme, 3, 2)
    deliver()
    settle()
    return made


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was written to Stripe."""
    seen: list[str] = []
    really = App.handle

    def handle(self: App, method: str, path: str, *rest: Any) -> Any:
        if method != "GET":
            seen.append(f"{method} {path}")
        return really(self, method, path, *rest)

    monkeypatch.setattr(App, "handle", handle)
    return seen


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The types of what was looked at."""
    seen: list[str] = []
    really = syncing.sync_object

    def look(object_type: str, stripe_id: str) -> object | None:
        seen.append(object_type)
        return really(object_type, stripe_id)

    monkeypatch.setattr(syncing, "sync_object", look)
    return seen


@EITHER
def test_where_nothing_differs_nothing_is_said(kind: str, synced: Subscription, written: list[str], ahead: Do) -> None:
    ahead(minutes=10)
    found = reconcile(kind=kind)
    assert not Drift.objects.exists() and found.ended_at and not found.error and not written
    assert (found.repaired, found.open) == (0, 0)


@EITHER
def test_scenario_07_an_event_that_was_lost_is_found_in_stripes_list(
    *, kind: str, synced: Subscription, stripe: Gateway, sandbox: Sandbox, deliver: Do, ahead: Do, settle: Do
) -> None:
    reconcile(kind=LATELY)
    sandbox.faults.add("drop", times=None)
    stripe.v1.subscriptions.cancel(synced.stripe_id)
    assert deliver() == []
    ahead(minutes=10)
    found = reconcile(kind=kind)
    assert only().status == "canceled"
    drifts = {(drift.object_type, drift.field) for drift in found.drifts.all()}
    assert {("event", "delivered"), ("subscription", "status")} <= drifts
    assert found.repaired == found.drifts.count() and found.open == 0
    settle()
    assert reconcile(kind=EVERYTHING).repaired == 0, "once"
    assert set(Event.objects.values_list("state", flat=True)) <= {JobState.DONE, JobState.IGNORED}


def test_scenario_07_an_event_that_was_never_made_is_found_by_looking_at_the_object(
    synced: Subscription, stripe: Gateway, sandbox: Sandbox, ahead: Do
) -> None:
    sandbox.faults.add("never_made", times=None)
    stripe.v1.subscriptions.update(synced.stripe_id, {"cancel_at_period_end": True})
    ahead(minutes=10)
    found = reconcile(kind=EVERYTHING)
    assert only().ends_at is not None
    assert "ends_at" in {drift.field for drift in found.drifts.all()}
    assert found.drifts.filter(organization=synced.organization).exists()


def test_scenario_07_each_hour_what_should_have_moved_on_is_looked_at(
    synced: Subscription, sandbox: Sandbox, ahead: Do
) -> None:
    """Of the renewal nobody tells us anything, and it does not stand in the list either."""
    sandbox.faults.add("never_made", times=None)
    before = only().period_end
    ahead(days=32)
    reconcile(kind=LATELY)
    after = only().period_end
    assert before and after and after > before


def test_scenario_07_a_subscription_of_which_nothing_came_is_brought_in(
    acme: Organization, bought: Do, sandbox: Sandbox, ahead: Do
) -> None:
    sandbox.faults.add("never_made", times=None)
    made = bought(acme).stripe_id
    row = only()
    row.items.all().delete()
    row.invoices.all().delete()
    row.delete()
    ahead(minutes=10)
    reconcile(kind=EVERYTHING)
    assert only().stripe_id == made and only().items.exists()
    assert Drift.objects.filter(object_type="subscription", field="", ours="", theirs="active").exists()


def test_what_is_over_is_not_looked_at_each_night(
    *, synced: Subscription, stripe: Gateway, ahead: Do, deliver: Do, settle: Do, looked_at: list[str]
) -> None:
    """Unless we don't know yet that it is."""
    stripe.cancel_now("k", synced.stripe_id, prorate=False)
    ahead(minutes=10)
    reconcile(kind=EVERYTHING)
    assert only().status == "canceled" and "subscription" in looked_at
    deliver()
    settle()
    looked_at.clear()
    ahead(minutes=10)
    reconcile(kind=EVERYTHING)
    assert "customer" in looked_at and "subscription" not in looked_at


def test_an_invoice_is_not_looked_at_once_more_beside_its_subscription(
    synced: Subscription, stripe: Gateway, ahead: Do, looked_at: list[str]
) -> None:
    """And is repaired with it."""
    synced.invoices.update(status="open")
    ahead(minutes=10)
    reconcile(kind=EVERYTHING)
    assert synced.invoices.get().status == "paid"
    assert (looked_at.count("subscription"), looked_at.count("invoice")) == (1, 0)


def test_what_is_on_its_way_is_no_drift(synced: Subscription, stripe: Gateway, ahead: Do) -> None:
    """Its event is a minute old and may come at any moment; it is looked at all the same."""
    ahead(minutes=10)
    stripe.v1.subscriptions.update(synced.stripe_id, {"cancel_at_period_end": True})
    ahead(minutes=1)
    reconcile(kind=EVERYTHING)
    assert only().ends_at is not None
    assert not Drift.objects.exists()


def test_what_is_in_the_inbox_is_left_to_it(
    synced: Subscription, stripe: Gateway, deliver: Do, settle: Do, ahead: Do
) -> None:
    stripe.v1.subscriptions.update(synced.stripe_id, {"cancel_at_period_end": True})
    deliver()
    ahead(minutes=10)
    reconcile(kind=EVERYTHING)
    assert not Drift.objects.exists() and Event.objects.filter(state=JobState.PENDING).exists()
    settle()
    assert only().ends_at is not None


def test_a_customer_of_whom_nobody_told_us_is_found(
    acme: Organization, synced: Subscription, sandbox: Sandbox, stripe: Gateway, ahead: Do
) -> None:
    """The answer to the one who made it never came, and no event either; those of other applications are left alone."""
    sandbox.faults.add("never_made", times=None)
    made = stripe.create_customer("k", CustomerOrder(name="acme", email="", metadata=metadata_of(acme)))
    stripe.create_customer("l", CustomerOrder(name="Stranger", email="", metadata={"shop": "another"}))
    ahead(minutes=10)
    reconcile(kind=EVERYTHING)
    known = Customer.objects.values_list("stripe_id", "organization__name", "is_current")
    assert set(known) == {(synced.customer.stripe_id, "acme", True), (made.id, "acme", False)}
    assert Alert.objects.filter(key=f"customer-twice:{made.id}").exists()


@pytest.mark.parametrize("is_waiting", [True, False])
def test_who_may_have_bought_again_by_what_was_not_looked_at_was_not_compared(
    *, acme: Organization, bought: Do, deliver: Do, ahead: Do, is_waiting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For its event is in the inbox, or looking at it fails: others were compared all the same."""
    bought(factories.organization("other"))
    bought(acme)
    deliver()
    row = Subscription.objects.get(organization=acme)
    row.items.all().delete()
    row.invoices.all().delete()
    row.delete()
    if not is_waiting:
        Event.objects.update(state=JobState.DONE)
        monkeypatch.setattr(syncing, "sync_object", fails_at("subscription", "invoice"))
    ahead(days=2)
    before = dict(Customer.objects.values_list("organization__name", "compared_at"))
    assert reconcile(kind=EVERYTHING).ended_at
    after = dict(Customer.objects.values_list("organization__name", "compared_at"))
    assert after["acme"] == before["acme"] and after["other"] and after["other"] != before["other"]
    Event.objects.update(state=JobState.DONE)
    monkeypatch.undo()
    assert reconcile(kind=EVERYTHING).ended_at
    assert Customer.objects.get(organization=acme).compared_at != before["acme"]


def fails_at(*object_types: str) -> Do:
    really = syncing.sync_object

    def look(found: str, stripe_id: str) -> object | None:
        if found in object_types:
            raise RuntimeError("a bug of ours")
        return really(found, stripe_id)

    return look


class TestQuantities:
    @pytest.fixture
    def changed_there(self, synced: Subscription, stripe: Gateway, ahead: Do) -> str:
        """Somebody wants 3 seats here, and sets 7 in the dashboard."""
        Wanted.objects.update_or_create(
            organization=synced.organization, defaults={"seats": 3, "roots": 2, "changed_at": timezone.now()}
        )
        Call.objects.all().delete()
        seat = synced.items.get(item="seat")
        stripe.v1.subscriptions.update(synced.stripe_id, {"items": [{"id": seat.stripe_id, "quantity": 7}]})
        ahead(minutes=10)
        return synced.stripe_id

    def test_scenario_41_drift_is_repaired_here_told_to_staff_and_makes_no_loop(
        self, changed_there: str, written: list[str], deliver: Do, settle: Do, ahead: Do
    ) -> None:
        for _night in range(3):
            reconcile(kind=EVERYTHING)
            deliver()
            settle()
            ahead(minutes=10)
        assert only().items.get(item="seat").quantity == 7
        assert not [one for one in written if "/subscriptions" in one], "Stripe is not told what it should have"
        assert not Call.objects.exists()
        assert Alert.objects.filter(key__startswith="wanted:", settled_at__isnull=True).count() == 1
        assert {(drift.ours, drift.theirs) for drift in Drift.objects.filter(repaired=False)} == {("3", "7")}

    def test_scenario_41_the_alert_goes_when_they_agree(self, changed_there: str, ahead: Do) -> None:
        reconcile(kind=EVERYTHING)
        Wanted.objects.update(seats=7)
        reconcile(kind=EVERYTHING)
        assert not Alert.objects.filter(settled_at__isnull=True).exists()

    def test_scenario_41_what_is_just_being_changed_is_no_drift(self, changed_there: str, acme: Organization) -> None:
        Call.objects.create(organization=acme, kind="set_quantities", due_at=timezone.now() + timedelta(hours=1))
        reconcile(kind=EVERYTHING)
        assert not Drift.objects.filter(repaired=False).exists()

    @pytest.fixture
    def namespaces_changed_there(self, synced: Subscription, stripe: Gateway, ahead: Do) -> str:
        """Somebody wants 2 namespaces here, one of which is included, and sets 4 further ones in the dashboard."""
        Wanted.objects.update_or_create(
            organization=synced.organization, defaults={"seats": 3, "roots": 2, "changed_at": timezone.now()}
        )
        root = synced.items.get(item="root")
        stripe.v1.subscriptions.update(synced.stripe_id, {"items": [{"id": root.stripe_id, "quantity": 4}]})
        ahead(minutes=10)
        return synced.stripe_id

    def test_scenario_41_namespaces_are_compared_as_seats_are(
        self, namespaces_changed_there: str, synced: Subscription, written: list[str], ahead: Do
    ) -> None:
        included = synced.plan.roots_included if synced.plan else 0
        for _night in range(2):
            found = reconcile(kind=EVERYTHING)
            ahead(minutes=10)
        drift = found.drifts.get(repaired=False)
        assert (drift.field, drift.ours, drift.theirs) == ("namespaces wanted", "2", str(included + 4))
        told = Alert.objects.filter(key__startswith="wanted:", settled_at__isnull=True)
        assert f"3 seats and {included + 4} namespaces" in told.get().text
        assert not [one for one in written if "/subscriptions" in one]
        Wanted.objects.update(roots=included + 4)
        reconcile(kind=EVERYTHING)
        assert not told.exists()

    def test_what_was_wanted_of_an_earlier_plan_is_no_drift(self, synced: Subscription, ahead: Do) -> None:
        before = synced.started_at - timedelta(days=1)
        Wanted.objects.update_or_create(
            organization=synced.organization, defaults={"seats": 9, "roots": 9, "changed_at": before}
        )
        ahead(minutes=10)
        assert reconcile(kind=EVERYTHING).open == 0 and not Alert.objects.exists()

    def test_who_came_and_is_paid_for_is_no_drift(self, synced: Subscription, ahead: Do) -> None:
        """Fewer were wanted than are in use: Stripe goes on billing those."""
        for name in ("bob", "eve"):
            factories.member(synced.organization, name, Role.MEMBER)
        Wanted.objects.update_or_create(
            organization=synced.organization, defaults={"seats": 1, "roots": 2, "changed_at": timezone.now()}
        )
        ahead(minutes=10)
        assert reconcile(kind=EVERYTHING).open == 0


def test_the_currency_of_a_new_customer_is_no_drift(
    *, acme: Organization, plans: dict[str, Plan], stripe: Gateway, deliver: Do, settle: Do, ahead: Do
) -> None:
    """Stripe writes it down with the first invoice, and sends no event about the customer."""
    customer = customer_of(acme)
    deliver()
    settle()
    assert sync_customer(customer.stripe_id) and not Customer.objects.get().currency
    price = price_of(plans["team"], Item.SEAT, "usd", Interval.MONTH).stripe_id
    stripe.v1.subscriptions.create({"customer": customer.stripe_id, "items": [{"price": price, "quantity": 1}]})
    deliver()
    settle()
    assert Customer.objects.get().currency == "usd"
    ahead(minutes=10)
    reconcile(kind=EVERYTHING)
    assert not Drift.objects.exists()


@EITHER
def test_scenario_58_an_outage_breaks_it_off_and_the_next_one_makes_up_for_it(
    *, kind: str, synced: Subscription, stripe: Gateway, sandbox: Sandbox, deliver: Do, ahead: Do
) -> None:
    reconcile(kind=LATELY)
    sandbox.faults.add("drop", times=None)
    stripe.v1.subscriptions.cancel(synced.stripe_id)
    deliver()
    ahead(hours=2)
    sandbox.faults.add("error", times=None)
    standing = Organization.objects.get().standing
    broken = reconcile(kind=kind)
    assert broken.ended_at is None and broken.error
    assert Organization.objects.get().standing == standing and only().status == "active"
    sandbox.faults.clear()
    ahead(hours=2)
    assert reconcile(kind=LATELY).ended_at and only().status == "canceled"


def test_one_object_that_fails_keeps_no_other_from_being_compared(
    synced: Subscription, stripe: Gateway, sandbox: Sandbox, ahead: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.faults.add("never_made", times=None)
    stripe.v1.subscriptions.update(synced.stripe_id, {"cancel_at_period_end": True})
    ahead(minutes=10)
    really = syncing.sync_object
    monkeypatch.setattr(syncing, "sync_object", lambda kind, one: 1 / 0 if kind == "customer" else really(kind, one))
    found = reconcile(kind=EVERYTHING)
    assert found.open == 1 and "ZeroDivisionError" in found.drifts.get(repaired=False).theirs
    assert only().ends_at is not None


class TestCommand:
    def test_it_says_what_it_did(self, synced: Subscription, stripe: Gateway, sandbox: Sandbox, ahead: Do) -> None:
        sandbox.faults.add("never_made", times=None)
        stripe.v1.subscriptions.update(synced.stripe_id, {"cancel_at_period_end": True})
        ahead(minutes=10)
        said = run("billing_reconcile")
        assert f"subscription {synced.stripe_id} ends_at: - here, 20" in said and "repaired" in said
        assert "0 left for staff." in run("billing_reconcile", "--lately")

    def test_it_fails_where_stripe_is_out(self, synced: Subscription, sandbox: Sandbox) -> None:
        sandbox.faults.add("error", times=None)
        with pytest.raises(CommandError, match="broke off"):
            run("billing_reconcile")


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time() -> None:
    with alone(Lock.RECONCILIATION) as first:
        assert first
        (outcome,) = all_hands(lambda: reconcile(kind=LATELY))
    assert isinstance(outcome, reconciling.ReconciliationRunning)
    assert not Reconciliation.objects.exists()
