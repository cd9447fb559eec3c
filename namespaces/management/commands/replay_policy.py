from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from tempfile import TemporaryFile
from typing import IO, Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from freehold.errors import Invalid
from namespaces.cases import Moment
from namespaces.policy.evaluation import Outcome, Stake
from namespaces.policy.replay import Difference, replay
from namespaces.policy.thresholds import CommunityThresholds, Thresholds, community_from_file, from_file
from namespaces.replays import Evaluated, evaluations

TOTALS = {
    "evaluations": "evaluations were looked at",
    "unreadable": "of them were made by an older version and can't be read any more",
    "unchanged": "come out as before",
    "granted_now": "were for a person to look at, and would be granted at once",
    "looked_at_now": "were granted at once, and would be for a person to look at",
    "two_reviewers_now": "had one reviewer, and would have two",
    "one_reviewer_now": "had two reviewers, and would have one",
    "other_criteria": "differ in criteria alone, with the same outcome and as many reviewers",
}


class Command(FreeholdCommand):
    help = (
        "Evaluate past claims and applications anew under other thresholds, and print what would change: the totals, "
        "then a line for each. Nothing is stored and nobody is told. With --json, print a JSON object for the totals, "
        "then one a line. Exit status 0 whatever would change, 1 for thresholds that can't be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--thresholds",
            metavar="FILE.toml",
            required=True,
            help="the thresholds to try, as in FREEHOLD_POLICY_FILE; what it leaves out is as usual",
        )
        parser.add_argument("--since", metavar="DATE", type=_day, help="only evaluations made from this day on (UTC)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def perform(self, *, thresholds: str, since: datetime | None, json: bool, **options: Any) -> None:
        tried = _thresholds(thresholds)
        with TemporaryFile("w+", encoding="utf-8") as lines:  # what would change may be more than fits in memory
            totals = _replay(since, *tried, lines, as_json=json)
            self._print(totals, lines, as_json=json)

    def _print(self, totals: dict[str, int], lines: IO[str], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"totals": totals}))
        else:
            self.stdout.write("\n".join(f"{totals[name]:>9,} {text}" for name, text in TOTALS.items()))
        lines.seek(0)
        for line in lines:
            self.stdout.write(line, ending="")


def _day(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!a} is no day; write it as 2026-11-22.") from error
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _thresholds(path: str) -> tuple[Thresholds, CommunityThresholds]:
    if not path:
        raise Invalid("Name the file of the thresholds.")
    try:
        return from_file(path), community_from_file(path)
    except ValueError as error:
        raise Invalid(f"The thresholds in {path!a} can't be used: {str(error).rstrip('.')}.") from error


def _replay(
    since: datetime | None, thresholds: Thresholds, community: CommunityThresholds, lines: IO[str], *, as_json: bool
) -> dict[str, int]:
    """Write a line for each that would change; the totals."""
    totals: Counter[str] = Counter()
    for evaluated in evaluations(since):
        totals["evaluations"] += 1
        if evaluated.past is None:
            totals["unreadable"] += 1
            continue
        found = next(replay([evaluated.past], thresholds, community), None)
        totals.update(_kinds(found))
        if found is not None:
            lines.write(json.dumps(_as_json(evaluated, found)) if as_json else _in_words(evaluated, found))
            lines.write("\n")
    return {name: totals[name] for name in TOTALS}


def _kinds(found: Difference | None) -> Iterator[str]:
    """Under what it is counted."""
    if found is None:
        yield "unchanged"
    elif found.before is not found.after:
        yield "granted_now" if found.after is Outcome.GRANT_NOW else "looked_at_now"
    elif found.stake_before is found.stake_after:
        yield "other_criteria"
    if found is not None and found.stake_before is not found.stake_after:
        yield "two_reviewers_now" if found.stake_after is Stake.HIGH else "one_reviewer_now"


def _as_json(evaluated: Evaluated, found: Difference) -> dict[str, Any]:
    return {
        "case": evaluated.case,
        "kind": evaluated.kind.value,
        "name": found.name,
        "moment": evaluated.moment,
        "at": evaluated.at.isoformat(),
        "outcome": {"before": found.before.value, "after": found.after.value},
        "stake": {"before": found.stake_before.value, "after": found.stake_after.value},
        "criteria": [key.value for key in found.changed],
    }


def _in_words(evaluated: Evaluated, found: Difference) -> str:
    about = f"{evaluated.kind.label} {evaluated.case} of {found.name}, {evaluated.at:%Y-%m-%d}"
    moment = str(Moment(evaluated.moment).label).lower()
    parts = []
    if found.before is not found.after:
        parts.append(f"{found.before.label} -> {found.after.label}")
    if found.stake_before is not found.stake_after:
        parts.append(f"{found.stake_before.label} -> {found.stake_after.label}")
    if found.changed:
        parts.append("other: " + ", ".join(key.value for key in found.changed))
    return f"{about} ({moment}): {'; '.join(parts)}"
