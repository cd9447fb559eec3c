"""Who an organization is at Stripe, and what becomes of it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing.gateway.calls import Gateway
from billing.gateway.errors import Unavailable, WrongMode
from billing.models import Alert, Call, Customer, Installation, TaxEvidence
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import Sandbox
from billing.services.customers import ensure_customer, sync_customer
from billing.services.installation import WrongInstallation
from billing.vocabulary import CallKind
from freehold.errors import NotPermitted
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.vocabulary import Role
from tests import factories
from tests.billing import world
from tests.people import in_role

pytestmark = pytest.mark.django_db
WORKER = Actor.worker()


def ensure(organization: Organization) -> Customer:
    return ensure_customer(actor=WORKER, organization=organization)


class TestHavingOne:
    def test_it_is_made_once_and_says_whose_it_is(self, stripe: Gateway, acme: Organization, sandbox: Sandbox) -> None:
        customer = ensure(acme)
        assert ensure(acme) == customer
        (made,) = sandbox.find("customer")
        assert (made["id"], made["name"], made["email"]) == (customer.stripe_id, "Acme", "acme-owner@example.com")
        assert made["metadata"]["freehold_organization"] == str(acme.pk)
        assert list(AuditEvent.objects.values_list("action", flat=True)) == ["customer.created"]

    def test_invoices_go_to_whoever_keeps_the_books(self, stripe: Gateway, acme: Organization) -> None:
        factories.member(acme, "bookkeeper", Role.BILLING)
        assert ensure(acme).email == "bookkeeper@example.com"

    def test_not_by_somebody_who_may_not_manage_billing(self, stripe: Gateway, acme: Organization) -> None:
        with pytest.raises(NotPermitted):
            ensure_customer(actor=in_role(Role.MANAGER, acme), organization=acme)
        assert not Customer.objects.exists()

    def test_the_answer_was_lost_and_the_name_was_changed_meanwhile(
        self, stripe: Gateway, acme: Organization, sandbox: Sandbox
    ) -> None:
        """The same key with other parameters would be refused for a day."""
        sandbox.faults.add(kind=RequestTrouble.TIMEOUT_AFTER, match="POST /v1/customers", times=3)
        with pytest.raises(Unavailable):
            ensure(acme)
        acme.display_name = "Acme Unlimited"
        acme.save()
        customer = ensure(acme)
        assert [made["id"] for made in sandbox.find("customer")] == [customer.stripe_id]
        assert customer.name == "Acme Unlimited"

    def test_that_nothing_is_heard_of_it_makes_no_other(
        self, stripe: Gateway, acme: Organization, sandbox: Sandbox
    ) -> None:
        customer = ensure(acme)
        sandbox.faults.add(kind=RequestTrouble.ERROR, times=None)
        with pytest.raises(Unavailable):
            ensure(acme)
        assert Customer.objects.get() == customer
        assert customer.is_current


class TestWhatBecomesOfIt:
    def test_scenario_45_deleted_at_stripe_and_succeeded_by_another(
        self, stripe: Gateway, acme: Organization, bought: Callable[..., Any], sandbox: Sandbox
    ) -> None:
        subscription = bought(acme)
        before = subscription.customer
        stripe.v1.customers.delete(before.stripe_id)
        assert sync_customer(before.stripe_id) == before
        after = ensure(acme)
        before.refresh_from_db()
        assert (before.is_current, before.deleted_at is None) == (False, False)
        assert (after.is_current, after.pk != before.pk) == (True, True)
        subscription.refresh_from_db()
        assert subscription.customer == before
        assert subscription.invoices.count() == 1

    def test_deleted_without_our_hearing_of_it(self, stripe: Gateway, acme: Organization) -> None:
        before = ensure(acme)
        stripe.v1.customers.delete(before.stripe_id)
        assert ensure(acme).stripe_id != before.stripe_id
        actions = ["customer.created", "customer.retired", "customer.created"]
        assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == actions

    def test_scenario_46_of_the_wrong_mode_is_made_anew_once(
        self, stripe: Gateway, acme: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, asked = ensure(acme), []

        def customer(identifier: str) -> Any:
            asked.append(identifier)
            if identifier == before.stripe_id:
                raise WrongMode("a similar object exists in live mode")
            return Gateway.customer(stripe, identifier)

        monkeypatch.setattr(stripe, "customer", customer)
        after = ensure(acme)
        assert asked == [before.stripe_id]
        assert ensure(acme) == after != before
        before.refresh_from_db()
        assert (before.is_current, before.deleted_at) == (False, None)
        assert Alert.objects.get().key == f"customer-gone:{before.stripe_id}"

    def test_with_the_key_of_another_account_nobody_loses_theirs(
        self, stripe: Gateway, acme: Organization, sandbox: Sandbox
    ) -> None:
        customer = ensure(acme)
        Installation.objects.create(pk=1, account="acct_of_ours", livemode=False)
        sandbox.forget("customer", customer.stripe_id)
        for act in (lambda: ensure(acme), lambda: sync_customer(customer.stripe_id)):
            with pytest.raises(WrongInstallation):
                act()
        customer.refresh_from_db()
        assert customer.is_current

    def test_what_is_changed_there_is_known_here(self, stripe: Gateway, acme: Organization) -> None:
        customer = world.customer_of(acme)
        stripe.v1.customers.update(customer.stripe_id, {"name": "Acme GmbH", "email": "new@acme.example"})
        found = sync_customer(customer.stripe_id)
        assert found is not None
        assert (found.name, found.email, found.country) == ("Acme GmbH", "new@acme.example", "DE")

    def test_one_that_we_made_and_did_not_live_to_write_down(self, stripe: Gateway, acme: Organization) -> None:
        customer = ensure(acme)
        Customer.objects.all().delete()
        found = sync_customer(customer.stripe_id)
        assert found is not None
        assert (found.organization, found.is_current) == (acme, True)
        assert ensure(acme) == found

    @pytest.mark.parametrize("metadata", [{}, {"freehold_organization": "{pk}"}, {"freehold_site": "testserver"}])
    def test_another_application_s_is_not_ours(
        self, stripe: Gateway, acme: Organization, metadata: dict[str, str]
    ) -> None:
        told = {name: value.format(pk=acme.pk) for name, value in metadata.items()}
        made = stripe.v1.customers.create({"name": "Somebody", "metadata": told})
        assert sync_customer(made.id) is None
        assert not Customer.objects.exists()

    def test_one_whose_answer_was_an_error_for_good_comes_by_its_event(
        self,
        stripe: Gateway,
        acme: Organization,
        sandbox: Sandbox,
        deliver: Callable[[], list[int]],
        settle: Callable[[], None],
    ) -> None:
        """Stripe made it, answered 500, and goes on to answer that for the key."""
        sandbox.faults.add(kind=RequestTrouble.ERROR_KEPT, match="POST /v1/customers", times=1)
        with pytest.raises(Unavailable):
            ensure(acme)
        deliver()
        settle()
        (made,) = sandbox.find("customer")
        assert ensure(acme).stripe_id == made["id"]

    def test_a_second_one_is_reported_and_not_used(self, stripe: Gateway, acme: Organization, sandbox: Sandbox) -> None:
        customer = ensure(acme)
        told = sandbox.get("customer", customer.stripe_id)["metadata"]
        made = stripe.v1.customers.create({"name": "Acme", "metadata": dict(told)})
        found = sync_customer(made.id)
        assert found is not None
        assert not found.is_current
        assert Alert.objects.get().key == f"customer-twice:{made.id}"

    def test_invoices_no_longer_go_to_somebody_who_has_left(
        self, stripe: Gateway, acme: Organization, settle: Callable[[], None]
    ) -> None:
        bookkeeper = factories.member(acme, "bookkeeper", Role.BILLING)
        customer = ensure(acme)
        bookkeeper.delete()
        sync_customer(customer.stripe_id)
        assert Call.objects.get().kind == CallKind.DESCRIBE_CUSTOMER
        settle()
        assert stripe.customer(customer.stripe_id).email == "acme-owner@example.com"

    def test_an_address_that_was_typed_at_the_checkout_stays(self, stripe: Gateway, acme: Organization) -> None:
        customer = ensure(acme)
        stripe.v1.customers.update(customer.stripe_id, {"email": "accounts@acme.example"})
        sync_customer(customer.stripe_id)
        assert not Call.objects.exists()


class TestTaxIds:
    def evidence(self) -> list[tuple[str, str, str]]:
        return list(TaxEvidence.objects.order_by("pk").values_list("kind", "value", "status"))

    def test_scenario_55_evidence_is_added_and_never_changed(
        self, stripe: Gateway, acme: Organization, sandbox: Sandbox
    ) -> None:
        customer = ensure(acme)
        made = stripe.v1.customers.tax_ids.create(customer.stripe_id, {"type": "eu_vat", "value": "DE123456789"})
        row = sandbox.get("tax_id", made.id)
        told = []
        for status in ("pending", "pending", "verified", "unverified"):
            row["verification"] = {"status": status}
            sync_customer(customer.stripe_id)
            told = self.evidence()
        stripe.v1.customers.tax_ids.delete(customer.stripe_id, made.id)
        for _ in range(2):
            sync_customer(customer.stripe_id)
        vat = ("eu_vat", "DE123456789")
        assert told == [(*vat, "pending"), (*vat, "verified"), (*vat, "unverified")]
        assert self.evidence() == [*told, (*vat, "removed")]

    def test_one_that_comes_back_is_evidence_anew(self, stripe: Gateway, acme: Organization) -> None:
        customer = ensure(acme)
        for _ in range(2):
            made = stripe.v1.customers.tax_ids.create(customer.stripe_id, {"type": "gb_vat", "value": "GB123456789"})
            sync_customer(customer.stripe_id)
            stripe.v1.customers.tax_ids.delete(customer.stripe_id, made.id)
            sync_customer(customer.stripe_id)
        statuses = [status for _, _, status in self.evidence()]
        assert statuses[1::2] == ["removed", "removed"]
        assert len(statuses) == 4
