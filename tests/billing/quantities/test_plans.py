"""Another plan, another interval, and new prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from accounts.models import Mail
from billing.gateway.calls import Gateway
from billing.gateway.orders import Change, Mode
from billing.models import Call, Invoice, Plan, Price, Subscription, Wanted
from billing.selectors.entitlements import entitlement
from billing.selectors.previews import this_moment
from billing.selectors.quantities import sheet
from billing.services import plans as of_plans
from billing.services.plan_changes import LEAD, change_plan, keep_plan, make_due
from billing.services.price_moves import announce_prices, behind
from billing.services.quantities import Agreed, change_quantities
from billing.services.quantity_sweep import sweep_quantities
from billing.services.syncing import sync_subscription
from billing.services.usage import report_served
from billing.vocabulary import CallKind, Interval, Item, JobState, Tier
from freehold.errors import Invalid, NotPermitted
from namespaces.models import Usage
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.services.organizations import NotNow
from tests import factories
from tests.billing.world import DECLINES, customer_of, owner_of
from tests.billing.world import bought as bought_of

pytestmark = pytest.mark.django_db
Bought = Callable[..., Subscription]
Settle = Callable[[], None]
WORKER = Actor.worker()
MONTH, YEAR = Interval.MONTH, Interval.YEAR


def choose(organization: Organization, tier: Tier, interval: Interval, *, agreed: bool = True) -> Wanted:
    seen = Agreed(at=this_moment()) if agreed else None
    actor = owner_of(organization)
    return change_plan(actor=actor, organization=organization, tier=tier, interval=interval, agreed=seen)


def now(subscription: Subscription) -> Subscription:
    found = sync_subscription(subscription.stripe_id)
    assert found is not None
    return found


class TestMoreBeginsAtOnce:
    def test_a_larger_plan_credits_what_is_left_of_the_smaller(
        self, acme: Organization, bought: Bought, settle: Settle, ahead: Any
    ) -> None:
        """And the namespaces that it includes are not paid for any more."""
        subscription = bought(acme, 2, 3)
        ahead(days=10)
        choose(acme, Tier.BUSINESS, MONTH)
        settle()
        found = now(subscription)
        assert found.plan is not None
        assert (found.plan.tier, found.interval) == (Tier.BUSINESS, MONTH)
        assert {item.item: item.quantity for item in found.items.all()} == {Item.SEAT: 2, Item.ROOT: 0}
        assert (entitlement(acme).seats, entitlement(acme).roots) == (2, 5)
        assert Wanted.objects.get().plan is None

    def test_a_year_begins_with_its_payment(self, acme: Organization, bought: Bought, settle: Settle) -> None:
        subscription = bought(acme, 2, 1)
        choose(acme, Tier.TEAM, YEAR)
        settle()
        found = now(subscription)
        assert (found.interval, entitlement(acme).seats) == (YEAR, 2)
        assert found.period_end is not None
        assert found.period_end > timezone.now() + timedelta(days=360)

    def test_what_stripe_hears_of_too_late_is_dropped_and_who_pays_is_told(
        self, acme: Organization, bought: Bought, settle: Settle, ahead: Any
    ) -> None:
        """Even by a worker who dies before he has said so, once."""
        bought(acme, 2, 1)
        choose(acme, Tier.BUSINESS, MONTH)
        ahead(days=32)
        settle()
        Call.objects.update(state=JobState.PENDING, due_at=timezone.now())
        settle()
        assert Call.objects.get().state == JobState.IGNORED
        told = Mail.objects.get(subject="The plan of Acme was not changed")
        assert told.to == acme.memberships.get().user.email
        assert "Business" in told.text and "nothing was charged" in told.text

    def test_it_is_agreed_to_first(self, acme: Organization, bought: Bought) -> None:
        bought(acme, 2, 1)
        with pytest.raises(Invalid, match="Look at it again"):
            choose(acme, Tier.BUSINESS, MONTH, agreed=False)
        with pytest.raises(NotNow, match="already"):
            choose(acme, Tier.TEAM, MONTH)
        with pytest.raises(Invalid, match="can’t be bought"):
            choose(acme, Tier.ENTERPRISE, MONTH)


class TestLessBeginsWithTheNextPeriod:
    @pytest.mark.parametrize(
        ("before", "after", "subtotal"),
        [
            ((Tier.BUSINESS, MONTH), (Tier.TEAM, MONTH), 2 * 500 + 4_000),
            ((Tier.TEAM, YEAR), (Tier.TEAM, MONTH), 2 * 500 + 4_000),
        ],
    )
    def test_it_is_told_shortly_before_and_billed_then(
        self,
        request: pytest.FixtureRequest,
        acme: Organization,
        before: tuple[Tier, Interval],
        after: tuple[Tier, Interval],
        subtotal: int,
    ) -> None:
        bought, settle, ahead, deliver = map(request.getfixturevalue, ("bought", "settle", "ahead", "deliver"))
        subscription = bought(acme, 2, 2, tier=before[0], interval=before[1])
        factories.grant("acme", acme)
        factories.grant("comet", acme)
        choose(acme, *after, agreed=False)
        assert make_due(actor=WORKER) == 0
        assert not Call.objects.exists()
        end = subscription.period_end
        ahead(seconds=(end - timezone.now() - LEAD / 2).total_seconds())
        assert make_due(actor=WORKER) == 1
        settle()
        found = now(subscription)
        assert ((found.plan.tier if found.plan else ""), found.interval) == after
        ahead(hours=3)
        deliver()
        settle()
        assert Invoice.objects.latest("created", "pk").subtotal == subtotal
        assert (entitlement(acme).seats, entitlement(acme).roots) == (2, 2)
        assert Wanted.objects.get().plan is None

    def test_what_could_not_be_told_in_time_is_credited(
        self, acme: Organization, bought: Bought, settle: Settle, ahead: Any
    ) -> None:
        """A whole month of the larger plan was paid for then, and goes to the balance."""
        subscription = bought(acme, 2, 1, tier="business")
        choose(acme, Tier.TEAM, MONTH, agreed=False)
        ahead(days=33)
        now(subscription)
        assert make_due(actor=WORKER) == 1
        settle()
        assert entitlement(acme).tier == Tier.TEAM
        invoice = Invoice.objects.latest("created", "pk")
        assert (invoice.subtotal, invoice.amount_due) == (2 * 500 - 2 * 900, 0)

    def test_it_can_be_taken_back(self, acme: Organization, bought: Bought, settle: Settle, ahead: Any) -> None:
        bought(acme, 2, 1, tier="business")
        choose(acme, Tier.TEAM, MONTH, agreed=False)
        keep_plan(actor=owner_of(acme), organization=acme)
        with pytest.raises(NotNow):
            keep_plan(actor=owner_of(acme), organization=acme)
        ahead(days=33)
        assert make_due(actor=WORKER) == 0

    def test_a_plan_that_ends_does_not_change(self, acme: Organization, bought: Bought) -> None:
        subscription = bought(acme, 2, 1, tier="business")
        choose(acme, Tier.TEAM, MONTH, agreed=False)
        Subscription.objects.update(ends_at=subscription.period_end)
        Wanted.objects.update(due_at=timezone.now())
        assert make_due(actor=WORKER) == 0
        assert Wanted.objects.get().plan is None

    def test_nor_does_one_that_was_bought_after_what_was_wanted_of_a_plan_before(
        self, acme: Organization, bought: Bought
    ) -> None:
        bought(acme, 2, 1, tier="business")
        choose(acme, Tier.TEAM, MONTH, agreed=False)
        before = timezone.now() - timedelta(days=40)
        Wanted.objects.update(due_at=before, changed_at=before)
        found = sheet(acme)
        assert found is not None
        assert found.change is None
        assert make_due(actor=WORKER) == 0
        assert Wanted.objects.get().plan is None

    def test_people_do_not_have_it_done(self, acme: Organization) -> None:
        for sweep in (make_due, sweep_quantities, report_served):
            with pytest.raises(NotPermitted):
                sweep(actor=owner_of(acme))


def test_an_increase_that_is_not_paid_is_given_up(
    acme: Organization, bought: Bought, settle: Settle, stripe: Gateway, ahead: Any
) -> None:
    """Nobody is charged for it later by surprise."""
    subscription = bought(acme, 2, 1)
    customer_of(acme, DECLINES)
    change_quantities(actor=owner_of(acme), organization=acme, seats=6, roots=1, agreed=Agreed(at=this_moment()))
    settle()
    found = sheet(acme)
    assert found is not None
    assert found.is_unpaid
    assert found.invoice is not None
    assert entitlement(acme).seats == 2
    assert sweep_quantities(actor=WORKER) == 0
    ahead(days=2)
    now(subscription)
    assert sweep_quantities(actor=WORKER) == 0
    assert Wanted.objects.get().seats == 2
    assert AuditEvent.objects.filter(action="plan.given_up").count() == 1
    assert "nothing is charged" in Mail.objects.get(subject="The plan of Acme was not increased").text
    assert not Call.objects.filter(state="pending").exists()


class TestNewPrices:
    @pytest.fixture
    def newer(self, plans: dict[str, Plan]) -> Callable[[], Plan]:
        """Make everything a tenth dearer for those who come new."""

        def raise_prices() -> Plan:
            old = Plan.objects.get(tier=Tier.TEAM, is_current=True)
            Plan.objects.filter(pk=old.pk).update(is_current=False)
            plan = Plan.objects.create(tier=Tier.TEAM, number=2, roots_included=old.roots_included)
            for price in old.prices.all():
                key = price.lookup_key.replace("v1", "v2")
                dearer = price.amount * 11 // 10
                kept = {"item": price.item, "currency": price.currency, "interval": price.interval}
                Price.objects.create(plan=plan, amount=dearer, lookup_key=key, **kept)
            of_plans._ensure_at_stripe(plan)
            return plan

        return raise_prices

    def test_who_has_bought_is_told_a_month_ahead_and_charged_then(
        self, acme: Organization, bought: Bought, newer: Callable[[], Plan], request: pytest.FixtureRequest
    ) -> None:
        settle, ahead, deliver = map(request.getfixturevalue, ("settle", "ahead", "deliver"))
        subscription = bought(acme, 10, 1)
        plan = newer()
        assert behind() == [acme]
        since = announce_prices(actor=Actor.operator(), organization=acme)
        assert since >= timezone.now() + timedelta(days=30)
        assert behind() == []
        (mail,) = Mail.objects.filter(subject__startswith="New prices")
        assert "before tax: US$50.00" in mail.text
        assert "before tax: US$55.00" in mail.text
        with pytest.raises(NotNow, match="not a choice"):
            keep_plan(actor=owner_of(acme), organization=acme)
        ahead(seconds=(since - timezone.now() - LEAD / 2).total_seconds())
        deliver()
        settle()
        assert Invoice.objects.latest("created", "pk").subtotal == 5_000
        assert make_due(actor=WORKER) == 1
        settle()
        ahead(hours=3)
        deliver()
        settle()
        assert Invoice.objects.latest("created", "pk").subtotal == 5_500
        assert now(subscription).plan == plan

    def test_the_command_says_who_and_until_when(
        self, acme: Organization, bought: Bought, newer: Callable[[], Plan], capsys: pytest.CaptureFixture[str]
    ) -> None:
        bought(acme, 2, 1)
        call_command("billing_announce_prices")
        assert "Everybody has the prices of now." in capsys.readouterr().out
        newer()
        call_command("billing_announce_prices")
        assert capsys.readouterr().out == "acme\n"
        call_command("billing_announce_prices", "acme", "--days", "5")
        assert "30 days ahead" in capsys.readouterr().out
        call_command("billing_announce_prices", "--all")
        assert capsys.readouterr().out.startswith("acme: from 20")

    def test_a_seat_more_costs_what_the_seats_before_cost(
        self, acme: Organization, bought: Bought, settle: Settle, newer: Callable[[], Plan]
    ) -> None:
        bought(acme, 2, 1)
        newer()
        change_quantities(actor=owner_of(acme), organization=acme, seats=3, roots=1, agreed=Agreed(at=this_moment()))
        settle()
        assert Invoice.objects.get(billing_reason="subscription_update").subtotal == 500


class TestWhatWasServed:
    def test_whole_gigabytes_are_told_once(
        self, acme: Organization, bought: Bought, settle: Settle, stripe: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[int] = []
        monkeypatch.setattr(stripe, "report_usage", lambda _key, **asked: told.append(asked["value"]))
        subscription = bought(acme, 2, 1)
        subscription.items.create(stripe_id="si_served", item=Item.SERVED)
        factories.project("acme-tools", "acme")
        factories.project("other", "globex")
        today = timezone.now().date()
        for project, day, size in (
            ("acme-tools", today, 2_600_000_000),
            ("acme-tools", today - timedelta(days=9), 9_000_000_000),
            ("other", today, 7_000_000_000),
        ):
            Usage.objects.create(project=project, day=day, bytes=size, downloads=1)
        assert report_served(actor=WORKER) == 1
        settle()
        assert report_served(actor=WORKER) == 0
        Usage.objects.filter(project="acme-tools", day=today).update(bytes=4_100_000_000)
        assert report_served(actor=WORKER) == 1
        settle()
        assert told == [2, 2]
        assert Call.objects.filter(kind=CallKind.REPORT_USAGE).count() == 2

    def test_it_is_billed_with_the_period_where_the_operator_says_what_it_costs(
        self, acme: Organization, stripe: Gateway, request: pytest.FixtureRequest
    ) -> None:
        settle, ahead, deliver = map(request.getfixturevalue, ("settle", "ahead", "deliver"))
        with override_settings(FREEHOLD_STRIPE=replace(settings.FREEHOLD_STRIPE, served=(("usd", 2),))):
            plan = next(plan for plan in of_plans.sync_plans(actor=WORKER) if plan.tier == Tier.TEAM)
        subscription = bought_of(acme, 2, 1)
        price = plan.prices.get(item=Item.SERVED, currency="usd", interval=MONTH)
        stripe.change_items("served", subscription.stripe_id, [Change(price=price.stripe_id)], Mode.DECREASE)
        assert now(subscription).problems == []
        factories.project("acme-tools", "acme")
        Usage.objects.create(project="acme-tools", day=timezone.now().date(), bytes=150_700_000_000, downloads=1)
        assert report_served(actor=WORKER) == 1
        settle()
        ahead(days=32)
        deliver()
        settle()
        assert Invoice.objects.latest("created", "pk").subtotal == 2 * 500 + 150 * 2
        assert entitlement(acme).tier == Tier.TEAM

    def test_who_has_no_metered_part_is_not_counted(self, acme: Organization, bought: Bought) -> None:
        bought(acme, 2, 1)
        assert report_served(actor=WORKER) == 0
