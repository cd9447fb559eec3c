"""Quantities as they are wanted, and what was shown is charged for them: BILLING, scenario 50."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Call, Invoice, Subscription, Wanted
from billing.selectors.entitlements import entitlement
from billing.selectors.quantities import sheet
from billing.services import quantities
from billing.services.outbox import enqueue
from billing.services.quantities import Agreed, can_change, change_quantities
from billing.vocabulary import CallKind
from freehold.errors import Invalid, NotPermitted
from orgs.models import Organization
from orgs.services.memberships import admit
from orgs.services.organizations import NotNow
from orgs.vocabulary import Role
from tests import factories
from tests.billing.quantities.asking import WORKER, Bought, Settle, Shop, billed, join, looked_at, want
from tests.billing.standing.rows import subscription as subscription_row
from tests.billing.world import owner_of
from tests.concurrency import one_behind_the_other
from tests.people import in_role

pytestmark = pytest.mark.django_db


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


class TestWhatIsShown:
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
