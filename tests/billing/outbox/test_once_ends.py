"""What is given back at an end, when Stripe has forgotten the key: once, and no more than was paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import gateway
from billing.models import Call, Subscription
from billing.sandbox import disputes
from billing.sandbox.store import Sandbox
from billing.services.outbox import enqueue
from billing.vocabulary import CallKind, JobState
from orgs.models import Organization
from orgs.services.closing import close_organization
from tests.billing.outbox.troubles import LOST, NOTHING, Do, given_up, invoiced, trouble
from tests.billing.world import owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plans")]


class TestEnds:
    @pytest.mark.parametrize("kind", LOST + NOTHING)
    @pytest.mark.parametrize("match", ["POST /v1/credit_notes", "DELETE /v1/subscriptions/*"])
    def test_the_rest_is_given_back_once(
        self, *, match: str, kind: str, acme: Organization, bought: Do, sandbox: Sandbox, settle: Do, two_days: Do
    ) -> None:
        live = bought(acme)
        trouble(sandbox, kind, match)
        close_organization(actor=owner_of(acme), organization=acme, name="acme")
        settle()
        two_days()
        assert Call.objects.get(kind=CallKind.CANCEL_NOW).state == JobState.DONE and not given_up()
        (refund,) = sandbox.find("refund")
        assert 0 < refund["amount"] <= live.invoices.get().total
        live.refresh_from_db()
        assert live.status == "canceled"

    def test_what_the_bank_took_back_keeps_nothing_else_from_being_done(
        self, acme: Organization, bought: Do, sandbox: Sandbox, settle: Do, ahead: Do
    ) -> None:
        live = bought(acme)
        ahead(days=31)
        settle()
        first, second = sorted(sandbox.find("charge"), key=lambda charge: int(charge["created"]))
        disputes.dispute(sandbox, second)
        arguments = {"subscription": live.stripe_id, "give_back": "all"}
        enqueue(kind=CallKind.CANCEL_NOW, organization=acme, topic=live.stripe_id, arguments=arguments)
        settle()
        (refund,) = sandbox.find("refund")
        assert refund["charge"] == first["id"] and given_up()
        live.refresh_from_db()
        assert live.status == "canceled"

    def test_what_is_paid_while_it_is_to_be_voided_is_given_back_too(
        self, acme: Organization, settle: Do, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invoice = invoiced(acme, settle)
        really = type(gateway()).void

        def void(self: Any, key: str, identifier: str) -> Any:
            self.v1.invoices.pay(identifier, {"payment_method": "pm_card_visa"})
            return really(self, key, identifier)

        monkeypatch.setattr(type(gateway()), "void", void)
        arguments = {"subscription": Subscription.objects.get().stripe_id, "give_back": "all"}
        enqueue(kind=CallKind.CANCEL_NOW, organization=acme, topic="x", arguments=arguments)
        settle()
        assert [refund["amount"] for refund in sandbox.find("refund")] == [invoice.total] and not given_up()

    def test_another_call_gives_nothing_back_twice(
        self, acme: Organization, bought: Do, sandbox: Sandbox, settle: Do
    ) -> None:
        live = bought(acme)
        at = (timezone.now() + timedelta(days=15)).isoformat()
        for topic in ("once", "again"):
            arguments = {"subscription": live.stripe_id, "give_back": "rest", "at": at}
            enqueue(kind=CallKind.CANCEL_NOW, organization=acme, topic=topic, arguments=arguments)
            settle()
        assert len(sandbox.find("credit_note")) == 1
