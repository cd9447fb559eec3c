"""Past evaluations under other thresholds: what would have come out. Pure.

Both sides are evaluated by the rules as they are now, so that only the numbers make a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from namespaces.policy.application_inputs import ApplicationInputs
from namespaces.policy.community import evaluate_application
from namespaces.policy.evaluate import evaluate
from namespaces.policy.evaluation import CommunityKey, Evaluation, Key, Outcome, Stake
from namespaces.policy.inputs import ClaimInputs
from namespaces.policy.thresholds import CommunityThresholds, Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class PastClaim:
    """A claim as it was evaluated; ``place`` says which it was."""

    place: int
    inputs: ClaimInputs
    thresholds: Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class PastApplication:
    """An application as it was evaluated."""

    place: int
    inputs: ApplicationInputs
    thresholds: CommunityThresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One on which other thresholds come to another answer. ``name`` is the prefix, or the organization's name."""

    place: int
    name: str
    before: Outcome
    after: Outcome
    stake_before: Stake
    stake_after: Stake
    changed: tuple[Key | CommunityKey, ...]
    """The criteria whose result is another."""


def replay(
    past: Iterable[PastClaim | PastApplication], thresholds: Thresholds, community: CommunityThresholds
) -> Iterator[Difference]:
    """What would change if these were the thresholds, each seen from those under which it was evaluated.

    One after the other, so that any number of them takes no more room than one. Those on which nothing changes but the
    words are left out.
    """
    for each in past:
        if isinstance(each, PastClaim):
            name = each.inputs.prefix
            sides = (evaluate(each.inputs, each.thresholds), evaluate(each.inputs, thresholds))
        else:
            name = each.inputs.applicant.name
            sides = (
                evaluate_application(each.inputs, each.thresholds),
                evaluate_application(each.inputs, community),
            )
        if found := _difference(each.place, name, *sides):
            yield found


def _difference(place: int, name: str, old: Evaluation, new: Evaluation) -> Difference | None:
    changed = [one.key for one, other in zip(old.criteria, new.criteria, strict=True) if one.result is not other.result]
    if not changed and old.stake is new.stake:
        return None
    return Difference(
        place=place,
        name=name,
        before=old.outcome,
        after=new.outcome,
        stake_before=old.stake,
        stake_after=new.stake,
        changed=tuple(changed),
    )
