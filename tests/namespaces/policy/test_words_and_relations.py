"""Words, and how names are related to a prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namespaces import names, policy_data
from namespaces.policy import relations, words
from namespaces.policy.inputs import ProofFact, WordUse
from namespaces.policy.relations import Relation
from namespaces.policy.words import Reserved
from orgs.vocabulary import ProofKind, ProofState

NONE, AFFIXED, EXACT = Relation
COUNTS = {"web": 6_000, "server": 17_000, "data": 33_000, "serv": 20, "harvest": 40}


class TestWords:
    @pytest.mark.parametrize(
        ("prefix", "found"),
        [
            ("data", [WordUse(part="data", projects=33_000)]),
            ("acme", [WordUse(part="acme")]),
            ("acme-data", [WordUse(part="acme"), WordUse(part="data", projects=33_000)]),
            ("webserver", [WordUse(part="webserver", projects=6_000, words=("web", "server"))]),
            ("webacme", [WordUse(part="webacme")]),
        ],
    )
    def test_of_each_part(self, prefix: str, found: list[WordUse]) -> None:
        assert list(words.measure(prefix, COUNTS)) == found

    def test_the_list_knows_what_packages_are_about_and_not_what_they_are_called(self) -> None:
        counts = policy_data.word_counts()
        assert counts["parser"] > 1_000 and counts["machine"] > 1_000
        assert not counts.keys() & {"django", "google", "kubernetes", "airbyte", "databricks"}
        assert all(word.isascii() and word.islower() and count >= 8 for word, count in counts.items())


class TestReserved:
    @pytest.mark.parametrize(
        ("prefix", "reason"),
        [
            ("python", "python"),
            ("pip", "packaging"),
            ("acme", ""),
            ("acme-client", ""),
            ("acme-official", "trust"),
            ("real-django", "trust"),
            ("officials", ""),
        ],
    )
    def test_by_the_whole_or_by_a_part_that_promises(self, prefix: str, reason: str) -> None:
        assert words.reserved_reason(prefix, policy_data.reserved_words()) == reason

    def test_the_list_is_normalized_and_each_word_is_on_it_once(self) -> None:
        reserved = policy_data.reserved_words()
        assert set(reserved.values()) == set(Reserved)
        assert all(names.normalize(word) == word for word in reserved)
        text = (policy_data.DATA / "reserved.toml").read_text(encoding="utf-8")
        assert text.count('"') == 2 * len(reserved)


def proof(kind: ProofKind, subject: str) -> ProofFact:
    return ProofFact(kind=kind, subject=subject, state=ProofState.VERIFIED)


class TestRelation:
    @pytest.mark.parametrize(
        ("prefix", "name", "relation"),
        [
            ("acme", "acme", EXACT),
            ("acme", "ACME", EXACT),
            ("open-meteo", "openmeteo", EXACT),
            ("openmeteo", "open_meteo", EXACT),
            ("acme", "getacme", AFFIXED),
            ("acme", "acmehq", AFFIXED),
            ("acme", "acme-labs", AFFIXED),
            ("acme-anvils", "acme", AFFIXED),
            ("acme-anvils", "getacme", AFFIXED),
            ("acme", "acmerockets", NONE),
            ("acme", "notacme", NONE),
            ("acmeanvils", "acme", NONE),
            ("opentelemetry", "opentelernetry", NONE),
            ("lab", "labs", NONE),
            ("io", "io", EXACT),
            ("acme", "", NONE),
            ("", "acme", NONE),
        ],
    )
    def test_overlooks_separators_and_usual_additions(self, prefix: str, name: str, relation: Relation) -> None:
        assert relations.relate(prefix, name) is relation

    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (proof(ProofKind.DNS, "acme.example"), ["acme", "acmeexample"]),
            (proof(ProofKind.DNS, "pay.acme.co.uk"), ["acme", "acmecouk"]),
            (proof(ProofKind.DNS, "localhost"), []),
            (proof(ProofKind.FORGE, "https://gitlab.com/group/acme"), ["acme"]),
            (proof(ProofKind.FORGE, "https://[acme"), [""]),
            (proof(ProofKind.VOUCH, "sponsor"), []),
            (proof(ProofKind.PROJECTS, "acme"), []),
        ],
    )
    def test_what_a_proof_is_called(self, found: ProofFact, expected: list[str]) -> None:
        assert relations.names_of(found) == expected

    def test_an_ending_can_be_a_part_of_the_name(self) -> None:
        assert relations.best("acme-ai", [proof(ProofKind.DNS, "acme.ai")])[0] is EXACT

    @given(st.text(), st.text())
    def test_any_text_has_a_relation(self, prefix: str, name: str) -> None:
        assert relations.relate(prefix, name) in Relation
