"""The page of community status: what it shows to whom, its acts, and how often it asks the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from namespaces.cases import CaseKind, CaseState
from namespaces.models import Case, ForgeSignals
from namespaces.services.applications import file_application
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Kind, Role, State
from tests import factories
from tests.dump import nothing_changes
from tests.sessions import signed_in
from tests.webserver import WebServer

pytestmark = pytest.mark.django_db
PAGE = "/manage/rocket/community/"


@pytest.fixture
def client(owner: Actor) -> Client:
    return signed_in(owner.user)


def text(client: Client, path: str = PAGE) -> str:
    return client.get(path).content.decode()


def test_it_says_what_is_missing_and_where_to_put_it_right(client: Client) -> None:
    shown = text(client)
    for path in ("proofs/new/", "proofs/new/forge/"):
        assert f'href="/manage/rocket/{path}"' in shown
    assert reverse("index-identity") in shown
    assert "Apply as a community project" in shown


def test_a_member_sees_it_and_can_do_nothing(rocket: Organization, client: Client) -> None:
    shown = text(signed_in(factories.member(rocket, "sam", Role.MEMBER).user))
    assert "What can be seen now" in shown
    assert "Apply as a community project" not in shown
    assert "proofs/new/forge/" not in shown


def test_looking_at_it_asks_nobody(proved: WebServer, client: Client) -> None:
    with nothing_changes():
        assert "has not been asked yet" in text(client)
    assert proved.requests == []


def test_asking_again_decides_nothing_before_it_is_filed(
    proved: WebServer, client: Client, rocket: Organization
) -> None:
    client.post(f"{PAGE}look/")
    assert "Nothing is missing" in text(client)
    assert ForgeSignals.objects.count() == 1
    assert Organization.objects.get(pk=rocket.pk).state == State.APPLIED


def test_applying(proved: WebServer, client: Client, rocket: Organization) -> None:
    response = client.post(f"{PAGE}apply/", {"statement": "Hello."}, follow=True)
    assert "Everything is met: Rocket is a verified community project." in response.content.decode()
    assert Case.objects.get().state == CaseState.APPROVED


def test_applying_with_too_many_words_loses_none(client: Client) -> None:
    long = "word " * 900
    with nothing_changes():
        response = client.post(f"{PAGE}apply/", {"statement": long})
    assert response.status_code == 422
    assert long.strip() in response.content.decode()


def test_looking_again_at_what_waits(client: Client, web: WebServer, rocket: Organization, owner: Actor) -> None:
    file_application(actor=owner, organization=rocket)
    assert "Your application is looked at" in text(client)
    client.post(f"{PAGE}look/")
    assert Case.objects.get().evaluations.count() == 2


def test_applying_twice_is_refused_in_words(client: Client, rocket: Organization, owner: Actor) -> None:
    file_application(actor=owner, organization=rocket)
    with nothing_changes():
        response = client.post(f"{PAGE}apply/", {"statement": ""})
    assert response.status_code == 422


def test_becoming_a_company_says_first_what_it_means(client: Client, rocket: Organization) -> None:
    Organization.objects.filter(pk=rocket.pk).update(state=State.ACTIVE)
    path = f"{PAGE}company/"
    assert "fourteen days, in which to choose a plan" in text(client, path)
    assert client.post(path).status_code == 302
    assert Organization.objects.get(pk=rocket.pk).kind == Kind.COMPANY
    assert "is a company already" in text(client, path)


def test_companies_find_it_by_their_settings(client: Client, rocket: Organization) -> None:
    Organization.objects.filter(pk=rocket.pk).update(kind=Kind.COMPANY)
    assert PAGE in text(client, "/manage/rocket/settings/")
    assert PAGE not in text(client, "/manage/rocket/people/")
    assert "This is a company" in text(client)


def test_the_next_step_of_a_community_project_leads_here(client: Client) -> None:
    assert text(client, "/manage/rocket/").count(PAGE) >= 3  # navigation, notice and the next step


def test_it_asks_the_database_no_oftener_for_more(
    proved: WebServer, client: Client, rocket: Organization, owner: Actor, django_assert_max_num_queries: Any
) -> None:
    file_application(actor=owner, organization=rocket)
    for number in range(12):
        factories.forge_proof(rocket, f"https://github.com/more{number}")
        factories.project(f"rocket-{number}", "rocket")
    for _ in range(3):
        factories.case(rocket, kind=CaseKind.APPLICATION, state=CaseState.WITHDRAWN)
    with django_assert_max_num_queries(40):
        assert client.get(PAGE).status_code == 200
