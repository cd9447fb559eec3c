"""The policy on claims (DESIGN section 8): what a machine grants at once, and what a person looks at. Pure.

All criteria met: granted. Anything else is for a person, who sees the same criteria.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from namespaces.policy import criteria
from namespaces.policy.evaluation import AskedProof, Criterion, Evaluation, Key, Outcome, Result
from namespaces.policy.inputs import ClaimInputs, Likeness, NearName
from namespaces.policy.thresholds import Thresholds
from orgs.vocabulary import Kind, ProofKind

BY_DOMAIN: tuple[ProofKind, ...] = (ProofKind.DNS, ProofKind.HTTPS, ProofKind.EMAIL_DOMAIN)


def evaluate(inputs: ClaimInputs, thresholds: Thresholds) -> Evaluation:
    """Judge a claim. It takes any inputs and never raises."""
    found = tuple(rule(inputs, thresholds) for rule in criteria.ALL)
    granted = all(criterion.result is Result.PASS for criterion in found)
    return Evaluation(
        outcome=Outcome.GRANT_NOW if granted else Outcome.A_PERSON_LOOKS,
        criteria=found,
        stakes=tuple(_stakes(inputs, thresholds)),
        asked_proofs=tuple(_asked(inputs, found)),
    )


def _stakes(inputs: ClaimInputs, thresholds: Thresholds) -> Iterable[str]:
    """Why two reviewers have to agree: where a mistake would hit many."""
    projects = inputs.projects
    if projects.others >= thresholds.high_projects or projects.outside_owners >= thresholds.high_owners:
        yield _("Many projects of others would be overtaken.")
    if (projects.own_downloads or 0) + (projects.outside_downloads or 0) >= thresholds.high_downloads:
        yield _("What is under it is downloaded very often.")
    if inputs.reserved or len(inputs.prefix.replace("-", "")) < thresholds.shortest:
        yield _("It is a reserved word or a very short one.")
    if any(_is_grave(near, inputs, thresholds) for near in inputs.near):
        yield _("It could be mistaken for a name that very many use.")


def _is_grave(near: NearName, inputs: ClaimInputs, thresholds: Thresholds) -> bool:
    popular = near.projects >= thresholds.high_projects or (near.downloads or 0) >= thresholds.high_downloads
    return popular and not near.mine and near.likeness is not Likeness.CONTAINED


def _asked(inputs: ClaimInputs, found: tuple[Criterion, ...]) -> Iterable[AskedProof]:
    """What the applicant could prove that would count, the most telling first."""
    results = {criterion.key: criterion.result for criterion in found}
    if results[Key.IDENTIFIES] is not Result.PASS:
        yield _asked_for_name(inputs)
    elif results[Key.PROOFS] is not Result.PASS:
        yield _asked_for_anything(inputs)
    if results[Key.IN_USE] is not Result.PASS or inputs.projects.unknown:
        yield AskedProof(
            kinds=(ProofKind.PROJECTS.value,),
            reason=_("Have the index say which projects under “%(prefix)s” are the organization's.")
            % {"prefix": inputs.prefix},
        )


def _asked_for_name(inputs: ClaimInputs) -> AskedProof:
    if inputs.applicant.kind is Kind.COMPANY:
        kinds, reason = BY_DOMAIN, _("Prove a domain called “%(prefix)s”, or one that begins with it.")
    else:
        kinds = (*BY_DOMAIN, ProofKind.FORGE)
        reason = _("Prove a domain, or an organization on a code forge, that is called “%(prefix)s”.")
    return AskedProof(kinds=tuple(kind.value for kind in kinds), reason=reason % {"prefix": inputs.prefix})


def _asked_for_anything(inputs: ClaimInputs) -> AskedProof:
    community = inputs.applicant.kind is Kind.COMMUNITY
    kinds = (*BY_DOMAIN, ProofKind.FORGE) if community else BY_DOMAIN
    return AskedProof(
        kinds=tuple(kind.value for kind in kinds), reason=_("Prove a domain that is the organization's own.")
    )
