"""Looking again at what waits; and what people have doubted, which no machine approves any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from freehold.settings import CELERY_BEAT_SCHEDULE
from namespaces import tasks
from namespaces.cases import CaseKind, CaseState, DecisionOutcome
from namespaces.errors import CannotHold, NotNow
from namespaces.models import Case, CaseEvaluation, Grant, GrantLock
from namespaces.policy.evaluation import Key, Stake
from namespaces.services import casework, claims, decisions, looks
from namespaces.services.lifecycle import can_release, quarantine_namespace, reinstate_namespace, release_namespace
from namespaces.services.projects import put_project
from namespaces.states import GrantState, LockCause
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.proofs import observations
from orgs.proofs.observations import Medium
from orgs.services.closing import close_organization
from orgs.services.proof_checks import dismiss_flag, judged
from orgs.vocabulary import ProofKind, ProofState, State
from tests import factories
from tests.dump import nothing_changes
from tests.people import owner_of

pytestmark = pytest.mark.django_db

APPROVE, REFUSE = DecisionOutcome.APPROVE, DecisionOutcome.REFUSE


@pytest.fixture
def zorglub() -> Organization:
    return factories.organization("zorglub")


@pytest.fixture
def owner(zorglub: Organization) -> Actor:
    return owner_of(zorglub)


@pytest.fixture
def rita() -> Actor:
    return Actor.staff(factories.reviewer())


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was given to the worker."""
    found: list[Any] = []
    monkeypatch.setattr(
        "namespaces.services.looks.current_app.send_task", lambda name, **options: found.append((name, options["args"]))
    )
    return found


def proof(organization: Organization, state: ProofState = ProofState.VERIFIED) -> Proof:
    return Proof.objects.create(
        organization=organization,
        kind=ProofKind.DNS,
        subject="zorglub.example",
        challenge="x",
        state=state,
        verified_at=timezone.now() if state is ProofState.VERIFIED else None,
    )


def file(owner: Actor, organization: Organization, name: str = "zorglub") -> Case:
    return claims.file_claim(actor=owner, organization=organization, name=name)


def refuse(actor: Actor, case: Case) -> None:
    decisions.decide(actor=actor, case=case, outcome=REFUSE, criteria=[Key.PROOFS], text="Prove the domain.")


def state(case: Case) -> str:
    return Case.objects.get(pk=case.pk).state


class TestWhatIsProved:
    def test_is_looked_at_in_a_moment(
        self, zorglub: Organization, owner: Actor, sent: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        case, begun = file(owner, zorglub), proof(zorglub, ProofState.PENDING)
        with django_capture_on_commit_callbacks(execute=True):
            judged(owner, begun, observations.found(Medium.TXT, "_freehold.zorglub.example", "x"))
        assert sent == [("namespaces.look_again", [zorglub.pk])]
        assert tasks.look_again(zorglub.pk) == 1
        assert state(case) == CaseState.APPROVED

    def test_and_so_is_what_is_doubtful_no_more(
        self, zorglub: Organization, owner: Actor, sent: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        factories.case(zorglub)
        flagged = proof(zorglub)
        Proof.objects.update(flag="changed")
        with django_capture_on_commit_callbacks(execute=True):
            dismiss_flag(actor=Actor.operator(), proof=flagged)
        assert sent == [("namespaces.look_again", [zorglub.pk])]

    def test_and_so_is_what_the_index_says(
        self, zorglub: Organization, sent: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        factories.case(zorglub)
        with django_capture_on_commit_callbacks(execute=True):
            put_project(name="zorglub-x", owner="zorglub")
            put_project(name="zorglub-x", owner="zorglub")
            put_project(name="other", owner="somebody")
        assert sent == [("namespaces.look_again", [zorglub.pk])]

    @pytest.mark.parametrize("other", [None, CaseState.ASKED, CaseState.REFUSED])
    def test_nobody_is_woken_for_nothing(
        self,
        zorglub: Organization,
        other: CaseState | None,
        sent: list[Any],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        if other:
            factories.case(zorglub, state=other)
        with django_capture_on_commit_callbacks(execute=True):
            looks.look_later(Actor.worker(), proof(zorglub))
        assert sent == []


class TestSweep:
    def test_it_finds_by_itself_what_was_proved_since(self, zorglub: Organization, owner: Actor) -> None:
        case = file(owner, zorglub)
        assert looks.sweep_looks() == 0
        assert CaseEvaluation.objects.count() == 1
        proof(zorglub)
        assert looks.sweep_looks() == 1
        assert state(case) == CaseState.APPROVED

    def test_it_looks_once_a_day_at_what_waits(self, zorglub: Organization, owner: Actor) -> None:
        file(owner, zorglub)
        CaseEvaluation.objects.update(at=timezone.now() - timedelta(hours=25))
        for _ in range(3):
            looks.sweep_looks()
        assert CaseEvaluation.objects.count() == 2

    def test_one_that_fails_keeps_none_from_its_turn(
        self, zorglub: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("one", "two"):
            factories.case(zorglub, name=name)
        look, tried = claims.look_again, []

        def fail_first(*, actor: Actor, case: Case) -> Case:
            tried.append(case.name)
            if len(tried) == 1:
                raise RuntimeError("the power fails")
            return look(actor=actor, case=case)

        monkeypatch.setattr(looks, "look_again", fail_first)
        looks.sweep_looks()
        assert tried == ["one", "two"]
        assert CaseEvaluation.objects.get().case.name == "two"

    def test_every_hour(self) -> None:
        assert tasks.look_again_at_all.name in {entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()}


class TestDoubts:
    """What a person refused, or undid, is for a person, whatever the policy says of it by now."""

    def test_a_refusal_that_is_appealed(self, zorglub: Organization, owner: Actor, rita: Actor) -> None:
        case = file(owner, zorglub)
        refuse(rita, case)
        proof(zorglub)
        claims.appeal(actor=owner, case=case, text="Proved by now.")
        assert looks.look_at(zorglub.pk) == 0
        assert state(case) == CaseState.WAITING
        decisions.decide(actor=Actor.staff(factories.reviewer()), case=case, outcome=APPROVE)
        assert state(case) == CaseState.APPROVED

    @pytest.mark.parametrize("name", ["zorglub", "zorglub-tools"])
    def test_what_was_refused_and_is_claimed_anew(
        self, zorglub: Organization, owner: Actor, rita: Actor, name: str
    ) -> None:
        refuse(rita, file(owner, zorglub))
        proof(zorglub)
        assert file(owner, zorglub, name).state == CaseState.WAITING

    def test_what_was_refused_to_another(self, zorglub: Organization, owner: Actor, rita: Actor) -> None:
        other = factories.organization("other")
        refuse(rita, file(owner_of(other), other))
        proof(zorglub)
        assert file(owner, zorglub).state == CaseState.APPROVED

    def test_an_approval_that_was_undone(self, zorglub: Organization, owner: Actor, rita: Actor) -> None:
        proof(zorglub)
        case = file(owner, zorglub)
        assert case.state == CaseState.APPROVED
        decisions.undo(actor=rita, case=case, reason="A slip.")
        assert looks.look_at(zorglub.pk) == 0
        casework.withdraw(actor=owner, case=case)
        assert file(owner, zorglub).state == CaseState.WAITING

    def test_what_was_kept_for_another_is_kept_once_more(
        self, zorglub: Organization, owner: Actor, rita: Actor
    ) -> None:
        former = factories.organization("former")
        root = factories.grant("zorglub-x", former, state=GrantState.QUARANTINED)
        child = factories.grant("zorglub-x-y", former, state=GrantState.QUARANTINED, root=root)
        long_gone = factories.grant("zorglub-z", former, state=GrantState.RELEASED)
        case = file(owner, zorglub)
        decisions.decide(actor=rita, case=case, outcome=APPROVE, reason="They are gone.")
        assert set(Grant.objects.holding().values_list("name", flat=True)) == {"zorglub"}
        decisions.undo(actor=rita, case=case, reason="They are not.")
        found = Grant.objects.holding().values_list("pk", "state")
        assert set(found) == {(root.pk, GrantState.QUARANTINED), (child.pk, GrantState.QUARANTINED)}
        assert long_gone.pk not in dict(found)
        reinstate_namespace(actor=owner_of(former), grant=root)

    def test_what_the_machine_can_not_put_into_force(
        self, zorglub: Organization, owner: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proof(zorglub)

        def fail(**_: object) -> None:
            raise CannotHold("Not now.")

        monkeypatch.setattr("namespaces.services.effects.grant_namespace", fail)
        case = file(owner, zorglub)
        assert (case.state, state(case)) == (CaseState.WAITING, CaseState.WAITING)
        assert not case.decisions.exists()


class TestWhatStaffTook:
    @pytest.fixture
    def taken(self, zorglub: Organization, rita: Actor) -> Grant:
        return quarantine_namespace(actor=rita, grant=factories.grant("zorglub", zorglub), reason="Malware.")

    def test_is_not_its_holders_to_take_back(self, taken: Grant, owner: Actor, rita: Actor) -> None:
        with nothing_changes(), pytest.raises(NotNow, match="only staff can end that"):
            reinstate_namespace(actor=owner, grant=taken)
        reinstate_namespace(actor=rita, grant=taken)
        taken.refresh_from_db()
        assert taken.state == GrantState.ACTIVE
        assert not GrantLock.objects.exists()

    def test_nor_by_a_claim_without_a_person(
        self, zorglub: Organization, taken: Grant, owner: Actor, rita: Actor
    ) -> None:
        proof(zorglub)
        case = file(owner, zorglub)
        assert case.state == CaseState.WAITING
        decisions.decide(actor=rita, case=case, outcome=APPROVE)
        taken.refresh_from_db()
        assert taken.state == GrantState.ACTIVE

    def test_what_its_holder_gave_up_is(self, zorglub: Organization, owner: Actor) -> None:
        given_up = factories.grant("zorglub", zorglub)
        release_namespace(actor=owner, grant=given_up)
        reinstate_namespace(actor=owner, grant=given_up)
        given_up.refresh_from_db()
        assert given_up.state == GrantState.ACTIVE

    def test_and_so_is_what_a_lapse_took(self, zorglub: Organization, owner: Actor) -> None:
        lapsed = quarantine_namespace(actor=Actor.worker(), grant=factories.grant("zorglub", zorglub))
        reinstate_namespace(actor=owner, grant=lapsed)
        lapsed.refresh_from_db()
        assert lapsed.state == GrantState.ACTIVE

    def test_a_report_has_its_own_cause(self, zorglub: Organization, rita: Actor) -> None:
        grant = factories.grant("zorglub", zorglub)
        case = factories.case(zorglub, kind=CaseKind.DISPUTE)
        GrantLock.objects.create(grant=grant, cause=LockCause.DISPUTE, case=case)
        quarantine_namespace(actor=rita, grant=grant)
        assert [lock.cause for lock in GrantLock.objects.all()] == [LockCause.DISPUTE]

    @pytest.mark.parametrize("held", [GrantState.ACTIVE, GrantState.HELD])
    def test_who_is_suspended_gives_nothing_up(self, zorglub: Organization, owner: Actor, held: GrantState) -> None:
        grant = factories.grant("zorglub", zorglub, state=held)
        Organization.objects.update(state=State.SUSPENDED)
        grant.refresh_from_db()
        assert "is suspended" in can_release(grant, owner).reason
        with nothing_changes(), pytest.raises(NotNow, match="'zorglub' is suspended"):
            release_namespace(actor=owner, grant=grant)
        assert can_release(grant, Actor.operator())


class TestClosing:
    def test_what_is_open_is_withdrawn_with_it(self, zorglub: Organization, owner: Actor) -> None:
        opened = [
            factories.case(zorglub, name=f"zorglub-{state}", state=state)
            for state in (CaseState.WAITING, CaseState.ASKED, CaseState.PROPOSED)
        ]
        opened.append(factories.case(zorglub, kind=CaseKind.APPLICATION))
        decided = [factories.case(zorglub, name=f"z-{state}", state=state) for state in (CaseState.REFUSED,)]
        close_organization(actor=owner, organization=zorglub, name="zorglub")
        assert {state(case) for case in opened} == {CaseState.WITHDRAWN}
        assert {state(case) for case in decided} == {CaseState.REFUSED}
        assert not opened[2].decisions.filter(state="proposed").exists()

    def test_what_was_settled_is_not_opened_for_it_again(self, zorglub: Organization, rita: Actor) -> None:
        closed = factories.organization("closed")
        settled = factories.case(closed, name="zorglub-x")
        case = factories.case(zorglub)
        decisions.decide(actor=rita, case=case, outcome=APPROVE)
        assert state(settled) == CaseState.SETTLED
        Organization.objects.filter(pk=closed.pk).update(state=State.CLOSED)
        decisions.undo(actor=rita, case=case, reason="A slip.")
        assert state(settled) == CaseState.SETTLED

    def test_no_decision_is_undone_for_it(self, zorglub: Organization, rita: Actor) -> None:
        case = factories.case(zorglub, state=CaseState.REFUSED, stake=Stake.ORDINARY)
        Organization.objects.filter(pk=zorglub.pk).update(state=State.CLOSED)
        with nothing_changes(), pytest.raises(NotNow, match="has been closed since"):
            decisions.undo(actor=rita, case=case, reason="A slip.")

    @pytest.mark.parametrize("to", [State.SUSPENDED, State.CLOSED])
    def test_nothing_is_filed_or_approved_for_who_may_hold_nothing(
        self, zorglub: Organization, owner: Actor, rita: Actor, to: State
    ) -> None:
        case = factories.case(zorglub)
        Organization.objects.filter(pk=zorglub.pk).update(state=to)
        with nothing_changes(), pytest.raises(CannotHold):
            file(owner, zorglub, "another")
        with pytest.raises(CannotHold):
            decisions.decide(actor=rita, case=case, outcome=APPROVE, reason="It was ours.")
        assert state(case) == CaseState.WAITING
