"""What services of buying leave in the trail with Stripe, with the worker, or when something has gone wrong before.

That each service has its row, and leaves just that, ``tests/orgs/test_audit.py`` holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing.gateway.calls import Gateway
from billing.models import Plan
from billing.services import allowances, endings, purchases
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from tests.billing.buying.audit_rows import OTHERWISE

SERVICES: dict[str, Callable[..., Any]] = {
    "approve_allowance": allowances.approve_allowance,
    "begin_purchase": purchases.begin_purchase,
    "end_plan": endings.end_plan,
    "settle_session": purchases.settle_session,
}


@pytest.mark.django_db
@pytest.mark.parametrize("when", sorted({*OTHERWISE} - {"it asks Stripe"}))
def test_a_service_leaves_exactly_its_events(when: str) -> None:
    name, make, expected = OTHERWISE[when]
    arguments = {"actor": Actor.worker()} | make()
    before = AuditEvent.objects.count()
    SERVICES[name](**arguments)
    assert [event.action for event in AuditEvent.objects.order_by("pk")[before:]] == expected


def test_so_does_one_that_asks_stripe(stripe: Gateway, plans: dict[str, Plan], acme: Organization) -> None:
    name, make, expected = OTHERWISE["it asks Stripe"]
    before = AuditEvent.objects.count()
    SERVICES[name](**make())
    assert [event.action for event in AuditEvent.objects.order_by("pk")[before:]] == expected
