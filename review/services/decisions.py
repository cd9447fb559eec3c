"""Deciding at the desk: what ``namespaces`` does with a case, done by the one reviewer who has it in hand.

Each takes the locks of the case first and then looks who has it: of two reviewers who decide at once, the second one
finds it out of their hands.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from accounts.models import User
from namespaces.cases import OPEN, DecisionOutcome, Party
from namespaces.models import Case, CaseDecision
from namespaces.services import casework, claims, decisions, disputes
from orgs.actors import Actor
from review.options import DeskAction
from review.services.desk import demand, extend, give, release, reviewer_of


@transaction.atomic
def decide_case(
    *,
    actor: Actor,
    case: Case,
    outcome: DecisionOutcome,
    criteria: Iterable[str] = (),
    text: str = "",
    reason: str = "",
) -> CaseDecision:
    """Approve or refuse it, or propose so to a second reviewer (``decisions.decide``); it leaves one's hands."""
    case, _ = _entered(actor, case, DeskAction(outcome.value))
    decision = decisions.decide(actor=actor, case=case, outcome=outcome, criteria=criteria, text=text, reason=reason)
    release(case)
    return decision


@transaction.atomic
def ask_in_case(*, actor: Actor, case: Case, text: str, party: Party = Party.APPLICANT) -> Case:
    """Ask one side something (``casework.ask``); whoever is free goes on when it is answered."""
    case, _ = _entered(actor, case, DeskAction.ASK)
    case = casework.ask(actor=actor, case=case, text=text, party=party)
    release(case)
    return case


@transaction.atomic
def agree(*, actor: Actor, case: Case) -> CaseDecision:
    """Put into force what another reviewer proposed (``decisions.confirm``)."""
    case, _ = _entered(actor, case, DeskAction.CONFIRM)
    decision = decisions.confirm(actor=actor, case=case)
    release(case)
    return decision


@transaction.atomic
def turn_down(*, actor: Actor, case: Case, reason: str) -> CaseDecision:
    """Not agree to what another reviewer proposed (``decisions.disagree``); one keeps the case, to go on with it."""
    case, reviewer = _entered(actor, case, DeskAction.DISAGREE)
    decision = decisions.disagree(actor=actor, case=case, reason=reason)
    extend(case, reviewer)
    return decision


@transaction.atomic
def check_again(*, actor: Actor, case: Case) -> Case:
    """Have the policy look at it once more (``claims.look_again``), which may grant it."""
    case, reviewer = _entered(actor, case, DeskAction.LOOK_AGAIN)
    case = claims.look_again(actor=actor, case=case)
    if case.state in OPEN:
        extend(case, reviewer)
    else:
        release(case)
    return case


@transaction.atomic
def stop_new_projects(*, actor: Actor, case: Case, text: str = "") -> Case:
    """Let nobody start a project in the namespace while the report is looked into (``disputes.freeze``)."""
    case, _ = _entered(actor, case, DeskAction.FREEZE)
    return disputes.freeze(actor=actor, case=case, text=text)


@transaction.atomic
def allow_new_projects(*, actor: Actor, case: Case, text: str = "") -> Case:
    """Let new projects be made again before it is decided (``disputes.unfreeze``)."""
    case, _ = _entered(actor, case, DeskAction.UNFREEZE)
    return disputes.unfreeze(actor=actor, case=case, text=text)


@transaction.atomic
def take_decision_back(*, actor: Actor, case: Case, reason: str) -> Case:
    """Undo a decision of today (``decisions.undo``), one's own or another's; one has the case in hand again.

    What is decided is in nobody's hands, so this alone asks for no assignment; the lock lets one of two do it.
    """
    case, reviewer = _entered(actor, case, DeskAction.UNDO)
    case = decisions.undo(actor=actor, case=case, reason=reason)
    give(case, reviewer)
    return case


def _entered(actor: Actor, case: Case, action: DeskAction) -> tuple[Case, User]:
    """The case under all its locks, for a reviewer who may do this with it now."""
    reviewer = reviewer_of(actor)
    case = casework.locked(case)
    demand(action, case, reviewer)
    return case, reviewer
