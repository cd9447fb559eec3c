"""Taking cases and laying them aside, notes and conflicts of interest: who may, when, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces import hooks
from namespaces.cases import CaseKind, CaseState
from namespaces.errors import NotNow
from namespaces.models import Case
from orgs.actors import Actor
from orgs.models import AuditEvent, Membership
from orgs.vocabulary import Role
from review.models import Assignment, Conflict, Note
from review.options import DeskAction
from review.services.desk import add_note, can, declare_conflict, give, leave_case, take_case, take_next_case
from tests import factories
from tests.dump import nothing_changes
from tests.people import EVERYBODY, acting_as
from tests.review.desk import staff

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def rita() -> User:
    return factories.reviewer(name="Rita")


@pytest.fixture
def otto() -> User:
    return factories.reviewer(name="Otto")


@pytest.fixture
def case() -> Case:
    return factories.case(factories.organization("acme"))


def holder() -> User | None:
    current = Assignment.objects.current().first()
    return current.reviewer if current else None


DO: dict[DeskAction, Any] = {
    DeskAction.TAKE: take_case,
    DeskAction.LEAVE: leave_case,
    DeskAction.NOTE: lambda **known: add_note(text="Look.", **known),
    DeskAction.DECLARE: declare_conflict,
}


@pytest.mark.slow
@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("action", DO)
def test_every_state_action_and_role(state: CaseState, action: DeskAction, rita: User) -> None:
    case = factories.case(factories.organization("acme"), state=state)
    everybody = [acting_as(who, case.organization) for who in EVERYBODY]
    with nothing_changes():
        for actor in [*everybody, Actor.worker()]:
            assert not can(action, case, actor)
            with pytest.raises(NotPermitted):
                DO[action](actor=actor, case=case)
    if can(action, case, staff(rita)):
        DO[action](actor=staff(rita), case=case)
    else:
        with nothing_changes(), pytest.raises(DomainError) as refusal:
            DO[action](actor=staff(rita), case=case)
        assert refusal.value.message == can(action, case, staff(rita)).reason


class TestTaking:
    def test_it_is_theirs_for_a_while(self, case: Case, rita: User) -> None:
        assignment = take_case(actor=staff(rita), case=case)
        assert holder() == rita
        left = assignment.until - timezone.now()
        assert timedelta(0) < settings.FREEHOLD_REVIEW_HOLD - left < timedelta(seconds=10)

    def test_nobody_else_takes_it_meanwhile(self, case: Case, rita: User, otto: User) -> None:
        take_case(actor=staff(rita), case=case)
        with nothing_changes(), pytest.raises(NotNow, match="Rita has it in hand"):
            take_case(actor=staff(otto), case=case)

    def test_what_lay_too_long_moves_and_the_trail_says_from_whom(self, case: Case, rita: User, otto: User) -> None:
        give(case, rita)
        Assignment.objects.update(until=timezone.now() - HOUR)
        take_case(actor=staff(otto), case=case)
        assert holder() == otto and Assignment.objects.count() == 1
        assert AuditEvent.objects.get(action="review.taken").before == {"reviewer": rita.email}
        with nothing_changes(), pytest.raises(NotNow, match="Otto has it in hand"):
            take_case(actor=staff(rita), case=case)

    def test_acting_extends_it(self, case: Case, rita: User) -> None:
        give(case, rita)
        soon = timezone.now() + timedelta(minutes=1)
        Assignment.objects.update(until=soon)
        add_note(actor=staff(rita), case=case, text="I look into it.")
        assert Assignment.objects.get().until > soon

    def test_laid_aside_it_is_free(self, case: Case, rita: User, otto: User) -> None:
        take_case(actor=staff(rita), case=case)
        leave_case(actor=staff(rita), case=case)
        assert holder() is None
        take_case(actor=staff(otto), case=case)

    def test_only_what_one_has_is_laid_aside(self, case: Case, rita: User, otto: User) -> None:
        take_case(actor=staff(rita), case=case)
        with nothing_changes(), pytest.raises(NotNow, match="Take the case first"):
            leave_case(actor=staff(otto), case=case)


class TestNext:
    """The queue goes by priority, then by age."""

    def queue(self, *names: str) -> list[Case]:
        now = timezone.now()
        return [
            factories.case(factories.organization(name), waiting_since=now - HOUR * (len(names) - place))
            for place, name in enumerate(names)
        ]

    def next_for(self, reviewer: User, *besides: Case) -> str:
        found = take_next_case(actor=staff(reviewer), besides=[case.pk for case in besides])
        return found.name if found else ""

    def test_the_oldest_first_but_who_pays_before(self, rita: User, otto: User) -> None:
        _, _, paid = self.queue("old", "young", "paid")
        Case.objects.filter(pk=paid.pk).update(priority=1)
        assert [self.next_for(rita), self.next_for(otto)] == ["paid", "old"]
        assert self.next_for(factories.reviewer()) == "young"
        assert self.next_for(factories.reviewer()) == ""

    def test_what_one_has_in_hand_is_not_skipped(self, rita: User, otto: User) -> None:
        self.queue("old", "young")
        assert [self.next_for(rita), self.next_for(rita)] == ["old", "old"]
        assert self.next_for(otto) == "young"
        assert AuditEvent.objects.filter(action="review.taken").count() == 2

    def test_what_was_passed_over_is(self, rita: User) -> None:
        old, young = self.queue("old", "young")
        assert self.next_for(rita, old) == "young"
        assert self.next_for(rita, old, young) == ""

    def test_what_lay_too_long_comes_again(self, rita: User, otto: User) -> None:
        (case,) = self.queue("old")
        give(case, rita)
        assert self.next_for(otto) == ""
        Assignment.objects.update(until=timezone.now() - HOUR)
        assert self.next_for(otto) == "old"

    def test_what_others_must_answer_or_have_ended_does_not(self, rita: User) -> None:
        for number, state in enumerate(CaseState):
            if state not in {CaseState.WAITING, CaseState.PROPOSED}:
                factories.case(factories.organization(f"org-of-{number}"), state=state)
        assert self.next_for(rita) == ""

    def test_a_proposal_goes_to_somebody_else(self, rita: User, otto: User) -> None:
        factories.case(factories.organization("grave"), state=CaseState.PROPOSED, by=rita)
        assert self.next_for(rita) == ""
        assert self.next_for(otto) == "grave"

    def test_what_one_has_an_interest_in_is_left_to_others(self, rita: User, otto: User) -> None:
        own, _, _ = self.queue("acme", "acme-labs", "free")
        rita.index_username = "rita"
        rita.save()
        factories.member(own.organization, "rita", Role.MEMBER)
        assert self.next_for(rita) == "free"
        assert [self.next_for(otto), self.next_for(factories.reviewer())] == ["acme", "acme-labs"]

    def test_and_what_one_declared(self, rita: User) -> None:
        old, _ = self.queue("old", "young")
        declare_conflict(actor=staff(rita), case=old)
        assert self.next_for(rita) == "young"


class TestConflicts:
    def test_declared_it_goes_to_others(self, case: Case, rita: User, otto: User) -> None:
        take_case(actor=staff(rita), case=case)
        declare_conflict(actor=staff(rita), case=case, reason="  My brother\n works there. ")
        assert Conflict.objects.get().reason == "My brother works there."
        assert holder() is None
        with nothing_changes(), pytest.raises(NotPermitted, match="You declared a conflict of interest"):
            take_case(actor=staff(rita), case=case)
        take_case(actor=staff(otto), case=case)

    def test_who_has_nothing_in_hand_takes_it_from_nobody(self, case: Case, rita: User, otto: User) -> None:
        take_case(actor=staff(otto), case=case)
        declare_conflict(actor=staff(rita), case=case)
        assert holder() == otto

    @pytest.mark.parametrize("reason", ["x" * 501, "a\x00b"])
    def test_a_reason_is_a_line(self, case: Case, rita: User, reason: str) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            declare_conflict(actor=staff(rita), case=case, reason=reason)

    def test_members_keep_out_of_it(self, case: Case, rita: User) -> None:
        Membership.objects.create(organization=case.organization, user=rita, role=Role.BILLING)
        with nothing_changes(), pytest.raises(NotPermitted, match="You are in Acme"):
            take_case(actor=staff(rita), case=case)

    def test_of_a_rival_too_as_long_as_it_is_one(self, case: Case, rita: User) -> None:
        rival = factories.case(factories.organization("rival"), name="acme-labs")
        Membership.objects.create(organization=rival.organization, user=rita, role=Role.MEMBER)
        with nothing_changes(), pytest.raises(NotPermitted, match="You are in Rival"):
            take_case(actor=staff(rita), case=case)
        Case.objects.filter(pk=rival.pk).update(state=CaseState.WITHDRAWN, decided_at=timezone.now())
        take_case(actor=staff(rita), case=case)

    def test_of_the_holder_in_a_dispute_and_whoever_reports(self, rita: User, otto: User) -> None:
        holding = factories.organization("harbour")
        dispute = factories.case(holding, kind=CaseKind.DISPUTE)
        Case.objects.filter(pk=dispute.pk).update(filed_by=otto)
        Membership.objects.create(organization=holding, user=rita, role=Role.MEMBER)
        for reviewer, why in ((rita, "You are in Harbour"), (otto, "You filed this case yourself")):
            with nothing_changes(), pytest.raises(NotPermitted, match=why):
                take_case(actor=staff(reviewer), case=dispute)

    def test_who_refused_does_not_decide_on_the_appeal(self, rita: User, otto: User) -> None:
        case = factories.case(factories.organization("acme"), state=CaseState.REFUSED, by=rita)
        case.decisions.update(state="appealed")
        Case.objects.filter(pk=case.pk).update(state=CaseState.WAITING, decided_at=None, appealed_at=timezone.now())
        with nothing_changes(), pytest.raises(NotPermitted, match="against a decision of yours"):
            take_case(actor=staff(rita), case=case)
        assert take_next_case(actor=staff(rita)) is None
        assert take_next_case(actor=staff(otto)) == case


class TestNotes:
    def test_it_is_kept_with_its_lines_and_in_the_trail_of_the_site_alone(self, case: Case, rita: User) -> None:
        add_note(actor=staff(rita), case=case, text=" One.\r\n\r\nTwo.  ")
        note = Note.objects.get()
        assert (note.text, note.author) == ("One.\n\nTwo.", rita)
        assert AuditEvent.objects.get(action="review.noted").organization == ""

    @pytest.mark.parametrize("text", ["", " \n ", "x" * 4001, "a\x00b"])
    def test_what_is_none(self, case: Case, rita: User, text: str) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            add_note(actor=staff(rita), case=case, text=text)


def test_other_apps_learn_who_must_not_decide(case: Case, rita: User, otto: User) -> None:
    declare_conflict(actor=staff(rita), case=case)
    Membership.objects.create(organization=case.organization, user=otto, role=Role.MEMBER)
    assert hooks.objection(rita, case) == "You declared a conflict of interest."
    assert hooks.objection(otto, case).startswith("You are in Acme")
    assert hooks.objection(factories.reviewer(), case) == ""
