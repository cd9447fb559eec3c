"""What an organization may have, and what claims are told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from billing import hooks
from billing.models import Allowance, Plan, Subscription
from billing.selectors.entitlements import InUse, Source, entitlement, in_use
from billing.vocabulary import Item, Tier
from freehold.stripe_settings import StripeSettings
from namespaces.hooks import awaits_payment
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.vocabulary import Kind, State
from tests import factories

pytestmark = pytest.mark.django_db
Bought = Callable[..., Subscription]
NOW = timedelta()
DAY = timedelta(days=1)


def told(organization: Organization) -> tuple[int | None, int | None, Tier | None, Source]:
    found = entitlement(organization)
    return found.seats, found.roots, found.tier, found.source


def allow(organization: Organization, *, until: timedelta | None = None, **fields: object) -> Allowance:
    asked, approved = factories.user(), factories.user()
    known: dict[str, object] = {"approved_by": approved, "approved_at": timezone.now(), "reason": "A wire is coming."}
    known |= {"requested_by": asked, "since": timezone.now() - 2 * DAY}
    known |= {"until": timezone.now() + until} if until is not None else {}
    return Allowance.objects.create(organization=organization, **known | fields)


class TestEntitlement:
    def test_a_community_project_may_have_any_number(self, acme: Organization) -> None:
        Organization.objects.filter(pk=acme.pk).update(kind=Kind.COMMUNITY)
        acme.refresh_from_db()
        assert told(acme) == (None, None, Tier.COMMUNITY, Source.COMMUNITY)

    def test_a_company_that_bought_nothing_may_have_no_namespace(self, acme: Organization) -> None:
        assert told(acme) == (None, 0, None, Source.NOTHING)

    def test_one_that_staff_activated_may_have_any_number(self) -> None:
        assert told(factories.organization("old")) == (None, None, None, Source.BY_HAND)

    def test_what_is_paid_counts_with_what_is_included(self, acme: Organization, bought: Bought) -> None:
        bought(acme, 4, 7, tier="business")
        assert told(acme) == (4, 7, Tier.BUSINESS, Source.PAID)

    def test_an_increase_counts_when_it_is_paid(self, acme: Organization, bought: Bought) -> None:
        bought(acme, 4, 2).items.filter(item=Item.SEAT).update(quantity=9)
        assert told(acme) == (4, 2, Tier.TEAM, Source.PAID)

    def test_what_was_never_paid_counts_for_nothing(self, acme: Organization, bought: Bought) -> None:
        bought(acme, 4, 2, invoiced=True)
        assert told(acme) == (None, 0, None, Source.NOTHING)

    def test_what_is_over_says_so(self, acme: Organization, bought: Bought) -> None:
        Subscription.objects.filter(pk=bought(acme, 4, 2).pk).update(status="canceled")
        assert told(acme) == (4, 2, Tier.TEAM, Source.ENDED)

    @pytest.mark.parametrize(
        ("fields", "counts"),
        [
            ({"until": DAY}, True),
            ({"until": -DAY}, False),
            ({"until": NOW}, False),
            ({}, True),
            ({"approved_by": None, "approved_at": None}, False),
            ({"ended_at": timezone.now()}, False),
            ({"since": timezone.now() + DAY}, False),
        ],
    )
    def test_an_allowance_counts_by_two_people_for_its_time(
        self, acme: Organization, fields: dict[str, object], counts: bool
    ) -> None:
        allow(acme, seats=3, roots=2, **fields)  # type: ignore[arg-type]  # as parametrized
        assert (entitlement(acme).roots == 2) is counts

    def test_of_several_the_most_of_each_counts(self, acme: Organization, bought: Bought) -> None:
        bought(acme, 4, 2)
        allow(acme, seats=None, roots=1)
        assert told(acme) == (None, 2, Tier.TEAM, Source.PAID)

    def test_with_billing_off_everything_is_to_be_had(self, acme: Organization) -> None:
        with override_settings(FREEHOLD_STRIPE=StripeSettings(enabled=False)):
            assert told(acme) == (None, None, None, Source.OFF)
            assert (hooks.payment_due(acme), hooks.priority(acme), hooks.price(acme)) == (False, 0, "")

    def test_what_is_held_or_given_up_is_not_in_use(self, acme: Organization) -> None:
        for name, state in zip("abcde", GrantState, strict=True):
            factories.grant(name, acme, state=state)
        factories.grant("b-child", acme, root=factories.grant("z", acme))
        assert in_use(acme) == InUse(seats=1, roots=3)


class TestWhatClaimsAreTold:
    def test_a_further_namespace_is_due_when_all_that_are_paid_are_in_use(
        self, acme: Organization, bought: Bought
    ) -> None:
        bought(acme, 1, 2)
        Organization.objects.filter(pk=acme.pk).update(state=State.ACTIVE)
        acme.refresh_from_db()
        factories.grant("acme", acme)
        assert not awaits_payment(acme)
        assert hooks.price(acme) == "Nothing more: 1 namespace of your plan is still free."
        factories.grant("comet", acme)
        assert awaits_payment(acme)
        assert hooks.price(acme) == (
            "US$40.00 a month more, before tax: all the namespaces of your plan Team are in use."
        )

    def test_by_a_plan_that_is_over_nothing_more_is_to_be_had(self, acme: Organization, bought: Bought) -> None:
        subscription = bought(acme, 1, 5)
        Organization.objects.filter(pk=acme.pk).update(state=State.ACTIVE)
        acme.refresh_from_db()
        assert not awaits_payment(acme)
        Subscription.objects.filter(pk=subscription.pk).update(status="canceled")
        assert awaits_payment(acme)

    def test_who_pays_for_more_is_heard_first_and_who_stopped_is_not(self, acme: Organization, bought: Bought) -> None:
        assert hooks.priority(acme) == 0
        subscription = bought(acme, 2, 1, tier="business")
        assert hooks.priority(acme) == 2
        Subscription.objects.filter(pk=subscription.pk).update(status="canceled")
        assert hooks.priority(acme) == 0

    def test_prices_are_said_to_anybody(self, acme: Organization, plans: dict[str, Plan]) -> None:
        company = "For companies from US$5.00 a month, with the first namespace included."
        assert hooks.price(None) == f"Free for verified community projects. {company}"
        assert hooks.price(acme) == company
        assert settings.FREEHOLD_STRIPE.enabled
