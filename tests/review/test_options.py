"""What a reviewer may do now: every action in every state, and what stands against it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from namespaces.cases import OPEN, CaseAction, CaseKind, CaseState, next_state
from review.options import BY_HAND, IMPARTIAL, WHEN, DeskAction, Situation, option, options

S, A = CaseState, DeskAction
MINE = Situation(kind=CaseKind.CLAIM, state=S.WAITING, is_mine=True)
FREE = Situation(kind=CaseKind.CLAIM, state=S.WAITING)


def allowed(situation: Situation) -> set[DeskAction]:
    return {one.action for one in options(situation) if one}


ALWAYS = {A.NOTE, A.DECLARE}
EXPECTED = [
    (FREE, {A.TAKE}),
    (MINE, {A.LEAVE, A.APPROVE, A.REFUSE, A.ASK, A.LOOK_AGAIN}),
    (replace(FREE, holder="Otto"), set()),
    (replace(FREE, state=S.PROPOSED), {A.TAKE}),
    (replace(MINE, state=S.PROPOSED), {A.LEAVE, A.CONFIRM, A.DISAGREE}),
    (replace(FREE, state=S.PROPOSED, is_own_proposal=True), set()),
    (replace(MINE, state=S.PROPOSED, is_own_proposal=True), {A.LEAVE}),
    (replace(FREE, state=S.ASKED), set()),
    (replace(FREE, state=S.APPROVED, is_fresh=True), {A.UNDO}),
    (replace(FREE, state=S.REFUSED, is_fresh=True), {A.UNDO}),
    (replace(FREE, state=S.REFUSED), set()),
    (replace(FREE, state=S.SETTLED, is_fresh=True), set()),
    (replace(FREE, state=S.WITHDRAWN), set()),
    (replace(FREE, state=S.EXPIRED), set()),
    (replace(FREE, kind=CaseKind.DISPUTE), {A.TAKE, A.FREEZE}),
    (replace(MINE, kind=CaseKind.DISPUTE), {A.LEAVE, A.APPROVE, A.REFUSE, A.ASK, A.FREEZE}),
    (replace(FREE, kind=CaseKind.DISPUTE, state=S.ASKED, is_frozen=True), {A.UNFREEZE}),
    (replace(FREE, kind=CaseKind.DISPUTE, holder="Otto"), set()),
]


@pytest.mark.parametrize(("situation", "expected"), EXPECTED)
def test_what_may_be_done(situation: Situation, expected: set[DeskAction]) -> None:
    assert allowed(situation) == expected | ALWAYS


def every_situation() -> list[Situation]:
    return [
        Situation(
            kind=kind, state=state, holder=holder, is_mine=mine, is_own_proposal=own, is_fresh=fresh, is_frozen=frozen
        )
        for kind, state, holder in product(CaseKind, CaseState, ("", "Otto"))
        for mine, own, fresh, frozen in product((False, True), repeat=4)
    ]


def test_whoever_has_a_conflict_only_lays_it_aside_or_says_so() -> None:
    for situation in every_situation():
        barred = replace(situation, conflict="You are in acme.")
        assert allowed(barred) <= {A.LEAVE, A.DECLARE}
        for action in IMPARTIAL:
            found = option(action, barred)
            assert (found.is_barred, found.reason) == (True, "You are in acme.")


def test_what_is_not_allowed_says_why_and_what_is_allowed_does_not() -> None:
    for situation in every_situation():
        assert [one.action for one in options(situation)] == list(DeskAction)
        assert all(bool(one.reason) is not one.allowed for one in options(situation))


def test_nobody_decides_what_is_not_in_their_hands() -> None:
    for situation in every_situation():
        if not situation.is_mine or situation.holder:
            assert not allowed(situation) & BY_HAND


STEPS = {A.APPROVE: [CaseAction.APPROVE], A.REFUSE: [CaseAction.REFUSE], A.ASK: [CaseAction.ASK]} | {
    A.CONFIRM: [CaseAction.APPROVE, CaseAction.REFUSE],
    A.DISAGREE: [CaseAction.DISAGREE],
    A.UNDO: [CaseAction.UNDO],
}


@pytest.mark.parametrize("action", STEPS)
def test_every_state_in_which_it_makes_sense_has_the_transition(action: DeskAction) -> None:
    for state in WHEN[action]:
        assert all(next_state(state, step) is not None for step in STEPS[action])


def test_a_second_declaration_is_none() -> None:
    assert not option(A.DECLARE, replace(FREE, is_declared=True, conflict="You said so."))
    assert all(state in WHEN[A.FREEZE] for state in OPEN)
