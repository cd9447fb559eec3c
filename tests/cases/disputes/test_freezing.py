"""New projects, stopped for the time being: by whom, when, beside other locks, and what the check says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from freehold.errors import DomainError, NotPermitted
from namespaces.cases import OPEN, CaseKind, CaseState
from namespaces.decision import Publisher, Question, Reason
from namespaces.errors import NotNow
from namespaces.facts import fetch
from namespaces.former_names import judge
from namespaces.models import Case, Grant, GrantLock, Transfer
from namespaces.services import casework, disputes, lifecycle
from namespaces.services.grants import grant_namespace
from namespaces.states import GrantState, LockCause
from orgs.actors import Actor
from orgs.models import AuditEvent
from orgs.vocabulary import Role, Standing, State
from tests import factories
from tests.cases.disputes.stage import DISMISSED, Stage, person
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

OPERATOR = Actor.operator()
ACTIVE, LOCKED, QUARANTINED = GrantState.ACTIVE, GrantState.LOCKED, GrantState.QUARANTINED
STANDING = LockCause.STANDING


@pytest.fixture
def stage() -> Stage:
    return Stage()


def check(project: str, organization: str = "acme") -> str:
    question = Question(project, Publisher(organization=organization), ask_mirror=True)
    return judge([question], fetch(b"", [question]).facts)[0].reason


def everybody(stage: Stage) -> dict[str, Actor]:
    return {
        "the reporter": stage.reporters_actor,
        "an outsider": Actor.person(person()),
        "a service": Actor.service("index"),
        **{role.value: stage.member(role) for role in Role},
        "a reviewer": stage.first,
        "the operator": OPERATOR,
    }


REVIEWERS = {"a reviewer", "the operator"}


@pytest.mark.parametrize("state", CaseState)
def test_every_state_and_role(stage: Stage, state: CaseState) -> None:
    """Freezing and its end: by reviewers, while the report is looked into."""
    case = stage.case_in(state)
    assert case.state == state
    acts = ((disputes.freeze, disputes.can_freeze), (disputes.unfreeze, disputes.can_unfreeze))
    all_of_them = everybody(stage)
    allowed = {who: actor for who, actor in all_of_them.items() if who in REVIEWERS and state in OPEN}
    refused = {who: actor for who, actor in all_of_them.items() if who not in allowed}
    with nothing_changes():
        for who, actor in refused.items():
            for act, can in acts:
                assert not can(case, actor), (who, act)
                with pytest.raises(NotNow if who in REVIEWERS else NotPermitted):
                    act(actor=actor, case=case)
    for who, actor in allowed.items():
        for act, can in acts:
            assert can(case, actor), (who, act)
            assert act(actor=actor, case=case).state == state
            assert stage.states() == ([LOCKED] * 2 if act is disputes.freeze else [ACTIVE] * 2)


def test_what_is_no_dispute_is_not_frozen(stage: Stage) -> None:
    claim = factories.case(stage.holder, name="other", kind=CaseKind.CLAIM)
    with nothing_changes(), pytest.raises(NotNow, match="while a report is looked into"):
        disputes.freeze(actor=stage.first, case=claim)


class TestFreezing:
    def test_stops_new_projects_and_no_others(self, stage: Stage) -> None:
        factories.project("acme-old", "acme")
        case = stage.report()
        assert check("acme-new") == Reason.HOLDER
        disputes.freeze(actor=stage.first, case=case)
        assert check("acme-new") == check("acme-labs-new") == Reason.LOCKED
        assert check("acme-old") == Reason.EXISTING
        disputes.unfreeze(actor=stage.first, case=case)
        assert check("acme-new") == Reason.HOLDER

    def test_twice_is_once(self, stage: Stage) -> None:
        case = disputes.freeze(actor=stage.first, case=stage.report())
        with nothing_changes(), pytest.raises(NotNow, match="stopped for this report already"):
            disputes.freeze(actor=stage.second, case=case)

    def test_what_was_not_frozen_is_not_unfrozen(self, stage: Stage) -> None:
        case = stage.report()
        with nothing_changes(), pytest.raises(NotNow, match="are not stopped"):
            disputes.unfreeze(actor=stage.first, case=case)

    def test_two_reports_freeze_until_both_have_ended(self, stage: Stage) -> None:
        one, two = stage.report(), stage.report(by=person())
        disputes.freeze(actor=stage.first, case=one)
        disputes.freeze(actor=stage.first, case=two)
        disputes.unfreeze(actor=stage.first, case=one)
        assert stage.states() == [LOCKED] * 2
        disputes.unfreeze(actor=stage.first, case=two)
        assert stage.states() == [ACTIVE] * 2

    def test_an_open_offer_ends(self, stage: Stage) -> None:
        Transfer.objects.create(
            grant=stage.root, to=factories.organization(), expires_at=timezone.now() + timedelta(days=1)
        )
        disputes.freeze(actor=stage.first, case=stage.report())
        assert not Transfer.objects.exists()

    def test_withdrawing_the_report_ends_it(self, stage: Stage) -> None:
        case = disputes.freeze(actor=stage.first, case=stage.report())
        casework.withdraw(actor=stage.reporters_actor, case=case)
        assert stage.states() == [ACTIVE] * 2
        assert not GrantLock.objects.exists()

    def test_so_does_dismissing_it(self, stage: Stage) -> None:
        case = disputes.freeze(actor=stage.first, case=stage.report())
        stage.decide(case, DISMISSED)
        assert stage.states() == [ACTIVE] * 2

    def test_what_is_in_quarantine_is_not_frozen(self, stage: Stage) -> None:
        case = stage.report()
        lifecycle.release_namespace(actor=stage.holders_actor, grant=stage.root)
        with nothing_changes(), pytest.raises(NotNow, match="nobody starts a project there anyway"):
            disputes.freeze(actor=stage.first, case=case)

    def test_the_holder_can_not_shake_it_off(self, stage: Stage) -> None:
        disputes.freeze(actor=stage.first, case=stage.report())
        with nothing_changes(), pytest.raises(NotNow, match="only the operator can release it now"):
            lifecycle.release_namespace(actor=stage.holders_actor, grant=stage.root)

    def test_it_is_in_the_trail_of_the_holder(self, stage: Stage) -> None:
        case = disputes.freeze(actor=stage.first, case=stage.report(), text="To be safe.")
        disputes.unfreeze(actor=stage.first, case=case)
        trail = AuditEvent.objects.filter(organization="acme", action__in=["case.frozen", "case.unfrozen"])
        assert list(trail.order_by("pk").values_list("action", "after__text")) == [
            ("case.frozen", "To be safe."),
            ("case.unfrozen", None),
        ]
        assert list(case.entries.values_list("kind", flat=True)) == ["filed", "frozen", "unfrozen"]


# --- Beside other locks -----------------------------------------------------------------------------------------------

Act = Callable[[Stage, Case], object]


def freeze(stage: Stage, case: Case) -> object:
    return disputes.freeze(actor=stage.first, case=case)


def unfreeze(stage: Stage, case: Case) -> object:
    return disputes.unfreeze(actor=stage.first, case=case)


def lapse(stage: Stage, _: Case) -> object:
    stage.holder.standing = Standing.LAPSED
    stage.holder.save()
    return lifecycle.lock_namespace(actor=Actor.worker(), grant=stage.root, cause=STANDING)


def pay(stage: Stage, _: Case) -> object:
    stage.holder.standing = Standing.GOOD
    stage.holder.save()
    return lifecycle.unlock_namespace(actor=Actor.worker(), grant=stage.root, cause=STANDING)


def lock(stage: Stage, _: Case) -> object:
    return lifecycle.lock_namespace(actor=OPERATOR, grant=stage.root)


def unlock(stage: Stage, _: Case) -> object:
    return lifecycle.unlock_namespace(actor=OPERATOR, grant=stage.root)


def lock_as_before_causes_were_kept(stage: Stage, _: Case) -> object:
    return Grant.objects.update(state=LOCKED)


def quarantine(stage: Stage, _: Case) -> object:
    return lifecycle.quarantine_namespace(actor=OPERATOR, grant=stage.root)


def reinstate(stage: Stage, _: Case) -> object:
    return lifecycle.reinstate_namespace(actor=OPERATOR, grant=stage.root)


ORDERS: dict[str, tuple[list[Act], GrantState]] = {
    "a payment ends no freeze": ([freeze, lapse, pay], LOCKED),
    "nor one that came after the lapse": ([lapse, freeze, pay], LOCKED),
    "and then its end unlocks": ([lapse, freeze, pay, unfreeze], ACTIVE),
    "the end of a freeze ends no lapse": ([freeze, lapse, unfreeze], LOCKED),
    "nor one that came before": ([lapse, freeze, unfreeze], LOCKED),
    "and then the payment unlocks": ([freeze, lapse, unfreeze, pay], ACTIVE),
    "the end of a freeze ends no lock of staff": ([lock, freeze, unfreeze], LOCKED),
    "nor one without its cause": ([lock_as_before_causes_were_kept, freeze, unfreeze], LOCKED),
    "which staff then ends": ([lock_as_before_causes_were_kept, freeze, unfreeze, unlock], ACTIVE),
    "staff ends its own lock alone": ([freeze, lock, unlock], LOCKED),
    "all three": ([lapse, freeze, lock, unlock, pay], LOCKED),
    "all three ended": ([lapse, freeze, lock, unlock, unfreeze, pay], ACTIVE),
    "what comes back is still frozen": ([freeze, quarantine, reinstate], LOCKED),
    "and its end unlocks": ([freeze, quarantine, reinstate, unfreeze], ACTIVE),
    "ended in quarantine it is no more": ([freeze, quarantine, unfreeze, reinstate], ACTIVE),
}


@pytest.mark.parametrize(("acts", "state"), ORDERS.values(), ids=ORDERS.keys())
def test_each_lock_is_lifted_by_itself(stage: Stage, acts: list[Act], state: GrantState) -> None:
    case = stage.report()
    for act in acts:
        act(stage, case)
    assert stage.states() == [state] * 2
    assert (state == LOCKED) is GrantLock.objects.exists()


@pytest.mark.parametrize(
    ("acts", "act"),
    [([freeze], unlock), ([freeze], pay), ([lapse], lapse), ([lock], lock), ([freeze, lapse], lapse)],
    ids=["staff unlocks", "paying", "lapsing twice", "locking twice", "lapsing twice while frozen"],
)
def test_what_is_not_there_to_lift_or_there_already_is_refused(stage: Stage, acts: list[Act], act: Act) -> None:
    case = stage.report()
    for before in acts:
        before(stage, case)
    with nothing_changes(), pytest.raises(NotNow):
        act(stage, case)


@pytest.mark.parametrize("role", [*Role, None])
def test_nobody_lifts_a_lock_but_staff(stage: Stage, role: Role | None) -> None:
    actor = stage.member(role) if role else stage.reporters_actor
    disputes.freeze(actor=stage.first, case=stage.report())
    with nothing_changes():
        for act in (lifecycle.lock_namespace, lifecycle.unlock_namespace):
            for cause in LockCause:
                with pytest.raises(NotPermitted):
                    act(actor=actor, grant=stage.root, cause=cause)


@pytest.mark.parametrize(
    ("standing", "state", "becomes"),
    [
        (Standing.GRACE, State.ACTIVE, ACTIVE),
        (Standing.GOOD, State.SUSPENDED, ACTIVE),
        (Standing.LAPSED, State.ACTIVE, LOCKED),
    ],
)
def test_a_freeze_ends_whoever_the_holder_is_by_now(
    stage: Stage, standing: Standing, state: State, becomes: GrantState
) -> None:
    """Who has lapsed stays locked for that; who is suspended is so by the organization's state, and not by a lock."""
    case = disputes.freeze(actor=stage.first, case=stage.report())
    stage.holder.standing, stage.holder.state = standing, state
    stage.holder.save()
    disputes.unfreeze(actor=stage.first, case=case)
    assert stage.states() == [becomes] * 2
    assert list(GrantLock.objects.values_list("cause", flat=True)) == ([STANDING] if becomes == LOCKED else [])


class TestAdoption:
    """A root of the same holder comes to stand over what is reported."""

    def test_what_is_frozen_is_not_to_be_had_by_the_way_of_what_is_around_it(self) -> None:
        stage = Stage("acme-core")
        case = disputes.freeze(actor=stage.first, case=stage.report())
        around = grant_namespace(actor=OPERATOR, name="acme", organization=stage.holder)
        assert (around.state, *stage.states()) == (LOCKED, LOCKED, LOCKED)
        Grant.objects.update(effective_at=stage.root.effective_at)
        assert check("acme-core-new", "acme-core") == check("acme-new", "acme-core") == Reason.LOCKED
        disputes.unfreeze(actor=stage.first, case=case)
        around.refresh_from_db()
        assert (around.state, *stage.states()) == (ACTIVE, ACTIVE, ACTIVE)

    def test_the_report_is_looked_into_for_the_new_root(self) -> None:
        stage = Stage("acme-core")
        case = stage.report()
        around = grant_namespace(actor=OPERATOR, name="acme", organization=stage.holder)
        disputes.freeze(actor=stage.first, case=case)
        around.refresh_from_db()
        assert (around.state, *stage.states()) == (LOCKED, LOCKED, LOCKED)

    def test_when_the_root_goes_the_freeze_stays_with_what_was_reported(self) -> None:
        stage = Stage("acme-core")
        case = disputes.freeze(actor=stage.first, case=stage.report())
        around = grant_namespace(actor=OPERATOR, name="acme", organization=stage.holder)
        Grant.objects.filter(root=around).update(root=None)
        lifecycle.quarantine_namespace(actor=OPERATOR, grant=around)
        lifecycle.end_quarantine(actor=OPERATOR, grant=around, reason="The approval was undone.")
        assert GrantLock.objects.get().grant == stage.root
        disputes.unfreeze(actor=stage.first, case=case)
        stage.root.refresh_from_db()
        assert stage.root.state == ACTIVE


def test_a_conflict_of_interest_keeps_a_reviewer_from_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("namespaces.hooks.objections", [lambda *_: "They are your cousins."])
    case = stage.report()
    refusal: type[DomainError] = NotNow
    with nothing_changes(), pytest.raises(refusal, match="your cousins"):
        disputes.freeze(actor=stage.first, case=case)
