"""Two reviewers at once, with real connections: one of them has the case, and one alone decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from namespaces.cases import CaseState, DecisionOutcome
from namespaces.models import Case, CaseDecision, Grant
from review.models import Assignment
from review.services import decisions as desk
from review.services.desk import declare_conflict, give, leave_case, take_case, take_next_case
from tests import factories
from tests.concurrency import all_at_once, one_behind_the_other
from tests.review.desk import staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def rita() -> User:
    return factories.reviewer(name="Rita")


@pytest.fixture
def otto() -> User:
    return factories.reviewer(name="Otto")


@pytest.fixture
def case() -> Case:
    return factories.case(factories.organization("acme"))


def approve(reviewer: User, case: Case) -> Callable[[], object]:
    return lambda: desk.decide_case(actor=staff(reviewer), case=case, outcome=DecisionOutcome.APPROVE)


def refuse(reviewer: User, case: Case) -> Callable[[], object]:
    known: dict[str, Any] = {"outcome": DecisionOutcome.REFUSE, "criteria": ["identifies"], "text": "Prove the domain."}
    return lambda: desk.decide_case(actor=staff(reviewer), case=case, **known)


def taken(reviewer: User, case: Case) -> Callable[[], object]:
    return lambda: take_case(actor=staff(reviewer), case=case)


def test_two_who_take_it_one_has_it(case: Case, rita: User, otto: User) -> None:
    assert one_behind_the_other(taken(rita, case), taken(otto, case)) == ("done", "not-now")
    assert Assignment.objects.get().reviewer == rita


def test_one_who_takes_it_while_it_is_decided_finds_it_gone(case: Case, rita: User, otto: User) -> None:
    give(case, rita)
    assert one_behind_the_other(refuse(rita, case), taken(otto, case)) == ("done", "not-now")
    assert not Assignment.objects.exists()


def test_one_who_decides_while_another_takes_what_lay_too_long(case: Case, rita: User, otto: User) -> None:
    """Rita's time has run out, but her page is still open."""
    give(case, rita)
    Assignment.objects.update(until="2020-01-01T00:00:00Z")
    assert one_behind_the_other(taken(otto, case), approve(rita, case)) == ("done", "not-now")
    assert not CaseDecision.objects.exists()


def test_the_same_reviewer_in_two_windows_decides_once(case: Case, rita: User) -> None:
    give(case, rita)
    assert one_behind_the_other(refuse(rita, case), approve(rita, case)) == ("done", "not-now")
    assert CaseDecision.objects.get().outcome == DecisionOutcome.REFUSE
    assert not Grant.objects.exists()


def test_two_second_reviewers(rita: User, otto: User) -> None:
    case = factories.case(factories.organization("acme"), state=CaseState.PROPOSED)
    give(case, rita)
    agree = lambda who: lambda: desk.agree(actor=staff(who), case=case)  # noqa: E731 -- two of them, in a line
    assert sorted(all_at_once(agree(rita), agree(otto))) == ["done", "not-now"]
    assert CaseDecision.objects.get().confirmed_by == rita


def test_two_who_undo_it(rita: User, otto: User) -> None:
    case = factories.case(factories.organization("acme"), state=CaseState.REFUSED, by=rita)
    undo = lambda who: lambda: desk.take_decision_back(actor=staff(who), case=case, reason="Oh.")  # noqa: E731 -- as above
    assert one_behind_the_other(undo(rita), undo(otto)) == ("done", "not-now")
    assert Assignment.objects.get().reviewer == rita


def test_who_declares_a_conflict_while_deciding_has_decided_before_or_not_at_all(case: Case, rita: User) -> None:
    give(case, rita)
    declare = lambda: declare_conflict(actor=staff(rita), case=case)  # noqa: E731 -- as above
    assert one_behind_the_other(declare, approve(rita, case)) == ("done", "not-permitted")
    assert not CaseDecision.objects.exists()


def test_overlapping_claims_approved_at_once_leave_one_grant(rita: User, otto: User) -> None:
    first = factories.case(factories.organization("acme"))
    second = factories.case(factories.organization("acme-labs"))
    give(first, rita)
    give(second, otto)
    outcomes = all_at_once(approve(rita, first), approve(otto, second))
    assert sorted(outcomes) == ["done", "not-now"], outcomes
    assert Grant.objects.count() == 1
    assert sorted(Case.objects.values_list("state", flat=True)) == [CaseState.APPROVED, CaseState.SETTLED]


def test_a_crowd_that_takes_the_next_gets_one_each(rita: User, otto: User) -> None:
    for number in range(6):
        factories.case(factories.organization(f"org-number-{number}"))
    crowd = [rita, otto, *(factories.reviewer() for _ in range(6))]
    assert all_at_once(*(lambda who=who: take_next_case(actor=staff(who)) for who in crowd)) == ["done"] * 8
    assert Assignment.objects.count() == 6
    assert Assignment.objects.values("reviewer").distinct().count() == 6


def test_the_next_does_not_wait_for_one_that_is_being_decided(rita: User, otto: User) -> None:
    old, young = (factories.case(factories.organization(name)) for name in ("old", "young"))
    give(old, rita)
    found: list[Case | None] = []

    def both() -> None:
        desk.decide_case(actor=staff(rita), case=old, outcome=DecisionOutcome.APPROVE)
        found.append(None)
        assert all_at_once(lambda: found.append(take_next_case(actor=staff(otto)))) == ["done"]

    assert all_at_once(both) == ["done"]
    assert found[1] == young


def test_laid_aside_and_taken_at_once(case: Case, rita: User, otto: User) -> None:
    give(case, rita)
    leave = lambda: leave_case(actor=staff(rita), case=case)  # noqa: E731 -- as above
    assert one_behind_the_other(leave, taken(otto, case)) == ("done", "done")
    assert Assignment.objects.get().reviewer == otto
