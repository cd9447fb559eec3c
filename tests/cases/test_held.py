"""What is held until it is paid for, and what waits for an answer: both end by time, and nobody is surprised."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Mail, User
from freehold.errors import NotPermitted
from freehold.settings import CELERY_BEAT_SCHEDULE
from namespaces import tasks
from namespaces.cases import CaseKind, CaseState, Party
from namespaces.models import Case, Grant
from namespaces.services import casework, claims, held
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.services.staff import activate_organization
from orgs.vocabulary import Standing, State
from tests import factories
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as

pytestmark = pytest.mark.django_db

WORKER = Actor.worker()
DAY = timedelta(days=1)


@pytest.fixture
def rocket() -> Organization:
    """A company that has not paid yet."""
    made = factories.organization("rocket", state=State.APPLIED)
    factories.member(made, "olga")
    return made


@pytest.fixture
def claim(rocket: Organization) -> Case:
    return factories.case(rocket, state=CaseState.APPROVED)


def ago(days: float) -> Any:
    return timezone.now() - days * DAY


def held_for(claim: Case, days: float) -> Grant:
    assert claim.grant is not None
    Grant.objects.filter(pk=claim.grant.pk).update(state_changed_at=ago(days))
    return Grant.objects.get(pk=claim.grant.pk)


def asked_for(case: Case, days: float) -> Case:
    Case.objects.filter(pk=case.pk).update(asked_at=ago(days))
    return Case.objects.get(pk=case.pk)


def mailed_long_ago() -> None:
    Mail.objects.update(created_at=ago(100))


def states(claim: Case) -> tuple[str, str]:
    claim.refresh_from_db()
    assert claim.grant is not None
    return claim.state, Grant.objects.get(pk=claim.grant.pk).state


class TestActivation:
    def test_all_that_is_held_becomes_active_with_the_organization(self, rocket: Organization, claim: Case) -> None:
        inner = factories.grant("rocket-fuel", rocket, state=GrantState.HELD)
        factories.grant("launcher", rocket, state=GrantState.HELD)
        activate_organization(actor=Actor.operator(), organization=rocket)
        assert set(Grant.objects.values_list("name", "state", "root__name")) == {
            ("rocket", "active", None),
            ("rocket-fuel", "active", "rocket"),
            ("launcher", "active", None),
        }
        inner.refresh_from_db()
        assert inner.effective_at is not None
        claim.refresh_from_db()
        assert claim.state == CaseState.APPROVED

    def test_not_while_something_is_owed(self, rocket: Organization, claim: Case) -> None:
        rocket.standing = Standing.LAPSED
        rocket.save()
        activate_organization(actor=Actor.operator(), organization=rocket)
        assert states(claim) == (CaseState.APPROVED, GrantState.HELD)


class TestHeld:
    @pytest.mark.parametrize(
        ("days", "reminders"), [(0, 0), (15.9, 0), (16.1, 1), (26.9, 1), (27.1, 1), (29.9, 1), (40, 1)]
    )
    def test_the_owners_are_told_in_time_and_once(self, claim: Case, days: float, reminders: int) -> None:
        held_for(claim, days)
        for _ in range(3):
            assert held.sweep_held() == 0
        mails = list(Mail.objects.all())
        assert len(mails) == reminders
        assert all("rocket is held until" in mail.subject and mail.to == "olga@example.com" for mail in mails)
        assert AuditEvent.objects.filter(action="case.reminded", organization="rocket").count() == reminders

    def test_and_once_more_shortly_before_the_end(self, claim: Case) -> None:
        for days in (17, 20, 28, 29):
            held_for(claim, days)
            held.sweep_held()
        assert Mail.objects.count() == 2

    def test_it_ends_with_its_claim_when_the_time_is_over(self, claim: Case) -> None:
        held_for(claim, 28)
        held.sweep_held()
        mailed_long_ago()
        held_for(claim, 30.1)
        assert held.sweep_held() == 1
        assert states(claim) == (CaseState.EXPIRED, GrantState.RELEASED)
        assert Mail.objects.filter(subject__startswith="Expired").count() == 1
        assert held.sweep_held() == 0

    def test_a_sweep_that_did_not_run_costs_nobody_their_notice(self, claim: Case) -> None:
        held_for(claim, 60)
        assert held.sweep_held() == 0
        assert states(claim) == (CaseState.APPROVED, GrantState.HELD)
        Mail.objects.update(created_at=ago(2.9))
        assert held.sweep_held() == 0
        Mail.objects.update(created_at=ago(3.1))
        assert held.sweep_held() == 1

    def test_where_nobody_can_be_told_it_ends_in_time(self, claim: Case) -> None:
        User.objects.update(is_active=False)
        held_for(claim, 29.9)
        assert held.sweep_held() == 0
        held_for(claim, 30.1)
        assert held.sweep_held() == 1

    def test_what_the_operator_had_held_ends_alike(self, rocket: Organization) -> None:
        grant = factories.grant("launcher", rocket, state=GrantState.HELD)
        Grant.objects.filter(pk=grant.pk).update(state_changed_at=ago(28))
        held.sweep_held()
        mailed_long_ago()
        Grant.objects.filter(pk=grant.pk).update(state_changed_at=ago(31))
        assert held.sweep_held() == 1
        grant.refresh_from_db()
        assert grant.state == GrantState.RELEASED

    @pytest.mark.parametrize("state", [GrantState.ACTIVE, GrantState.LOCKED, GrantState.QUARANTINED])
    def test_nothing_else_ends(self, rocket: Organization, state: GrantState) -> None:
        grant = factories.grant("rocket", rocket, state=state)
        Grant.objects.filter(pk=grant.pk).update(state_changed_at=ago(100))
        with nothing_changes():
            assert held.sweep_held() == 0
            assert held.expire_held(actor=WORKER, grant=grant) is False
            assert held.remind_of_held(actor=WORKER, grant=grant) is False


class TestUnanswered:
    @pytest.fixture(params=[CaseKind.CLAIM, CaseKind.APPLICATION])
    def asked(self, request: pytest.FixtureRequest, rocket: Organization) -> Case:
        return factories.case(rocket, kind=request.param, state=CaseState.ASKED)

    @pytest.mark.parametrize(("days", "reminders"), [(0, 0), (45.9, 0), (46.1, 1), (70, 1)])
    def test_who_was_asked_is_told_in_time_and_once(self, asked: Case, days: float, reminders: int) -> None:
        asked_for(asked, days)
        for _ in range(3):
            assert held.sweep_unanswered() == 0
        assert Mail.objects.filter(key__startswith="unanswered:").count() == reminders

    def test_it_ends_when_the_time_is_over(self, asked: Case) -> None:
        asked_for(asked, 61)
        held.sweep_unanswered()
        mailed_long_ago()
        assert held.sweep_unanswered() == 1
        asked.refresh_from_db()
        assert (asked.state, asked.asked) == (CaseState.EXPIRED, "")
        assert asked.decided_at is not None
        assert asked.entries.order_by("pk").last().kind == "expired"  # type: ignore[union-attr]  # there is one

    def test_an_answer_keeps_it(self, asked: Case) -> None:
        asked_for(asked, 61)
        held.sweep_unanswered()
        mailed_long_ago()
        claims.answer(actor=acting_as("owner", asked.organization), case=asked, text="These.")
        assert held.expire_unanswered(actor=WORKER, case=asked) is False

    def test_each_question_has_its_own_time(self, asked: Case) -> None:
        asked_for(asked, 50)
        held.sweep_unanswered()
        claims.answer(actor=acting_as("owner", asked.organization), case=asked, text="These.")
        casework.ask(actor=Actor.operator(), case=asked, text="And which of those?")
        asked_for(asked, 50)
        before = Mail.objects.filter(key__startswith="unanswered:").count()
        held.sweep_unanswered()
        assert Mail.objects.filter(key__startswith="unanswered:").count() > before

    def test_who_is_reported_ends_nothing_by_silence(self, rocket: Organization) -> None:
        case = factories.case(rocket, kind=CaseKind.DISPUTE, state=CaseState.ASKED, asked=Party.HOLDER)
        asked_for(case, 100)
        with nothing_changes():
            assert held.sweep_unanswered() == 0
            assert held.expire_unanswered(actor=WORKER, case=case) is False


class TestWhoDoesIt:
    @pytest.mark.parametrize("who", [who for who in EVERYBODY if who != OPERATOR])
    def test_time_and_not_people(self, claim: Case, who: str) -> None:
        actor, grant = acting_as(who, claim.organization), held_for(claim, 100)
        asked = asked_for(factories.case(claim.organization, name="other", state=CaseState.ASKED), 100)
        acts: list[tuple[Any, dict[str, Any]]] = [
            (held.remind_of_held, {"grant": grant}),
            (held.expire_held, {"grant": grant}),
            (held.remind_of_unanswered, {"case": asked}),
            (held.expire_unanswered, {"case": asked}),
        ]
        for act, about in acts:
            with nothing_changes(), pytest.raises(NotPermitted, match="by time, not by people"):
                act(actor=actor, **about)

    def test_every_hour(self) -> None:
        scheduled = {entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()}
        assert {tasks.expire_held.name, tasks.expire_unanswered.name} <= scheduled

    def test_one_that_fails_keeps_none_from_its_turn(
        self, claim: Case, rocket: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = factories.case(rocket, name="launcher", state=CaseState.APPROVED)
        held_for(claim, 29)
        held_for(other, 28)
        follow, tried = held.remind_of_held, []

        def fail_first(*, actor: Actor, grant: Grant) -> bool:
            tried.append(grant.name)
            if len(tried) == 1:
                raise RuntimeError("the power fails")
            return follow(actor=actor, grant=grant)

        monkeypatch.setattr(held, "remind_of_held", fail_first)
        held.sweep_held()
        assert tried == ["rocket", "launcher"]
        assert [mail.subject.split()[0] for mail in Mail.objects.all()] == ["launcher"]
