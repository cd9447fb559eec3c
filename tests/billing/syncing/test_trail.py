"""Each service that asks Stripe leaves exactly its events, and none is without a row."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import chain
from types import ModuleType
from typing import Any

import pytest

from billing.gateway.calls import Gateway
from billing.models import Plan
from billing.services import customers, installation, plans, syncing
from billing.services.customers import ensure_customer
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from tests.billing import world
from tests.billing.syncing.audit_rows import ACTIONS, NAMES

MODULES: tuple[ModuleType, ...] = (customers, installation, plans, syncing)
OPERATOR = Actor.operator()
PAID = ["organization.seats", "organization.activate"]


def services() -> dict[str, Callable[..., Any]]:
    return {
        name: function
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_") and _asks_who(function)
    }


def _asks_who(function: Callable[..., Any]) -> bool:
    actor = inspect.signature(function).parameters.get("actor")
    return actor is not None and actor.kind is actor.KEYWORD_ONLY


class At:
    """A company with a customer and a subscription at Stripe, of which we have not heard yet."""

    def __init__(self, stripe: Gateway, acme: Organization) -> None:
        self.stripe, self.acme = stripe, acme
        self.customer = world.customer_of(acme)
        price = Plan.objects.get(tier="team").prices.get(item="seat", currency="usd", interval="month").stripe_id
        made = stripe.v1.subscriptions.create(
            {"customer": self.customer.stripe_id, "items": [{"price": price, "quantity": 2}]}
        )
        self.subscription = stripe.subscription(made.id)


def _deleted(at: At) -> dict[str, Any]:
    at.stripe.v1.customers.delete(at.customer.stripe_id)
    return {"stripe_id": at.customer.stripe_id}


def _session(at: At) -> str:
    asked: Any = {
        "mode": "subscription",
        "customer": at.customer.stripe_id,
        "line_items": [{"price": at.subscription.items[0].price, "quantity": 1}],
        "success_url": "https://freehold.example/",
    }
    return at.stripe.v1.checkout.sessions.create(asked).id


ROWS: dict[str, tuple[Callable[[At], dict[str, Any]], list[str]]] = {
    "sync_customer": (_deleted, ["customer.retired"]),
    "sync_invoice": (lambda at: {"stripe_id": at.subscription.latest_invoice}, PAID),
    "sync_subscription": (lambda at: {"stripe_id": at.subscription.id}, PAID),
    "sync_organization": (lambda at: {"organization": at.acme}, PAID),
    "sync_session": (lambda at: {"stripe_id": _session(at)}, []),
}


BEGINNINGS: dict[str, list[str]] = {
    "ensure_installation": ["installation.recorded"],
    "adopt_installation": ["installation.recorded"],
    "sync_plans": ["installation.recorded", "plan.offered", "plan.offered"],
    "ensure_customer": ["customer.created"],
}
"""Those that need nothing to be there."""


def test_every_service_has_its_row() -> None:
    assert set(services()) == set(ROWS) | set(BEGINNINGS) == set(NAMES)
    written = {action for _, events in ROWS.values() for action in events} | set(chain(*BEGINNINGS.values()))
    assert written - set(PAID) == ACTIONS


def leaves(name: str, expected: list[str], **arguments: Any) -> None:
    before = AuditEvent.objects.count()
    services()[name](actor=OPERATOR, **arguments)
    events = list(AuditEvent.objects.order_by("pk"))[before:]
    assert [event.action for event in events] == expected
    assert {event.actor for event in events} <= {OPERATOR.label}
    assert all(event.before is not None or event.after is not None for event in events)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ROWS)
def test_a_service_leaves_exactly_its_events(
    name: str, stripe: Gateway, plans: dict[str, Plan], acme: Organization
) -> None:
    make, expected = ROWS[name]
    leaves(name, expected, **make(At(stripe, acme)))


@pytest.mark.django_db
@pytest.mark.parametrize("name", BEGINNINGS)
def test_so_does_one_that_begins(name: str, stripe: Gateway, acme: Organization) -> None:
    arguments = {"organization": acme} if "organization" in inspect.signature(services()[name]).parameters else {}
    leaves(name, BEGINNINGS[name], **arguments)


@pytest.mark.django_db
def test_it_is_written_into_the_organization_s_own_trail(stripe: Gateway, acme: Organization) -> None:
    assert ensure_customer(actor=world.owner_of(acme), organization=acme).organization == acme
    assert AuditEvent.objects.get().organization == "acme"
