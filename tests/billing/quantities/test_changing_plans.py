"""Another plan, with the quantities that it is for: BILLING, scenarios 42 and 50."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing.models import Call, Invoice, Subscription, Wanted
from billing.selectors.entitlements import entitlement
from billing.selectors.previews import preview, this_moment
from billing.selectors.quantities import sheet
from billing.services import plan_changes
from billing.services.quantities import Agreed, can_change
from billing.services.syncing import sync_subscription
from billing.vocabulary import Interval, JobState, Tier
from orgs.models import Organization
from tests.billing.quantities.asking import Bought, Settle, Shop, billed, want
from tests.billing.world import owner_of

pytestmark = pytest.mark.django_db


class TestAnotherPlan:
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
