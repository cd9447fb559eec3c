"""Each criterion by a table: what it sees, and what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from namespaces.policy import criteria
from namespaces.policy.evaluate import evaluate
from namespaces.policy.evaluation import Criterion, Evaluation, Key, Outcome, Result
from namespaces.policy.inputs import ClaimInputs, Holding, Likeness, Overlap, Projects, Source, Whose, WordUse
from namespaces.policy.thresholds import Thresholds
from namespaces.states import GrantState
from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State
from tests.claims import DOMAIN, FORGE, TODAY, applicant, claim, near, projects

PASS, FAIL, UNKNOWN = Result
THRESHOLDS = Thresholds()
LATELY, LONG_AGO = TODAY - timedelta(days=20), date(2019, 1, 1)


def judged(inputs: ClaimInputs, key: Key) -> Criterion:
    evaluation = evaluate(inputs, THRESHOLDS)
    return next(criterion for criterion in evaluation.criteria if criterion.key is key)


def test_there_is_a_rule_for_each_key_in_the_order_in_which_they_are_shown() -> None:
    assert [criterion.key for criterion in evaluate(claim(), THRESHOLDS).criteria] == list(Key)
    assert len(criteria.ALL) == len(Key)


def test_the_usual_claim_is_granted() -> None:
    evaluation = evaluate(claim(), THRESHOLDS)
    assert evaluation.outcome is Outcome.GRANT_NOW
    assert not evaluation.open_criteria
    assert not evaluation.asked_proofs
    assert not evaluation.stakes


def said(inputs: ClaimInputs, key: Key, result: Result) -> str:
    criterion = judged(inputs, key)
    assert criterion.result is result, criterion
    assert criterion.evidence.endswith("."), criterion
    assert bool(criterion.remedy) is (result is not PASS), criterion
    return criterion.evidence


def held(name: str, *, mine: bool = False, state: GrantState = GrantState.ACTIVE) -> Holding:
    return Holding(name=name, overlap=Overlap.SAME, state=state, mine=mine, owner="wile")


class TestAvailable:
    @pytest.mark.parametrize(
        ("holdings", "result", "words"),
        [
            ((), PASS, "Nobody else holds it"),
            ((held("acme-labs"),), FAIL, "“acme-labs”, which wile holds (Active)"),
            ((held("acme", state=GrantState.QUARANTINED),), FAIL, "Quarantined"),
            ((held("acme-labs", mine=True),), PASS, "Nobody else"),
            ((held("acme", mine=True),), FAIL, "holds it already"),
            ((held("acme", mine=True, state=GrantState.QUARANTINED),), PASS, "take it back"),
            ((held("acme-labs", mine=True), held("acme-x")), FAIL, "acme-x"),
        ],
    )
    def test_by_what_overlaps(self, holdings: tuple[Holding, ...], result: Result, words: str) -> None:
        assert words in said(claim(holdings=holdings), Key.AVAILABLE, result)

    def test_a_prefix_nested_too_deep(self) -> None:
        assert "5 hyphens" in said(claim("a-b-c-d-e-f"), Key.AVAILABLE, FAIL)


class TestStanding:
    @pytest.mark.parametrize(
        ("kind", "state", "standing", "result"),
        [
            (Kind.COMPANY, State.ACTIVE, Standing.GOOD, PASS),
            (Kind.COMPANY, State.APPLIED, Standing.GOOD, PASS),
            (Kind.COMPANY, State.ACTIVE, Standing.GRACE, UNKNOWN),
            (Kind.COMPANY, State.ACTIVE, Standing.LAPSED, FAIL),
            (Kind.COMPANY, State.SUSPENDED, Standing.GOOD, FAIL),
            (Kind.COMPANY, State.CLOSED, Standing.GOOD, FAIL),
            (Kind.COMMUNITY, State.ACTIVE, Standing.GOOD, PASS),
            (Kind.COMMUNITY, State.APPLIED, Standing.GOOD, UNKNOWN),
        ],
    )
    def test_by_state_and_standing(self, kind: Kind, state: State, standing: Standing, result: Result) -> None:
        said(claim(applicant=applicant(kind=kind, state=state, standing=standing)), Key.STANDING, result)


class TestProofs:
    VOUCH = replace(DOMAIN, kind=ProofKind.VOUCH, subject="sponsor")

    @pytest.mark.parametrize(
        ("kind", "proof", "result"),
        [
            (Kind.COMPANY, DOMAIN, PASS),
            (Kind.COMPANY, replace(DOMAIN, kind=ProofKind.EMAIL_DOMAIN), PASS),
            (Kind.COMPANY, replace(DOMAIN, state=ProofState.FAILING), PASS),
            (Kind.COMPANY, replace(DOMAIN, state=ProofState.LOST), FAIL),
            (Kind.COMPANY, replace(DOMAIN, state=ProofState.PENDING), FAIL),
            (Kind.COMPANY, replace(DOMAIN, flag="registered-anew"), UNKNOWN),
            (Kind.COMPANY, replace(DOMAIN, registered=LATELY), UNKNOWN),
            (Kind.COMPANY, replace(DOMAIN, registered=LONG_AGO), PASS),
            (Kind.COMPANY, FORGE, FAIL),
            (Kind.COMMUNITY, FORGE, PASS),
            (Kind.COMMUNITY, VOUCH, PASS),
            (Kind.COMPANY, VOUCH, FAIL),
        ],
    )
    def test_by_kind_of_organization(self, kind: Kind, proof: object, result: Result) -> None:
        said(claim(applicant=applicant(kind=kind, proofs=(proof,))), Key.PROOFS, result)


class TestIdentifies:
    @pytest.mark.parametrize(
        ("changes", "result", "words"),
        [
            ({}, PASS, "the very name"),
            ({"applicant": applicant(proofs=(replace(DOMAIN, subject="getacme.co.uk"),))}, PASS, "a usual addition"),
            ({"applicant": applicant(proofs=(FORGE,))}, PASS, "github.com/acme"),
            ({"applicant": applicant(proofs=())}, PASS, "most of what is under it"),
            (
                {"applicant": applicant(proofs=(FORGE,)), "projects": projects(own=1, own_first=LATELY)},
                UNKNOWN,
                "not published under it for long",
            ),
            ({"applicant": applicant(proofs=()), "projects": Projects()}, UNKNOWN, "calls itself so"),
            (
                {"applicant": applicant(proofs=(), name="zeta", display_name="Zeta"), "projects": Projects()},
                FAIL,
                "Nothing connects",
            ),
            (
                {"applicant": applicant(proofs=(replace(DOMAIN, subject="acrne.example"),)), "projects": Projects()},
                UNKNOWN,
                "calls itself so",
            ),
        ],
    )
    def test_by_what_is_proved(self, changes: dict[str, Any], result: Result, words: str) -> None:
        assert words in said(claim(**changes), Key.IDENTIFIES, result)


class TestWord:
    @pytest.mark.parametrize(("prefix", "result"), [("abc", FAIL), ("a-b-c", FAIL), ("acme", PASS), ("ab-cd", PASS)])
    def test_length_does_not_count_hyphens(self, prefix: str, result: Result) -> None:
        said(claim(prefix), Key.LENGTH, result)

    @pytest.mark.parametrize(
        ("uses", "result"),
        [
            ([WordUse(part="acme", projects=0)], PASS),
            ([WordUse(part="parser", projects=4_000)], FAIL),
            ([WordUse(part="parser", projects=4_000), WordUse(part="acme")], PASS),
            ([WordUse(part="web", projects=900), WordUse(part="server", projects=4_000)], FAIL),
            ([WordUse(part="webserver", projects=950, words=("web", "server"))], FAIL),
            ([WordUse(part="facebook", projects=70, words=("face", "book"))], PASS),
            ([WordUse(part="web", projects=900), WordUse(part="2025")], FAIL),
            ([], UNKNOWN),
        ],
    )
    def test_common_when_each_part_is(self, uses: list[WordUse], result: Result) -> None:
        said(claim(words=tuple(uses)), Key.COMMON, result)

    def test_common_when_many_use_it(self) -> None:
        words = said(claim(projects=projects(outside=9, outside_owners=7)), Key.COMMON, FAIL)
        assert words == "7 different others publish under it."

    def test_not_to_be_told_when_nobody_says_whose_they_are(self) -> None:
        assert "whose they are" in said(claim(projects=projects(unknown=25)), Key.COMMON, UNKNOWN)

    def test_reserved(self) -> None:
        said(claim(), Key.RESERVED, PASS)
        assert "the language itself" in said(claim(reserved="python"), Key.RESERVED, FAIL)
        assert "of another list" in said(claim(reserved="of another list"), Key.RESERVED, FAIL)


class TestUse:
    @pytest.mark.parametrize(
        ("changes", "result"),
        [
            ({}, PASS),
            ({"projects": projects(own=0, people=1)}, PASS),
            ({"projects": Projects()}, PASS),
            ({"projects": Projects(), "applicant": applicant(proofs=(FORGE,))}, FAIL),
            ({"projects": Projects(outside=1)}, FAIL),
        ],
    )
    def test_in_use_or_the_proved_name_of_nobody_else(self, changes: dict[str, Any], result: Result) -> None:
        said(claim(**changes), Key.IN_USE, result)

    @pytest.mark.parametrize(
        ("changes", "result", "words"),
        [
            ({}, PASS, "could be misled"),
            ({"projects": projects(own=1, outside=1, outside_recent=1)}, PASS, "lately"),
            ({"projects": Projects()}, PASS, "pass for acme.example"),
            ({"projects": Projects(), "applicant": applicant(proofs=())}, UNKNOWN, "No harm is in sight"),
        ],
    )
    def test_harm(self, changes: dict[str, Any], result: Result, words: str) -> None:
        assert words in said(claim(**changes), Key.HARM, result)


class TestOutside:
    LATER = {"outside_first": date(2022, 1, 1), "outside_last": date(2024, 5, 6)}

    @pytest.mark.parametrize(
        ("changes", "result", "words"),
        [
            ({}, PASS, "No project of others"),
            ({"outside": 1, "outside_owners": 1, **LATER}, PASS, "there before them"),
            ({"unknown": 1, **LATER}, PASS, "of 0 known owners, the newest first uploaded on May 6, 2024"),
            ({"outside": 1, "outside_owners": 1, **LATER, "own": 2}, FAIL, "too large a part"),
            ({"outside": 1, **LATER, "examples": ("acme-x",)}, PASS, "on May 6, 2024: acme-x. The applicant"),
            ({"outside": 4, "outside_owners": 1, **LATER, "own": 90}, FAIL, "more than a machine may overtake"),
            ({"outside": 3, "outside_owners": 3, **LATER, "own": 90}, FAIL, "more than a machine may overtake"),
            ({"outside": 1, **LATER, "outside_downloads": 90_000}, FAIL, "downloaded too often"),
            ({"outside": 1, "outside_first": date(2020, 1, 1)}, FAIL, "Not all of them came after"),
            ({"outside": 1}, FAIL, "Not all of them came after"),
            ({"namesake": Whose.OTHER, "outside": 1, **LATER}, FAIL, "The project called “acme” itself"),
            ({"namesake": Whose.UNKNOWN, "unknown": 1, **LATER}, FAIL, "The project called “acme” itself"),
        ],
    )
    def test_by_number_owners_share_downloads_and_time(
        self, changes: dict[str, Any], result: Result, words: str
    ) -> None:
        assert words in said(claim(projects=projects(**changes)), Key.OVERTAKEN, result)


class TestLookAlike:
    @pytest.mark.parametrize(
        ("found", "result"),
        [
            (near("acrne", Likeness.FOLDED), FAIL),
            (near("amce", Likeness.SWAPPED), FAIL),
            (near("acne"), FAIL),
            (near("acne", mine=True), PASS),
            (near("acne", projects=20), PASS),
            (near("acne", projects=20, downloads=900_000), FAIL),
            (near("acne", source=Source.GRANT, projects=0, owner="wile"), FAIL),
            (near("acme", Likeness.CONTAINED), PASS),
            (near("acme", Likeness.CONTAINED, source=Source.GRANT, owner="wile"), FAIL),
        ],
    )
    def test_of_an_established_applicant(self, found: object, result: Result) -> None:
        """Whose own projects are so well known that a name no better known is no matter."""
        said(claim(near=(found,)), Key.LOOK_ALIKE, result)

    @pytest.mark.parametrize(
        ("found", "uses", "result"),
        [
            (near("acne", projects=20), (), FAIL),
            (near("google", Likeness.CONTAINED), (), FAIL),
            (near("google", Likeness.CONTAINED, mine=True), (), PASS),
            (near("google", Likeness.CONTAINED, projects=3), (), PASS),
            (near("google", Likeness.CONTAINED, projects=3, downloads=9_000_000), (), FAIL),
            (near("data", Likeness.CONTAINED), (WordUse(part="data", projects=33_000),), PASS),
            (near("numpy", Likeness.CONTAINED), (WordUse(part="numpy", projects=578),), FAIL),
        ],
    )
    def test_of_a_new_one(self, found: object, uses: tuple[WordUse, ...], result: Result) -> None:
        said(claim(near=(found,), projects=Projects(), words=uses), Key.LOOK_ALIKE, result)

    def test_the_evidence_names_three_at_most(self) -> None:
        found = tuple(near(f"acme{number}") for number in range(5))
        words = said(claim(near=found), Key.LOOK_ALIKE, FAIL)
        assert words.startswith("It is nearly “acme0”, under which there are 500 projects.")
        assert "acme2" in words and "acme3" not in words


class TestStake:
    @pytest.mark.parametrize(
        "changes",
        [
            {"projects": projects(outside=25)},
            {"projects": projects(outside=10, outside_owners=10)},
            {"projects": projects(own_downloads=400_000, outside_downloads=700_000)},
            {"reserved": "python"},
            {"prefix": "aws"},
            {"near": (near("acne"),)},
        ],
    )
    def test_two_reviewers_where_a_mistake_would_hit_many(self, changes: dict[str, Any]) -> None:
        assert len(evaluate(claim(**changes), THRESHOLDS).stakes) == 1

    @pytest.mark.parametrize("found", [near("acne", projects=3), near("acne", mine=True)])
    def test_not_for_every_look_alike(self, found: object) -> None:
        assert not evaluate(claim(near=(found,)), THRESHOLDS).stakes


class TestAskedProofs:
    def asked(self, **changes: Any) -> list[tuple[str, ...]]:
        evaluation: Evaluation = evaluate(claim(**changes), THRESHOLDS)
        return [asked.kinds for asked in evaluation.asked_proofs]

    def test_a_company_is_asked_for_its_domain(self) -> None:
        nobody = applicant(proofs=())
        assert self.asked(applicant=nobody, projects=Projects(unknown=2)) == [
            ("dns", "https", "email_domain"),
            ("projects",),
        ]
        assert self.asked(applicant=nobody) == [("dns", "https", "email_domain")]

    def test_a_community_project_for_either(self) -> None:
        community = applicant(proofs=(), kind=Kind.COMMUNITY)
        assert self.asked(applicant=community)[0] == ("dns", "https", "email_domain", "forge")
