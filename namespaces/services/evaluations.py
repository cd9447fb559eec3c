"""Evaluating a case by the policy of its kind, and keeping what it depended on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.utils import translation

from namespaces.cases import CaseKind, Moment
from namespaces.community_facts import gather_application
from namespaces.models import Case, CaseEvaluation
from namespaces.policy.community import evaluate_application
from namespaces.policy.evaluate import evaluate
from namespaces.policy.evaluation import Evaluation, Result
from namespaces.policy_facts import gather
from orgs.vocabulary import Kind


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An evaluation with what it came from, as JSON."""

    evaluation: Evaluation
    inputs: dict[str, Any]
    thresholds: dict[str, Any]


def judge(case: Case) -> Judged | None:
    """What the policy says of the case now; None for a dispute, on which people decide."""
    if case.kind == CaseKind.CLAIM:
        inputs, thresholds = gather(case.name, case.organization), settings.FREEHOLD_POLICY
        return Judged(evaluation=evaluate(inputs, thresholds), inputs=inputs.as_json(), thresholds=asdict(thresholds))
    if case.kind == CaseKind.APPLICATION:
        asked, numbers = (
            gather_application(case.organization, Kind(case.wanted_kind)),
            settings.FREEHOLD_COMMUNITY_POLICY,
        )
        found = evaluate_application(asked, numbers)
        return Judged(evaluation=found, inputs=asked.as_json(), thresholds=asdict(numbers))
    return None


def evaluate_case(case: Case, moment: Moment) -> CaseEvaluation | None:
    """Judge the case and keep the evaluation; the case's stake and open criteria follow it. The caller saves the case.

    What is kept is in the language of the deployment: reviewers and applicants may read it in another than the
    request's that caused it.
    """
    with translation.override(settings.LANGUAGE_CODE):
        judged = judge(case)
        if judged is None:
            return None
        result = judged.evaluation.as_json()
    case.stake = judged.evaluation.stake
    case.open_criteria = [
        criterion.key.value for criterion in judged.evaluation.criteria if criterion.result is not Result.PASS
    ]
    return CaseEvaluation.objects.create(
        case=case,
        moment=moment,
        inputs=judged.inputs,
        thresholds=judged.thresholds,
        result=result,
        outcome=judged.evaluation.outcome,
    )
