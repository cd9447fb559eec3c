"""The labelled organizations: what a careful reviewer would say, and what the machine does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from namespaces.policy.community import evaluate_application
from namespaces.policy.evaluation import Evaluation, Outcome
from namespaces.policy.thresholds import CommunityThresholds
from tests.cases.community.labelled import Labelled, everything

GRANTED_AT_LEAST = 0.70
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "policy.md"


def judged() -> list[tuple[Labelled, Evaluation]]:
    return [(each, evaluate_application(each.inputs, CommunityThresholds())) for each in everything()]


def granted(evaluation: Evaluation) -> bool:
    return evaluation.outcome is Outcome.GRANT_NOW


def test_there_are_enough_each_with_its_reason() -> None:
    labels = Counter(each.label for each in everything())
    assert sum(labels.values()) >= 60
    assert min(labels.values()) >= 15
    assert all(each.story and each.reason for each in everything())
    assert len({each.story for each in everything()}) == sum(labels.values())


def test_none_to_refuse_or_to_look_at_is_granted_and_most_to_grant_are() -> None:
    found = judged()
    counts = Counter((each.label, granted(said)) for each, said in found)
    for label in ("grant", "look", "refuse"):
        print(f"{label:8} granted at once {counts[label, True]:3}   a person looks {counts[label, False]:3}")
    wrong = [each.story for each, said in found if each.label != "grant" and granted(said)]
    assert wrong == []
    missed = [
        f"{each.story}: {', '.join(criterion.key for criterion in said.open_criteria)}"
        for each, said in found
        if each.label == "grant" and not granted(said)
    ]
    print("\n".join(missed))
    share = counts["grant", True] / (counts["grant", True] + counts["grant", False])
    assert GRANTED_AT_LEAST <= share < 1, missed


def test_the_guide_has_the_table() -> None:
    counts = Counter((each.label, granted(said)) for each, said in judged())
    words = {"grant": "to grant", "look": "to look at", "refuse": "to refuse"}
    rows = [f"| {word} | {counts[label, True]} | {counts[label, False]} |" for label, word in words.items()]
    assert "\n".join(rows) in GUIDE.read_text(encoding="utf-8")


def test_they_are_held_back_for_reasons_of_their_own() -> None:
    """One criterion, or the few that its story is about, and not the same one for all."""
    held_back = [said.open_criteria for each, said in judged() if each.label != "grant"]
    open_keys = [tuple(criterion.key for criterion in criteria) for criteria in held_back]
    assert min(len(keys) for keys in open_keys) == 1
    assert len(set(open_keys)) >= 12
