"""Staff's pages of standings: who owes what, and that a release is confirmed and not guessed."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.services.effects import apply
from namespaces.models import Grant
from namespaces.services.lifecycle import quarantine_namespace
from namespaces.states import GrantState
from orgs.models import Organization
from tests import factories
from tests.billing.standing.rows import DAY, WORKER, company, decline, states, subscription
from tests.dump import nothing_changes
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
LIST, OVER = "/review/standings/", "/review/standings/over/"


@pytest.fixture
def staff() -> Client:
    return signed_in(factories.reviewer())


def owing(name: str, days: int) -> Organization:
    made = company(name)
    factories.grant(name, made)
    decline(subscription(made), timezone.now() - days * DAY)
    apply(actor=WORKER, organization=made)
    return made


@pytest.fixture
def over() -> Organization:
    made = owing("over", 300)
    quarantine_namespace(actor=WORKER, grant=Grant.objects.get(owner=made))
    return made


def test_the_list_asks_the_database_no_more_for_many_than_for_one(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        owing(f"org{number}", 3 * number + 1)
    with django_assert_max_num_queries(12):
        page = staff.get(LIST).content.decode()
    assert page.count("A payment is missing") == 4 and page.count("is locked") == 4


def test_it_says_how_it_came_to_be(staff: Client, over: Organization) -> None:
    page = staff.get(OVER).content.decode()
    assert "Good → Lapsed" in page and "Everybody could have these names" in page


def test_who_confirms_says_why(staff: Client, over: Organization) -> None:
    with nothing_changes():
        assert staff.post(OVER, {"reason": " "}).status_code == 422
    assert states(over) == {"over": GrantState.QUARANTINED}
    assert staff.post(OVER, {"reason": "Nobody answers."}).status_code == 302
    assert states(over) == {"over": GrantState.RELEASED}


def test_what_is_not_over_cannot_be_ended_by_whoever_makes_up_the_form(staff: Client) -> None:
    made = owing("over", 100)
    page = staff.post(OVER, {"reason": "I like the name."})
    assert page.status_code == 422 and "has not come to the end of its quarantine" in page.content.decode()
    assert states(made) == {"over": GrantState.LOCKED}
