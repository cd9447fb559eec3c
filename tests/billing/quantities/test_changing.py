"""Quantities as they are wanted, told to Stripe and paid: BILLING, scenarios 39 to 44 and 50."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import Gateway
from billing.gateway.errors import Unavailable
from billing.models import Alert, Call, Invoice, Subscription, Wanted
from billing.selectors.entitlements import entitlement
from billing.selectors.previews import Charge, preview, this_moment
from billing.selectors.quantities import Counts, sheet
from billing.services import plan_changes, quantities
from billing.services.outbox import enqueue
from billing.services.quantities import Agreed, can_change, change_quantities
from billing.services.quantity_sweep import sweep_quantities
from billing.services.syncing import sync_subscription
from billing.tasks import change_plans
from billing.vocabulary import CallKind, Interval, Item, JobState, Tier
from freehold.errors import Invalid, NotPermitted
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.memberships import admit
from orgs.services.organizations import NotNow
from orgs.vocabulary import Role
from tests import factories
from tests.billing.standing.rows import subscription as subscription_row
from tests.billing.world import owner_of
from tests.concurrency import one_behind_the_other
from tests.people import in_role

pytestmark = pytest.mark.django_db
Bought = Callable[..., Subscription]
Settle = Callable[[], None]
WORKER = Actor.worker()


def want(organization: Organization, seats: int, roots: int = 1, **more: Any) -> Wanted:
    """As its owner, who has seen a moment ago what it costs."""
    more = {"agreed": Agreed(at=this_moment())} | more
    return change_quantities(actor=owner_of(organization), organization=organization, seats=seats, roots=roots, **more)


def looked_at(organization: Organization, seats: int, roots: int = 1) -> Charge:
    found = sheet(organization)
    assert found is not None
    steps = quantities.steps_to(found, Counts(seats, roots))
    return preview(found.subscription, quantities.changes_to(found.subscription, steps.charged), this_moment())


def billed(organization: Organization) -> tuple[int, int]:
    found = sheet(organization)
    assert found is not None
    sync_subscription(found.subscription.stripe_id)
    found = sheet(organization)
    assert found is not None
    return found.billed


def join(organization: Organization, *names: str) -> None:
    for name in names:
        factories.member(organization, name, Role.MEMBER)


@contextmanager
def silent(stripe: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stripe does not answer to changes of items."""

    def fail(*args: object, **kwargs: object) -> None:
        raise Unavailable("No answer.")

    with monkeypatch.context() as patch:
        patch.setattr(stripe, "change_items", fail)
        yield


@dataclass(frozen=True)
class Shop:
    """All that a longer story needs."""

    acme: Organization
    bought: Bought
    settle: Settle
    stripe: Gateway
    ahead: Any
    deliver: Any


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(**{name: request.getfixturevalue(name) for name in Shop.__dataclass_fields__})


class TestWanting:
    def test_more_is_charged_at_once_and_there_when_it_is_paid(
        self, acme: Organization, bought: Bought, settle: Settle
    ) -> None:
        bought(acme, 2, 1)
        want(acme, 5, 3)
        assert entitlement(acme).seats == 2
        settle()
        found = entitlement(acme)
        assert (found.seats, found.roots) == (5, 3)
        invoice = Invoice.objects.get(billing_reason="subscription_update")
        assert (invoice.status, invoice.subtotal) == ("paid", 3 * 500 + 2 * 4_000)

    def test_fewer_counts_from_the_next_period_on(
        self, acme: Organization, bought: Bought, settle: Settle, deliver: Any, ahead: Any
    ) -> None:
        bought(acme, 5, 3)
        want(acme, 2, 1, agreed=None)
        settle()
        assert (entitlement(acme).seats, entitlement(acme).roots) == (5, 3)
        assert billed(acme) == (2, 1)
        ahead(days=32)
        deliver()
        settle()
        assert (entitlement(acme).seats, entitlement(acme).roots) == (2, 1)
        assert Invoice.objects.latest("created").subtotal == 2 * 500

    def test_going_back_up_to_what_is_paid_costs_nothing(
        self, acme: Organization, bought: Bought, settle: Settle
    ) -> None:
        bought(acme, 5, 1)
        want(acme, 2, agreed=None)
        settle()
        want(acme, 4, agreed=None)
        settle()
        assert billed(acme) == (4, 1)
        assert Invoice.objects.count() == 1

    def test_from_fewer_beyond_what_is_paid_it_goes_in_two_steps(
        self, acme: Organization, bought: Bought, settle: Settle
    ) -> None:
        """Else nobody could say exactly what is charged."""
        bought(acme, 5, 1)
        want(acme, 2, agreed=None)
        settle()
        with pytest.raises(NotNow, match="Take that back first"):
            want(acme, 6)

    def test_what_is_charged_was_agreed_to_a_moment_ago(self, acme: Organization, bought: Bought) -> None:
        bought(acme, 2, 1)
        for agreed in (None, Agreed(at=timezone.now() - timedelta(hours=1)), Agreed(at=timezone.now() + timedelta(1))):
            with pytest.raises(Invalid, match="Look at it again"):
                want(acme, 3, agreed=agreed)
        assert not Call.objects.exists()

    @pytest.mark.parametrize(("seats", "roots"), [(2, 2), (3, 1), (0, 2), (10_001, 2), (3, 501)])
    def test_fewer_than_are_in_use_are_not_to_be_had(
        self, acme: Organization, bought: Bought, seats: int, roots: int
    ) -> None:
        bought(acme, 5, 3)
        join(acme, "ann", "ben")
        factories.grant("acme", acme)
        factories.grant("comet", acme)
        with pytest.raises(Invalid):
            want(acme, seats, roots)

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.MEMBER])
    def test_only_who_may_manage_billing_may(self, acme: Organization, bought: Bought, role: Role) -> None:
        bought(acme, 2, 1)
        with pytest.raises(NotPermitted):
            change_quantities(actor=in_role(role, acme), organization=acme, seats=3, roots=1)

    def test_not_while_something_is_unsettled(self, acme: Organization, bought: Bought) -> None:
        owner = owner_of(acme)
        assert "no plan yet" in can_change(acme, owner).reason
        subscription = bought(acme, 2, 1)
        assert can_change(acme, owner)
        for fields in (
            {"ends_at": timezone.now()},
            {"status": "past_due"},
            {"unpaid_since": timezone.now()},
            {"pending_until": timezone.now()},
            {"problems": ["Nobody here knows the price price_1."]},
        ):
            Subscription.objects.filter(pk=subscription.pk).update(**fields)
            assert not can_change(acme, owner), fields
            subscription.save()
        enqueue(kind=CallKind.SET_QUANTITIES, organization=acme, topic=subscription.stripe_id)
        assert "on its way" in can_change(acme, owner).reason


class TestScenarios:
    def test_scenario_39_members_who_come_meanwhile_count(
        self, acme: Organization, bought: Bought, settle: Settle
    ) -> None:
        """Two seats were wanted of five, and before Stripe is told there are three people."""
        bought(acme, 5, 1)
        want(acme, 2, agreed=None)
        join(acme, "ann", "ben")
        settle()
        assert billed(acme) == (3, 1)

    def test_scenario_40_what_fails_is_tried_again_and_stays_pending(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.bought(shop.acme, 2, 1)
        with silent(shop.stripe, monkeypatch):
            want(shop.acme, 4)
            shop.settle()
        found = sheet(shop.acme)
        assert found is not None
        assert found.call is not None
        assert (found.call.state, found.paid.seats, found.next.seats) == (JobState.PENDING, 2, 4)
        assert entitlement(shop.acme).seats == 2
        shop.ahead(hours=1)
        shop.settle()
        assert entitlement(shop.acme).seats == 4
        assert Invoice.objects.filter(billing_reason="subscription_update").count() == 1

    def test_scenario_41_drift_is_repaired_once_and_then_reported(
        self, acme: Organization, bought: Bought, settle: Settle, stripe: Gateway
    ) -> None:
        subscription = bought(acme, 5, 1)
        want(acme, 4, agreed=None)
        settle()
        self.lowered_at_stripe(stripe, subscription, 2)
        Call.objects.update(ended_at=timezone.now() - timedelta(days=2))
        assert sweep_quantities(actor=WORKER) == 1
        settle()
        assert billed(acme) == (4, 1)
        self.lowered_at_stripe(stripe, subscription, 2)
        assert sweep_quantities(actor=WORKER) == 0
        assert Alert.objects.filter(key=f"quantities:{subscription.stripe_id}").exists()
        assert Call.objects.filter(state=JobState.PENDING).count() == 0

    def test_more_that_stripe_hears_of_in_the_next_period_is_not_charged_by_surprise(
        self, acme: Organization, bought: Bought, settle: Settle, ahead: Callable[..., Any]
    ) -> None:
        bought(acme, 2, 1)
        want(acme, 4)
        ahead(days=32)  # Stripe could not be reached
        settle()
        assert Call.objects.get().state == JobState.DONE
        assert billed(acme) == (2, 1)
        sweep_quantities(actor=WORKER)
        assert Wanted.objects.get().seats == 2

    def test_another_plan_that_stripe_hears_of_in_the_next_period_is_not_charged_by_surprise(
        self, acme: Organization, bought: Bought, settle: Settle, ahead: Callable[..., Any]
    ) -> None:
        bought(acme, 2, 1)
        plan_changes.change_plan(
            actor=owner_of(acme),
            organization=acme,
            tier=Tier.BUSINESS,
            interval=Interval.MONTH,
            agreed=Agreed(at=this_moment()),
        )
        ahead(days=32)  # Stripe could not be reached
        settle()
        assert Call.objects.get().state == JobState.IGNORED
        found = sheet(acme)
        assert found is not None and found.subscription.plan is not None
        assert (found.subscription.plan.tier, Wanted.objects.get().plan) == (Tier.TEAM, None)
        assert can_change(acme, owner_of(acme)), "and can be agreed to anew"

    @pytest.mark.parametrize("is_voided", [False, True])
    @pytest.mark.parametrize(("roots", "after"), [(1, 5), (3, 5), (7, 7)])
    def test_another_plan_by_invoice_counts_when_it_is_paid(
        self, shop: Shop, roots: int, after: int, is_voided: bool
    ) -> None:
        """With what it includes; should its invoice be void, with the next period's."""
        acme, live = shop.acme, shop.bought(shop.acme, 50, roots, invoiced=True)
        self.paid_by_wire(shop, live)
        plan_changes.change_plan(
            actor=owner_of(acme),
            organization=acme,
            tier=Tier.BUSINESS,
            interval=Interval.MONTH,
            agreed=Agreed(at=this_moment()),
        )
        shop.settle()
        found, entitled = sheet(acme), entitlement(acme)
        assert found is not None and found.subscription.plan is not None
        assert (found.subscription.plan.tier, billed(acme), found.paid) == (Tier.BUSINESS, (50, after), (50, roots))
        assert (entitled.seats, entitled.roots, entitled.tier) == (50, roots, Tier.TEAM)
        assert "waits for its payment" in can_change(acme, owner_of(acme)).reason
        if is_voided:
            self.voided(shop, live)
            shop.ahead(days=32)
            sync_subscription(live.stripe_id)
            assert entitlement(acme).roots == roots
        self.paid_by_wire(shop, live)
        entitled = entitlement(acme)
        assert (entitled.seats, entitled.roots, entitled.tier) == (50, after, Tier.BUSINESS)
        assert can_change(acme, owner_of(acme))

    def paid_by_wire(self, shop: Shop, live: Subscription) -> None:
        identifier = self.sent(shop, live)
        shop.stripe.pay_out_of_band(f"p-{identifier}", identifier)
        sync_subscription(live.stripe_id)

    def voided(self, shop: Shop, live: Subscription) -> None:
        identifier = self.sent(shop, live)
        shop.stripe.void(f"v-{identifier}", identifier)
        sync_subscription(live.stripe_id)

    def sent(self, shop: Shop, live: Subscription) -> str:
        identifier = shop.stripe.subscription(live.stripe_id).latest_invoice
        if shop.stripe.invoice(identifier).status == "draft":
            shop.stripe.finalize(f"f-{identifier}", identifier)
        return identifier

    def test_who_lowers_and_fills_up_again_before_the_renewal_is_billed_for_all(
        self, acme: Organization, bought: Bought, settle: Settle, ahead: Callable[..., Any]
    ) -> None:
        subscription = bought(acme, 5, 3)
        want(acme, 1, agreed=None)
        settle()
        sweep_quantities(actor=WORKER)  # the nightly one has just been
        settle()
        assert billed(acme) == (1, 1)
        assert subscription.period_end is not None
        for number, left in enumerate((50, 40)):
            ahead(seconds=(subscription.period_end - timezone.now()).total_seconds() - 60 * left)
            join(acme, f"late{number}", f"later{number}")
            factories.grant(f"late{number}", acme)
            sync_subscription(subscription.stripe_id)
            change_plans()
            settle()
        assert billed(acme) == (5, 2)

    def lowered_at_stripe(self, stripe: Gateway, subscription: Subscription, seats: int) -> None:
        """By somebody in the dashboard."""
        item = subscription.items.get(item=Item.SEAT).stripe_id
        asked: Any = {"items": [{"id": item, "quantity": seats}], "proration_behavior": "none"}
        stripe.v1.subscriptions.update(subscription.stripe_id, asked)
        sync_subscription(subscription.stripe_id)

    def test_scenario_42_a_change_of_plan_counts_who_is_there_when_it_is_made(
        self, acme: Organization, bought: Bought, settle: Settle
    ) -> None:
        """A seat is wanted, and a larger plan chosen, before Stripe was told of the seat."""
        bought(acme, 2, 1)
        want(acme, 3)
        call = Call.objects.get()
        Call.objects.update(state=JobState.DONE)  # so that it does not keep the page from offering it
        plan_changes.change_plan(
            actor=owner_of(acme),
            organization=acme,
            tier=Tier.BUSINESS,
            interval=Interval.MONTH,
            agreed=Agreed(at=this_moment()),
        )
        Call.objects.filter(pk=call.pk).update(state=JobState.PENDING)
        settle()
        assert billed(acme) == (3, 5)
        assert entitlement(acme).tier == Tier.BUSINESS

    def test_scenario_43_fewer_than_are_in_use_removes_nobody(self, shop: Shop) -> None:
        subscription = shop.bought(shop.acme, 4, 1)
        join(shop.acme, "ann", "ben")
        self.lowered_at_stripe(shop.stripe, subscription, 2)
        shop.ahead(days=32)
        shop.deliver()
        shop.settle()
        found = sheet(shop.acme)
        assert found is not None
        assert (found.paid.seats, found.used.seats, found.over.seats) == (2, 3, 1)
        assert shop.acme.memberships.count() == 3
        assert Alert.objects.filter(key=f"over-limit:{shop.acme.pk}").exists()

    def test_scenario_44_items_that_nobody_knows_are_for_staff(
        self, acme: Organization, bought: Bought, stripe: Gateway
    ) -> None:
        subscription = bought(acme, 2, 1)
        product = stripe.v1.products.create({"name": "Something else"})
        price: Any = {"product": product.id, "currency": "usd", "unit_amount": 100, "recurring": {"interval": "month"}}
        made = stripe.v1.prices.create(price)
        added: Any = {"items": [{"price": made.id, "quantity": 3}], "proration_behavior": "none"}
        stripe.v1.subscriptions.update(subscription.stripe_id, added)
        sync_subscription(subscription.stripe_id)
        assert "our staff" in can_change(acme, owner_of(acme)).reason
        assert Alert.objects.filter(key=f"subscription-problems:{subscription.stripe_id}").exists()
        assert entitlement(acme).seats == 2

    @pytest.mark.parametrize(("currency", "days"), [("usd", 0), ("usd", 7), ("jpy", 20)])
    def test_scenario_50_what_was_shown_is_what_is_charged(self, shop: Shop, currency: str, days: int) -> None:
        shop.bought(shop.acme, 2, 1, currency=currency)
        shop.ahead(days=days, minutes=1)
        shown = looked_at(shop.acme, 7, 3)
        shop.ahead(minutes=3)
        want(shop.acme, 7, 3, agreed=Agreed(at=shown.at))
        shop.settle()
        invoice = Invoice.objects.get(billing_reason="subscription_update")
        charged = (invoice.subtotal, invoice.tax, invoice.amount_paid)
        assert (shown.subtotal.amount, shown.tax.amount, shown.due.amount) == charged
        assert shown.due.amount > 0

    def test_scenario_50_and_so_is_a_change_of_plan(
        self, acme: Organization, bought: Bought, settle: Settle, ahead: Any
    ) -> None:
        bought(acme, 3, 2)
        ahead(days=11)
        found = sheet(acme)
        assert found is not None
        choice = plan_changes.choose(found, Tier.BUSINESS, Interval.YEAR)
        changes = plan_changes.changes_to(found.subscription, choice.plan, choice.interval, choice.counts)
        shown = preview(found.subscription, changes, this_moment())
        plan_changes.change_plan(
            actor=owner_of(acme),
            organization=acme,
            tier=Tier.BUSINESS,
            interval=Interval.YEAR,
            agreed=Agreed(at=shown.at),
        )
        settle()
        invoice = Invoice.objects.latest("created", "pk")
        assert (shown.subtotal.amount, shown.due.amount) == (invoice.subtotal, invoice.amount_paid)
        assert shown.due.amount > 0


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Who waits for whom."""

    def test_of_two_who_change_at_once_the_second_sees_the_first(self, acme: Organization) -> None:
        subscription_row(acme, seats=6, roots=1)
        first, second = owner_of(acme), in_role(Role.OWNER, acme)
        assert one_behind_the_other(
            lambda: change_quantities(actor=first, organization=acme, seats=4, roots=1),
            lambda: change_quantities(actor=second, organization=acme, seats=3, roots=1),
        ) == ("done", NotNow.code)
        assert Wanted.objects.get().seats == 4

    def test_who_joins_while_it_is_reckoned_waits(self, acme: Organization) -> None:
        """And finds a seat, or none, as it was left."""
        subscription_row(acme, seats=6, roots=1)
        Organization.objects.filter(pk=acme.pk).update(seats=6)
        found = sheet(acme)
        assert found is not None
        newcomer = factories.user("newcomer")
        assert one_behind_the_other(
            lambda: quantities._steps_now(found),
            lambda: admit(acme, newcomer, Role.MEMBER, by=WORKER),
        ) == ("done", "done")
