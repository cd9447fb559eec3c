"""All cases of a person, all claims of an organization, and where they are pointed to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from namespaces import overview, pages_cases
from namespaces.cases import CaseKind, CaseState, Party
from namespaces.models import Case
from orgs.models import Organization
from orgs.vocabulary import Role, State
from tests import factories
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Organization:
    works = factories.organization("rocket-works")
    factories.member(works, "ada")
    return works


@pytest.fixture
def ada(works: Organization) -> User:
    return User.objects.get(index_username="ada")


def text(user: User | None, address: str) -> str:
    response = signed_in(user).get(address)
    assert response.status_code == 200
    return str(response.content.decode())


class TestOnesOwn:
    def test_what_is_open_comes_first_then_the_last_changed(self, works: Organization, ada: User) -> None:
        now = timezone.now()
        over = factories.case(works, name="over", state=CaseState.REFUSED, changed_at=now)
        older = factories.case(works, name="older", changed_at=now - timedelta(days=2))
        newer = factories.case(works, name="newer", changed_at=now - timedelta(days=1))
        assert list(pages_cases.cases_of(ada)) == [newer, older, over]

    def test_those_of_organizations_for_which_one_may_act_and_what_one_reported(
        self, works: Organization, ada: User
    ) -> None:
        managed = factories.organization("managed")
        factories.member(managed, "ada", Role.MANAGER)
        factories.case(managed)
        factories.case(factories.organization())
        own = factories.case(works, name="own")
        against = factories.case(works, name="against", kind=CaseKind.DISPUTE)
        elsewhere = factories.organization()
        factories.grant("reported", elsewhere)
        reported = factories.case(elsewhere, name="reported", kind=CaseKind.DISPUTE)
        Case.objects.filter(pk=reported.pk).update(filed_by=ada)
        assert set(pages_cases.cases_of(ada)) == {own, against, reported}

    def test_every_listed_case_has_its_page(self, works: Organization, ada: User) -> None:
        for kind in CaseKind:
            factories.case(works, name="rocket", kind=kind)
        said = text(ada, "/cases/")
        for case in Case.objects.all():
            assert f'href="/cases/{case.pk}/"' in said
            assert signed_in(ada).get(f"/cases/{case.pk}/").status_code == 200

    def test_none_yet(self) -> None:
        assert "There is no case yet" in text(factories.user(), "/cases/")

    def test_anonymous_people_sign_in_first(self, client: Client) -> None:
        assert client.get("/cases/")["Location"] == "/accounts/login/?next=/cases/"


class TestOfAnOrganization:
    @pytest.mark.parametrize("role", Role)
    def test_all_of_its_people_see_them_and_owners_open_them(self, works: Organization, role: Role) -> None:
        case = factories.case(works, name="comet")
        factories.case(factories.organization(), name="foreign")
        said = text(factories.member(works, "mia", role).user, "/manage/rocket-works/claims/")
        assert "comet" in said and "foreign" not in said
        is_owner = role is Role.OWNER
        assert (f'href="/cases/{case.pk}/"' in said) is is_owner
        assert ('href="/claim/?organization=rocket-works"' in said) is is_owner

    def test_where_there_is_none_one_is_claimed(self, works: Organization, ada: User) -> None:
        for page in ("claims", "namespaces"):
            said = text(ada, f"/manage/rocket-works/{page}/")
            assert 'href="/claim/?organization=rocket-works"' in said, page


class TestWhereTheyArePointedTo:
    def test_the_next_step_leads_to_the_claim(self, works: Organization) -> None:
        (step,) = overview.steps(works)
        assert (step.url, step.done) == ("/claim/?organization=rocket-works", False)
        case = factories.case(works, name="comet")
        (step,) = overview.steps(works)
        assert (step.url, step.hint) == (f"/cases/{case.pk}/", "Your claim of comet: Waiting for a reviewer.")

    def test_a_question_is_on_the_dashboard(self, works: Organization, ada: User) -> None:
        factories.case(works, name="waiting")
        assert "Somebody waits for your answer" not in text(ada, "/dashboard/")
        case = factories.case(works, name="comet", state=CaseState.ASKED)
        said = text(ada, "/dashboard/")
        assert "Somebody waits for your answer" in said and f'href="/cases/{case.pk}/"' in said

    def test_only_who_can_answer_is_asked(self, works: Organization, ada: User) -> None:
        factories.case(factories.organization(), state=CaseState.ASKED)
        factories.case(works, name="one", kind=CaseKind.DISPUTE, state=CaseState.ASKED)  # asks who reported it
        manager = factories.member(works, "mia", Role.MANAGER).user
        dispute = Case.objects.get(name="one")
        assert dispute.filed_by is not None
        assert [pages_cases.questions_to(user) for user in (ada, manager)] == [[], []]
        assert pages_cases.questions_to(dispute.filed_by) == [dispute]
        Case.objects.filter(pk=dispute.pk).update(asked=Party.HOLDER)
        assert pages_cases.questions_to(dispute.filed_by) == []
        assert pages_cases.questions_to(ada) == [dispute]

    def test_a_suspended_organization_has_nothing_to_claim(self, works: Organization) -> None:
        works.state = State.SUSPENDED
        assert overview.steps(works) == []


@pytest.mark.parametrize(("address", "most"), [("/cases/", 6), ("/manage/rocket-works/claims/", 24)])
def test_a_bounded_number_of_queries(
    works: Organization, ada: User, address: str, most: int, django_assert_max_num_queries: Any
) -> None:
    factories.case(works, name="comet")
    client = signed_in(ada)
    client.get(address)
    with django_assert_max_num_queries(most) as few:
        client.get(address)
    for number in range(30):
        factories.case(works, name=f"c{number}", state=CaseState.REFUSED)
    with django_assert_max_num_queries(len(few)):
        assert b"?page=2" in client.get(address).content
