"""Buying by card, and all that goes wrong on the way to Stripe and back (scenarios 21 to 31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Mail
from billing.gateway.calls import Gateway, gateway
from billing.gateway.errors import Unavailable
from billing.models import Alert, Customer, Intent, Plan, Subscription
from billing.sandbox.buying import Way
from billing.sandbox.store import Sandbox
from billing.selectors.entitlements import Source, entitlement
from billing.services import syncing
from billing.services.checkout import PaymentPageFailed
from billing.services.purchases import begin_purchase, can_buy, drop_purchase, expire_purchases
from billing.services.returning import Return, look_at_return
from billing.vocabulary import IntentState, Interval, Item, Tier
from freehold.errors import Invalid, NotFound, NotPermitted
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.services.organizations import NotNow
from orgs.vocabulary import Kind, Role, State
from tests import factories
from tests.billing.buying.shop import begin, order, pay
from tests.billing.hands import all_hands
from tests.billing.world import company, owner_of
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db

Settle = Callable[[], None]


@pytest.fixture(autouse=True)
def _sold(plans: dict[str, Plan]) -> None:
    """There is something to buy."""


def come_back(organization: Organization, session: str) -> Return:
    return look_at_return(actor=owner_of(organization), organization=organization, session=session).said


def mails(template_words: str) -> int:
    return Mail.objects.filter(subject__icontains=template_words).count()


class TestChoosing:
    def test_the_sum_is_frozen_and_what_is_included_costs_nothing(self, acme: Organization) -> None:
        intent = begin(acme, tier=Tier.BUSINESS, seats=3, roots=6, interval=Interval.YEAR)
        assert (intent.total, intent.roots) == (3 * 9_000 + 40_000, 6)
        assert begin(company("other"), tier=Tier.BUSINESS, roots=0).roots == 5

    def test_nothing_less_than_what_is_in_use(self, acme: Organization) -> None:
        factories.member(acme, "second", Role.MEMBER)
        factories.grant("acme", acme)
        factories.grant("zeta", acme)
        with pytest.raises(Invalid, match="2 people"):
            begin(acme, seats=1, roots=2)
        with pytest.raises(Invalid, match="2 root namespaces"):
            begin(acme, seats=2, roots=1)

    @pytest.mark.parametrize("wrong", [{"tier": Tier.ENTERPRISE}, {"currency": "chf"}, {"seats": 0}, {"roots": 501}])
    def test_what_is_not_sold(self, acme: Organization, wrong: dict[str, Any]) -> None:
        with pytest.raises(Invalid):
            begin(acme, **wrong)
        assert not Intent.objects.exists()

    def test_community_projects_and_strangers_buy_nothing(self, acme: Organization) -> None:
        stranger = Actor.person(factories.user())
        with pytest.raises(NotPermitted):
            begin_purchase(actor=stranger, organization=acme, order=order())
        acme.kind = Kind.COMMUNITY
        acme.save()
        with pytest.raises(NotNow, match="pay nothing"):
            begin(acme)


class TestComingBack:
    def test_scenario_21_the_return_page_syncs_by_itself_and_never_says_failed(
        self, acme: Organization, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No event has come, and no worker has run."""
        intent = begin(acme)
        browser = signed_in(acme.memberships.get().user)
        page = f"/manage/acme/plan/return/?session={intent.session}"
        waiting = browser.get(page)
        pay(sandbox, intent)
        with monkeypatch.context() as broken:
            broken.setattr(Gateway, "session", _silent)
            silent = browser.get(page)
        done = browser.get(page)
        for response in (waiting, silent, done):
            assert response.status_code == 200 and b"fail" not in response.content.lower()
        assert "Stripe is telling us" in waiting.text and "Stripe is telling us" in silent.text
        assert "Thank you: it is paid" in done.text
        acme.refresh_from_db()
        assert acme.state == State.ACTIVE

    def test_scenario_22_webhook_and_return_together_activate_once_and_mail_once(
        self, acme: Organization, sandbox: Sandbox, deliver: Callable[..., list[int]], settle: Settle
    ) -> None:
        intent = begin(acme)
        pay(sandbox, intent)
        assert come_back(acme, intent.session) is Return.PAID
        assert set(deliver()) == {200}
        settle()
        assert come_back(acme, intent.session) is Return.PAID
        assert AuditEvent.objects.filter(action="organization.activate").count() == 1
        assert AuditEvent.objects.filter(action="purchase.completed").count() == 1
        assert mails("has the plan Team") == 1

    @pytest.mark.parametrize("by", ["return", "webhook"])
    def test_scenario_23_either_of_the_two_is_enough(
        self, by: str, acme: Organization, sandbox: Sandbox, deliver: Callable[..., list[int]], settle: Settle
    ) -> None:
        factories.grant("acme", acme, state=GrantState.HELD)
        intent = begin(acme)
        pay(sandbox, intent)
        if by == "return":
            come_back(acme, intent.session)
        else:
            deliver()
            settle()
        acme.refresh_from_db()
        intent.refresh_from_db()
        assert (acme.state, intent.state, acme.seats) == (State.ACTIVE, IntentState.COMPLETED, 2)
        assert acme.grants.get().state == GrantState.ACTIVE

    def test_scenario_29_while_a_debit_is_under_way_nothing_is_active(
        self, acme: Organization, sandbox: Sandbox
    ) -> None:
        intent = begin(acme)
        pay(sandbox, intent, Way.DEBIT)
        assert come_back(acme, intent.session) is Return.UNDER_WAY
        acme.refresh_from_db()
        assert acme.state == State.APPLIED
        assert entitlement(acme).source is not Source.PAID

    def test_scenario_30_the_session_of_others_is_not_there_and_staff_is_told(
        self, acme: Organization, sandbox: Sandbox
    ) -> None:
        theirs = begin(company("other"))
        pay(sandbox, theirs)
        for session in (theirs.session, "cs_test_madeup", "nonsense", "cs_" + "a" * 500):
            with pytest.raises(NotFound):
                come_back(acme, session)
        assert Alert.objects.get().key == f"session-of-others:{acme.pk}", "Nobody fills the desk by trying."
        theirs.refresh_from_db()
        assert theirs.state == IntentState.OPEN

    def test_scenario_30_forged_metadata_moves_no_purchase(self, acme: Organization, sandbox: Sandbox) -> None:
        """A checkout of another customer that says it is of ours."""
        mine, theirs = begin(acme), begin(company("other"))
        Intent.objects.filter(pk=mine.pk).update(session="", url="")
        sandbox.get("checkout.session", theirs.session)["metadata"]["freehold_intent"] = str(mine.key)
        Intent.objects.filter(pk=theirs.pk).update(session="cs_test_elsewhere")
        pay(sandbox, theirs)
        syncing.sync_session(theirs.session)
        mine.refresh_from_db()
        assert (mine.state, mine.subscription) == (IntentState.OPEN, "")
        assert Alert.objects.filter(key=f"session-customer:{theirs.session}").exists()

    def test_scenario_31_the_entitlement_follows_what_the_buyer_chose_at_the_checkout(
        self, acme: Organization, sandbox: Sandbox
    ) -> None:
        intent = begin(acme, seats=2)
        item = sandbox.get("checkout.session", intent.session)["_items"][0]
        typed: dict[str, Any] = {f"quantity_{item['id']}": "5"}
        pay(sandbox, intent, **typed)
        come_back(acme, intent.session)
        assert entitlement(acme).seats == 5
        acme.refresh_from_db()
        assert acme.seats == 5


def _silent(*_: Any, **__: Any) -> None:
    raise Unavailable("no answer")


class TestOneAtATime:
    def test_scenario_24_two_tabs_and_two_owners_come_to_one_page(self, acme: Organization) -> None:
        second = factories.member(acme, "second", Role.BILLING)
        first = begin(acme)
        assert begin(acme).url == first.url
        again = begin_purchase(actor=Actor.person(second.user), organization=acme, order=order())
        assert (again.pk, again.url) == (first.pk, first.url)
        assert first.url

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_scenario_24_at_the_same_moment_too(self, acme: Organization) -> None:
        found = all_hands(*[lambda: begin(acme)] * 4)
        assert len({intent.url for intent in found}) == 1
        assert (Intent.objects.count(), Customer.objects.count()) == (1, 1)

    def test_another_order_takes_its_place_and_the_first_page_is_closed(
        self, acme: Organization, sandbox: Sandbox, settle: Settle
    ) -> None:
        first = begin(acme)
        second = begin(acme, seats=3)
        settle()
        first.refresh_from_db()
        assert (first.state, second.state) == (IntentState.CANCELLED, IntentState.OPEN)
        assert sandbox.get("checkout.session", first.session)["status"] == "expired"
        assert second.url != first.url

    def test_scenario_25_bought_twice_the_second_is_cancelled_and_given_back(
        self, acme: Organization, sandbox: Sandbox, settle: Settle
    ) -> None:
        first = begin(acme)
        second = begin(acme, seats=3)
        pay(sandbox, first)
        pay(sandbox, second)
        assert come_back(acme, first.session) is Return.PAID
        assert come_back(acme, second.session) is Return.REVERSED
        settle()
        states = dict(Subscription.objects.values_list("stripe_id", "status"))
        first.refresh_from_db()
        second.refresh_from_db()
        assert states == {first.subscription: "active", second.subscription: "canceled"}
        invoice = sandbox.find("invoice", subscription=None) or list(sandbox.objects["invoice"].values())
        paid = {one["id"]: one["amount_paid"] for one in invoice}
        given = sum(note["total"] for note in sandbox.objects["credit_note"].values())
        back = sum(refund["amount"] for refund in sandbox.objects["refund"].values())
        latest = sandbox.get("subscription", second.subscription)["latest_invoice"]
        assert given == back == paid[latest] > 0
        assert Alert.objects.filter(key=f"bought-twice:{second.subscription}").exists()
        assert entitlement(acme).seats == 2
        assert mails("was bought twice") == 1

    def test_scenario_25_of_two_that_were_paid_one_stays_though_both_are_here_before_either_is_settled(
        self, acme: Organization, sandbox: Sandbox, settle: Settle
    ) -> None:
        both = [begin(acme), begin(acme, seats=3)]
        for session in [pay(sandbox, intent) for intent in both]:
            syncing.sync_subscription(session["subscription"])
        for intent in both:
            syncing.sync_session(intent.session)
        settle()
        assert sorted(Subscription.objects.values_list("status", flat=True)) == ["active", "canceled"]
        assert set(Intent.objects.values_list("state", flat=True)) == {IntentState.COMPLETED, IntentState.REVERSED}

    @pytest.mark.parametrize("status", ["active", "past_due", "unpaid", "incomplete", "paused"])
    def test_scenario_26_beside_one_that_is_not_over_nothing_is_bought(
        self, status: str, acme: Organization, bought: Callable[..., Subscription]
    ) -> None:
        Subscription.objects.filter(pk=bought(acme).pk).update(status=status)
        assert not can_buy(acme, owner_of(acme))
        with pytest.raises(NotNow, match="There is a plan already"):
            begin(acme)
        assert not Intent.objects.exists()

    def test_scenario_27_after_a_page_expired_there_is_a_new_purchase_with_a_new_key(
        self, acme: Organization, ahead: Callable[..., Any], deliver: Callable[..., list[int]], settle: Settle
    ) -> None:
        first = begin(acme)
        ahead(hours=24)
        deliver(everything=True)
        settle()
        first.refresh_from_db()
        assert first.state == IntentState.EXPIRED
        second = begin(acme)
        assert second.key != first.key and second.session != first.session

    def test_dropped_it_is_closed_and_paid_all_the_same_it_counts(
        self, acme: Organization, sandbox: Sandbox, settle: Settle
    ) -> None:
        intent = begin(acme)
        drop_purchase(actor=owner_of(acme), intent=intent)
        pay(sandbox, intent)
        settle()
        intent.refresh_from_db()
        assert intent.state == IntentState.COMPLETED
        with pytest.raises(NotNow):
            drop_purchase(actor=owner_of(acme), intent=intent)

    def test_one_that_never_came_to_a_page_expires_by_itself(
        self, acme: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Gateway, "create_session", _silent)
        with pytest.raises(PaymentPageFailed):
            begin(acme)
        assert expire_purchases(actor=Actor.worker()) == 0
        Intent.objects.update(expires_at=timezone.now())
        assert expire_purchases(actor=Actor.worker()) == 1
        assert Intent.objects.get().state == IntentState.EXPIRED


class TestBrokenConnections:
    def test_scenario_28_after_a_time_out_the_same_key_and_customer_are_sent(
        self, acme: Organization, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Stripe has made the session, and we never heard of it."""
        really = Gateway.create_session

        def lost(self: Gateway, key: str, wanted: Any) -> Any:
            really(self, key, wanted)
            raise Unavailable("timed out")

        monkeypatch.setattr(Gateway, "create_session", lost)
        with pytest.raises(PaymentPageFailed, match="Nothing was charged"):
            begin(acme)
        monkeypatch.setattr(Gateway, "create_session", really)
        intent = begin(acme)
        assert intent.url
        assert (len(sandbox.objects["checkout.session"]), len(sandbox.objects["customer"])) == (1, 1)

    def test_scenario_45_the_customer_was_deleted_at_stripe(
        self, acme: Organization, sandbox: Sandbox, bought: Callable[..., Subscription]
    ) -> None:
        """What was bought before stays with the former customer; a successor buys."""
        before = bought(acme)
        gateway().cancel_now("x", before.stripe_id, prorate=False)
        gateway().v1.customers.delete(before.customer.stripe_id)
        syncing.sync_subscription(before.stripe_id)
        intent = begin(acme)
        pay(sandbox, intent)
        assert come_back(acme, intent.session) is Return.PAID
        former, current = Customer.objects.order_by("pk")
        assert (former.is_current, current.is_current) == (False, True)
        assert former.subscriptions.get() == before and former.invoices.exists()
        assert current.subscriptions.get().items.filter(item=Item.SEAT).get().paid_quantity == 2

    def test_deleted_while_the_purchase_was_open_the_next_press_helps(self, acme: Organization) -> None:
        intent = begin(acme)
        gateway().v1.customers.delete(Customer.objects.get().stripe_id)
        Intent.objects.filter(pk=intent.pk).update(session="", url="", key=uuid4())
        with pytest.raises(PaymentPageFailed):
            begin(acme)
        assert begin(acme).url
