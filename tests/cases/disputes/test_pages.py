"""The page on which a namespace is reported, what each side sees of a report, and where a stop of new projects shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from namespaces.cases import CaseState, Ground
from namespaces.models import Case, Change, Grant, GrantLock
from namespaces.services import disputes
from namespaces.states import GrantState
from orgs.vocabulary import Role, Standing
from tests import factories
from tests.cases.disputes.stage import DISMISSED, STATEMENT, Stage, person
from tests.dump import nothing_changes
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

REPORT = "/namespaces/acme/report/"
TYPED = {"ground": Ground.ABUSE.value, "statement": STATEMENT, "evidence_url": "https://acme.example/x"}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def page(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


class TestReporting:
    def test_the_public_page_leads_there(self, stage: Stage) -> None:
        assert f'href="{REPORT}"' in page(Client(), "/namespaces/acme/")

    def test_who_is_not_signed_in_is_asked_to(self, stage: Stage) -> None:
        response = Client().get(REPORT)
        assert response.status_code == 302
        assert response["Location"] == f"/accounts/login/?next={REPORT}"

    def test_the_form_explains_every_ground_and_what_comes(self, stage: Stage) -> None:
        body = page(signed_in(stage.reporter), REPORT)
        for ground in Ground:
            assert f'value="{ground.value}"' in body
        for said in ("They have 14 days to answer.", "It removes no project", "can’t do"):
            assert said in body
        assert 'name="named"' not in body

    def test_it_is_sent_and_leads_to_the_case(self, stage: Stage) -> None:
        response = signed_in(stage.reporter).post(REPORT, TYPED, follow=True)
        case = Case.objects.get()
        assert response.redirect_chain == [(reverse("case", args=[case.pk]), 302)]
        assert (case.statement, case.dispute.ground) == (STATEMENT, Ground.ABUSE)
        assert "Your report is with the reviewers." in response.content.decode()

    def test_an_owner_may_be_called_by_their_organization(self, stage: Stage) -> None:
        roadrunner = factories.organization("roadrunner")
        roadrunner.memberships.create(user=stage.reporter, role=Role.OWNER)
        client = signed_in(stage.reporter)
        assert '<option value="roadrunner">Roadrunner</option>' in page(client, REPORT)
        client.post(REPORT, TYPED | {"named": "roadrunner"})
        assert Case.objects.get().dispute.named == roadrunner

    def test_a_child_is_reported_for_its_root(self, stage: Stage) -> None:
        client = signed_in(stage.reporter)
        assert "Your report is about acme" in page(client, "/namespaces/acme-labs/report/")
        client.post("/namespaces/acme-labs/report/", TYPED)
        case = Case.objects.get()
        assert case.name == "acme"
        assert '<dt>Reported part</dt><dd><span class="name">acme-labs</span>' in page(client, f"/cases/{case.pk}/")

    def test_another_spelling_leads_to_the_right_one(self, stage: Stage) -> None:
        response = signed_in(stage.reporter).get("/namespaces/Acme_Labs/report/")
        assert (response.status_code, response["Location"]) == (302, "/namespaces/acme-labs/report/")

    @pytest.mark.parametrize("name", ["free", "acme-labs-x", "held", "%20", "a%00b", "x" * 300])
    def test_what_is_not_reserved_is_not_there(self, stage: Stage, name: str) -> None:
        factories.grant("held", stage.holder, state=GrantState.HELD)
        page(signed_in(stage.reporter), f"/namespaces/{name}/report/", 404)

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({}, "This field is required."),
            (TYPED | {"ground": "spite"}, "Select a valid choice."),
            (TYPED | {"evidence_url": "no address"}, "begins with https://"),
            (TYPED | {"statement": "a\x07b"}, "can&#x27;t be shown"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_filed(self, stage: Stage, typed: Any, said: str) -> None:
        client = signed_in(stage.reporter)
        with nothing_changes():
            response = client.post(REPORT, typed)
        assert response.status_code == 422
        assert said in response.content.decode()

    @pytest.mark.parametrize("who", ["owner", "unverified", "again", "quarantined"])
    def test_who_can_not_report_reads_why_and_finds_no_form(self, stage: Stage, who: str) -> None:
        user, said = stage.reporter, "quarantine"
        if who == "owner":
            user, said = stage.owner, "You are one of the people of Acme"
        elif who == "unverified":
            user, said = factories.user(), "Confirm your e-mail address first"
        elif who == "again":
            said = reverse("case", args=[stage.report().pk])
        else:
            Grant.objects.update(state=GrantState.QUARANTINED)
        client = signed_in(user)
        body = page(client, REPORT)
        assert said in body
        assert 'name="statement"' not in body
        with nothing_changes():
            assert client.post(REPORT, TYPED).status_code == 422

    def test_its_queries_are_few(self, stage: Stage, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        client = signed_in(stage.reporter)
        with django_assert_max_num_queries(9):
            client.get(REPORT)


class TestTheCase:
    def test_each_side_sees_the_report_and_its_own_words(self, stage: Stage) -> None:
        case = stage.hear(stage.ask_and_answer(stage.report(), "Ruth of Roadrunner."), "Our lawyers say so.")
        url = reverse("case", args=[case.pk])
        theirs, reporters = page(signed_in(stage.owner), url), page(signed_in(stage.reporter), url)
        for body in (theirs, reporters):
            assert STATEMENT in body
        assert "Our lawyers say so." in theirs
        assert "Our lawyers say so." not in reporters
        assert "Ruth of Roadrunner." in reporters
        assert "Ruth of Roadrunner." not in theirs
        assert stage.reporter.email not in theirs
        assert stage.owner.email not in reporters
        assert "Somebody who is not named" in theirs

    def test_the_steps_have_their_dates(self, stage: Stage) -> None:
        case = stage.report()
        client, url = signed_in(stage.owner), reverse("case", args=[case.pk])
        assert "A reviewer looks at it, and asks the holder" in page(client, url)
        case = stage.ask_holder(case)
        assert case.asked_at is not None
        due = case.asked_at + settings.FREEHOLD_HEARING
        body = page(client, url)
        assert "The holder was asked" in body
        assert f"{due:%-d %b %Y, %H:%M} UTC</time>" in body.split("The holder answers")[1]

    def test_upheld_and_dismissed_say_what_follows(self, stage: Stage) -> None:
        client = signed_in(stage.reporter)
        case = stage.decide(stage.report(), DISMISSED)
        assert "Dismissed" in page(client, reverse("case", args=[case.pk]))
        case = stage.decide(stage.hear(stage.report()))
        assert "The quarantine ends" in page(client, reverse("case", args=[case.pk]))

    @pytest.mark.parametrize("state", CaseState)
    def test_every_state_has_its_page_for_both_sides(
        self, stage: Stage, state: CaseState, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        url = reverse("case", args=[stage.case_in(state).pk])
        for user in (stage.owner, stage.reporter):
            client = signed_in(user)
            with django_assert_max_num_queries(32):
                assert client.get(url).status_code == 200


class TestWhereAFreezeShows:
    def test_on_the_public_page_the_manage_page_and_the_case(self, stage: Stage) -> None:
        case = disputes.freeze(actor=stage.first, case=stage.report())
        owner = signed_in(stage.owner)
        for body in (
            page(Client(), "/namespaces/acme/"),
            page(Client(), "/namespaces/acme-labs/"),
            page(owner, "/manage/acme/namespaces/acme/"),
            page(owner, reverse("case", args=[case.pk])),
        ):
            assert "looked into" in body
        disputes.unfreeze(actor=stage.first, case=case)
        for address in ("/namespaces/acme/", "/manage/acme/namespaces/acme/"):
            assert "looked into" not in page(owner, address)

    def test_a_second_lock_is_a_change_for_caches_too(self, stage: Stage) -> None:
        """The state stays, and the page says something else."""
        Grant.objects.update(state=GrantState.LOCKED)
        case = stage.report()
        before = Change.objects.count()
        disputes.freeze(actor=stage.first, case=case)
        kinds = Change.objects.order_by("pk")[before:]
        assert ("grant", "acme") in [(change.kind, change.name) for change in kinds]
        assert "while a report about it is looked into" in page(Client(), "/namespaces/acme/")


class TestTheOverview:
    def test_an_open_report_is_something_to_do(self, stage: Stage) -> None:
        client = signed_in(stage.owner)
        assert "report of acme" not in page(client, "/manage/acme/")
        case = stage.report()
        assert "See the report of acme" in page(client, "/manage/acme/")
        stage.ask_holder(case)
        body = page(client, "/manage/acme/")
        assert f'<a href="{reverse("case", args=[case.pk])}">Answer to the report of acme</a>' in body

    def test_not_when_it_has_ended(self, stage: Stage) -> None:
        stage.decide(stage.report(), DISMISSED)
        assert "report of acme" not in page(signed_in(stage.owner), "/manage/acme/")


class TestTheDesk:
    def desk(self, stage: Stage, case: Case) -> tuple[Client, str]:
        assert stage.first.user is not None
        return signed_in(stage.first.user), reverse("review-case", args=[case.pk])

    def test_shows_both_sides_and_the_steps(self, stage: Stage) -> None:
        case = stage.hear(stage.report(evidence_url="https://acme.example/1999"), "Our lawyers say so.")
        client, url = self.desk(stage, case)
        body = page(client, url)
        for said in (STATEMENT, "Our lawyers say so.", "https://acme.example/1999", "The holder answered"):
            assert said in body

    def test_says_whether_the_holder_was_heard(self, stage: Stage) -> None:
        case = stage.report()
        client, url = self.desk(stage, case)
        assert "Not asked yet. Ask them before you uphold it." in page(client, url)
        stage.ask_holder(case)
        assert "Asked, and has time until" in page(client, url)

    def test_stops_new_projects_and_lets_them_go_on(self, stage: Stage) -> None:
        case = stage.report()
        client, url = self.desk(stage, case)
        assert 'value="freeze"' in page(client, url)
        client.post(url, {"action": "freeze", "freeze-text": "To be safe."})
        assert stage.states() == ["locked", "locked"]
        assert GrantLock.objects.get().case == case
        assert 'value="unfreeze"' in page(client, url)
        client.post(url, {"action": "unfreeze"})
        assert stage.states() == ["active", "active"]

    def test_a_lapsed_holder_is_reported_like_any_other(self, stage: Stage) -> None:
        stage.holder.standing = Standing.LAPSED
        stage.holder.save()
        client, url = self.desk(stage, stage.report(by=person()))
        page(client, url)
