"""The evaluations that were made, read one after the other to be replayed (``namespaces.policy.replay``)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from namespaces.cases import CaseKind
from namespaces.models import CaseEvaluation
from namespaces.policy.application_inputs import ApplicationInputs
from namespaces.policy.inputs import ClaimInputs
from namespaces.policy.replay import PastApplication, PastClaim
from namespaces.policy.thresholds import community_from_mapping, from_mapping

CHUNK = 500


class Evaluated(NamedTuple):
    """An evaluation that is kept; ``past`` is None where it can't be read any more."""

    case: int
    kind: CaseKind
    moment: str
    at: datetime
    past: PastClaim | PastApplication | None


def evaluations(since: datetime | None = None) -> Iterator[Evaluated]:
    """In the order in which they were made, those of claims and of applications; a portion at a time."""
    found = CaseEvaluation.objects.order_by("pk")
    if since is not None:
        found = found.filter(at__gte=since)
    fields = ("pk", "case", "case__kind", "moment", "at", "inputs", "thresholds")
    for pk, case, kind, moment, at, inputs, thresholds in found.values_list(*fields).iterator(chunk_size=CHUNK):
        yield Evaluated(case, CaseKind(kind), moment, at, _past(pk, kind, inputs, thresholds))


def _past(pk: int, kind: str, inputs: Any, thresholds: Any) -> PastClaim | PastApplication | None:
    try:
        if kind == CaseKind.CLAIM:
            return PastClaim(place=pk, inputs=ClaimInputs.from_json(inputs), thresholds=from_mapping(thresholds))
        numbers = community_from_mapping(thresholds)
        return PastApplication(place=pk, inputs=ApplicationInputs.from_json(inputs), thresholds=numbers)
    except (ValueError, TypeError, AttributeError):
        return None
