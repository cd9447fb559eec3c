"""Deciding at the desk: by who has the case in hand, alone; and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces.cases import CaseState, DecisionOutcome, DecisionState
from namespaces.errors import NotNow
from namespaces.models import Case, Grant
from orgs.actors import Actor
from orgs.models import Membership
from orgs.vocabulary import Role
from review.models import Assignment
from review.options import DeskAction
from review.services import decisions as desk
from review.services.desk import can, give, take_case
from tests import factories
from tests.dump import nothing_changes
from tests.people import EVERYBODY, acting_as
from tests.review.desk import projects, proved, staff

pytestmark = pytest.mark.django_db

REFUSAL: dict[str, Any] = {
    "outcome": DecisionOutcome.REFUSE,
    "criteria": ["identifies"],
    "text": "Prove the domain.",
}
DO: dict[DeskAction, Any] = {
    DeskAction.APPROVE: lambda **known: desk.decide_case(outcome=DecisionOutcome.APPROVE, **known),
    DeskAction.REFUSE: lambda **known: desk.decide_case(**REFUSAL, **known),
    DeskAction.ASK: lambda **known: desk.ask_in_case(text="Whose are they?", **known),
    DeskAction.CONFIRM: desk.agree,
    DeskAction.DISAGREE: lambda **known: desk.turn_down(reason="Not yet.", **known),
    DeskAction.LOOK_AGAIN: desk.check_again,
    DeskAction.UNDO: lambda **known: desk.take_decision_back(reason="A mistake.", **known),
}


@pytest.fixture
def rita() -> User:
    return factories.reviewer(name="Rita")


@pytest.fixture
def otto() -> User:
    return factories.reviewer(name="Otto")


@pytest.fixture
def case() -> Case:
    return factories.case(factories.organization("acme"))


def state_of(case: Case) -> str:
    return Case.objects.values_list("state", flat=True).get(pk=case.pk)


@pytest.mark.slow
@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("action", DO)
def test_every_state_action_and_role(state: CaseState, action: DeskAction, rita: User, otto: User) -> None:
    """Nobody but a reviewer; no reviewer who has not taken it; none while another has it."""
    case = factories.case(factories.organization("acme"), state=state)
    refused = [*(acting_as(who, case.organization) for who in EVERYBODY), Actor.worker()]
    if action is not DeskAction.UNDO:
        give(case, rita)
        refused.append(staff(otto))
    with nothing_changes():
        for actor in refused:
            with pytest.raises(DomainError):
                DO[action](actor=actor, case=case)
    verdict = can(action, case, staff(rita))
    assert bool(verdict) is (state in _states_of(action))
    if verdict:
        DO[action](actor=staff(rita), case=case)
    else:
        with nothing_changes(), pytest.raises(NotNow) as refusal:
            DO[action](actor=staff(rita), case=case)
        assert refusal.value.message == verdict.reason


def _states_of(action: DeskAction) -> set[CaseState]:
    if action is DeskAction.UNDO:
        return {CaseState.APPROVED, CaseState.REFUSED}
    return {CaseState.PROPOSED if action in {DeskAction.CONFIRM, DeskAction.DISAGREE} else CaseState.WAITING}


@pytest.mark.parametrize("action", DO)
def test_who_has_an_interest_decides_nothing_even_with_the_case_in_hand(action: DeskAction, rita: User) -> None:
    state = min(_states_of(action))
    case = factories.case(factories.organization("acme"), state=state)
    give(case, rita)
    Membership.objects.create(organization=case.organization, user=rita, role=Role.MEMBER)
    with nothing_changes(), pytest.raises(NotPermitted, match="You are in Acme"):
        DO[action](actor=staff(rita), case=case)


@pytest.mark.parametrize("action", [action for action in DO if action is not DeskAction.UNDO])
def test_nor_does_who_let_it_lie_too_long(action: DeskAction, rita: User) -> None:
    case = factories.case(factories.organization("acme"), state=min(_states_of(action)))
    give(case, rita)
    Assignment.objects.update(until=timezone.now())
    with nothing_changes(), pytest.raises(NotNow, match="Take the case first"):
        DO[action](actor=staff(rita), case=case)


class TestWhatBecomesOfIt:
    @pytest.mark.parametrize("action", [DeskAction.APPROVE, DeskAction.REFUSE, DeskAction.ASK])
    def test_decided_or_asked_it_leaves_ones_hands(self, case: Case, rita: User, action: DeskAction) -> None:
        take_case(actor=staff(rita), case=case)
        DO[action](actor=staff(rita), case=case)
        assert not Assignment.objects.exists()

    def test_refused_for_nothing_it_stays_there(self, case: Case, rita: User) -> None:
        take_case(actor=staff(rita), case=case)
        with nothing_changes(), pytest.raises(Invalid, match="names the criteria"):
            desk.decide_case(actor=staff(rita), case=case, outcome=DecisionOutcome.REFUSE, text="No.")

    def test_a_high_stake_takes_two(self, rita: User, otto: User) -> None:
        projects("meshwork", *(f"user:person{number}" for number in range(30)))
        case = factories.case(factories.organization("meshwork"), stake="high")
        take_case(actor=staff(rita), case=case)
        assert DO[DeskAction.APPROVE](actor=staff(rita), case=case).state == DecisionState.PROPOSED
        assert not Grant.objects.exists()
        with nothing_changes(), pytest.raises(NotNow, match="You proposed this decision"):
            take_case(actor=staff(rita), case=case)
        take_case(actor=staff(otto), case=case)
        assert desk.agree(actor=staff(otto), case=case).confirmed_by == otto
        assert Grant.objects.get().name == "meshwork"

    def test_who_disagrees_keeps_it(self, rita: User, otto: User) -> None:
        case = factories.case(factories.organization("zeta"), state=CaseState.PROPOSED, by=rita)
        take_case(actor=staff(otto), case=case)
        desk.turn_down(actor=staff(otto), case=case, reason="Not yet.")
        assert state_of(case) == CaseState.WAITING
        assert can(DeskAction.REFUSE, Case.objects.get(pk=case.pk), staff(otto))

    def test_undone_it_is_in_the_hands_of_who_undid_it(self, rita: User, otto: User) -> None:
        case = factories.case(factories.organization("acme"), state=CaseState.REFUSED, by=rita)
        desk.take_decision_back(actor=staff(otto), case=case, reason="A mistake.")
        assert state_of(case) == CaseState.WAITING
        assert Assignment.objects.get().reviewer == otto

    def test_but_only_within_the_day(self, rita: User) -> None:
        case = factories.case(factories.organization("acme"), state=CaseState.REFUSED, by=rita)
        case.decisions.update(effective_at=timezone.now() - settings.FREEHOLD_UNDO)
        with nothing_changes(), pytest.raises(NotNow, match="within a day"):
            desk.take_decision_back(actor=staff(rita), case=case, reason="A mistake.")

    def test_checked_again_it_stays_in_hand_unless_it_is_granted(self, rita: User) -> None:
        acme = factories.organization("acme")
        case = factories.case(acme)
        take_case(actor=staff(rita), case=case)
        assert desk.check_again(actor=staff(rita), case=case).state == CaseState.WAITING
        assert Assignment.objects.exists()
        proved(acme, "acme.example")
        projects("acme", "acme", "acme", "acme", days=900)
        assert desk.check_again(actor=staff(rita), case=case).state == CaseState.APPROVED
        assert not Assignment.objects.exists()
