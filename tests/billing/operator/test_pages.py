"""Billing at the review desk: what its pages show, what its buttons do, and how often they ask the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.gateway.errors import Unavailable
from billing.models import Alert, Call, Drift, Event, Subscription
from billing.services import syncing
from billing.vocabulary import JobState
from orgs.models import AuditEvent
from tests import factories
from tests.billing.operator.rows import alert, call, drift, event, full
from tests.billing.standing.rows import company, subscription
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
DESK = "/review/billing/"
LISTS = {
    "": 24,
    "customers/": 13,
    "customers/?q=org": 13,
    "subscriptions/": 13,
    "subscriptions/?show=problems": 13,
    "purchases/": 12,
    "inbox/": 12,
    "inbox/?state=dead": 12,
    "calls/": 12,
    "calls/?state=dead&kind=set_quantities": 12,
    "drift/": 13,
    "drift/?all=1": 13,
    "alerts/": 12,
    "revenue/": 13,
}
"""Each with the most queries that it may take, however many rows there are."""


@pytest.fixture
def staff() -> Client:
    return signed_in(factories.reviewer())


@pytest.fixture
def admin() -> Client:
    return signed_in(factories.reviewer(is_superuser=True))


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(address).status_code == 200
    return len(caught)


@pytest.mark.slow
def test_no_list_asks_more_for_thirty_rows_than_for_three(staff: Client) -> None:
    for number in range(3):
        full(f"org{number}")
    few = {page: queries(staff, DESK + page) for page in LISTS}
    for number in range(3, 30):
        full(f"org{number}")
    many = {page: queries(staff, DESK + page) for page in LISTS}
    assert many == few
    assert not {page: count for page, count in many.items() if count > LISTS[page]}


def test_nor_does_the_page_of_a_customer(staff: Client) -> None:
    made = full("acme")
    few = queries(staff, f"{DESK}customers/acme/")
    for number in range(9):
        subscription(made)
        call(made, JobState.DONE, topic=str(number))
    assert queries(staff, f"{DESK}customers/acme/") == few <= 33


def test_nor_that_of_an_event(staff: Client) -> None:
    first = event("evt_1")
    few = queries(staff, f"{DESK}inbox/{first.pk}/")
    for number in range(2, 30):
        event(f"evt_{number}")
    assert queries(staff, f"{DESK}inbox/{first.pk}/") <= few <= 13


class TestFinding:
    @pytest.mark.parametrize(
        "typed", ["acme", "Acme", "bea-acme@example.com", "F-1", "cus_of_acme", "sub_of_acme", "acme gmbh"]
    )
    def test_a_customer_is_found_by_whatever_one_has_in_hand(self, staff: Client, typed: str) -> None:
        full("zeta").invoices.update(number="F-2")
        made = full("acme")
        made.customers.update(email="bea-acme@example.com", stripe_id="cus_of_acme", name="Acme GmbH")
        made.subscriptions.update(stripe_id="sub_of_acme")
        page = staff.get(f"{DESK}customers/", {"q": typed})
        assert [row.name for row in page.context["rows"]] == ["acme"]

    def test_who_never_bought_anything_is_no_customer(self, staff: Client) -> None:
        factories.organization("never")
        assert "Nobody has bought anything yet" in staff.get(f"{DESK}customers/").text
        assert staff.get(f"{DESK}customers/never/").status_code == 200

    def test_what_nobody_can_have_chosen_narrows_nothing(self, staff: Client) -> None:
        event("evt_1")
        for query in ("?state=x", "?type=%00", "?about=%00"):
            assert staff.get(f"{DESK}inbox/{query}").status_code == 200
        assert "1 event" in staff.get(f"{DESK}inbox/?state=x").text

    def test_the_overview_counts_what_waits(self, staff: Client) -> None:
        page = staff.get(DESK).text
        assert "Nothing waits for anybody" in page
        assert page.count('aria-current="page"') == 2, "in the navigation of the desk, and in that of billing"
        full("acme")
        found = staff.get(DESK).context["waiting"]
        counts = (found.alerts, found.drifts, found.dead_events, found.dead_calls, found.problems)
        assert counts == (1, 1, 1, 1, 1) and found.for_staff == 5


class TestDoing:
    def test_an_event_is_settled_again(self, staff: Client) -> None:
        dead = event("evt_1", JobState.DEAD)
        assert "Settle it again" in staff.get(f"{DESK}inbox/{dead.pk}/").text
        staff.post(f"{DESK}inbox/{dead.pk}/replay/")
        assert Event.objects.get().state == JobState.PENDING
        assert "Settle it again" not in staff.get(f"{DESK}inbox/{dead.pk}/").text

    def test_a_call_is_for_those_who_run_freehold(self, staff: Client, admin: Client) -> None:
        dead = call(company())
        page, button = f"{DESK}calls/{dead.pk}/", "Make it once more"
        assert button not in staff.get(page).text and button in admin.get(page).text
        assert staff.post(f"{page}retry/").status_code == 403
        admin.post(f"{page}retry/")
        assert Call.objects.get().state == JobState.PENDING
        assert admin.post(f"{page}give-up/", {"reason": " "}).status_code == 422
        assert admin.post(f"{page}give-up/", {"reason": "Not wanted."}).status_code == 302
        assert Call.objects.get().state == JobState.DEAD
        assert admin.get(f"{page}give-up/").status_code == 302

    @pytest.mark.parametrize(("make", "place"), [(alert, "alerts"), (drift, "drift")])
    def test_what_was_looked_into_is_off_the_list(
        self, staff: Client, make: Callable[[], Alert | Drift], place: str
    ) -> None:
        page = f"{DESK}{place}/{make().pk}/"
        assert staff.post(page, {"note": ""}).status_code == 422
        assert staff.post(page, {"note": "They asked for it."}).status_code == 302
        assert not staff.get(f"{DESK}{place}/").context["rows"]
        assert "Settle" not in staff.get(page).context["form"].as_p()
        assert "They asked for it." in str(AuditEvent.objects.get().after)

    def test_comparing_looks_at_stripe_and_says_when_it_could_not(
        self, staff: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row, asked = subscription(company("acme")), []

        def sync(stripe_id: str, **_: Any) -> Subscription:
            asked.append(stripe_id)
            if len(asked) > 1:
                raise Unavailable("No answer.")
            return row

        monkeypatch.setattr(syncing, "sync_subscription", sync)
        address = f"{DESK}subscriptions/{row.pk}/compare/"
        assert "as Stripe has it" in staff.post(address, follow=True).text
        assert "No answer." in staff.post(address, follow=True).text
        assert asked == [row.stripe_id] * 2


def test_from_an_organization_at_the_desk_one_comes_to_its_payments_and_back(staff: Client) -> None:
    factories.organization("acme")
    there, here = f"{DESK}customers/acme/", "/review/organizations/acme/"
    assert f'href="{there}"' in staff.get(here).text
    assert f'href="{here}"' in staff.get(there).text
    assert f'href="{there}"' in staff.get("/review/standings/acme/").text
