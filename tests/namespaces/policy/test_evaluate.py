"""The whole evaluation: it takes anything, gets no milder when things get worse, and goes to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namespaces.policy.evaluate import evaluate
from namespaces.policy.evaluation import Key, Outcome, Result, Stake
from namespaces.policy.inputs import (
    Applicant,
    ClaimInputs,
    Holding,
    Likeness,
    NearName,
    Overlap,
    Projects,
    ProofFact,
    Whose,
    WordUse,
)
from namespaces.policy.replay import Difference, PastClaim, replay
from namespaces.policy.thresholds import CommunityThresholds, Thresholds
from namespaces.states import GrantState
from orgs.vocabulary import Kind, ProofState, Standing, State
from tests.claims import COMPANY, DOMAIN, FORGE, TODAY, claim, near, projects

THRESHOLDS, COMMUNITY = Thresholds(), CommunityThresholds()


def filled(cls: type) -> st.SearchStrategy[Any]:
    """Any values in all fields, those with a default too."""
    return st.builds(cls, **{field.name: ... for field in fields(cls)})


for each in (ProofFact, Applicant, Holding, Projects, NearName, WordUse):
    st.register_type_strategy(each, filled(each))
anything = filled(ClaimInputs)

# Claims on the edge of a grant, for which each worsening matters.
words = st.sampled_from(["acme", "acme-labs", "google", "getacme", "abc", "parser"])
counts = st.integers(0, 30)
days = st.one_of(st.none(), st.dates(date(2020, 1, 1), TODAY))
likely = st.builds(
    ClaimInputs,
    prefix=words,
    on=st.just(TODAY),
    applicant=st.builds(
        Applicant,
        name=words,
        display_name=words,
        kind=st.sampled_from(Kind),
        state=st.sampled_from([State.ACTIVE, State.APPLIED]),
        standing=st.just(Standing.GOOD),
        age_days=counts,
        proofs=st.lists(st.sampled_from([DOMAIN, FORGE, replace(DOMAIN, subject="other.example")]), max_size=3).map(
            tuple
        ),
    ),
    projects=st.builds(
        Projects,
        own=counts,
        people=st.integers(0, 3),
        outside=st.integers(0, 3),
        unknown=st.integers(0, 1),
        outside_owners=st.integers(0, 2),
        outside_recent=st.integers(0, 1),
        outside_first=days,
        outside_last=days,
        own_first=days,
        own_downloads=st.one_of(st.none(), st.integers(0, 10**6)),
        outside_downloads=st.one_of(st.none(), st.integers(0, 12_000)),
        namesake=st.sampled_from([Whose.APPLICANT, Whose.NOBODY]),
    ),
    near=st.lists(
        st.builds(
            NearName,
            name=st.sampled_from(["acne", "google"]),
            source=st.just("popular"),
            likeness=st.sampled_from(Likeness),
            distance=st.just(1),
            mine=st.booleans(),
            projects=st.integers(0, 100),
        ),
        max_size=1,
    ).map(tuple),
    words=words.map(lambda word: (WordUse(part=word, projects=40),)),
)


def with_projects(**changes: Callable[[Projects], object]) -> Callable[[ClaimInputs], ClaimInputs]:
    def worse(inputs: ClaimInputs) -> ClaimInputs:
        found: dict[str, Any] = {name: change(inputs.projects) for name, change in changes.items()}
        return replace(inputs, projects=replace(inputs.projects, **found))

    return worse


def with_applicant(change: Callable[[Applicant], Applicant]) -> Callable[[ClaimInputs], ClaimInputs]:
    return lambda inputs: replace(inputs, applicant=change(inputs.applicant))


def proofs_changed(change: Callable[[ProofFact], ProofFact]) -> Callable[[ClaimInputs], ClaimInputs]:
    return with_applicant(lambda who: replace(who, proofs=tuple(map(change, who.proofs))))


WORSE: dict[str, Callable[[ClaimInputs], ClaimInputs]] = {
    "another holds it": lambda i: replace(
        i, holdings=(Holding(name="x", overlap=Overlap.SAME, state=GrantState.ACTIVE, mine=False, owner="y"),)
    ),
    "reserved": lambda i: replace(i, reserved="python"),
    "a commoner word": lambda i: replace(i, words=tuple(replace(use, projects=use.projects + 25) for use in i.words)),
    "one more look-alike": lambda i: replace(i, near=(*i.near, near("acne"))),
    "a better known look-alike": lambda i: replace(
        i, near=tuple(replace(one, projects=one.projects + 100, mine=False) for one in i.near)
    ),
    "fewer own projects": with_projects(own=lambda p: p.own // 2),
    "none by its people": with_projects(people=lambda _: 0),
    "began later": with_projects(own_first=lambda p: p.own_first and min(TODAY, p.own_first + timedelta(days=300))),
    "began at no known time": with_projects(own_first=lambda _: None),
    "more outside": with_projects(outside=lambda p: p.outside + 1),
    "more unknown": with_projects(unknown=lambda p: p.unknown + 1),
    "more owners": with_projects(outside_owners=lambda p: p.outside_owners + 1),
    "others were there earlier": with_projects(outside_first=lambda _: date(2019, 1, 1)),
    "others are newer": with_projects(outside=lambda p: p.outside + 1, outside_recent=lambda p: p.outside_recent + 1),
    "more downloads outside": with_projects(outside_downloads=lambda p: (p.outside_downloads or 0) + 5_000),
    "fewer own downloads": with_projects(own_downloads=lambda p: (p.own_downloads or 0) // 2),
    "the namesake is another's": with_projects(namesake=lambda _: Whose.OTHER),
    "a proof less": with_applicant(lambda who: replace(who, proofs=who.proofs[1:])),
    "flagged proofs": proofs_changed(lambda proof: replace(proof, flag="registered-anew")),
    "lost proofs": proofs_changed(lambda proof: replace(proof, state=ProofState.LOST)),
    "younger domains": proofs_changed(lambda proof: replace(proof, registered=TODAY)),
    "lapsed": with_applicant(lambda who: replace(who, standing=Standing.LAPSED)),
    "suspended": with_applicant(lambda who: replace(who, state=State.SUSPENDED)),
}


@pytest.mark.slow
@given(anything)
def test_it_takes_any_inputs(inputs: ClaimInputs) -> None:
    evaluation = evaluate(inputs, THRESHOLDS)
    granted = all(criterion.result is Result.PASS for criterion in evaluation.criteria)
    assert (evaluation.outcome is Outcome.GRANT_NOW) is granted
    assert json.loads(json.dumps(evaluation.as_json()))["outcome"] == evaluation.outcome


@pytest.mark.slow
@given(st.sampled_from(list(WORSE)), likely)
@settings(max_examples=1_000)
def test_what_gets_worse_is_never_granted_for_it(how: str, inputs: ClaimInputs) -> None:
    if evaluate(inputs, THRESHOLDS).outcome is Outcome.A_PERSON_LOOKS:
        assert evaluate(WORSE[how](inputs), THRESHOLDS).outcome is Outcome.A_PERSON_LOOKS


def test_some_of_those_claims_are_granted() -> None:
    """Or the test above would say nothing."""
    assert evaluate(claim(), THRESHOLDS).outcome is Outcome.GRANT_NOW
    ended = {name for name, worse in WORSE.items() if evaluate(worse(claim()), THRESHOLDS).open_criteria}
    assert ended >= {"another holds it", "reserved", "lapsed", "lost proofs", "the namesake is another's"}


class TestJson:
    @pytest.mark.slow
    @given(anything)
    def test_inputs_come_back_as_they_were(self, inputs: ClaimInputs) -> None:
        assert ClaimInputs.from_json(json.loads(json.dumps(inputs.as_json()))) == inputs

    @pytest.mark.parametrize(
        "change",
        [
            {"prefix": 7},
            {"on": "yesterday"},
            {"near": "acne"},
            {"near": [{"name": "acne"}]},
            {"holdings": {}},
            {"applicant": None},
            {"applicant": {"name": "acme"}},
            {"depth": 4},
            {"hyphens_allowed": True},
        ],
    )
    def test_what_is_no_such_thing_is_refused(self, change: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=r".+"):
            ClaimInputs.from_json(claim().as_json() | change)

    def test_what_is_left_out_is_as_usual(self) -> None:
        """So that inputs stored before a field was added are still read."""
        stored = claim().as_json()
        del stored["hyphens_allowed"], stored["projects"]["examples"]
        assert ClaimInputs.from_json(stored) == claim()

    def test_an_evaluation_tells_all(self) -> None:
        told = evaluate(claim("abc"), THRESHOLDS).as_json()
        assert (told["outcome"], told["stake"]) == ("a_person_looks", "high")
        assert told["criteria"][4] == {
            "key": "length",
            "title": "It is longer than three characters",
            "result": "fail",
            "evidence": "It has 3 characters; so short a name means many things to many people.",
            "remedy": "Claim a longer prefix, or say why this one is yours.",
        }


class TestReplay:
    CLAIMS = (claim(), claim(projects=projects(own=30, outside=5, outside_first=date(2024, 1, 1))), claim("abc"))
    PAST = tuple(PastClaim(place=place, inputs=each, thresholds=Thresholds()) for place, each in enumerate(CLAIMS))

    def test_the_same_thresholds_change_nothing(self) -> None:
        assert list(replay(self.PAST, THRESHOLDS, COMMUNITY)) == []

    def test_other_thresholds_change_what_they_touch(self) -> None:
        assert list(replay(self.PAST, Thresholds(outside_projects=9), COMMUNITY)) == [
            Difference(
                place=1,
                name="acme",
                before=Outcome.A_PERSON_LOOKS,
                after=Outcome.GRANT_NOW,
                stake_before=Stake.ORDINARY,
                stake_after=Stake.ORDINARY,
                changed=(Key.OVERTAKEN,),
            )
        ]

    def test_it_goes_from_the_thresholds_of_then(self) -> None:
        then = Thresholds(shortest=3)
        past = PastClaim(place=0, inputs=claim("abc", applicant=COMPANY), thresholds=then)
        (difference,) = replay([past], THRESHOLDS, COMMUNITY)
        assert (difference.changed, difference.stake_after) == ((Key.LENGTH,), Stake.HIGH)
