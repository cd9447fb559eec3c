"""``manage.py replay_policy``, as the operator meets it."""

from __future__ import annotations

import gc
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from namespaces import replays
from namespaces.cases import CaseKind, Moment
from namespaces.models import Case, CaseEvaluation
from namespaces.policy import replay
from namespaces.policy.community import evaluate_application
from namespaces.policy.evaluate import evaluate
from namespaces.policy.inputs import ClaimInputs
from namespaces.policy.thresholds import CommunityThresholds, Thresholds
from tests import factories
from tests.cases.community.builders import good
from tests.claims import claim, projects
from tests.commands import help_of, refused, run
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def toml(tmp_path: Path) -> Any:
    def written(text: str) -> str:
        path = tmp_path / "tried.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


@pytest.fixture
def case() -> Case:
    return factories.case(factories.organization("acme"))


def past(case: Case, inputs: ClaimInputs, thresholds: Thresholds | None = None, **fields: Any) -> CaseEvaluation:
    """An evaluation as it was kept."""
    thresholds = thresholds or Thresholds()
    found = evaluate(inputs, thresholds)
    kept: dict[str, Any] = {
        "moment": Moment.FILED,
        "inputs": inputs.as_json(),
        "thresholds": asdict(thresholds),
        "result": found.as_json(),
        "outcome": found.outcome,
    }
    return CaseEvaluation.objects.create(case=case, **kept | fields)


def replayed(*arguments: str) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """The totals that are not 0, and the changes."""
    first, *rest = map(json.loads, run("replay_policy", "--json", *arguments).splitlines())
    return {name: count for name, count in first["totals"].items() if count}, rest


def test_help_says_what_a_stranger_needs() -> None:
    told = help_of("namespaces", "replay_policy")
    assert not [
        word for word in ("--thresholds", "--since", "--json", "Nothing is stored", "status 0") if word not in told
    ]


def test_in_words_the_totals_first(case: Case, toml: Any) -> None:
    past(case, claim())
    past(case, claim("abcd", words=()), moment=Moment.DECIDED)
    with nothing_changes():
        lines = run("replay_policy", "--thresholds", toml("shortest = 5\n")).splitlines()
    today = f"{timezone.now():%Y-%m-%d}"
    assert lines[:2] == [
        "        2 evaluations were looked at",
        "        0 of them were made by an older version and can't be read any more",
    ]
    assert "        1 were granted at once, and would be for a person to look at" in lines
    assert "        2 had one reviewer, and would have two" in lines
    assert lines[-2:] == [
        (
            f"Claim {case.pk} of acme, {today} (when it was filed): Granted at once -> A person looks; "
            "One reviewer decides -> Two reviewers decide; other: length"
        ),
        (
            f"Claim {case.pk} of abcd, {today} (when it was decided): One reviewer decides -> "
            "Two reviewers decide; other: length"
        ),
    ]


def test_each_is_seen_from_the_thresholds_under_which_it_was_made(case: Case, toml: Any) -> None:
    """Only what differs between then and what is tried is a change; what is in force now plays no part."""
    path = toml("shortest = 3\n")
    past(case, claim("abc"), Thresholds(shortest=3))
    past(case, claim("abc"))
    totals, (change,) = replayed("--thresholds", path)
    assert totals == {"evaluations": 2, "unchanged": 1, "one_reviewer_now": 1} | (
        {"granted_now": 1} if change["outcome"]["after"] == "grant_now" else {}
    )
    assert change["criteria"] == ["length"]


def test_towards_a_grant_and_away_from_one(case: Case, toml: Any) -> None:
    crowded = claim(projects=projects(own=30, outside=5, outside_first=claim().on))
    past(case, crowded)
    totals, (change,) = replayed("--thresholds", toml("outside_projects = 9\n"))
    assert totals == {"evaluations": 1, "granted_now": 1}
    assert change["outcome"] == {"before": "a_person_looks", "after": "grant_now"}
    past(case, crowded, Thresholds(outside_projects=9))
    assert replayed("--thresholds", toml(""))[0] == {"evaluations": 2, "unchanged": 1, "looked_at_now": 1}


def test_applications_too(toml: Any) -> None:
    case = factories.case(factories.organization("rocket"), kind=CaseKind.APPLICATION)
    inputs, thresholds = good(), CommunityThresholds()
    found = evaluate_application(inputs, thresholds)
    CaseEvaluation.objects.create(
        case=case,
        moment=Moment.FILED,
        inputs=inputs.as_json(),
        thresholds=asdict(thresholds),
        result=found.as_json(),
        outcome=found.outcome,
    )
    assert replayed("--thresholds", toml("shortest = 9\n"))[0] == {"evaluations": 1, "unchanged": 1}
    totals, (change,) = replayed("--thresholds", toml("[community]\nforge_days = 100000\n"))
    assert totals == {"evaluations": 1, "looked_at_now": 1}
    assert (change["kind"], change["name"]) == ("application", inputs.applicant.name)
    assert "public_forge" in change["criteria"]


def test_only_since_a_day(case: Case, toml: Any) -> None:
    for day in ("2026-01-31T23:59:59+00:00", "2026-02-01T00:00:00+00:00"):
        past(case, claim(), at=datetime.fromisoformat(day))
    totals, (change,) = replayed("--thresholds", toml("shortest = 5"), "--since", "2026-02-01")
    assert totals["evaluations"] == 1
    assert change["at"] == "2026-02-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "broken",
    [{"inputs": {"prefix": "acme"}}, {"inputs": []}, {"inputs": None}, {"thresholds": {"gone": 1}}, {"thresholds": 7}],
)
def test_what_an_older_version_made_is_counted_and_left_out(case: Case, toml: Any, broken: dict[str, Any]) -> None:
    evaluation = past(case, claim())
    for name, value in broken.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE namespaces_caseevaluation SET {name} = %s::jsonb WHERE id = %s",
                [json.dumps(value), evaluation.pk],
            )
    assert replayed("--thresholds", toml("shortest = 5")) == ({"evaluations": 1, "unreadable": 1}, [])


def test_of_nothing(toml: Any) -> None:
    assert replayed("--thresholds", toml("")) == ({}, [])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("shortest = ", "can't be used: Invalid value"),
        ("shortst = 4", "There is no threshold 'shortst'"),
        ("shortest = 0", "shortest must be at least 1, not 0."),
        ("shortest = 'four'", "shortest must be a whole number"),
        ("[community]\nstar = 1", "There is no threshold 'star'"),
        ("community = 3", "community must be a table"),
        ("\udcff", "can't be used"),
    ],
)
def test_thresholds_that_can_not_be_used(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "tried.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert sentence in refused("replay_policy", "--thresholds", str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "can't be read: No such file or directory." in refused("replay_policy", "--thresholds", f"{tmp_path}/none")
    assert "Name the file" in refused("replay_policy", "--thresholds", "")


def test_a_day_that_is_none(toml: Any) -> None:
    with pytest.raises(CommandError, match="'yesterday' is no day"):
        call_command("replay_policy", "--thresholds", toml(""), "--since", "yesterday")


@pytest.mark.slow
def test_ten_thousand_in_little_memory(case: Case, toml: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them change, and no more than a portion is ever in memory: neither of them nor of what is said of them."""
    evaluation = past(case, claim())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO namespaces_caseevaluation (case_id, moment, at, inputs, thresholds, result, outcome)"
            " SELECT case_id, moment, at, inputs, thresholds, result, outcome FROM namespaces_caseevaluation,"
            " generate_series(2, 10000) WHERE id = %s",
            [evaluation.pk],
        )
    most = Most(evaluate)
    monkeypatch.setattr(replay, "evaluate", most)
    with (tmp_path / "out").open("w+", encoding="utf-8") as out:
        call_command("replay_policy", "--json", "--thresholds", toml("shortest = 5\n"), stdout=out)
        out.seek(0)
        first, *rest = out
    assert json.loads(first)["totals"]["looked_at_now"] == len(rest) == 10_000
    assert 0 < most.inputs < 10
    assert 0 < most.rows <= replays.CHUNK + 10


class Most:
    """Evaluates, and looks now and then how many are in memory: as inputs, and as they came from the database."""

    def __init__(self, evaluate: Any) -> None:
        self.evaluate, self.calls, self.inputs, self.rows = evaluate, 0, 0, 0
        self.others = self._count()  # what other tests keep for themselves

    @staticmethod
    def _count() -> tuple[int, int]:
        gc.collect()
        everything = gc.get_objects()
        rows = sum(type(one) is dict and "hyphens_allowed" in one for one in everything)
        return sum(type(one) is ClaimInputs for one in everything), rows

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        if self.calls % 4_000 == 3_999:
            inputs, rows = (now - before for now, before in zip(self._count(), self.others, strict=True))
            self.inputs, self.rows = max(self.inputs, inputs), max(self.rows, rows)
        return self.evaluate(*arguments)
