"""The facts that feed the policy, read from the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from freehold.outgoing.rdap import Registration
from namespaces import policy_facts
from namespaces.models import Usage
from namespaces.policy import criteria
from namespaces.policy.evaluation import Result
from namespaces.policy.inputs import ClaimInputs, Holding, Likeness, Overlap, Projects, ProofFact, Source, Whose
from namespaces.policy.thresholds import Thresholds
from namespaces.policy_facts import gather
from namespaces.services.popularity import measure_popularity
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.services.proof_checks import note_registration
from orgs.vocabulary import ProofKind, ProofState, Role
from tests import factories

pytestmark = pytest.mark.django_db
EARLY, LATER = datetime(2020, 1, 2, 3, tzinfo=UTC), datetime(2023, 4, 5, 23, tzinfo=UTC)


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


def popular(prefix: str, owner: str = "user:many") -> None:
    for number in range(12):
        factories.project(f"{prefix}-part{number}", owner, EARLY)


def use(project: str, downloads: int, days_ago: int = 1) -> None:
    day = timezone.now().date() - timedelta(days=days_ago)
    Usage.objects.create(day=day, project=project, bytes=0, downloads=downloads)


class TestApplicant:
    def test_with_its_proofs(self, acme: Organization) -> None:
        Proof.objects.create(
            organization=acme,
            kind=ProofKind.DNS,
            subject="acme.example",
            state=ProofState.VERIFIED,
            verified_at=timezone.now(),
            flag="expires",
            registration={
                "first": {"registered_at": "2015-01-02T00:00:00Z"},
                "last": {"registered_at": "2019-08-07T00:00:00Z"},
            },
        )
        Proof.objects.create(
            organization=acme, kind=ProofKind.FORGE, subject="https://github.com/acme", registration={"owner": 7}
        )
        applicant = gather("acme", acme).applicant
        assert (applicant.name, applicant.display_name, applicant.age_days) == ("acme", "Acme", 0)
        assert applicant.proofs == (
            ProofFact(
                kind=ProofKind.DNS,
                subject="acme.example",
                state=ProofState.VERIFIED,
                flag="expires",
                registered=datetime(2019, 8, 7, tzinfo=UTC).date(),
            ),
            ProofFact(kind=ProofKind.FORGE, subject="https://github.com/acme", state=ProofState.PENDING),
        )

    @pytest.mark.parametrize(
        "told", [{}, {"last": {}}, {"last": {"registered_at": None}}, {"last": {"registered_at": "soon"}}, None, []]
    )
    def test_a_registry_may_tell_anything(self, told: object) -> None:
        assert policy_facts._registered(told) is None

    def test_how_old_its_domain_is_as_the_registry_tells(
        self, acme: Organization, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From the registry's answer to the criterion: not counted before it was asked, and not while it is young."""
        settings.FREEHOLD_RDAP_URL = "https://registry.example"
        proof = Proof.objects.create(
            organization=acme,
            kind=ProofKind.DNS,
            subject="acme.example",
            state=ProofState.VERIFIED,
            verified_at=timezone.now(),
        )

        def proved() -> Result:
            return criteria.proofs(gather("acme", acme), Thresholds()).result

        assert proved() is Result.UNKNOWN
        for days, result in ((3, Result.UNKNOWN), (300, Result.PASS)):
            since = timezone.now() - timedelta(days=days)
            told = Registration(registered_at=since, expires_at=None, registrar="", status=())
            monkeypatch.setattr("orgs.services.proof_checks.rdap.registration", lambda _, told=told: told)
            Proof.objects.update(registration={}, flag="")
            proof.refresh_from_db()
            note_registration(actor=Actor.worker(), proof=proof)
            assert (days, proved()) == (days, result)


class TestProjects:
    def test_none(self, acme: Organization) -> None:
        factories.project("acmerockets")
        assert gather("acme", acme).projects == Projects()

    def test_whose_they_are_and_since_when(self, acme: Organization) -> None:
        factories.member(acme, "alice")
        factories.member(acme, "adam", Role.MANAGER)
        factories.member(acme, "bob", Role.MEMBER)
        for name, owner, first in [
            ("acme", "acme", LATER),
            ("acme-a", "user:alice", EARLY),
            ("acme-b", "user:adam", LATER),
            ("acme-c", "user:bob", EARLY),
            ("acme-d", "user:wile", LATER),
            ("acme-e", "other", timezone.now()),
            ("acme-f", "", LATER),
            ("acmerockets", "user:wile", LATER),
        ]:
            factories.project(name, owner, first)
        found = gather("acme", acme).projects
        assert (found.own, found.people, found.outside, found.unknown) == (1, 2, 3, 1)
        assert (found.outside_owners, found.outside_recent) == (3, 1)
        assert (found.own_first, found.outside_first) == (EARLY.date(), EARLY.date())
        assert found.outside_last == timezone.now().astimezone(UTC).date()
        assert found.examples == ("acme-e", "acme-d", "acme-f", "acme-c")
        assert found.namesake is Whose.APPLICANT

    @pytest.mark.parametrize(
        ("owner", "whose"), [("user:wile", Whose.OTHER), ("", Whose.UNKNOWN), ("acme", Whose.APPLICANT)]
    )
    def test_the_namesake(self, acme: Organization, owner: str, whose: Whose) -> None:
        factories.project("acme", owner)
        assert gather("acme", acme).projects.namesake is whose

    @pytest.mark.parametrize("one_by_one", [True, False])
    def test_downloads_of_thirty_days(
        self, acme: Organization, monkeypatch: pytest.MonkeyPatch, one_by_one: bool
    ) -> None:
        """Of very many projects, the sum of the day before stands for all."""
        factories.project("acme", "acme")
        factories.project("acme-x", "user:wile")
        use("acme", 70_000)
        use("acme-x", 50_000, days_ago=29)
        use("acme-x", 7, days_ago=40)
        measure_popularity()
        if not one_by_one:
            monkeypatch.setattr(policy_facts, "DOWNLOADS_UP_TO", 1)
        found = gather("acme", acme).projects
        expected = (70_000, 50_000) if one_by_one else (None, 120_000)
        assert (found.own_downloads, found.outside_downloads) == expected


class TestHoldings:
    def test_those_of_others_first(self, acme: Organization) -> None:
        wile = factories.organization("wile")
        factories.grant("acme-a", acme)
        factories.grant("acme-b", wile, state=GrantState.QUARANTINED)
        factories.grant("acme-c", wile, state=GrantState.RELEASED)
        factories.grant("acmerockets", wile)
        found = gather("acme", acme).holdings
        assert found == (
            Holding(name="acme-b", overlap=Overlap.BELOW, state=GrantState.QUARANTINED, mine=False, owner="wile"),
            Holding(name="acme-a", overlap=Overlap.BELOW, state=GrantState.ACTIVE, mine=True, owner="acme"),
        )

    @pytest.mark.parametrize(("held", "overlap"), [("acme", Overlap.ABOVE), ("acme-labs", Overlap.SAME)])
    def test_above_and_the_same(self, acme: Organization, held: str, overlap: Overlap) -> None:
        factories.grant(held, acme)
        assert [holding.overlap for holding in gather("acme-labs", acme).holdings] == [overlap]


class TestNear:
    def near(self, prefix: str, organization: Organization) -> list[tuple[str, Source, Likeness, bool]]:
        return [(one.name, one.source, one.likeness, one.mine) for one in gather(prefix, organization).near]

    def test_popular_by_its_projects_or_downloads(self, acme: Organization) -> None:
        popular("opentelemetry")
        factories.project("dulcimer", "user:x")
        use("dulcimer", 200_000)
        factories.project("kazoos", "user:x")
        measure_popularity()
        assert self.near("opentelernetry", acme) == [("opentelemetry", Source.POPULAR, Likeness.FOLDED, False)]
        assert self.near("dulcimre", acme) == [("dulcimer", Source.POPULAR, Likeness.SWAPPED, False)]
        assert self.near("kazo0s", acme) == []
        (found,) = gather("dulcimre", acme).near
        assert (found.projects, found.own, found.downloads) == (1, 0, 200_000)

    def test_granted(self, acme: Organization) -> None:
        wile = factories.organization("wile")
        factories.grant("google-cloud", wile)
        factories.grant("roadrunner", wile, state=GrantState.RELEASED)
        assert self.near("google-c1oud", acme) == [("google-cloud", Source.GRANT, Likeness.FOLDED, False)]
        assert self.near("google-cloud-tools", acme) == []  # that overlaps, and is told as such
        assert self.near("the-big-google-cloud", acme) == [("google-cloud", Source.GRANT, Likeness.CONTAINED, False)]
        assert self.near("google-c1oud", wile) == [("google-cloud", Source.GRANT, Likeness.FOLDED, True)]
        assert self.near("roadruner", acme) == []

    def test_its_own_popular_names_are_marked(self, acme: Organization) -> None:
        popular("acmeworks", "acme")
        measure_popularity()
        assert self.near("acmeworkz", acme) == [("acmeworks", Source.POPULAR, Likeness.EDITED, True)]

    def test_a_customary_part_is_not_told(self, acme: Organization) -> None:
        popular("client")
        popular("google")
        measure_popularity()
        assert self.near("google-client", acme) == [("google", Source.POPULAR, Likeness.CONTAINED, False)]

    def test_no_more_than_matter(self, acme: Organization) -> None:
        wile = factories.organization("wile")
        for letter in "abcdefghijklmnopqrs":
            factories.grant(f"roadrunner{letter}", wile)
        assert len(gather("roadrunner", acme).near) == policy_facts.NEAR


def test_words_and_the_limits(acme: Organization) -> None:
    found = gather("parser-official", acme)
    assert [use.projects > 100 for use in found.words] == [True, True]
    assert (found.reserved, found.hyphens_allowed, found.prefix) == ("trust", 4, "parser-official")


@pytest.mark.parametrize("prefix", ["acme", "x", "a-b-c-d-e", "opentelernetry", "z" * 200, "a-" * 99 + "a"])
def test_a_bounded_number_of_queries(
    acme: Organization, prefix: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    popular("opentelemetry")
    popular("acme", "user:wile")
    measure_popularity()
    with django_assert_max_num_queries(8):
        found = gather(prefix, acme)
    assert ClaimInputs.from_json(found.as_json()) == found
