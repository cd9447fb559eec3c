"""The labelled claims (``bench/claims/make_labelled.py``): what a careful reviewer would say, and what the machine does.

The labels come from the stories, not from the engine. One third was held out while rules and thresholds were tuned.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from namespaces.policy.evaluate import evaluate
from namespaces.policy.evaluation import Evaluation, Outcome
from namespaces.policy.inputs import ClaimInputs
from namespaces.policy.thresholds import Thresholds

FILE = Path(__file__).parent / "labelled.json.gz"
LABELS = ("grant", "look", "refuse")
GRANTED_AT_LEAST = 0.70

Judged = tuple[dict[str, Any], Evaluation]


@cache
def judged() -> tuple[Judged, ...]:
    with gzip.open(FILE, "rt", encoding="ascii") as lines:
        claims = json.load(lines)
    return tuple((claim, evaluate(ClaimInputs.from_json(claim["inputs"]), Thresholds())) for claim in claims)


def part(held_out: bool) -> list[Judged]:
    return [(claim, evaluation) for claim, evaluation in judged() if claim["held_out"] is held_out]


def granted(evaluation: Evaluation) -> bool:
    return evaluation.outcome is Outcome.GRANT_NOW


def table(found: list[Judged]) -> str:
    counts = Counter((claim["label"], granted(evaluation)) for claim, evaluation in found)
    rows = [f"{label:10}{counts[label, True]:12}{counts[label, False]:16}" for label in LABELS]
    return "\n".join([f"{'':10}{'granted now':>12}{'a person looks':>16}", *rows])


def misses(found: list[Judged]) -> str:
    return "\n".join(
        f"{claim['family']}: {claim['inputs']['prefix']}. "
        + " ".join(criterion.evidence for criterion in evaluation.open_criteria)
        for claim, evaluation in found
        if claim["label"] == "grant" and not granted(evaluation)
    )


def test_there_are_enough_of_every_kind() -> None:
    labels = Counter(claim["label"] for claim, _ in judged())
    assert len(judged()) >= 300
    assert min(labels[label] for label in LABELS) >= 100
    assert len({claim["family"] for claim, _ in judged()}) >= 15
    assert all(claim["reason"].endswith(".") for claim, _ in judged())
    assert len({json.dumps(claim["inputs"], sort_keys=True) for claim, _ in judged()}) > 0.98 * len(judged())


@pytest.mark.parametrize("held_out", [False, True], ids=["tuned on", "held out"])
def test_none_to_refuse_is_granted_and_most_to_grant_are(held_out: bool) -> None:
    found = part(held_out)
    print(f"\n{table(found)}\n\nTo be granted, but seen by a person:\n{misses(found)}")
    wrong = [
        claim["inputs"]["prefix"] for claim, evaluation in found if claim["label"] == "refuse" and granted(evaluation)
    ]
    assert not wrong
    wanted = [granted(evaluation) for claim, evaluation in found if claim["label"] == "grant"]
    assert sum(wanted) >= GRANTED_AT_LEAST * len(wanted)
    assert sum(claim["held_out"] for claim, _ in judged()) > 0.3 * len(judged())


def test_each_miss_says_why() -> None:
    for _, evaluation in judged():
        assert all(criterion.evidence and criterion.remedy for criterion in evaluation.open_criteria)
