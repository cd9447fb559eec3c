"""Quantities that somebody changed at Stripe: BILLING, scenarios 41, 43 and 44."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import Gateway
from billing.models import Alert, Call
from billing.selectors.entitlements import entitlement
from billing.selectors.quantities import sheet
from billing.services.quantities import can_change
from billing.services.quantity_sweep import sweep_quantities
from billing.services.syncing import sync_subscription
from billing.vocabulary import JobState
from orgs.models import Organization
from tests.billing.quantities.asking import WORKER, Bought, Settle, Shop, billed, join, lowered_at_stripe, want
from tests.billing.world import owner_of

pytestmark = pytest.mark.django_db


class TestDrift:
    def test_scenario_41_drift_is_repaired_once_and_then_reported(
        self, acme: Organization, bought: Bought, settle: Settle, stripe: Gateway
    ) -> None:
        subscription = bought(acme, 5, 1)
        want(acme, 4, agreed=None)
        settle()
        lowered_at_stripe(stripe, subscription, 2)
        Call.objects.update(ended_at=timezone.now() - timedelta(days=2))
        assert sweep_quantities(actor=WORKER) == 1
        settle()
        assert billed(acme) == (4, 1)
        lowered_at_stripe(stripe, subscription, 2)
        assert sweep_quantities(actor=WORKER) == 0
        assert Alert.objects.filter(key=f"quantities:{subscription.stripe_id}").exists()
        assert Call.objects.filter(state=JobState.PENDING).count() == 0

    def test_scenario_43_fewer_than_are_in_use_removes_nobody(self, shop: Shop) -> None:
        subscription = shop.bought(shop.acme, 4, 1)
        join(shop.acme, "ann", "ben")
        lowered_at_stripe(shop.stripe, subscription, 2)
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
