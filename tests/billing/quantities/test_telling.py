"""Stripe is told what is wanted, late or again: BILLING, scenarios 39 and 40."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Call, Invoice, Wanted
from billing.selectors.entitlements import entitlement
from billing.selectors.quantities import sheet
from billing.services.quantity_sweep import sweep_quantities
from billing.services.syncing import sync_subscription
from billing.tasks import change_plans
from billing.vocabulary import JobState
from orgs.models import Organization
from tests import factories
from tests.billing.quantities.asking import WORKER, Bought, Settle, Shop, billed, join, silent, want

pytestmark = pytest.mark.django_db


class TestTelling:
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
