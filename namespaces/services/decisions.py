"""Deciding cases: by machine, by one reviewer, or by two (DESIGN section 8)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces.cases import (
    CaseAction,
    CaseKind,
    CaseState,
    DecisionOutcome,
    DecisionState,
    EntryKind,
    Ground,
    Moment,
    Party,
)
from namespaces.errors import NotNow
from namespaces.hooks import objection
from namespaces.models import Case, CaseDecision, CaseEvaluation
from namespaces.policy.evaluation import CommunityKey, Key, Outcome, Stake
from namespaces.services.casework import demand, enter, locked, move, parse_text, target
from namespaces.services.effects import EFFECTS
from namespaces.services.evaluations import evaluate_case
from orgs import audit
from orgs.actors import Actor
from orgs.vocabulary import State

logger = logging.getLogger(__name__)

CRITERIA: dict[CaseKind, type[models.TextChoices]] = {
    CaseKind.CLAIM: Key,
    CaseKind.APPLICATION: CommunityKey,
    CaseKind.DISPUTE: Ground,
}
"""What a decision on a case of each kind may rest on."""

ACTIONS = {DecisionOutcome.APPROVE: CaseAction.APPROVE, DecisionOutcome.REFUSE: CaseAction.REFUSE}
ENTRIES = {DecisionOutcome.APPROVE: EntryKind.APPROVED, DecisionOutcome.REFUSE: EntryKind.REFUSED}


def decide_by_machine(case: Case, evaluation: CaseEvaluation | None) -> CaseDecision | None:
    """Approve the case if its evaluation says so; the machine refuses nothing. The caller holds the locks.

    What people have doubted is for people, whatever the policy says of it by now. Where the approval can't be put into
    force, the case waits for somebody who sees why.
    """
    if evaluation is None or evaluation.outcome != Outcome.GRANT_NOW or case.state != CaseState.WAITING:
        return None
    if is_doubted(case):
        return None
    try:
        with transaction.atomic():
            return _approve_by_machine(case, evaluation)
    except DomainError as refusal:
        logger.warning("Case %s was to be approved by machine and could not be: %s", case.pk, refusal)
        organization = case.organization
        case.refresh_from_db()
        case.organization = organization
        return None


def _approve_by_machine(case: Case, evaluation: CaseEvaluation) -> CaseDecision:
    decision = CaseDecision.objects.create(
        case=case,
        outcome=DecisionOutcome.APPROVE,
        state=DecisionState.EFFECTIVE,
        by_machine=True,
        evaluation=evaluation,
        effective_at=timezone.now(),
    )
    _put_into_force(Actor.worker(), case, decision, Party.MACHINE)
    return decision


def is_doubted(case: Case) -> bool:
    """Whether a person has refused this, or undone an approval of it: in this case, or in another claim of the same
    organization of a name above, at or below. Else one would claim again until the machine agrees."""
    doubts = CaseDecision.objects.filter(Q(outcome=DecisionOutcome.REFUSE) | Q(state=DecisionState.UNDONE))
    if case.kind != CaseKind.CLAIM:
        return doubts.filter(case=case).exists()
    others = Case.objects.overlapping(case.name).filter(organization=case.organization_id)
    return doubts.exclude(state=DecisionState.REJECTED).filter(case__in=others).exists()


@transaction.atomic
def decide(
    *,
    actor: Actor,
    case: Case,
    outcome: DecisionOutcome,
    criteria: Iterable[str] = (),
    text: str = "",
    reason: str = "",
) -> CaseDecision:
    """A reviewer's decision: in force at once, or proposed to a second reviewer where the stake is high.

    A refusal names the criteria on which it rests and tells the applicant what would change it. ``reason`` is
    for staff.
    """
    case = locked(case)
    demand(ACTIONS[outcome], case, actor)
    if case.state == CaseState.PROPOSED:
        raise NotNow("Another reviewer has proposed a decision: agree to it, or disagree.")
    _demand_impartial(actor, case)
    evaluation = evaluate_case(case, Moment.DECIDED)  # before it is asked how much is at stake now
    proposed = case.stake == Stake.HIGH
    if proposed and actor.user is None:
        raise NotPermitted("What two reviewers decide is decided by people with accounts.")
    named = parse_criteria(case, criteria, required=outcome is DecisionOutcome.REFUSE)
    decision = CaseDecision(
        case=case,
        outcome=outcome,
        state=DecisionState.PROPOSED if proposed else DecisionState.EFFECTIVE,
        by=actor.user,
        criteria=named,
        text=parse_text(text, required=outcome is DecisionOutcome.REFUSE),
        reason=parse_text(reason, required=False),
        evaluation=evaluation,
    )
    EFFECTS[CaseKind(case.kind)].demand(actor, case, decision)
    if proposed:
        return _propose(actor, case, decision)
    decision.effective_at = timezone.now()
    decision.save()
    _put_into_force(actor, case, decision, Party.REVIEWER)
    return decision


@transaction.atomic
def confirm(*, actor: Actor, case: Case) -> CaseDecision:
    """Put into force what another reviewer proposed."""
    case = locked(case)
    demand(CaseAction.APPROVE, case, actor)  # or to refuse: who may do one may do the other
    decision = proposal(case)
    _demand_another(actor, decision)
    _demand_impartial(actor, case)
    decision.confirmed_by, decision.state = actor.user, DecisionState.EFFECTIVE
    decision.effective_at = timezone.now()
    decision.save()
    _put_into_force(actor, case, decision, Party.REVIEWER)
    return decision


@transaction.atomic
def disagree(*, actor: Actor, case: Case, reason: str) -> CaseDecision:
    """Turn down what another reviewer proposed: the case is looked at again. The applicant is told nothing."""
    case = locked(case)
    demand(CaseAction.DISAGREE, case, actor)
    decision = proposal(case)
    _demand_another(actor, decision)
    end_decision(decision, DecisionState.REJECTED)
    decision.reason = "\n\n".join(filter(None, [decision.reason, parse_text(reason)]))
    decision.save(update_fields=["reason"])
    move(case, CaseAction.DISAGREE)
    _note(actor, case, "case.disagreed", reason)
    return decision


@transaction.atomic
def undo(*, actor: Actor, case: Case, reason: str) -> Case:
    """Take a decision back within the day: what it brought about ends, and what it settled is open again."""
    case = locked(case)
    demand(CaseAction.UNDO, case, actor)
    decision = in_force(case)
    if decision is None or decision.effective_at is None:
        raise NotNow("There is no decision to undo.")
    if timezone.now() - decision.effective_at > settings.FREEHOLD_UNDO:
        raise NotNow("A decision is undone within a day; after that an appeal or a dispute is the way.")
    if Case.objects.open().like(case).exists():
        raise NotNow("It was filed anew since; decide that one.")
    if case.organization.state == State.CLOSED:
        raise NotNow(f"{case.organization.name!r} has been closed since; there is nobody left to decide it for.")
    reason = parse_text(reason)
    EFFECTS[CaseKind(case.kind)].undo(actor, case, decision)
    end_decision(decision, DecisionState.UNDONE)
    move(case, CaseAction.UNDO)
    enter(actor, case, EntryKind.UNDONE, Party.REVIEWER, reason)
    settled = Case.objects.filter(settled_by=case).select_related("organization").order_by("pk")
    for other in list(settled.select_for_update(no_key=True, of=("self",))):
        reopen(actor, other)
    return case


def proposal(case: Case) -> CaseDecision:
    """What the first of two reviewers proposed; raises ``NotNow``."""
    found = case.decisions.filter(state=DecisionState.PROPOSED).first()
    if found is None:
        raise NotNow("There is no proposal to agree to.")
    return found


def in_force(case: Case) -> CaseDecision | None:
    return case.decisions.filter(state=DecisionState.EFFECTIVE).first()


def end_decision(decision: CaseDecision, state: DecisionState) -> None:
    decision.state, decision.ended_at = state, timezone.now()
    decision.save(update_fields=["state", "ended_at"])


def parse_criteria(case: Case, criteria: Iterable[str], *, required: bool) -> Sequence[str]:
    """The criteria named, each once, in the order of the policy; raises ``Invalid``."""
    known = CRITERIA[CaseKind(case.kind)].values
    named = set(criteria)
    if unknown := sorted(named - set(known)):
        raise Invalid(f"There is no criterion {unknown[0]!r}; there are {', '.join(known)}.")
    if required and not named:
        raise Invalid("A refusal names the criteria on which it rests; name at least one.")
    return [key for key in known if key in named]


def _demand_another(actor: Actor, decision: CaseDecision) -> None:
    if actor.user is None or actor.user.pk == decision.by_id:
        raise NotPermitted("Two different reviewers decide this; wait for another.")


def _demand_impartial(actor: Actor, case: Case) -> None:
    """Nothing is decided by who has a part in it, nor an appeal by who decided what it is against."""
    if actor.user is not None and (reason := objection(actor.user, case)):
        raise NotPermitted(reason)
    appealed = case.decisions.filter(state=DecisionState.APPEALED)
    if actor.user is not None and appealed.filter(Q(by=actor.user) | Q(confirmed_by=actor.user)).exists():
        raise NotPermitted("The appeal is against a decision of yours; somebody else looks at it.")


def _propose(actor: Actor, case: Case, decision: CaseDecision) -> CaseDecision:
    decision.save()
    move(case, CaseAction.PROPOSE)
    _note(actor, case, "case.proposed", decision.reason, outcome=str(decision.outcome))
    return decision


def _put_into_force(actor: Actor, case: Case, decision: CaseDecision, party: Party) -> None:
    outcome = DecisionOutcome(decision.outcome)
    effect = EFFECTS[CaseKind(case.kind)]
    move(case, ACTIONS[outcome])
    (effect.approve if outcome is DecisionOutcome.APPROVE else effect.refuse)(actor, case, decision)
    enter(actor, case, ENTRIES[outcome], party, decision.text, criteria=list(decision.criteria))
    if outcome is DecisionOutcome.APPROVE and case.kind == CaseKind.CLAIM:
        _settle_others(actor, case)


def _settle_others(actor: Actor, case: Case) -> None:
    """There is nothing left to decide of what others claimed above, at or below the name: say so openly."""
    others = Case.objects.select_for_update(no_key=True, of=("self",)).open().overlapping(case.name)
    for other in list(others.exclude(organization=case.organization).select_related("organization").order_by("pk")):
        for proposed in other.decisions.filter(state=DecisionState.PROPOSED):
            end_decision(proposed, DecisionState.REJECTED)
        other.settled_by = case
        move(other, CaseAction.SETTLE)
        enter(actor, other, EntryKind.SETTLED, Party.MACHINE, by=case.pk, namespace=case.name)


def reopen(actor: Actor, case: Case) -> None:
    """What settled the case is gone: it is in the queue again, at its old place."""
    if Case.objects.open().like(case).exists():  # it was filed anew meanwhile
        return
    if case.organization.state == State.CLOSED:
        return
    case.settled_by = None
    move(case, CaseAction.REOPEN)
    enter(actor, case, EntryKind.REOPENED, Party.MACHINE)


def _note(actor: Actor, case: Case, action: str, reason: str, **after: str) -> None:
    """Into the audit trail alone: the applicant is not told before there is a decision. The trail of the organization
    does not have it either, since its owners read that."""
    audit.record(actor, action, target(case), after={"reason": reason, **after})
