"""The policy on community projects: who gets the free organization by machine, and whom a person looks at. Pure.

A project is one by what it does in public; an institution by what it is; a recognized fiscal sponsor's vouch stands for
what a forge would show. Anything not met is for a person, who sees the same criteria. Nobody's payments play a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _

from namespaces.policy import community_criteria as criteria
from namespaces.policy.application_inputs import ApplicationInputs, OwnProjects
from namespaces.policy.community_name import confusable, is_big, name
from namespaces.policy.evaluation import AskedProof, CommunityKey, Criterion, Evaluation, Outcome, Result
from namespaces.policy.inputs import Likeness
from namespaces.policy.thresholds import CommunityThresholds
from orgs.vocabulary import Kind, ProofKind

__all__ = ["ALL", "ApplicationInputs", "OwnProjects", "evaluate_application"]

Rule = Callable[[ApplicationInputs, CommunityThresholds], Criterion]

ALL: tuple[Rule, ...] = (
    criteria.proofs,
    criteria.public_forge,
    criteria.licence,
    criteria.activity,
    criteria.users,
    criteria.no_business,
    name,
    criteria.standing,
)
"""In the order of ``CommunityKey``."""

TO_BE_A_COMPANY: tuple[Rule, ...] = (criteria.standing,)
"""Whoever would rather pay is asked no more than whether something is open against it."""


def evaluate_application(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Evaluation:
    """Judge an application. It takes any inputs and never raises."""
    rules = ALL if inputs.wanted is Kind.COMMUNITY else TO_BE_A_COMPANY
    found = tuple(rule(inputs, thresholds) for rule in rules)
    granted = all(criterion.result is Result.PASS for criterion in found)
    return Evaluation(
        outcome=Outcome.GRANT_NOW if granted else Outcome.A_PERSON_LOOKS,
        criteria=found,
        stakes=tuple(_stakes(inputs, thresholds)),
        asked_proofs=tuple(_asked(inputs, found)),
    )


def _stakes(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Iterable[str]:
    """Why two reviewers have to agree: where a mistake would hit many."""
    if inputs.wanted is not Kind.COMMUNITY:
        return
    grave = [near for near in confusable(inputs, thresholds) if near.likeness is not Likeness.CONTAINED]
    if any(is_big(near, thresholds) for near in grave):
        yield _("It could be mistaken for a name that very many use.")


def _asked(inputs: ApplicationInputs, found: tuple[Criterion, ...]) -> Iterable[AskedProof]:
    """What the applicant could prove that would count, the most telling first."""
    results = {criterion.key: criterion.result for criterion in found}
    if inputs.wanted is not Kind.COMMUNITY or results[CommunityKey.FORGE] is Result.PASS:
        return
    if results[CommunityKey.PROOFS] is Result.PASS and inputs.forges:
        return
    yield AskedProof(
        kinds=(ProofKind.FORGE.value,),
        reason=_("Prove the project's organization on a code forge: it tells most of what is asked."),
    )
    yield AskedProof(
        kinds=(ProofKind.DNS.value, ProofKind.HTTPS.value),
        reason=_("A university, a state or a nonprofit proves its domain instead."),
    )
    yield AskedProof(
        kinds=(ProofKind.VOUCH.value,),
        reason=_("Or have a recognized fiscal sponsor vouch for the project."),
    )
