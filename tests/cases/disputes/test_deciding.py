"""Both sides are heard, two reviewers decide, and what that brings about and takes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces import tasks
from namespaces.cases import (
    HOLDER_ACTIONS,
    REVIEWER_ACTIONS,
    CaseAction,
    CaseState,
    EntryKind,
    Ground,
    Party,
    actions,
)
from namespaces.errors import NotNow
from namespaces.models import Case, CaseEntry, Dispute, Grant, GrantLock
from namespaces.selectors_disputes import hearing
from namespaces.services import casework, claims, decisions, disputes, lifecycle
from namespaces.services.claims import file_claim
from namespaces.services.grants import grant_namespace
from namespaces.services.transfers import transfer_namespace
from namespaces.states import Action, GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent
from orgs.vocabulary import Role, State
from tests import factories
from tests.cases.disputes.stage import DISMISSED, UPHELD, Stage, person
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ACTIVE, LOCKED, QUARANTINED, RELEASED = (
    GrantState.ACTIVE,
    GrantState.LOCKED,
    GrantState.QUARANTINED,
    GrantState.RELEASED,
)
DAY = timedelta(days=1)


@pytest.fixture
def stage() -> Stage:
    return Stage()


# --- Every state, action and side -------------------------------------------------------------------------------------

REPORTERS_ACTIONS = (CaseAction.SAY, CaseAction.ANSWER, CaseAction.WITHDRAW, CaseAction.APPEAL)


def side_may(who: str, action: CaseAction, state: CaseState) -> bool:
    if action not in actions(state):
        return False
    if who == "reporter":
        return action in REPORTERS_ACTIONS and action is not CaseAction.ANSWER
    if who == Role.OWNER:
        return action in HOLDER_ACTIONS
    return who == "reviewer" and action in REVIEWER_ACTIONS


def do(action: CaseAction, actor: Actor, case: Case) -> object:
    acts: dict[CaseAction, Any] = {
        CaseAction.EDIT: lambda: claims.edit(actor=actor, case=case, statement="Another."),
        CaseAction.SAY: lambda: casework.say(actor=actor, case=case, text="Look."),
        CaseAction.ANSWER: lambda: claims.answer(actor=actor, case=case, text="So it is."),
        CaseAction.WITHDRAW: lambda: casework.withdraw(actor=actor, case=case),
        CaseAction.APPEAL: lambda: claims.appeal(actor=actor, case=case, text="No."),
        CaseAction.ASK: lambda: casework.ask(actor=actor, case=case, text="Why?", party=Party.HOLDER),
        CaseAction.PROPOSE: lambda: decisions.decide(
            actor=actor, case=case, outcome=DISMISSED, criteria=[Ground.ABUSE], text="No harm."
        ),
        CaseAction.APPROVE: lambda: decisions.confirm(actor=actor, case=case),
        CaseAction.DISAGREE: lambda: decisions.disagree(actor=actor, case=case, reason="Not so."),
        CaseAction.UNDO: lambda: decisions.undo(actor=actor, case=case, reason="A mistake."),
    }
    return acts[action]()


TRIED = [
    CaseAction.EDIT,
    CaseAction.SAY,
    CaseAction.ANSWER,
    CaseAction.WITHDRAW,
    CaseAction.APPEAL,
    CaseAction.ASK,
    CaseAction.PROPOSE,
    CaseAction.APPROVE,
    CaseAction.DISAGREE,
    CaseAction.UNDO,
]


@pytest.mark.slow
@pytest.mark.parametrize("state", CaseState)
def test_every_state_action_and_side(stage: Stage, state: CaseState) -> None:
    """Asked is the holder; a proposal is to uphold. What is refused changes nothing."""
    case = stage.case_in(state)
    everybody = {
        "reporter": stage.reporters_actor,
        "another reporter": Actor.person(person()),
        Role.OWNER: stage.holders_actor,
        Role.MANAGER: stage.member(Role.MANAGER),
        Role.BILLING: stage.member(Role.BILLING),
        Role.MEMBER: stage.member(Role.MEMBER),
        "reviewer": stage.second,
    }
    tried = [(who, actor, action) for who, actor in everybody.items() for action in TRIED]
    wanted = [one for one in tried if is_wanted(str(one[0]), one[2], state)]
    for who, actor, action in tried:
        if action in casework.possible(case, actor) and action is not CaseAction.APPROVE:
            assert (who, actor, action) in wanted, (who, action)
    with nothing_changes():
        for _, actor, action in (one for one in tried if one not in wanted):
            with pytest.raises((NotNow, NotPermitted)):
                do(action, actor, case)
    for _, actor, action in wanted:
        with transaction.atomic():
            do(action, actor, case)
            transaction.set_rollback(True)
        case = stage.fresh(case)


def is_wanted(who: str, action: CaseAction, state: CaseState) -> bool:
    if action is CaseAction.APPROVE and state == CaseState.WAITING:
        return False  # what two decide is proposed first
    return side_may(who, action, state)


# --- The hearing ------------------------------------------------------------------------------------------------------


def wind_back(case: Case, by: timedelta) -> Case:
    """As if what has been done had been done so much earlier."""
    for row in (*CaseEntry.objects.filter(case=case), *Dispute.objects.filter(case=case)):
        field = "at" if isinstance(row, CaseEntry) else "holder_since"
        type(row)._default_manager.filter(pk=row.pk).update(**{field: getattr(row, field) - by})
    Case.objects.filter(pk=case.pk, asked_at__isnull=False).update(asked_at=case.asked_at and case.asked_at - by)
    return Case.objects.select_related("organization").get(pk=case.pk)


class TestTheHearing:
    def test_nothing_is_upheld_before_the_holder_was_asked(self, stage: Stage) -> None:
        case = stage.report()
        with nothing_changes(), pytest.raises(NotNow, match="has not been asked yet: ask them"):
            stage.propose(case)

    def test_that_the_reporter_answered_is_not_enough(self, stage: Stage) -> None:
        case = claims.answer(actor=stage.reporters_actor, case=stage.ask_reporter(stage.report()), text="Yes.")
        with nothing_changes(), pytest.raises(NotNow, match="has not been asked yet"):
            stage.propose(case)

    def test_when_they_have_answered_it_can_be(self, stage: Stage) -> None:
        assert stage.propose(stage.hear(stage.report())).state == CaseState.PROPOSED

    def test_a_dismissal_needs_no_hearing(self, stage: Stage) -> None:
        assert stage.decide(stage.report(), DISMISSED).state == CaseState.REFUSED

    def test_who_is_silent_is_waited_for_and_then_it_goes_on(self, stage: Stage) -> None:
        case = stage.ask_holder(stage.report())
        case = wind_back(case, 14 * DAY - timedelta(minutes=1))
        assert tasks.go_on_with_reports() == 0
        case = wind_back(case, timedelta(minutes=2))
        assert tasks.go_on_with_reports() == 1
        assert tasks.go_on_with_reports() == 0
        case = stage.fresh(case)
        assert case.state == CaseState.WAITING
        last = case.entries.last()
        assert last is not None
        assert (last.kind, last.party, "has not answered" in last.text) == (EntryKind.REOPENED, Party.MACHINE, True)
        assert stage.propose(case).state == CaseState.PROPOSED

    def test_a_question_to_the_reporter_does_not_go_on_by_itself(self, stage: Stage) -> None:
        wind_back(stage.ask_reporter(stage.report()), 30 * DAY)
        assert tasks.go_on_with_reports() == 0

    def test_how_long_is_the_operators_to_say(self, stage: Stage, settings: Settings) -> None:
        settings.FREEHOLD_HEARING = 20 * DAY
        case = stage.ask_holder(stage.report())
        heard = hearing(case)
        assert heard.asked_at is not None
        assert heard.due_at == heard.asked_at + 20 * DAY
        assert not heard.is_over

    def test_harm_is_stopped_at_once_with_a_reason_for_staff(self, stage: Stage) -> None:
        case = stage.report(ground=Ground.ABUSE)
        for criteria, reason in (([Ground.ABUSE], ""), ([Ground.TRADEMARK], "It steals keys.")):
            with nothing_changes(), pytest.raises(NotNow, match="has not been asked"):
                stage.propose(case, criteria=criteria, reason=reason)
        case = stage.decide(case, criteria=[Ground.ABUSE], reason="It steals keys.")
        assert (case.state, stage.states()) == (CaseState.APPROVED, [QUARANTINED] * 2)

    def test_a_proposal_does_not_outlive_the_holder_who_was_heard(self, stage: Stage) -> None:
        case = stage.propose(stage.hear(stage.report()))
        transfer_namespace(actor=Actor.operator(), grant=stage.root, to=factories.organization("buyer"))
        case = stage.fresh(case)
        with nothing_changes(), pytest.raises(NotNow, match="has not been asked yet"):
            decisions.confirm(actor=stage.second, case=case)

    @pytest.mark.parametrize(
        ("wanting", "words"),
        [({"text": ""}, "Both sides read why"), ({"criteria": ["x"]}, "'x'")],
    )
    def test_upholding_says_why(self, stage: Stage, wanting: dict[str, Any], words: str) -> None:
        case = stage.hear(stage.report())
        with nothing_changes(), pytest.raises(Invalid, match=words):
            stage.propose(case, **wanting)

    def test_it_rests_on_what_was_reported_where_nothing_else_is_named(self, stage: Stage) -> None:
        case = stage.decide(stage.hear(stage.report(ground=Ground.DECEPTION)), criteria=[])
        assert case.decisions.get().criteria == [Ground.DECEPTION]

    def test_one_reviewer_is_not_enough(self, stage: Stage) -> None:
        case = stage.propose(stage.hear(stage.report()))
        assert stage.states() == [ACTIVE] * 2
        with nothing_changes(), pytest.raises(NotPermitted, match="wait for another"):
            decisions.confirm(actor=stage.first, case=case)


# --- What it brings about ---------------------------------------------------------------------------------------------


class TestUpheld:
    def test_the_namespace_is_out_of_its_holders_hands(self, stage: Stage) -> None:
        case = stage.decide(stage.hear(stage.report()))
        assert (case.state, stage.states()) == (CaseState.APPROVED, [QUARANTINED] * 2)
        with nothing_changes(), pytest.raises(NotNow, match="only staff can end that"):
            lifecycle.reinstate_namespace(actor=stage.holders_actor, grant=stage.root)
        with pytest.raises(DomainError):
            lifecycle.reinstate_namespace(actor=Actor.worker(), grant=stage.root)

    def test_nor_by_claiming_it_anew(self, stage: Stage) -> None:
        stage.decide(stage.hear(stage.report()))
        with pytest.raises(NotNow, match="only staff can end that"):
            grant_namespace(actor=Actor.worker(), name="acme", organization=stage.holder)
        assert stage.states() == [QUARANTINED] * 2

    def test_nor_where_they_gave_it_up_before_it_was_decided(self, stage: Stage) -> None:
        case = stage.hear(stage.report())
        lifecycle.release_namespace(actor=stage.holders_actor, grant=stage.root)
        assert lifecycle.can(Action.REINSTATE, stage.root_now(), stage.holders_actor)
        stage.decide(case)
        with nothing_changes(), pytest.raises(NotNow, match="only staff can end that"):
            lifecycle.reinstate_namespace(actor=stage.holders_actor, grant=stage.root)

    def test_staff_may_give_it_back_and_then_it_is_as_ever(self, stage: Stage) -> None:
        stage.decide(disputes.freeze(actor=stage.first, case=stage.hear(stage.report())))
        lifecycle.reinstate_namespace(actor=stage.first, grant=stage.root)
        assert stage.states() == [ACTIVE] * 2
        assert not GrantLock.objects.exists()
        lifecycle.release_namespace(actor=stage.holders_actor, grant=stage.root)
        lifecycle.reinstate_namespace(actor=stage.holders_actor, grant=stage.root)
        assert stage.states() == [ACTIVE] * 2

    def test_who_it_belongs_to_claims_it_and_a_reviewer_says_why(self, stage: Stage) -> None:
        stage.decide(stage.hear(stage.report()))
        rightful = factories.organization("rightful")
        rightful.memberships.create(user=stage.reporter, role=Role.OWNER)
        claim = file_claim(actor=stage.reporters_actor, organization=rightful, name="acme")
        assert claim.state == CaseState.WAITING
        with nothing_changes(), pytest.raises(Invalid, match="say for staff why"):
            decisions.decide(actor=stage.first, case=claim, outcome=UPHELD)
        Case.objects.filter(pk=claim.pk).update(stake="ordinary")
        decisions.decide(actor=stage.first, case=claim, outcome=UPHELD, reason="The report was upheld.")
        if stage.fresh(claim).state == CaseState.PROPOSED:
            decisions.confirm(actor=stage.second, case=claim)
        assert Grant.objects.holding().get(name="acme").owner == rightful
        assert not GrantLock.objects.exists()

    def test_other_reports_of_it_are_settled(self, stage: Stage) -> None:
        other = stage.report(by=person())
        case = stage.decide(stage.hear(stage.report()))
        other = stage.fresh(other)
        assert (other.state, other.settled_by) == (CaseState.SETTLED, case)

    def test_both_sides_read_why(self, stage: Stage) -> None:
        case = stage.decide(stage.hear(stage.report()))
        last = case.entries.last()
        assert last is not None
        assert (last.kind, last.audience, last.text) == (EntryKind.APPROVED, "", "We heard both sides.")
        trail = AuditEvent.objects.filter(organization="acme", action="namespace.quarantine", target="namespace acme")
        assert trail.get().after == {"state": "quarantined", "reason": f"Report {case.pk} was upheld."}


# --- Undoing ----------------------------------------------------------------------------------------------------------

FROZEN, LAPSED, HALF = "frozen", "lapsed", "a child was given up"


def prepare(stage: Stage, how: str, case: Case) -> None:
    if how == FROZEN:
        disputes.freeze(actor=stage.first, case=case)
    elif how == LAPSED:
        lifecycle.lock_namespace(actor=Actor.operator(), grant=stage.root)
    elif how == HALF:
        lifecycle.release_namespace(actor=Actor.operator(), grant=stage.child)


def picture() -> list[Any]:
    """All that undoing is to put back."""
    grants = Grant.objects.order_by("pk").values_list("pk", "state", "state_changed_at", "owner", "effective_at")
    locks = GrantLock.objects.order_by("case", "cause").values_list("grant", "cause", "case", "since")
    return [list(grants), list(locks)]


@pytest.mark.parametrize("how", ["as it is", FROZEN, LAPSED, HALF])
@pytest.mark.parametrize("outcome", [UPHELD, DISMISSED])
class TestUndoing:
    def test_puts_back_exactly_what_was(self, stage: Stage, outcome: Any, how: str) -> None:
        other = disputes.freeze(actor=stage.first, case=stage.report(by=person())) if how == FROZEN else None
        case = stage.hear(stage.report())
        prepare(stage, how, case)
        before = picture()
        case = stage.decide(case, outcome)
        assert picture() != before or outcome is DISMISSED
        case = decisions.undo(actor=stage.second, case=case, reason="A mistake.")
        assert case.state == CaseState.WAITING
        assert picture() == before
        assert other is None or stage.fresh(other).state == CaseState.WAITING

    def test_and_it_can_be_decided_again(self, stage: Stage, outcome: Any, how: str) -> None:
        case = stage.hear(stage.report())
        prepare(stage, how, case)
        case = stage.decide(case, outcome)
        case = decisions.undo(actor=stage.second, case=case, reason="A mistake.")
        assert stage.decide(case, outcome).state in {CaseState.APPROVED, CaseState.REFUSED}


class TestWhatCanNotBeUndone:
    def test_what_was_opened_to_others(self, stage: Stage) -> None:
        case = stage.decide(stage.hear(stage.report()))
        lifecycle.end_quarantine(actor=Actor.operator(), grant=stage.root, reason="It is theirs.")
        with nothing_changes(), pytest.raises(NotNow, match="has been opened to others since"):
            decisions.undo(actor=stage.second, case=case, reason="A mistake.")

    def test_what_was_reported_anew(self, stage: Stage) -> None:
        case = stage.decide(stage.report(), DISMISSED)
        stage.report()
        with nothing_changes(), pytest.raises(NotNow, match="anew since"):
            decisions.undo(actor=stage.second, case=case, reason="A mistake.")

    def test_whose_holder_has_been_closed(self, stage: Stage) -> None:
        case = stage.decide(stage.hear(stage.report()))
        stage.holder.state = State.CLOSED
        stage.holder.save()
        with nothing_changes(), pytest.raises(NotNow, match="has been closed since"):
            decisions.undo(actor=stage.second, case=case, reason="A mistake.")

    def test_a_dismissal_that_the_holder_has_outrun_freezes_when_it_comes_back(self, stage: Stage) -> None:
        case = stage.decide(disputes.freeze(actor=stage.first, case=stage.report()), DISMISSED)
        lifecycle.release_namespace(actor=stage.holders_actor, grant=stage.root)
        decisions.undo(actor=stage.second, case=case, reason="A mistake.")
        assert stage.states() == [QUARANTINED] * 2
        with pytest.raises(NotNow, match="only staff can end that"):
            lifecycle.reinstate_namespace(actor=stage.holders_actor, grant=stage.root)
        lifecycle.reinstate_namespace(actor=stage.second, grant=stage.root)
        assert stage.states() == [LOCKED] * 2


class TestAppealing:
    def test_who_reported_appeals_once_and_the_others_reports_do_not_matter(self, stage: Stage) -> None:
        stage.report(by=person())
        case = claims.appeal(actor=stage.reporters_actor, case=stage.decide(stage.report(), DISMISSED), text="No.")
        assert case.state == CaseState.WAITING
        stage.first, stage.second = (Actor.staff(factories.reviewer()) for _ in range(2))  # others than before
        case = stage.decide(case, DISMISSED)
        with nothing_changes(), pytest.raises(NotNow, match="appeal was decided already"):
            claims.appeal(actor=stage.reporters_actor, case=case, text="No.")

    def test_not_with_a_new_report_open(self, stage: Stage) -> None:
        case = stage.decide(stage.report(), DISMISSED)
        stage.report()
        with nothing_changes(), pytest.raises(NotNow, match="a newer one"):
            claims.appeal(actor=stage.reporters_actor, case=case, text="No.")

    def test_the_holder_does_not(self, stage: Stage) -> None:
        case = stage.decide(stage.hear(stage.report()))
        with nothing_changes(), pytest.raises(NotPermitted):
            claims.appeal(actor=stage.holders_actor, case=case, text="No.")


def test_what_waits_for_a_holder_is_in_no_queue_and_then_is(stage: Stage) -> None:
    case = stage.ask_holder(stage.report())
    assert not Case.objects.queued().exists()
    claims.answer(actor=stage.holders_actor, case=case, text="So it is.")
    assert Case.objects.queued().get() == case
