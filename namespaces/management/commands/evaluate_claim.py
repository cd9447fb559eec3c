from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from freehold.errors import NotFound
from namespaces import names
from namespaces.errors import InvalidNamespace
from namespaces.former_names import present_names
from namespaces.policy.evaluate import evaluate
from namespaces.policy.evaluation import Criterion, Evaluation
from namespaces.policy.inputs import ClaimInputs
from namespaces.policy_facts import gather
from orgs.models import Organization


class Command(FreeholdCommand):
    help = (
        "Say what the policy comes to on a claim of a prefix by an organization, criterion by criterion. "
        "Nothing is stored and nobody is told. With --json, print the inputs and the evaluation."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", metavar="PREFIX", help="the namespace that is claimed, in any spelling")
        parser.add_argument("--organization", metavar="NAME", required=True, help="the organization that claims it")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def perform(self, *, prefix: str, organization: str, json: bool, **options: Any) -> str:
        inputs = gather(_normalized(prefix), _organization(organization))
        evaluation = evaluate(inputs, settings.FREEHOLD_POLICY)
        return _as_json(inputs, evaluation) if json else "\n".join(_in_words(inputs, evaluation))


def _normalized(prefix: str) -> str:
    try:
        return names.normalize(prefix)
    except names.InvalidName as error:
        raise InvalidNamespace(str(error)) from error


def _organization(text: str) -> Organization:
    name = names.normalize(text) if names.is_valid(text) else ""
    found = Organization.objects.filter(name=present_names([name]).get(name, name)).first()
    if found is None:
        raise NotFound(f"There is no organization {text!a}.")
    return found


def _as_json(inputs: ClaimInputs, evaluation: Evaluation) -> str:
    return json.dumps({"inputs": inputs.as_json(), "evaluation": evaluation.as_json()}, indent=2)


def _in_words(inputs: ClaimInputs, evaluation: Evaluation) -> list[str]:
    lines = [f"{inputs.prefix} for {inputs.applicant.name}: {evaluation.outcome.label}.", ""]
    lines += [line for criterion in evaluation.criteria for line in _criterion(criterion)]
    if evaluation.stakes:
        lines += ["", f"{evaluation.stake.label}: {' '.join(evaluation.stakes)}"]
    if evaluation.asked_proofs:
        lines += ["", *(f"To prove: {asked.reason} ({', '.join(asked.kinds)})" for asked in evaluation.asked_proofs)]
    return lines


def _criterion(criterion: Criterion) -> list[str]:
    lines = [f"{criterion.result.label:26}{criterion.title}. {criterion.evidence}"]
    return [*lines, f"{'':26}{criterion.remedy}"] if criterion.remedy else lines
