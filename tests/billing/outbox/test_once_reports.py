"""A report of usage whose key Stripe has forgotten: it counts once, or is given up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Call
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import Sandbox
from billing.services.outbox import enqueue
from billing.vocabulary import CallKind, JobState
from orgs.models import Organization
from tests.billing.outbox.troubles import LOST, NOTHING, Do, given_up, the_call, trouble

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plans")]


class TestReports:
    @pytest.fixture
    def report(self, acme: Organization, bought: Do, stripe: Any) -> Callable[[], Call]:
        live = bought(acme)
        stripe.ensure_meter()
        at = timezone.now().replace(microsecond=0).isoformat()
        customer = live.customer.stripe_id
        arguments = {"subscription": live.stripe_id, "customer": customer, "value": 7, "at": at}
        return lambda: enqueue(kind=CallKind.REPORT_USAGE, organization=acme, topic="t", arguments=arguments)

    @pytest.mark.parametrize("kind", LOST + NOTHING)
    def test_it_counts_once(
        self, kind: str, report: Callable[[], Call], sandbox: Sandbox, settle: Do, two_days: Do
    ) -> None:
        trouble(sandbox, kind, "POST /v1/billing/meter_events")
        report()
        settle()
        two_days()
        (event,) = sandbox.find("billing.meter_event")
        assert event["_value"] == "7"
        assert the_call(CallKind.REPORT_USAGE).state == JobState.DONE and not given_up()

    def test_where_stripe_can_not_tell_it_is_given_up_and_says_what_to_do(
        self, report: Callable[[], Call], sandbox: Sandbox, settle: Do, two_days: Do, stripe: Any
    ) -> None:
        trouble(sandbox, RequestTrouble.TIMEOUT, "POST /v1/billing/meter_events")
        call = report()
        settle()
        sandbox.faults.clear()
        at = datetime.fromisoformat(call.arguments["at"])
        stripe.report_usage("by-hand", customer=call.arguments["customer"], value=3, at=at)
        two_days()
        assert len(sandbox.find("billing.meter_event")) == 1
        (text,) = given_up()
        assert "counted 3" in text and "set it right there" in text
