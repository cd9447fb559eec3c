"""The pages of prices, of quantities and of plans: what they do, and what that costs the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.gateway.calls import Gateway
from billing.gateway.errors import Unavailable
from billing.models import Call, Plan, Subscription
from orgs.models import Organization
from orgs.vocabulary import Role
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
QUANTITIES, CHANGE = "/manage/acme/plan/quantities/", "/manage/acme/plan/change/"
MORE = {"seats": "5", "roots": "2"}


@pytest.fixture
def owner(acme: Organization) -> Client:
    return signed_in(acme.memberships.get(role=Role.OWNER).user)


@pytest.fixture
def paying(acme: Organization, bought: Callable[..., Subscription]) -> Subscription:
    return bought(acme, 3, 2)


def seen(response: Any) -> dict[str, str]:
    """What the form on the page would post."""
    assert response.status_code == 200
    charge = response.context["proposal"].charge
    return {"at": str(int(charge.at.timestamp())), "due": charge.due.written()}


def test_the_prices_are_the_same_for_everybody_and_ask_once_whether_the_costs_are_public(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(1):
        response = client.get("/prices/?seats=4&currency=eur")
    assert "€20.00" in response.content.decode()
    assert response["Cache-Control"] == "public, max-age=60"


def test_what_is_agreed_to_is_done(owner: Client, paying: Subscription) -> None:
    shown = seen(owner.get(QUANTITIES, MORE))
    response = owner.post(QUANTITIES, MORE | shown)
    assert (response.status_code, response["Location"]) == (302, QUANTITIES)
    call = Call.objects.get()
    assert (call.arguments["seats"], call.arguments["roots"]) == (5, 2)


@pytest.mark.parametrize("posted", [{}, {"due": "1.00"}, {"at": "nonsense"}, {"at": "9" * 40}])
def test_another_sum_is_not_agreed_to(owner: Client, paying: Subscription, posted: dict[str, str]) -> None:
    known = {} if not posted else seen(owner.get(QUANTITIES, MORE)) | {"due": "1.00"}
    response = owner.post(QUANTITIES, MORE | known | posted)
    assert response.status_code == 422
    assert "The sum has changed" in response.content.decode()
    assert not Call.objects.exists()


def test_without_stripe_nobody_can_say_the_sum(
    owner: Client, paying: Subscription, stripe: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise Unavailable("No answer.")

    monkeypatch.setattr(stripe, "preview", fail)
    for response in (owner.get(QUANTITIES, MORE), owner.get(CHANGE, {"choice": "business-month"})):
        assert "Stripe can’t tell the sum" in response.content.decode()
    assert owner.post(QUANTITIES, MORE).status_code == 422
    assert not Call.objects.exists()


def test_a_plan_is_chosen_as_it_was_shown(owner: Client, paying: Subscription) -> None:
    choice = {"choice": "business-year"}
    shown = seen(owner.get(CHANGE, choice))
    assert owner.post(CHANGE, choice | shown).status_code == 302
    assert Call.objects.get().arguments["interval"] == "year"


def test_without_a_plan_there_is_nothing_to_change(owner: Client, plans: dict[str, Plan]) -> None:
    for page in (QUANTITIES, CHANGE):
        assert "No plan yet" in owner.get(page, MORE).content.decode()
        assert owner.post(page, MORE | {"choice": "business-year"}).status_code == 422


@pytest.mark.parametrize(
    ("page", "asked", "most"),
    [(QUANTITIES, {}, 34), (QUANTITIES, MORE, 40), (CHANGE, {}, 35), (CHANGE, {"choice": "business-year"}, 42)],
)
def test_the_number_of_queries_is_bounded(
    request: pytest.FixtureRequest, owner: Client, page: str, asked: dict[str, str], most: int
) -> None:
    request.getfixturevalue("paying")
    with request.getfixturevalue("django_assert_max_num_queries")(most):
        assert owner.get(page, asked).status_code == 200
