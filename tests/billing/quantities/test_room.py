"""Room for one more root namespace: nobody gets one that is not paid for, and nobody loses one while it is being paid."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client
from django.utils.html import escape

from billing import hooks
from billing.models import Plan, Subscription
from billing.pages.overview import steps
from billing.selectors.quantities import payment_page
from billing.vocabulary import Item
from freehold.errors import DomainError, NotPermitted
from namespaces import hooks as of_claims
from namespaces.cases import CaseState
from namespaces.errors import NoRoom, NotNow
from namespaces.models import Grant, Transfer
from namespaces.pages_claim import Preview
from namespaces.services import lifecycle, transfers
from namespaces.services.claims import can_file, file_claim
from namespaces.services.grants import grant_namespace
from namespaces.services.held import sweep_held
from namespaces.states import Action, GrantState
from orgs.actors import Actor, may
from orgs.models import Organization
from orgs.vocabulary import Kind, Permission, Role, Standing, State
from tests import factories
from tests.billing import world
from tests.concurrency import one_behind_the_other
from tests.dump import dump, nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, owner_of
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
Bought = Callable[..., Subscription]
HELD, ACTIVE, QUARANTINED = GrantState.HELD, GrantState.ACTIVE, GrantState.QUARANTINED
ONE_MORE = "/manage/acme/plan/quantities/?seats=20&roots=2"


@pytest.fixture(autouse=True)
def _payment_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where billing is on, whatever the environment of the suite says."""
    monkeypatch.setattr(of_claims, "payment_due", [hooks.payment_due])
    monkeypatch.setattr(of_claims, "payment_pages", [payment_page])
    monkeypatch.setattr(of_claims, "prices", [hooks.price])


@pytest.fixture
def full(acme: Organization, bought: Bought) -> Organization:
    """Paid for one root namespace, which it has."""
    bought(acme, 20, 1)
    Organization.objects.filter(pk=acme.pk).update(state=State.ACTIVE)
    factories.grant("acme", acme)
    acme.refresh_from_db()
    return acme


def pay_for(organization: Organization, roots: int) -> None:
    """As far as ours knows of it."""
    subscription = Subscription.objects.get(organization=organization)
    of_plan = subscription.plan.roots_included if subscription.plan else 0
    values = {"quantity": roots - of_plan, "paid_quantity": roots - of_plan}
    subscription.items.update_or_create(item=Item.ROOT, defaults={**values, "stripe_id": "si_more"})


def offered(to: Organization, name: str = "comet") -> Transfer:
    giver = factories.organization("giver")
    return transfers.offer_transfer(actor=owner_of(giver), grant=factories.grant(name, giver), to=to)


def state_of(name: str) -> tuple[str, str]:
    """Who holds it, and how it is."""
    return Grant.objects.holding().values_list("owner__name", "state").get(name=name)


# --- Transfers --------------------------------------------------------------------------------------------------------


class TestWhatIsOffered:
    def test_it_stays_where_it_is_until_its_place_is_paid(self, full: Organization) -> None:
        offer, owner = offered(full), owner_of(full)
        with nothing_changes(), pytest.raises(NoRoom, match=r"'acme' pays for are in use\. Pay for one more first"):
            transfers.accept_transfer(actor=owner, offer=offer)
        assert not transfers.can_accept(offer, owner)
        assert state_of("comet") == ("giver", ACTIVE)
        pay_for(full, 2)
        assert transfers.can_accept(offer, owner)
        transfers.accept_transfer(actor=owner, offer=offer)
        assert state_of("comet") == ("acme", ACTIVE)

    def test_it_can_be_offered_and_declined_without_a_payment(self, full: Organization) -> None:
        transfers.end_transfer(actor=owner_of(full), offer=offered(full))
        assert not Transfer.objects.exists()

    @pytest.mark.parametrize("kind", [Kind.COMMUNITY, Kind.COMPANY])
    def test_who_need_not_pay_takes_it_at_once(self, kind: Kind) -> None:
        """A community project, and a company that staff activated."""
        free = factories.organization("free", kind=kind)
        factories.grant("free", free)
        transfers.accept_transfer(actor=owner_of(free), offer=offered(free))
        assert state_of("comet") == ("free", ACTIVE)

    def test_where_billing_is_off_nobody_is_asked_to_pay(
        self, full: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(of_claims, "payment_due", [])
        transfers.accept_transfer(actor=owner_of(full), offer=offered(full))
        assert state_of("comet") == ("acme", ACTIVE)

    def test_staff_is_not_asked_to_pay(self, full: Organization) -> None:
        comet = factories.grant("comet", factories.organization("giver"))
        transfers.transfer_namespace(actor=Actor.operator(), grant=comet, to=full)
        assert state_of("comet") == ("acme", ACTIVE)

    def test_what_stands_against_it_besides_is_said_first(self, full: Organization) -> None:
        offer = offered(full)
        Organization.objects.filter(pk=full.pk).update(standing=Standing.LAPSED)
        with pytest.raises(NotNow, match="not an active organization in good standing") as refusal:
            transfers.accept_transfer(actor=owner_of(full), offer=offer)
        assert not isinstance(refusal.value, NoRoom)


@pytest.mark.django_db(transaction=True)
def test_two_offers_for_one_place_are_accepted_once(full: Organization) -> None:
    pay_for(full, 2)
    first, owner = offered(full), owner_of(full)
    other = factories.organization("other")
    second = transfers.offer_transfer(actor=owner_of(other), grant=factories.grant("rocket", other), to=full)
    outcomes = one_behind_the_other(
        lambda: transfers.accept_transfer(actor=owner, offer=first),
        lambda: transfers.accept_transfer(actor=owner, offer=second),
    )
    assert outcomes == ("done", "no-room")


# --- Quarantine -------------------------------------------------------------------------------------------------------


class TestWhatWasGivenUp:
    @pytest.fixture
    def given_up(self, full: Organization) -> Grant:
        return factories.grant("comet", full, state=QUARANTINED)

    def test_it_stays_in_quarantine_until_its_place_is_paid(self, full: Organization, given_up: Grant) -> None:
        owner = owner_of(full)
        with nothing_changes(), pytest.raises(NoRoom):
            lifecycle.reinstate_namespace(actor=owner, grant=given_up)
        assert not lifecycle.can(Action.REINSTATE, given_up, owner)
        pay_for(full, 2)
        assert lifecycle.can(Action.REINSTATE, given_up, owner)
        assert lifecycle.reinstate_namespace(actor=owner, grant=given_up).state == ACTIVE

    def test_giving_one_up_makes_room_for_another(self, full: Organization, given_up: Grant) -> None:
        lifecycle.release_namespace(actor=owner_of(full), grant=Grant.objects.get(name="acme"))
        assert lifecycle.reinstate_namespace(actor=owner_of(full), grant=given_up).state == ACTIVE

    def test_it_can_t_be_claimed_back_past_the_payment(self, full: Organization, given_up: Grant) -> None:
        owner = owner_of(full)
        with nothing_changes(), pytest.raises(NoRoom, match=r"take it back\. No claim is needed\."):
            file_claim(actor=owner, organization=full, name="comet")
        assert not can_file(full, "comet")
        pay_for(full, 2)
        assert can_file(full, "comet")

    def test_a_claim_that_is_decided_when_the_room_is_gone_takes_nothing_back(
        self, full: Organization, given_up: Grant
    ) -> None:
        with nothing_changes(), pytest.raises(NoRoom, match="has to pay for one more namespace"):
            grant_namespace(actor=Actor.worker(), name="comet", organization=full, state=HELD)


# --- Every role -------------------------------------------------------------------------------------------------------

ACTS: dict[str, Callable[[Actor, Transfer, Grant], Grant]] = {
    "accept": lambda actor, offer, _: transfers.accept_transfer(actor=actor, offer=offer),
    "take back": lambda actor, _, gone: lifecycle.reinstate_namespace(actor=actor, grant=gone),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("has_room", [False, True])
def test_every_role_in_every_state(full: Organization, state: State, standing: Standing, has_room: bool) -> None:
    """Owners act and pay; everybody else may not, whatever was paid; staff alone is not asked for money. A refusal
    changes nothing."""
    gone, offer = factories.grant("gone", full, state=QUARANTINED), offered(full)
    pay_for(full, 3 if has_room else 1)
    people = {who: acting_as(who, full) for who in EVERYBODY}
    Organization.objects.filter(pk=full.pk).update(state=state, standing=standing)
    full.refresh_from_db()
    before = dump()
    for who, actor in people.items():
        expected = _refusal(who, actor, full, has_room=has_room)
        for name, act in ACTS.items():
            if expected is not None:
                with pytest.raises(expected) as refusal:
                    act(actor, offer, gone)
                assert type(refusal.value) is expected, (who, name, refusal.value)
            else:
                with transaction.atomic():
                    assert act(actor, offer, gone).state == ACTIVE, (who, name)
                    transaction.set_rollback(True)
    assert dump() == before


def _refusal(who: str, actor: Actor, organization: Organization, *, has_room: bool) -> type[DomainError] | None:
    if not may(actor, Permission.MANAGE_NAMESPACES, organization):
        return NotPermitted
    if not organization.may_hold:
        return NotNow
    return None if has_room or who == OPERATOR else NoRoom


# --- What pages say ---------------------------------------------------------------------------------------------------


@pytest.fixture
def owner(full: Organization) -> Client:
    return signed_in(full.memberships.get(role=Role.OWNER).user)


class TestPages:
    def test_the_offer_says_what_it_costs_and_leads_there_and_back(self, owner: Client, full: Organization) -> None:
        offer = offered(full)
        page = f"/manage/acme/offers/{offer.pk}/"
        shown = owner.get(page).content.decode()
        assert f"accept it, by {offer.expires_at:%-d %B %Y}. Until you do, it stays with Giver." in shown
        assert "US$40.00 a month more, before tax: all the namespaces of your plan Team are in use." in shown
        assert escape(ONE_MORE) in shown
        assert "Accept the namespace" not in shown
        assert owner.post(page)["Location"] == page
        sum_shown = owner.get(ONE_MORE)
        assert sum_shown.context["proposal"].charge is not None
        pay_for(full, 2)
        assert "Accept the namespace" in owner.get(page).content.decode()

    def test_the_api_says_no_room(self, full: Organization) -> None:
        offer = offered(full)
        token = factories.organization_token(full.memberships.get(role=Role.OWNER))
        accept = f"/api/v1/organizations/acme/transfers/{offer.pk}/accept"
        response = Client().post(accept, headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, response.json()["type"]) == (409, "urn:freehold:problem:no-room")
        assert state_of("comet") == ("giver", ACTIVE)

    def test_so_does_taking_back(self, owner: Client, full: Organization) -> None:
        factories.grant("comet", full, state=QUARANTINED)
        shown = owner.get("/manage/acme/namespaces/comet/take-back/").content.decode()
        assert escape(ONE_MORE) in shown and "US$40.00 a month more" in shown

    def test_where_paying_would_not_help_nobody_is_asked_to(self, owner: Client, full: Organization) -> None:
        factories.grant("comet", full, state=QUARANTINED)
        Organization.objects.filter(pk=full.pk).update(standing=Standing.GRACE)
        response = owner.get("/manage/acme/namespaces/comet/take-back/")
        assert response.context["due"] is None
        assert "not an active organization in good standing" in response.content.decode()

    def test_a_claim_is_told_what_it_costs_one_that_is_active(
        self, owner: Client, full: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Preview, "is_granted_at_once", True)
        shown = owner.get("/claim/?name=comet&organization=acme").content.decode()
        assert "It is granted at once, and held for you" in shown
        assert "in force once a place for it is paid" in shown and "once your company is active" not in shown
        assert "US$40.00 a month more, before tax: all the namespaces of your plan Team are in use." in shown
        assert escape(ONE_MORE) in shown

    def test_one_that_is_not_active_is_told_that_it_has_to_be(
        self, owner: Client, full: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Preview, "is_granted_at_once", True)
        Organization.objects.filter(pk=full.pk).update(state=State.APPLIED)
        shown = owner.get("/claim/?name=comet&organization=acme").content.decode()
        assert "in force once your company is active" in shown and ONE_MORE not in shown

    def test_so_it_is_when_it_was_granted(self, owner: Client, full: Organization) -> None:
        case = factories.case(full, name="comet", state=CaseState.APPROVED)
        Grant.objects.filter(name="comet").update(state=HELD)
        shown = owner.get(f"/cases/{case.pk}/").content.decode()
        assert "within a minute of paying for its place" in shown and escape(ONE_MORE) in shown

    def test_what_is_held_for_an_active_one_is_said_where_it_looks(self, owner: Client, full: Organization) -> None:
        factories.grant("comet", full, state=HELD)
        told = {step.text: step.url for step in steps(full)}
        assert told == {"Choose a plan": "/manage/acme/plan/", "Pay for one more namespace": ONE_MORE}
        assert escape(ONE_MORE) in owner.get("/manage/acme/plan/").content.decode()


# --- Room that comes without a payment --------------------------------------------------------------------------------


def test_what_is_held_becomes_active_when_another_is_given_up(full: Organization) -> None:
    factories.grant("comet", full, state=HELD)
    sweep_held()
    assert state_of("comet") == ("acme", HELD)
    lifecycle.release_namespace(actor=owner_of(full), grant=Grant.objects.get(name="acme"))
    sweep_held()
    assert state_of("comet") == ("acme", ACTIVE)


def test_without_a_plan_it_leads_to_choosing_one(acme: Organization, plans: dict[str, Plan]) -> None:
    assert of_claims.payment_page(acme, 1) == "/manage/acme/plan/buy/"
    assert of_claims.payment_page(world.company("none"), 0) == "/manage/none/plan/buy/"


def test_a_community_project_is_led_nowhere(db: None) -> None:
    assert of_claims.payment_page(factories.organization(kind=Kind.COMMUNITY), 1) == ""
