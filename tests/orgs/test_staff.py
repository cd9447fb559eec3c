"""What staff decides about organizations: every state, every action, everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Mail
from freehold.errors import DomainError, Invalid, NotPermitted
from orgs.actors import Actor
from orgs.lifecycle import STAFF_ACTIONS, TRANSITIONS, Action
from orgs.models import AuditEvent, Membership, Organization
from orgs.services import staff
from orgs.services.organizations import NotNow
from orgs.vocabulary import Role, State
from tests import factories
from tests.concurrency import one_behind_the_other
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

STAFF = "staff"
DO: dict[Action, Callable[..., Organization]] = {
    Action.ACTIVATE: staff.activate_organization,
    Action.SUSPEND: staff.suspend_organization,
    Action.REINSTATE: staff.reinstate_organization,
}


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


def somebody_of_the_staff() -> Actor:
    return Actor.staff(factories.user(is_staff=True), origin="192.0.2.1")


def acting(who: str, acme: Organization) -> Actor:
    return somebody_of_the_staff() if who == STAFF else acting_as(who, acme)


def test_every_action_of_staff_has_its_service() -> None:
    assert set(DO) == STAFF_ACTIONS


@pytest.mark.parametrize("who", [*EVERYBODY, STAFF])
@pytest.mark.parametrize("action", DO)
@pytest.mark.parametrize("state", State)
def test_every_state_action_and_role(acme: Organization, state: State, action: Action, who: str) -> None:
    actor, owner = acting(who, acme), owner_of(acme)
    Organization.objects.filter(pk=acme.pk).update(state=state)
    expected = TRANSITIONS.get((state, action))
    if who in {OPERATOR, STAFF} and expected is not None:
        assert DO[action](actor=actor, organization=acme, reason="Because.").state == expected
        event = AuditEvent.objects.get()
        assert (event.actor, event.action) == (actor.label, f"organization.{action.value}")
        assert (event.before, event.after) == ({"state": state}, {"state": expected, "reason": "Because."})
        assert owner.label in Mail.objects.filter(text__contains="Because.").values_list("to", flat=True)
        return
    with nothing_changes(), pytest.raises(DomainError) as refusal:
        DO[action](actor=actor, organization=acme, reason="Because.")
    assert isinstance(refusal.value, NotPermitted) is (who not in {OPERATOR, STAFF})


@pytest.mark.parametrize("state", State)
def test_the_list_of_what_may_be_done_is_what_may_be_done(acme: Organization, state: State) -> None:
    acme.state = state
    actor = Actor.operator()
    listed = staff.staff_actions(acme)
    assert [action for action in Action if staff.can(action, acme, actor)] == [a for a in Action if a in listed]


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 501, "a\x00b"])
def test_a_suspension_needs_a_reason(acme: Organization, reason: str) -> None:
    with nothing_changes(), pytest.raises(Invalid):
        staff.suspend_organization(actor=Actor.operator(), organization=acme, reason=reason)


def test_a_mail_without_a_reason_has_no_empty_place(acme: Organization) -> None:
    owner_of(acme)
    Organization.objects.update(state=State.APPLIED)
    staff.activate_organization(actor=Actor.operator(), organization=acme)
    assert "asked to add" not in Mail.objects.get().text


class TestSeats:
    @pytest.mark.parametrize("who", [*EVERYBODY, STAFF])
    def test_staff_sets_them(self, acme: Organization, who: str) -> None:
        actor = acting(who, acme)
        if who in {OPERATOR, STAFF}:
            assert staff.set_seats(actor=actor, organization=acme, seats=7).seats == 7
            assert staff.set_seats(actor=actor, organization=acme, seats=None).seats is None
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            staff.set_seats(actor=actor, organization=acme, seats=7)

    @pytest.mark.parametrize("seats", [0, -1, 100_001, 10**30])
    def test_how_many(self, acme: Organization, seats: int) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            staff.set_seats(actor=Actor.operator(), organization=acme, seats=seats)

    def test_who_is_in_stays_in(self, acme: Organization) -> None:
        for _ in range(3):
            owner_of(acme)
        staff.set_seats(actor=Actor.operator(), organization=acme, seats=1)
        assert Membership.objects.count() == 3

    def test_not_of_a_closed_one(self, acme: Organization) -> None:
        Organization.objects.update(state=State.CLOSED)
        with nothing_changes(), pytest.raises(NotNow):
            staff.set_seats(actor=Actor.operator(), organization=acme, seats=1)


class TestSponsors:
    @pytest.mark.parametrize("who", [*EVERYBODY, STAFF])
    def test_staff_recognizes_them(self, acme: Organization, who: str) -> None:
        actor = acting(who, acme)
        if who in {OPERATOR, STAFF}:
            assert staff.recognize_sponsor(actor=actor, organization=acme, recognized=True).is_sponsor
            assert not staff.recognize_sponsor(actor=actor, organization=acme, recognized=False).is_sponsor
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            staff.recognize_sponsor(actor=actor, organization=acme, recognized=True)

    @pytest.mark.parametrize("state", [State.APPLIED, State.SUSPENDED, State.CLOSED])
    def test_only_active_ones(self, acme: Organization, state: State) -> None:
        Organization.objects.update(state=state, is_sponsor=True)
        with nothing_changes(), pytest.raises(NotNow, match="only an active organization can vouch"):
            staff.recognize_sponsor(actor=Actor.operator(), organization=acme, recognized=True)
        assert not staff.recognize_sponsor(actor=Actor.operator(), organization=acme, recognized=False).is_sponsor


@pytest.mark.django_db(transaction=True)
def test_two_who_suspend_it_at_once(acme: Organization) -> None:
    factories.member(acme, "ada", Role.OWNER)

    def suspend() -> Any:
        return staff.suspend_organization(actor=Actor.operator(), organization=acme, reason="Spam.")

    assert one_behind_the_other(suspend, suspend) == ("done", "not-now")
    assert Mail.objects.count() == 1
