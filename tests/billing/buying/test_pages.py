"""The pages of a plan: what they say in words, and that they ask the database no more for more rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Allowance, Invoice
from billing.vocabulary import Method
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.vocabulary import Kind, State
from tests import factories
from tests.billing.buying.rows import DAY, intent, sold
from tests.billing.standing.rows import invoice, subscription
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organization:
    sold()
    made = factories.organization("acme", state=State.APPLIED)
    factories.member(made, "olga")
    return made


@pytest.fixture
def olga(acme: Organization) -> Client:
    return signed_in(acme.memberships.get().user)


class TestChoosing:
    def test_it_begins_with_what_is_needed(self, acme: Organization, olga: Client) -> None:
        factories.grant("acme", acme, state=GrantState.HELD)
        factories.grant("zeta", acme, state=GrantState.HELD)
        text = olga.get("/manage/acme/plan/buy/").text
        assert "Go on to pay US$45.00" in text
        assert "2 namespaces wait for you" in text

    def test_reckoning_buys_nothing_and_says_what_can_not_be_had(self, acme: Organization, olga: Client) -> None:
        typed = {"tier": "team", "seats": "3", "roots": "1", "interval": "year", "currency": "eur", "method": "card"}
        reckoned = olga.post("/manage/acme/plan/buy/", typed | {"reckon": "1"})
        assert (reckoned.status_code, "€150.00" in reckoned.text) == (200, True)
        refused = olga.post("/manage/acme/plan/buy/", typed | {"seats": "0"})
        assert refused.status_code == 422
        assert not acme.intents.exists()

    def test_by_invoice_leads_to_a_quote_with_the_same_sum(self, acme: Organization, olga: Client) -> None:
        typed = {"tier": "team", "seats": "3", "roots": "2", "interval": "year", "currency": "eur", "method": "invoice"}
        response = olga.post("/manage/acme/plan/buy/", typed)
        page = olga.get(response["Location"])
        assert "€550.00" in page.text
        billed = {"name": "Acme", "email": "a@acme.example", "line1": "Street 1", "city": "Town", "country": "DE"}
        made = olga.post(response["Location"], billed)
        quote = acme.intents.get()
        assert (quote.total, made["Location"]) == (55_000, f"/manage/acme/plan/quotes/{quote.number}/")
        shown = olga.get(made["Location"]).text
        assert "€550.00" in shown and "Germany" in shown

    def test_forms_may_lead_to_stripe_from_here_alone(self, acme: Organization, olga: Client) -> None:
        for page in ("/manage/acme/plan/buy/", "/manage/acme/plan/"):
            policy = olga.get(page).headers["Content-Security-Policy"]
            (allowed,) = [part for part in policy.split(";") if "form-action" in part]
            assert settings.FREEHOLD_STRIPE.pages[0] in allowed


class TestTheWayThere:
    def test_a_community_project_has_no_plan_and_no_link_to_one(self, acme: Organization, olga: Client) -> None:
        assert "/manage/acme/plan/" in olga.get("/manage/acme/").text
        Organization.objects.filter(pk=acme.pk).update(kind=Kind.COMMUNITY)
        assert "/manage/acme/plan/" not in olga.get("/manage/acme/").text
        assert "Everything is free" in olga.get("/manage/acme/plan/").text

    def test_a_company_that_applied_is_led_to_choose_one(self, acme: Organization, olga: Client) -> None:
        assert "/manage/acme/plan/buy/" in olga.get("/manage/acme/").text


class TestTheNumberOfQueries:
    """Twice as much to show asks the database as often."""

    def test_the_plan(self, acme: Organization, olga: Client, django_assert_max_num_queries: Any) -> None:
        now = timezone.now()
        running = subscription(acme, period_end=now + DAY)
        for number in range(30):
            invoice(running, acme, "paid" if number % 2 else "open", number=f"F-{number}")
        for page, most in (("", 42), ("invoices/", 20), ("buy/", 35)):
            with django_assert_max_num_queries(most):
                assert olga.get(f"/manage/acme/plan/{page}").status_code == 200

    def test_the_orders(self, acme: Organization, django_assert_max_num_queries: Any) -> None:
        for number in range(12):
            made = factories.organization()
            factories.member(made, f"owner{number}")
            quoted = intent(made, Method.INVOICE)
            Allowance.objects.create(organization=made, reason="x", intent=quoted, requested_by=quoted.requested_by)
            running = subscription(made, collection_method="send_invoice")
            invoice(running, made, collection_method="send_invoice", due_at=timezone.now())
        assert Invoice.objects.count() == 12
        staff: User = factories.reviewer()
        client = signed_in(staff)
        with django_assert_max_num_queries(12):
            assert client.get("/review/orders/").status_code == 200
