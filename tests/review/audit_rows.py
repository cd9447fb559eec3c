"""What each service of the desk leaves in the trail, for ``test_audit``. Owners never read who looks at what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import User
from namespaces.cases import CaseKind, CaseState, DecisionOutcome
from namespaces.models import Case
from namespaces.services.disputes import freeze
from orgs.actors import Actor
from review.services.desk import give
from tests import factories

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]


def claimed(state: CaseState = CaseState.WAITING, by: User | None = None, **fields: Any) -> Case:
    return factories.case(factories.organization("acme"), state=state, by=by, **fields)


def reported(*, is_frozen: bool = False) -> Case:
    case = factories.case(factories.organization("acme"), kind=CaseKind.DISPUTE)
    if is_frozen:
        freeze(actor=Actor.operator(), case=case)
    return case


def at_the_desk(case: Case, *, in_hand: bool = True) -> dict[str, Any]:
    """The case, with a reviewer who has it in hand."""
    reviewer = factories.reviewer()
    if in_hand:
        give(case, reviewer)
    return {"case": case, "actor": Actor.staff(reviewer, origin="192.0.2.7")}


def next_of_a_queue() -> dict[str, Any]:
    claimed()
    return {"actor": Actor.staff(factories.reviewer(), origin="192.0.2.7")}


ROWS: dict[str, Row] = {
    "take_case": (lambda: at_the_desk(claimed(), in_hand=False), [("review.taken", "")]),
    "take_next_case": (next_of_a_queue, [("review.taken", "")]),
    "leave_case": (lambda: at_the_desk(claimed()), [("review.left", "")]),
    "add_note": (lambda: at_the_desk(claimed()) | {"text": "Look at this."}, [("review.noted", "")]),
    "declare_conflict": (lambda: at_the_desk(claimed()) | {"reason": "A friend."}, [("review.conflict", "")]),
    "decide_case": (
        lambda: (
            at_the_desk(claimed())
            | {"outcome": DecisionOutcome.REFUSE, "criteria": ["identifies"], "text": "Prove the domain."}
        ),
        [("case.refused", "acme")],
    ),
    "ask_in_case": (lambda: at_the_desk(claimed()) | {"text": "Whose are they?"}, [("case.asked", "acme")]),
    "agree": (
        lambda: at_the_desk(claimed(CaseState.PROPOSED)),
        [("namespace.granted", "acme"), ("case.approved", "acme")],
    ),
    "turn_down": (
        lambda: at_the_desk(claimed(CaseState.PROPOSED)) | {"reason": "Not yet."},
        [("case.disagreed", "")],
    ),
    "stop_new_projects": (
        lambda: at_the_desk(reported(), in_hand=False) | {"text": "We look into it."},
        [("namespace.lock", "acme"), ("case.frozen", "acme")],
    ),
    "allow_new_projects": (
        lambda: at_the_desk(reported(is_frozen=True), in_hand=False),
        [("namespace.unlock", "acme"), ("case.unfrozen", "acme")],
    ),
    "take_decision_back": (
        lambda: at_the_desk(claimed(CaseState.REFUSED), in_hand=False) | {"reason": "A mistake."},
        [("case.undone", "acme")],
    ),
}

ELSEWHERE = {"check_again": "it writes only when the case is granted; see tests/review/test_decisions"}
