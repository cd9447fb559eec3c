"""Every state of a case × everything that can be done with it × everybody who could try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from freehold.errors import DomainError, NotPermitted
from namespaces.cases import (
    APPLICANT_ACTIONS,
    HOLDER_ACTIONS,
    MACHINE_ACTIONS,
    REVIEWER_ACTIONS,
    TRANSITIONS,
    CaseAction,
    CaseKind,
    CaseState,
    DecisionOutcome,
    actions,
    next_state,
)
from namespaces.models import Case
from namespaces.policy.evaluation import CommunityKey, Key, Stake
from namespaces.services import casework, claims, decisions
from orgs.actors import Actor
from orgs.models import Organization
from tests import factories
from tests.people import EVERYBODY, OPERATOR, acting_as

pytestmark = pytest.mark.django_db

REVIEWER, REPORTER = "reviewer", "reporter"
S, A = CaseState, CaseAction
OPEN = {S.WAITING, S.ASKED, S.PROPOSED}

# Spelt out, so that a change of the table in the code has to be meant.
POSSIBLE: dict[CaseAction, set[CaseState]] = {
    A.EDIT: {S.WAITING, S.ASKED},
    A.SAY: OPEN,
    A.ANSWER: {S.ASKED},
    A.WITHDRAW: OPEN,
    A.APPEAL: {S.REFUSED},
    A.ASK: {S.WAITING},
    A.PROPOSE: {S.WAITING},
    A.APPROVE: {S.WAITING, S.PROPOSED},
    A.REFUSE: {S.WAITING, S.PROPOSED},
    A.DISAGREE: {S.PROPOSED},
    A.UNDO: {S.APPROVED, S.REFUSED},
    A.SETTLE: OPEN,
    A.REOPEN: {S.SETTLED},
    A.EXPIRE: {S.ASKED, S.APPROVED},
}
STAFF = {OPERATOR, REVIEWER}
MAY: dict[CaseAction, set[str]] = {
    A.EDIT: {"owner"},
    A.SAY: {"owner"},
    A.ANSWER: {"owner"},
    A.WITHDRAW: {"owner"},
    A.APPEAL: {"owner"},
    A.ASK: STAFF,
    A.PROPOSE: STAFF,
    A.APPROVE: STAFF,
    A.REFUSE: STAFF,
    A.DISAGREE: STAFF,
    A.UNDO: STAFF,
    A.SETTLE: STAFF,
    A.REOPEN: STAFF,
    A.EXPIRE: STAFF,
}
IN_DISPUTES: dict[CaseAction, set[str]] = {
    A.EDIT: set(),  # the holder was told of the report as it is
    A.SAY: {"owner", REPORTER},
    A.ANSWER: {REPORTER},  # whom the factory's question is to
    A.WITHDRAW: {REPORTER},
    A.APPEAL: {REPORTER},
}
NEEDS_A_PERSON = {A.PROPOSE, A.DISAGREE}
ENTERED: dict[CaseAction, Callable[[Actor, Case], object]] = {
    A.EDIT: lambda actor, case: claims.edit(actor=actor, case=case, statement="More."),
    A.SAY: lambda actor, case: casework.say(actor=actor, case=case, text="Hello."),
    A.ANSWER: lambda actor, case: claims.answer(actor=actor, case=case, text="These."),
    A.WITHDRAW: lambda actor, case: casework.withdraw(actor=actor, case=case),
    A.APPEAL: lambda actor, case: claims.appeal(actor=actor, case=case, text="Look again."),
    A.ASK: lambda actor, case: casework.ask(actor=actor, case=case, text="Which?"),
    A.APPROVE: lambda actor, case: decided(actor, case, DecisionOutcome.APPROVE),
    A.REFUSE: lambda actor, case: decided(actor, case, DecisionOutcome.REFUSE),
    A.DISAGREE: lambda actor, case: decisions.disagree(actor=actor, case=case, reason="No."),
    A.UNDO: lambda actor, case: decisions.undo(actor=actor, case=case, reason="A slip."),
}
"""The services by which people do it. To propose is to decide where the stake is high; the rest is the machine's."""


def decided(actor: Actor, case: Case, outcome: DecisionOutcome) -> object:
    if case.state == S.PROPOSED and case.decisions.get(state="proposed").outcome == outcome:
        return decisions.confirm(actor=actor, case=case)
    named = [] if outcome is DecisionOutcome.APPROVE else [criterion(case)]
    return decisions.decide(
        actor=actor, case=case, outcome=outcome, criteria=named, text="Because.", reason="It can't wait."
    )


def criterion(case: Case) -> str:
    return (Key if case.kind == CaseKind.CLAIM else CommunityKey).STANDING.value


def everybody(case: Case, organization: Organization) -> dict[str, Actor]:
    found = {who: acting_as(who, organization) for who in EVERYBODY}
    found[REVIEWER] = Actor.staff(factories.reviewer())
    assert case.filed_by is None or case.kind == CaseKind.DISPUTE
    if case.filed_by is not None:
        found[REPORTER] = Actor.person(case.filed_by)
    return found


def may(action: CaseAction, who: str, kind: CaseKind) -> bool:
    return who in (IN_DISPUTES.get(action, MAY[action]) if kind is CaseKind.DISPUTE else MAY[action])


def test_the_table_is_whole() -> None:
    assert set(POSSIBLE) == set(MAY) == set(A)
    assert {pair for pair in product(S, A) if pair[0] in POSSIBLE[pair[1]]} == set(TRANSITIONS)
    assert set(APPLICANT_ACTIONS) | set(REVIEWER_ACTIONS) | set(MACHINE_ACTIONS) == set(A)
    assert set(HOLDER_ACTIONS) < set(APPLICANT_ACTIONS)
    assert set(ENTERED) == set(A) - set(MACHINE_ACTIONS) - {A.PROPOSE}
    assert all((next_state(state, action) is not None) == (action in actions(state)) for state, action in product(S, A))


@pytest.mark.slow
@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("kind", CaseKind)
def test_who_may_do_what_and_when(kind: CaseKind, state: CaseState) -> None:
    """What the predicate says, for every action and everybody."""
    acme = factories.organization("acme")
    case = factories.case(acme, kind=kind, state=state)
    for who, actor in everybody(case, acme).items():
        for action in A:
            verdict = casework.can(action, case, actor)
            assert bool(verdict) is (may(action, who, kind) and state in POSSIBLE[action]), (who, action, verdict)
            assert verdict or verdict.reason
        assert casework.possible(case, actor) == [
            action for action in actions(state) if may(action, who, kind) and state in POSSIBLE[action]
        ]


@pytest.mark.slow
@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("kind", [CaseKind.CLAIM, CaseKind.APPLICATION])  # tests/cases/disputes has the third
def test_what_comes_of_it(kind: CaseKind, state: CaseState) -> None:
    """The services do what the predicate says, and what they refuse writes nothing at all."""
    acme = factories.organization("acme")
    case = factories.case(acme, kind=kind, state=state)
    for who, actor in everybody(case, acme).items():
        for action in ENTERED:
            found = Case.objects.get(pk=case.pk)
            found.organization = acme
            expected = casework.can(action, found, actor)
            needs_person = actor.user is None and (action in NEEDS_A_PERSON or state is S.PROPOSED)
            if expected and not (needs_person and action in {A.APPROVE, A.REFUSE, A.DISAGREE}):
                does(actor, found, action)
            else:
                refuses(actor, found, action, is_permitted=may(action, who, kind))


def does(actor: Actor, case: Case, action: CaseAction) -> None:
    """It leads where the table says; what is grave is proposed first."""
    state = CaseState(case.state)
    if state is S.PROPOSED and action in {A.APPROVE, A.REFUSE}:
        action = ACTIONS_OF[DecisionOutcome(case.decisions.get(state="proposed").outcome)]
    with rolled_back():
        ENTERED[action](actor, case)
        case.refresh_from_db()
        wanted = {next_state(state, action)} | ({S.PROPOSED} if action in {A.APPROVE, A.REFUSE} else set())
        assert case.state in wanted, (actor.label, action)
        assert case.state != S.PROPOSED or case.stake == Stake.HIGH


ACTIONS_OF = {DecisionOutcome.APPROVE: A.APPROVE, DecisionOutcome.REFUSE: A.REFUSE}


def refuses(actor: Actor, case: Case, action: CaseAction, *, is_permitted: bool) -> None:
    with rolled_back(), CaptureQueriesContext(connection) as queries:
        with pytest.raises(DomainError) as refused:
            ENTERED[action](actor, case)
        if not is_permitted:
            assert isinstance(refused.value, NotPermitted), (actor.label, action, refused.value)
    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == [], (actor.label, action)


@contextmanager
def rolled_back() -> Iterator[None]:
    """What is done inside is taken back, so that the next attempt finds all as it was."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
