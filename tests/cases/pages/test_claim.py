"""The page on which a namespace is claimed: what it says of a prefix, to whom, and filing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts.models import User
from namespaces import hooks, pages_claim
from namespaces.cases import CaseState
from namespaces.models import Case, Grant
from namespaces.policy.evaluation import Key, Result
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.vocabulary import Kind, ProofKind, ProofState, Role, State
from tests import factories
from tests.dump import nothing_changes
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

EARLY = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def works() -> Organization:
    """A company that has proved ``rocket.example``."""
    works = factories.organization("rocket-works")
    factories.member(works, "ada")
    proved(works, "rocket.example")
    return works


@pytest.fixture
def owner(works: Organization) -> Client:
    return signed_in(User.objects.get(index_username="ada"))


def proved(organization: Organization, domain: str) -> None:
    Proof.objects.create(
        organization=organization,
        kind=ProofKind.DNS,
        subject=domain,
        challenge="0" * 32,
        state=ProofState.VERIFIED,
        verified_at=timezone.now(),
    )


def text(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, address
    assert response["Cache-Control"] == "private, no-store"
    return str(response.content.decode())


class TestWhatEverybodySees:
    def test_how_it_goes_before_anything_is_typed(self, client: Client) -> None:
        said = text(client, "/claim/")
        assert "You prove who you are" in said
        assert 'id="result"' not in said

    def test_the_name_what_it_covers_what_it_costs_and_what_will_be_asked(self, client: Client) -> None:
        factories.project("rocket-a", "user:ann", EARLY)
        factories.project("rocket-b", "user:ann", EARLY)
        factories.project("rocket-c", "", EARLY)
        said = text(client, "/claim/?name=Rocket")
        for part in (
            "This namespace can be had",
            "are the same name",
            "<strong>3</strong> existing projects",
            "ann</span>",
            "The index does not say whose",
            "rocket-c",
            "Free for verified community projects",
            "Prove a domain called “rocket”, or one that begins with it.",
            "Prove a domain, or an organization on a code forge, that is called “rocket”.",
        ):
            assert part in said, part
        assert "yours" not in said

    @pytest.mark.parametrize(
        ("prefix", "why"),
        [
            ("ai", "It has 2 characters"),
            ("official-rocket", "It is on the list of reserved words"),
            ("rockett", "which roadrunner holds."),
        ],
    )
    def test_what_in_the_name_alone_is_for_a_person(self, client: Client, prefix: str, why: str) -> None:
        factories.grant("rocket", factories.organization("roadrunner"))
        said = text(client, f"/claim/?name={prefix}")
        assert why in said
        assert "So a person looks at a claim of it." in said

    def test_a_clear_name_is_said_to_be_clear(self, client: Client) -> None:
        assert "nothing granted or popular is like it" in text(client, "/claim/?name=zyxacme")

    @pytest.mark.parametrize("is_holding", [True, False])
    def test_what_others_claim_or_wait_for_is_private(self, client: Client, is_holding: bool) -> None:
        """Another organization's claim, and what is held for it, change nothing for a name that is like it."""
        quiet = factories.organization("hush-hush")
        before = text(client, "/claim/?name=rockett")
        factories.case(quiet, name="rockett" if not is_holding else "rocket-x")
        if is_holding:
            factories.grant("rocket", quiet, state=GrantState.HELD)
        after = text(client, "/claim/?name=rockett")
        assert after == before
        assert "hush" not in after.lower()

    def test_the_price_is_what_billing_says(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[Organization | None] = []

        def price(organization: Organization | None) -> str:
            asked.append(organization)
            return "EUR 1 a day."

        monkeypatch.setattr(hooks, "prices", [lambda _: "", price])
        said = text(client, "/claim/?name=rocket")
        assert "EUR 1 a day." in said and "come with the plan" not in said
        assert asked == [None]

    @pytest.mark.parametrize("page", ["account_signup", "account_login"])
    def test_signing_in_leads_back_to_the_same_prefix(self, client: Client, page: str) -> None:
        path = {"account_signup": "/accounts/signup/", "account_login": "/accounts/login/"}[page]
        said = text(client, "/claim/?name=Rocket%20%26%20Co")
        assert path not in said  # that is no name
        said = text(client, "/claim/?name=Rocket.Co")
        link = said.split(f'href="{path}?')[1].split('"')[0]
        (back,) = parse_qs(link.replace("&amp;", "&"))["next"]
        assert back == "/claim/?name=Rocket.Co"
        assert client.get(f"{path}?{link}").status_code == 200

    def test_a_name_that_is_none(self, client: Client) -> None:
        assert "Not a valid name" in text(client, "/claim/?name=-no")

    def test_the_front_page_leads_here(self, client: Client) -> None:
        assert 'href="/claim/?name=rocket-works"' in client.get("/?q=Rocket.Works").content.decode()


class TestWhileOneTypes:
    def test_only_the_answer_is_sent(self, owner: Client) -> None:
        said = text(owner, "/claim/?name=rocket", HX_Request="true")
        assert said.startswith("\n") or not said.lstrip().startswith("<!doctype")
        assert "<html" not in said and 'id="result"' in said
        assert 'hx-swap-oob="innerHTML:#claim-said"' in said and "It would be granted at once." in said

    def test_it_says_what_a_page_says(self, owner: Client) -> None:
        part = text(owner, "/claim/?name=rocket", HX_Request="true")
        assert "What should a reviewer know?" in part and "Claim rocket" in part


class TestWhoMayClaim:
    def test_without_an_organization_one_is_set_up_and_one_comes_back(self) -> None:
        client = signed_in(factories.user("mallory"))
        said = text(client, "/claim/?name=rocket")
        assert 'href="/new/?next=%2Fclaim%2F%3Fname%3Drocket"' in said
        made = client.post(
            "/new/?next=%2Fclaim%2F%3Fname%3Drocket", {"display_name": "Rocket", "name": "rocket", "kind": "company"}
        )
        assert (made.status_code, made["Location"]) == (302, "/claim/?name=rocket")
        assert "A claim by Rocket" in text(client, made["Location"])

    @pytest.mark.parametrize(
        "back", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "claim", "/\\e"]
    )
    def test_nobody_is_led_elsewhere(self, back: str) -> None:
        client = signed_in(factories.user("mallory"))
        made = client.post(f"/new/?next={back}", {"display_name": "Rocket", "name": "rocket", "kind": "company"})
        assert made["Location"] == "/manage/rocket/"

    def test_who_lacks_the_second_factor_that_is_required_is_told_so(self, works: Organization, owner: Client) -> None:
        Organization.objects.update(requires_second_factor=True)
        said = text(owner, "/claim/?name=rocket")
        assert "Rocket-Works requires it of everybody" in said and "Set up your organization" not in said

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
    def test_only_owners_see_how_a_claim_would_go(self, works: Organization, role: Role) -> None:
        member = factories.member(works, "mia", role)
        said = text(signed_in(member.user), "/claim/?name=rocket&organization=rocket-works")
        assert "A claim by" not in said and "Set up your organization" in said

    def test_of_several_one_is_chosen(self, works: Organization, owner: Client) -> None:
        other = factories.organization("comet")
        factories.member(other, "ada")
        said = text(owner, "/claim/?name=rocket")
        assert "Choose the organization" in said and "A claim by" not in said
        assert "A claim by Comet" in text(owner, "/claim/?name=rocket&organization=comet")

    def test_of_a_foreign_one_nothing_is_said(self, works: Organization, owner: Client) -> None:
        factories.organization("foreign")
        factories.member(factories.organization("comet"), "ada")
        said = text(owner, "/claim/?name=rocket&organization=foreign")
        assert "Foreign" not in said and "Choose the organization" in said

    @pytest.mark.parametrize("state", [State.SUSPENDED, State.CLOSED])
    def test_an_organization_that_is_out_of_service_claims_nothing(self, works: Organization, state: State) -> None:
        Organization.objects.update(state=state)
        actor = Actor.person(User.objects.get(index_username="ada"))
        assert pages_claim.claimants(actor) == []


class TestHowItWouldGo:
    def test_granted_at_once(self, owner: Client) -> None:
        said = text(owner, "/claim/?name=rocket")
        assert "It is granted at once" in said and "held for you" not in said
        assert "What is missing" not in said and "11 criteria are met" in said

    def test_a_company_that_has_not_paid_is_told_that_it_is_held(self, owner: Client, works: Organization) -> None:
        Organization.objects.update(state=State.APPLIED)
        assert "It is granted at once, and held for you" in text(owner, "/claim/?name=rocket")

    def test_what_is_missing_is_said_with_where_to_prove_it(self, owner: Client) -> None:
        said = text(owner, "/claim/?name=comet")
        assert "As things stand, a person looks at it" in said
        assert 'href="/manage/rocket-works/proofs/new/dns/"' in said
        link = "/manage/rocket-works/proofs/new/projects/?subject=comet"
        assert link in said
        assert 'value="comet"' in text(owner, link)
        preview = pages_claim.preview("comet", Organization.objects.get())
        for criterion in preview.evaluation.open_criteria:
            assert escape(criterion.evidence) in said and escape(criterion.remedy) in said, criterion.key
        assert {Key.IDENTIFIES, Key.IN_USE} <= {criterion.key for criterion in preview.evaluation.open_criteria}
        assert all(criterion.result is Result.PASS for criterion in preview.met)

    def test_the_place_and_the_wait(self, owner: Client) -> None:
        for _ in range(2):
            factories.case(factories.organization())
        said = text(owner, "/claim/?name=comet")
        assert "2 cases are before yours." in said and "is not known yet" in said

    def test_whose_projects_stand_there(self, owner: Client) -> None:
        for name, whose in (("rocket-a", "rocket-works"), ("rocket-b", "user:ada"), ("rocket-c", "user:wile")):
            factories.project(name, whose, EARLY)
        said = text(owner, "/claim/?name=rocket")
        assert "<strong>1</strong> of them is not yours." in said and said.count("(yours)") == 2

    def test_more_owners_than_are_named(self) -> None:
        for number in range(pages_claim.OWNERS + 3):
            factories.project(f"rocket-{number}", f"user:u{number}", EARLY)
        found = pages_claim.answer("rocket").covered
        assert (len(found.others), found.more, found.not_yours) == (pages_claim.OWNERS, 3, pages_claim.OWNERS + 3)

    def test_what_it_holds_or_has_claimed_is_linked(self, owner: Client, works: Organization) -> None:
        factories.grant("rocket", works)
        assert 'href="/manage/rocket-works/namespaces/rocket/"' in text(owner, "/claim/?name=rocket")
        assert "/manage/rocket-works/namespaces/rocket/children/new/" in text(owner, "/claim/?name=rocket-x")
        case = factories.case(works, name="comet")
        assert f'href="/cases/{case.pk}/"' in text(owner, "/claim/?name=comet")

    def test_what_another_holds_cant_be_filed(self, owner: Client) -> None:
        factories.grant("comet", factories.organization("comet"))
        said = text(owner, "/claim/?name=comet-x")
        assert "It can’t be claimed now" in said and "Claim comet-x</button>" not in said


class TestFiling:
    def file(self, client: Client, name: str, **more: str) -> Any:
        return client.post("/claim/", {"name": name, "organization": "rocket-works", "statement": "We are it.", **more})

    def test_granted_by_machine_and_led_to_the_case(self, owner: Client) -> None:
        response = self.file(owner, "Rocket")
        case = Case.objects.get()
        assert (response.status_code, response["Location"]) == (302, f"/cases/{case.pk}/")
        assert (case.state, case.name, case.display_name, case.statement) == (
            CaseState.APPROVED,
            "rocket",
            "Rocket",
            "We are it.",
        )
        assert Grant.objects.get().state == GrantState.ACTIVE
        assert "rocket is yours." in text(owner, response["Location"])

    def test_a_person_looks(self, owner: Client) -> None:
        response = self.file(owner, "comet")
        assert Case.objects.get().state == CaseState.WAITING
        assert "Your claim of comet is filed." in text(owner, response["Location"])

    @pytest.mark.parametrize(
        ("typed", "why"),
        [
            ({"statement": "x" * 5000}, "at most 4000 characters"),
            ({"statement": "bell \x07"}, "can&#x27;t be shown"),
            ({"name": "taken"}, "Ask it for a share or a transfer."),
            ({"name": "-no"}, "-no"),
            ({"name": ""}, ""),
        ],
    )
    def test_errors_keep_what_was_typed(self, owner: Client, typed: dict[str, str], why: str) -> None:
        factories.grant("taken", factories.organization("other"))
        with nothing_changes():
            response = self.file(owner, **({"name": "comet"} | typed))
        assert response.status_code == 422
        said = response.content.decode()
        assert why in said
        if typed.get("name") is None:
            assert escape(typed["statement"][:30]) in said and 'value="comet"' in said

    def test_nobody_files_for_an_organization_that_is_not_theirs(self, works: Organization) -> None:
        mallory, manager = factories.user("mallory"), factories.member(works, "mia", Role.MANAGER).user
        clients = [signed_in(user) for user in (None, mallory, manager)]
        with nothing_changes():
            for client in clients:
                assert self.file(client, "rocket").status_code == 422

    @pytest.mark.parametrize("has_several", [True, False])
    def test_who_names_another_organization_files_nothing(self, owner: Client, has_several: bool) -> None:
        factories.organization("foreign")
        if has_several:
            factories.member(factories.organization("comet"), "ada")
        with nothing_changes():
            response = self.file(owner, "rocket", organization="foreign")
        assert response.status_code == 422
        assert has_several or "Choose an organization of which you are an owner." in response.content.decode()


@pytest.mark.parametrize(("address", "most"), [("/claim/", 5), ("/claim/?name=rocket", 34)])
def test_a_bounded_number_of_queries(
    owner: Client, works: Organization, address: str, most: int, django_assert_max_num_queries: Any
) -> None:
    factories.project("rocket-a", "user:wile", EARLY)
    owner.get(address)
    with django_assert_max_num_queries(most) as few:
        owner.get(address)
    for number in range(30):
        factories.project(f"rocket-x{number}", f"user:u{number}", EARLY)
        factories.case(factories.organization(), state=CaseState.REFUSED)
        factories.case(works, name=f"comet-{number}", filed_at=timezone.now() - timedelta(days=number))
    with django_assert_max_num_queries(len(few)):
        owner.get(address)


def test_a_community_project_that_is_not_verified_is_led_to_its_application(owner: Client, works: Organization) -> None:
    Organization.objects.update(kind=Kind.COMMUNITY, state=State.APPLIED)
    assert "/manage/rocket-works/community/" in text(owner, "/claim/?name=comet")
