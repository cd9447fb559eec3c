"""What the policy says of an organization that applies: a table of what is met and what is not, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namespaces.policy import thresholds
from namespaces.policy.community import ALL, ApplicationInputs, evaluate_application
from namespaces.policy.evaluation import CommunityKey, Evaluation, Outcome, Result, Stake
from namespaces.policy.inputs import Likeness, Projects, Source, Whose, WordUse
from namespaces.policy.licences import Openness, openness, recognized
from namespaces.policy.thresholds import CommunityThresholds
from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State
from tests.cases.community.builders import (
    bare,
    days_ago,
    facts,
    forge_proof,
    good,
    holding,
    namesake,
    near,
    proof,
    published,
    repository,
    with_claim,
)

K, P, F, U = CommunityKey, Result.PASS, Result.FAIL, Result.UNKNOWN
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "policy.md"
DNS, HTTPS, MAIL, VOUCH = ProofKind.DNS, ProofKind.HTTPS, ProofKind.EMAIL_DOMAIN, ProofKind.VOUCH


def judged(inputs: ApplicationInputs, **numbers: int) -> Evaluation:
    return evaluate_application(inputs, CommunityThresholds(**numbers))


def results(inputs: ApplicationInputs, **numbers: int) -> dict[CommunityKey, Result]:
    return {CommunityKey(each.key): each.result for each in judged(inputs, **numbers).criteria}


def of(inputs: ApplicationInputs, key: CommunityKey, **numbers: int) -> Result:
    return results(inputs, **numbers)[key]


def repos(*found: Any, **fields: Any) -> ApplicationInputs:
    return good(forges=(facts("rocket", *found, **fields),))


def test_a_project_in_the_open_is_granted() -> None:
    found = judged(good())
    assert found.outcome is Outcome.GRANT_NOW
    assert [criterion.key for criterion in found.criteria] == list(CommunityKey)
    assert all(criterion.evidence and not criterion.remedy for criterion in found.criteria)
    assert found.asked_proofs == ()


def test_of_nothing_everything_is_asked() -> None:
    found = judged(bare())
    assert found.outcome is Outcome.A_PERSON_LOOKS
    assert {each.key for each in found.open_criteria} == {K.PROOFS, K.FORGE, K.LICENCE, K.ACTIVITY, K.USERS}
    assert all(each.evidence and each.remedy for each in found.open_criteria)
    assert [asked.kinds for asked in found.asked_proofs] == [("forge",), ("dns", "https"), ("vouch",)]


CONTAINED = near("django", Likeness.CONTAINED, projects=9_000)
DATA = near("data", Likeness.CONTAINED, projects=900)
TABLE: list[tuple[str, ApplicationInputs, CommunityKey, Result]] = [
    # --- Proofs
    ("a domain of its name", bare("rocket", proof(DNS, "rocket.org")), K.PROOFS, P),
    ("a usual addition", bare("rocket", proof(DNS, "rocket-project.org")), K.PROOFS, P),
    ("by its display name", bare("rkt", proof(DNS, "rocket.org"), display_name="Rocket"), K.PROOFS, P),
    ("called otherwise", bare("rocket", proof(DNS, "banana.org")), K.PROOFS, U),
    ("a young domain", bare("rocket", proof(DNS, "rocket.org", registered=days_ago(3))), K.PROOFS, U),
    (
        "a young one beside a forge",
        bare("rocket", forge_proof("rocket"), proof(DNS, "rocket.org", registered=days_ago(3))),
        K.PROOFS,
        P,
    ),
    ("a failing one still counts", bare("rocket", forge_proof("rocket", state=ProofState.FAILING)), K.PROOFS, P),
    ("a lost one does not", bare("rocket", forge_proof("rocket", state=ProofState.LOST)), K.PROOFS, F),
    ("a flagged one", bare("rocket", forge_proof("rocket", flag="owner-changed")), K.PROOFS, U),
    ("a vouch", bare("rocket", proof(VOUCH, "umbrella")), K.PROOFS, P),
    ("part of a university's domain", bare("rocket", proof(DNS, "rocket.uni.edu")), K.PROOFS, P),
    # --- Forge
    ("young", repos(repository(begun=days_ago(20))), K.FORGE, U),
    ("a fork", repos(repository(copied=True)), K.FORGE, F),
    ("empty", repos(repository(changed=None)), K.FORGE, F),
    ("about the account alone", repos(repository(".github")), K.FORGE, F),
    ("not asked yet", bare("rocket", forge_proof("rocket"), unanswered=("https://github.com/rocket",)), K.FORGE, U),
    ("a vouch stands for it", bare("rocket", proof(VOUCH, "umbrella")), K.FORGE, P),
    ("so does an institution", bare("uni", proof(DNS, "uni.edu")), K.FORGE, P),
    # --- Licence
    ("none", repos(repository(licence="")), K.LICENCE, U),
    ("one that the forge can't make out", repos(repository(licence="NOASSERTION")), K.LICENCE, U),
    ("or later", repos(repository(licence="GPL-3.0-or-later")), K.LICENCE, P),
    ("of GitLab's spelling", repos(repository(licence="apache-2.0")), K.LICENCE, P),
    ("restricted", repos(repository(licence="BUSL-1.1")), K.LICENCE, F),
    (
        "open kit of a restricted core",
        repos(repository(), repository("core", licence="SSPL-1.0", stars=90)),
        K.LICENCE,
        F,
    ),
    ("an unlicensed example beside it", repos(repository(), repository("examples", licence="", stars=3)), K.LICENCE, P),
    (
        "the archived one counts less",
        repos(repository(), repository("old", licence="", archived=True, stars=900)),
        K.LICENCE,
        P,
    ),
    # --- Activity
    ("last year", repos(repository(changed=days_ago(500))), K.ACTIVITY, U),
    ("archived", repos(repository(archived=True)), K.ACTIVITY, U),
    ("a touch alone", repos(repository(commits=1, releases=0)), K.ACTIVITY, U),
    ("a release alone", repos(repository(commits=1, releases=1)), K.ACTIVITY, P),
    ("not told", repos(repository(commits=None, releases=None)), K.ACTIVITY, U),
    # --- Users
    ("nobody", repos(repository(stars=1, forks=0)), K.USERS, U),
    ("forks", repos(repository(stars=1, forks=30)), K.USERS, P),
    (
        "many stars of a young one",
        repos(repository(begun=days_ago(9), stars=4_000), repository("old", stars=0, forks=0)),
        K.USERS,
        U,
    ),
    ("projects on the index", good(forges=(), projects=published(downloads=None)), K.USERS, P),
    ("young projects on the index", good(forges=(), projects=published(downloads=9, age=5)), K.USERS, U),
    ("one that is downloaded", good(forges=(), projects=published(1, 50_000, 5)), K.USERS, P),
    ("a vouch does not stand for it", bare("rocket", proof(VOUCH, "umbrella")), K.USERS, U),
    # --- No business
    ("a university", bare("uni", proof(DNS, "uni.edu")), K.INSTITUTION, P),
    ("a company's form", good(display_name="Rocket GmbH"), K.INSTITUTION, U),
    ("no form inside a word", good(display_name="Rocket Lab"), K.INSTITUTION, P),
    ("was a company", good(was_company=True), K.INSTITUTION, U),
    ("is a company", good(kind=Kind.COMPANY), K.INSTITUTION, U),
    ("its own site", good(website="https://rocket.com/"), K.INSTITUTION, U),
    ("its forge's site", repos(repository(), website="https://www.rocket.io"), K.INSTITUTION, U),
    ("a site at .org", repos(repository(), website="https://rocket.org"), K.INSTITUTION, P),
    ("pages of its code", repos(repository(), website="https://rocket.readthedocs.io"), K.INSTITUTION, P),
    ("it sells", good(description="Rockets for teams. Book a demo."), K.INSTITUTION, U),
    ("it sells on its forge", repos(repository(), about="The company behind Rocket"), K.INSTITUTION, U),
    (
        "vouched for, with a site",
        good("rocket", proof(VOUCH, "umbrella"), website="https://rocket.io"),
        K.INSTITUTION,
        P,
    ),
    ("a vouch for a company", bare("rocket", proof(VOUCH, "umbrella"), was_company=True), K.INSTITUTION, U),
    # --- Name
    ("a letter off", good(near=(near("r0cket-science"),)), K.NAME, F),
    ("a letter off, in what it is shown as", good(shown=(near("django"),)), K.NAME, F),
    ("its own", good(near=(near("rocketry", mine=True),)), K.NAME, P),
    ("somebody's namespace", good(near=(near("rockets", source=Source.GRANT, owner="other"),)), K.NAME, F),
    ("held by another", good(holdings=(holding("rocket"),)), K.NAME, F),
    ("held by itself", good(holdings=(holding("rocket", mine=True),)), K.NAME, P),
    ("another's project", with_claim(good(), projects=Projects(outside=1, namesake=Whose.OTHER)), K.NAME, F),
    ("nobody knows whose", with_claim(good(), projects=Projects(unknown=1, namesake=Whose.UNKNOWN)), K.NAME, F),
    ("its own project", with_claim(good(), projects=namesake()), K.NAME, P),
    ("like another, and known", with_claim(good(near=(near("rackets", projects=3),)), projects=namesake()), K.NAME, P),
    ("like another, and new", with_claim(good(near=(near("rackets", projects=3),)), projects=namesake(9)), K.NAME, F),
    ("like a brand, and known", with_claim(good(near=(near("rackets"),)), projects=namesake()), K.NAME, F),
    ("borrows a brand", good("django-rocket", near=(CONTAINED,)), K.NAME, F),
    ("borrows one, and known", with_claim(good("django-rocket", near=(CONTAINED,)), projects=namesake()), K.NAME, P),
    ("everybody's word", good("data-rocket", near=(DATA,), words=(WordUse(part="data", projects=9_000),)), K.NAME, P),
    ("part of no brand", good("tiny-rocket", near=(near("tiny", Likeness.CONTAINED, projects=3),)), K.NAME, P),
    ("proves the other", good("rocket", proof(DNS, "rackets.org"), near=(near("rackets", projects=3),)), K.NAME, P),
    ("proves its own alone", good("rocket", proof(DNS, "rocket.org"), near=(near("rackets", projects=3),)), K.NAME, F),
    ("proves a brand", good("rocket", proof(DNS, "rackets.org"), near=(near("rackets"),)), K.NAME, F),
    ("reserved", good(reserved="trust"), K.NAME, F),
    ("Cyrillic among Latin", good(display_name="R\u043ecket"), K.NAME, U),
    ("another script", good(display_name="\u0420\u0430\u043a\u0435\u0442\u0430 \u0416"), K.NAME, P),
    # --- Standing
    ("suspended", good(state=State.SUSPENDED), K.STANDING, F),
    ("owes something", good(standing=Standing.LAPSED), K.STANDING, F),
    ("disputed", good(disputes=1), K.STANDING, U),
    ("refused lately", good(refused=days_ago(40)), K.STANDING, U),
]


@pytest.mark.parametrize(("inputs", "key", "result"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_met(inputs: ApplicationInputs, key: CommunityKey, result: Result) -> None:
    assert of(inputs, key) is result


def test_what_is_not_met_says_what_would_change_it() -> None:
    missing = [each for row in TABLE for each in judged(row[1]).open_criteria]
    assert len(missing) > 50
    assert all(each.evidence.endswith((".", "”.", ":")) and each.remedy.endswith(".") for each in missing)


class TestWaysIn:
    def test_an_institution_needs_nothing_but_its_domain(self) -> None:
        assert judged(bare("uni", proof(DNS, "uni.edu"))).outcome is Outcome.GRANT_NOW
        assert judged(bare("city-data", proof(DNS, "data.city.gov"), display_name="City")).outcome is Outcome.GRANT_NOW
        assert judged(bare("helpers", proof(HTTPS, "helpers.ngo"))).outcome is Outcome.GRANT_NOW

    @pytest.mark.parametrize(
        "shown",
        [
            proof(MAIL, "uni.edu"),  # every student has a mailbox
            proof(HTTPS, "rocket.uni.edu"),  # and may have a machine with a website
            proof(DNS, "rocket.people.uni.edu"),
            proof(DNS, "people.uni.edu"),
            proof(DNS, "uni.edu", flag="expired"),
            proof(DNS, "uni.edu", state=ProofState.LOST),
            proof(DNS, "uni.edu.example"),
            proof(DNS, "rocket.edu.pl"),  # there everybody can have a name
        ],
        ids=lambda shown: f"{shown.kind} {shown.subject} {shown.flag or shown.state}",
    )
    def test_not_what_anybody_there_could_have(self, shown: Any) -> None:
        assert of(bare("rocket", shown), K.FORGE) is not P
        assert judged(bare("rocket", shown)).outcome is Outcome.A_PERSON_LOOKS

    def test_a_vouch_with_users_on_the_index(self) -> None:
        inputs = bare("rocket", proof(VOUCH, "umbrella"), projects=published())
        assert judged(inputs).outcome is Outcome.GRANT_NOW

    def test_a_company_is_one_at_once(self) -> None:
        found = judged(bare(wanted=Kind.COMPANY, refused=days_ago(3)))
        assert (found.outcome, [each.key for each in found.criteria]) == (Outcome.GRANT_NOW, [K.STANDING])
        assert judged(bare(wanted=Kind.COMPANY, state=State.SUSPENDED)).outcome is Outcome.A_PERSON_LOOKS
        assert judged(bare(wanted=Kind.COMPANY, disputes=2)).outcome is Outcome.A_PERSON_LOOKS

    def test_two_reviewers_where_many_could_be_misled(self) -> None:
        assert judged(good(near=(near("rackets"),))).stake is Stake.HIGH
        assert judged(good(near=(near("rackets", projects=3),))).stake is Stake.ORDINARY
        assert judged(good("django-rocket", near=(CONTAINED,))).stake is Stake.ORDINARY


class TestInputs:
    def test_they_go_to_json_and_back(self) -> None:
        for _title, inputs, _key, _result in TABLE:
            assert ApplicationInputs.from_json(json.loads(json.dumps(inputs.as_json()))) == inputs

    @pytest.mark.parametrize("broken", [{}, {"wanted": "community"}, {"wanted": "x", "name": {}}, {"forges": [1]}])
    def test_what_they_never_were_is_refused(self, broken: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"no inputs|is not a valid"):
            ApplicationInputs.from_json(broken)


WORSE = [
    repository(licence=""),
    repository(stars=0, forks=0),
    repository(changed=days_ago(800)),
    repository(copied=True),
    repository(begun=None),
]


@given(st.lists(st.sampled_from(WORSE), max_size=4), st.booleans(), st.sampled_from(list(State)), st.text(max_size=20))
def test_it_takes_anything_and_grants_only_what_is_all_met(
    found: list[Any], was_company: bool, state: State, shown: str
) -> None:
    inputs = good(forges=(facts("rocket", *found),), was_company=was_company, state=state, display_name=shown)
    said = judged(inputs)
    assert (said.outcome is Outcome.GRANT_NOW) is all(each.result is P for each in said.criteria)
    assert len(said.criteria) == len(ALL)


class TestThresholds:
    @pytest.mark.parametrize(
        ("numbers", "key"),
        [
            ({"stars": 1_000, "forks": 1_000}, K.USERS),
            ({"forge_days": 2_000}, K.FORGE),
            ({"active_days": 2}, K.ACTIVITY),
        ],
    )
    def test_stricter_ones_send_more_to_a_person(self, numbers: dict[str, int], key: CommunityKey) -> None:
        assert of(good(), key) is P
        assert of(good(), key, **numbers) is U

    def test_they_stand_in_the_same_file(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.toml"
        path.write_text("shortest = 5\n[community]\nstars = 7\n", encoding="utf-8")
        assert thresholds.community_from_file(str(path)) == CommunityThresholds(stars=7)
        assert thresholds.from_file(str(path)) == thresholds.Thresholds(shortest=5)
        assert thresholds.community_from_file("") == CommunityThresholds()

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("community = 5", "community must be a table"),
            ("[community]\nstarz = 5", "There is no threshold 'starz'"),
            ("[community]\nstars = 0", "stars must be at least 1, not 0"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, text: str, sentence: str) -> None:
        path = tmp_path / "policy.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=sentence):
            thresholds.community_from_file(str(path))

    def test_the_guide_has_them_and_the_criteria(self) -> None:
        """``python manage.py shell -c`` with ``thresholds.markdown(thresholds.CommunityThresholds)`` prints the table."""
        text = GUIDE.read_text(encoding="utf-8")
        assert thresholds.markdown(CommunityThresholds) in text
        assert not [key for key in CommunityKey if f"| {key.label} |" not in text]


class TestLicences:
    @pytest.mark.parametrize("identifier", ["MIT", "mit", "Apache-2.0", "GPL-2.0+", "LGPL-3.0-only", "BSL-1.0", "0BSD"])
    def test_open(self, identifier: str) -> None:
        assert openness(identifier) is Openness.OPEN

    @pytest.mark.parametrize("identifier", ["BUSL-1.1", "SSPL-1.0", "Elastic-2.0", "CC-BY-NC-4.0"])
    def test_restricted(self, identifier: str) -> None:
        assert openness(identifier) is Openness.RESTRICTED

    @pytest.mark.parametrize("identifier", ["", "NOASSERTION", "other", "CC0-1.0", "MIT AND Proprietary"])
    def test_not_known(self, identifier: str) -> None:
        assert openness(identifier) is Openness.UNKNOWN

    @pytest.mark.parametrize(
        ("text", "identifier"),
        [
            ("Permission is hereby granted, free of charge, to any\n person obtaining a copy of this software", "MIT"),
            ("Apache License\n  Version 2.0, January 2004", "Apache-2.0"),
            ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", "GPL-3.0"),
            ("GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3", "AGPL-3.0"),
            ("“Commons Clause” License Condition. Permission is hereby granted, free of charge, to", "Commons-Clause"),
            ("All rights reserved.", ""),
            ("", ""),
        ],
    )
    def test_told_by_its_text(self, text: str, identifier: str) -> None:
        assert recognized(text) == identifier
