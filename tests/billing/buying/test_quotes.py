"""A quote as whoever signs orders reads it; and an order that Stripe does not take, of which people get out alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client, override_settings

from accounts.models import Mail
from billing import tax_ids, tiers
from billing.gateway.calls import gateway
from billing.gateway.errors import Unavailable
from billing.models import Alert, Allowance, Intent, Invoice, Plan
from billing.pages.plan import cheaper
from billing.sandbox.store import Sandbox
from billing.services.purchases import can_drop, drop_purchase
from billing.services.quotes import Billed, accept_with_order, request_quote, tell_of_stuck_orders
from billing.vocabulary import IntentState, Interval, Tier
from freehold.errors import Invalid
from freehold.seller import Seller
from orgs.models import Organization
from orgs.vocabulary import Role
from tests.billing.buying.shop import order
from tests.billing.world import owner_of
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
Settle = Callable[[], None]
BERLIN = {"line1": "Hauptstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
PARIS = {"line1": "1 Rue de Rivoli", "postal_code": "75001", "city": "Paris", "country": "FR"}
AUSTIN = {"line1": "1 Main St", "city": "Austin", "country": "US"}
VAT = "FR12345678901"


@pytest.fixture(autouse=True)
def _sold(plans: dict[str, Plan]) -> None:
    """There is something to buy."""


def quote(organization: Organization, address: Mapping[str, str] = BERLIN, tax_id: str = "", **other: Any) -> Intent:
    billed = Billed(name="Acme GmbH", email="accounts@acme.example", address=address, tax_id=tax_id)
    return request_quote(actor=owner_of(organization), organization=organization, order=order(**other), billed=billed)


def page(organization: Organization, intent: Intent) -> str:
    client = signed_in(organization.memberships.get(role=Role.OWNER).user)
    return client.get(f"/manage/{organization.name}/plan/quotes/{intent.number}/").content.decode()


# --- Tax numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "typed", "number"),
    [
        ("DE", "DE 123 456 789", "DE123456789"),
        ("DE", "123456789", "DE123456789"),
        ("GR", "123456789", "EL123456789"),
        ("GB", "gb123456789", "GB123456789"),
        ("US", "12-3456789", "12-3456789"),
        ("KE", "P051234567A", "P051234567A"),
        ("DE", "  ", ""),
    ],
)
def test_a_number_is_tidied(country: str, typed: str, number: str) -> None:
    assert tax_ids.parse(country, typed) == number


@pytest.mark.parametrize("typed", ["12", "ＤＥ123456789", "DE12345<script>", "x" * 60])
def test_what_can_be_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="is no tax number"):
        tax_ids.parse("DE", typed)


def test_its_kind_follows_from_the_country() -> None:
    assert [tax_ids.kind_of(country) for country in ("FR", "GB", "KE")] == ["eu_vat", "gb_vat", ""]


# --- The document -----------------------------------------------------------------------------------------------------


class TestQuote:
    def test_it_says_the_tax_and_the_sum_with_it(self, acme: Organization) -> None:
        intent = quote(acme)
        assert (intent.total, intent.tax) == (1000, 190)
        shown = page(acme, intent)
        assert "US$10.00" in shown and "US$1.90" in shown and "US$11.90" in shown

    def test_a_company_elsewhere_in_the_union_owes_the_tax_itself_by_its_number(self, acme: Organization) -> None:
        assert quote(acme, PARIS).tax == 200
        intent = quote(acme, PARIS, VAT)
        assert (intent.tax, intent.tax_id) == (0, VAT)
        shown = page(acme, intent)
        assert VAT in shown and "reverse charge: owed by the buyer" in shown

    def test_so_does_the_first_invoice(self, acme: Organization, settle: Settle) -> None:
        intent = quote(acme, PARIS, VAT)
        accept_with_order(actor=owner_of(acme), intent=intent, purchase_order="PO-1")
        settle()
        invoice = Invoice.objects.get(organization=acme)
        assert (invoice.total, invoice.tax) == (1000, 0)
        intent.refresh_from_db()
        customer = acme.customers.get(is_current=True)
        assert [(one.kind, one.value) for one in gateway().customer(customer.stripe_id).tax_ids] == [("eu_vat", VAT)]

    def test_it_says_who_sells_to_whom_and_how_it_is_paid(self, acme: Organization) -> None:
        seller = Seller(
            address=("Index Foundation", "1 Index Road"), tax_id="DE1", bank="IBAN DE00", email="b@i.example"
        )
        with override_settings(FREEHOLD_SELLER=seller):
            shown = page(acme, quote(acme))
        for said in ("Index Foundation", "1 Index Road", "Tax number DE1", "IBAN DE00", "b@i.example", "Acme GmbH"):
            assert said in shown

    def test_without_stripe_the_tax_comes_with_the_invoice(
        self, acme: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> None:
            raise Unavailable("no answer")

        monkeypatch.setattr("billing.services.quotes.tax_of_new", away)
        intent = quote(acme)
        assert intent.tax is None
        assert "added on the invoice" in page(acme, intent)

    @pytest.mark.parametrize(
        ("address", "tax_id", "said"),
        [(AUSTIN, "", "the state and the postal code"), (PARIS, "FR1234", "no tax number of a company there")],
    )
    def test_what_stripe_would_refuse_later_is_said_now(
        self, acme: Organization, address: dict[str, str], tax_id: str, said: str
    ) -> None:
        with pytest.raises(Invalid, match=said):
            quote(acme, address, tax_id)
        assert not Intent.objects.exists()

    def test_where_the_tax_can_t_be_told_is_said_now(self, acme: Organization) -> None:
        with pytest.raises(Invalid, match="The tax can’t be told from this address"):
            quote(acme, {**AUSTIN, "state": "Texas", "postal_code": "73301"})


# --- An order that Stripe does not take -------------------------------------------------------------------------------


class TestStuck:
    @pytest.fixture
    def stuck(self, acme: Organization, settle: Settle) -> Intent:
        """The address was made worse after it was quoted."""
        intent = quote(acme)
        Intent.objects.update(billing_address=AUSTIN)
        accept_with_order(actor=owner_of(acme), intent=intent, purchase_order="PO-1", begin_now=True)
        settle()
        intent.refresh_from_db()
        assert intent.state == IntentState.OPEN
        return intent

    @pytest.fixture
    def owner(self, acme: Organization) -> Client:
        return signed_in(acme.memberships.get(role=Role.OWNER).user)

    def test_its_pages_say_so_and_what_to_do(self, stuck: Intent, owner: Client) -> None:
        shown = owner.get("/manage/acme/plan/").content.decode()
        assert "The order could not be placed" in shown and "nothing is owed" in shown
        assert "Order again" in shown and "Drop it" in shown
        assert "is being made" not in shown and "Somebody looks at your order" not in shown
        assert "did not take it" in owner.get(f"/manage/acme/plan/quotes/{stuck.number}/").content.decode()
        assert "Another order takes its place" in owner.get("/manage/acme/plan/buy/").content.decode()

    def test_they_are_mailed_once(self, stuck: Intent) -> None:
        for _ in range(3):
            tell_of_stuck_orders()
        assert Mail.objects.filter(subject__contains="could not be placed").count() == 1
        assert Alert.objects.filter(settled_at__isnull=True).exists()

    def test_it_can_be_dropped_and_nobody_is_asked_about_it_any_more(self, acme: Organization, stuck: Intent) -> None:
        assert can_drop(stuck)
        drop_purchase(actor=owner_of(acme), intent=stuck)
        assert not Allowance.objects.filter(ended_at__isnull=True).exists()

    def test_it_can_be_ordered_again(self, acme: Organization, stuck: Intent, settle: Settle) -> None:
        accept_with_order(actor=owner_of(acme), intent=quote(acme), purchase_order="PO-2")
        settle()
        stuck.refresh_from_db()
        assert stuck.state == IntentState.CANCELLED
        assert Invoice.objects.get(organization=acme).purchase_order == "PO-2"
        tell_of_stuck_orders()
        assert not Mail.objects.filter(subject__contains="could not be placed").exists()


def test_one_that_is_on_its_way_is_not_called_stuck(acme: Organization) -> None:
    accept_with_order(actor=owner_of(acme), intent=quote(acme), purchase_order="PO-1")
    tell_of_stuck_orders()
    assert not Mail.objects.filter(subject__contains="could not be placed").exists()


# --- Lines that can be told apart, and the plan that costs least ------------------------------------------------------


def test_the_lines_of_an_invoice_say_what_they_are_for(acme: Organization, settle: Settle, sandbox: Sandbox) -> None:
    accept_with_order(actor=owner_of(acme), intent=quote(acme, roots=2), purchase_order="")
    settle()
    (made,) = sandbox.find("invoice")
    said = [line["description"] for line in made["lines"]["data"]]
    assert len(said) == 2
    assert "Freehold Team: people" in said[0] and "Freehold Team: further root namespaces" in said[1]


@pytest.mark.parametrize(
    ("tier", "roots", "expected"),
    [(Tier.TEAM, 1, None), (Tier.TEAM, 2, Tier.BUSINESS), (Tier.BUSINESS, 1, Tier.TEAM), (Tier.BUSINESS, 2, None)],
)
def test_who_could_have_as_much_for_less_is_told(tier: Tier, roots: int, expected: Tier | None) -> None:
    terms = tiers.terms_of(tier)
    chosen = tiers.reckon(terms, seats=3, roots=roots, currency="usd", interval=Interval.MONTH)
    found = cheaper(chosen, tier, seats=3, roots=roots)
    assert (found.terms.tier if found else None) == expected


def test_the_page_tells_it(acme: Organization) -> None:
    client = signed_in(acme.memberships.get(role=Role.OWNER).user)
    shown = client.get("/manage/acme/plan/buy/?tier=team&seats=3&roots=2").content.decode()
    assert "Business has as much for US$27.00 a month." in shown


def test_whoever_wants_a_quote_for_more_knows_where_to_write(client: Client) -> None:
    with override_settings(FREEHOLD_SELLER=Seller(email="sales@index.example")):
        assert "mailto:sales@index.example" in client.get("/prices/?seats=77").content.decode()
