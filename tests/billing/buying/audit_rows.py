"""What the services of buying and ending leave in the trail, for ``test_audit``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from billing.gateway.objects import SessionObject
from billing.models import Allowance, Customer, Intent, Invoice, Subscription
from billing.money import Money
from billing.services.purchases import Order
from billing.services.quotes import Billed
from billing.vocabulary import Interval, Method, Tier
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Role, State
from tests import factories
from tests.billing.buying.rows import PLACE, intent, sold
from tests.billing.standing.rows import invoice, subscription

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]
ACME = "acme"


def _acme() -> Organization:
    sold()
    made = factories.organization(ACME, state=State.APPLIED)
    factories.member(made, "olga", Role.OWNER)
    return made


def _by_owner(of: Organization) -> Actor:
    return Actor.person(of.memberships.get().user, origin="192.0.2.7")


def _staff(user: User | None = None) -> Actor:
    return Actor.staff(user or factories.reviewer(), origin="192.0.2.7")


def _quote() -> dict[str, Any]:
    made = _acme()
    order = Order(tier=Tier.TEAM, interval=Interval.YEAR, currency="eur", seats=2, roots=1)
    billed = Billed(name="Acme GmbH", email="books@acme.example", address=PLACE)
    return {"actor": _by_owner(made), "organization": made, "order": order, "billed": billed}


def _order() -> dict[str, Any]:
    quoted = intent(_acme(), Method.INVOICE)
    return {"actor": _by_owner(quoted.organization), "intent": quoted, "purchase_order": "PO-1", "begin_now": True}


def _open() -> Intent:
    made = _acme()
    customer = Customer.objects.create(organization=made, stripe_id="cus_acme", livemode=False)
    return intent(made, customer=customer, session="cs_test_1", url="https://pay.example/c/pay/cs_test_1")


def _begun() -> dict[str, Any]:
    made = Organization.objects.get(name=ACME)
    order = Order(tier=Tier.TEAM, interval=Interval.YEAR, currency="eur", seats=2, roots=1)
    return {"actor": _by_owner(made), "organization": made, "order": order}


def _drop() -> dict[str, Any]:
    begun = _open()
    return {"actor": _by_owner(begun.organization), "intent": begun}


def _expired() -> dict[str, Any]:
    intent(_acme(), expires_at=timezone.now() - timedelta(minutes=1))
    return {}


def _paid() -> dict[str, Any]:
    begun = _open()
    session = SessionObject(
        id=begun.session,
        status="complete",
        payment_status="paid",
        url="",
        customer="cus_acme",
        subscription="sub_acme",
        livemode=False,
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        client_reference_id=str(begun.key),
        metadata={},
    )
    return {"session": session}


def _asked() -> Allowance:
    made = _acme()
    by = made.memberships.get().user
    until = timezone.now() + timedelta(days=30)
    return Allowance.objects.create(organization=made, reason="A wire.", seats=2, roots=1, until=until, requested_by=by)


def _proposed() -> dict[str, Any]:
    return {"actor": _staff(), "organization": _acme(), "seats": 2, "roots": 1, "days": 30, "reason": "A sponsor."}


def _decided(**more: Any) -> dict[str, Any]:
    return {"actor": _staff(), "allowance": _asked(), **more}


def _wire() -> dict[str, Any]:
    due: Invoice = invoice(_running(), Organization.objects.get(name=ACME), collection_method="send_invoice")
    today = timezone.now().date()
    return {"actor": _staff(), "invoice": due, "amount": Money(5000, "usd"), "reference": "B-1", "received_on": today}


def _running(**fields: Any) -> Subscription:
    return subscription(_acme(), period_end=timezone.now() + timedelta(days=9), **fields)


def _of(running: Subscription) -> dict[str, Any]:
    return {"actor": _by_owner(running.organization), "organization": running.organization}


def _left() -> dict[str, Any]:
    running = _running()
    User.objects.filter(memberships__organization=running.organization).update(is_active=False)
    return {}


ROWS: dict[str, Row] = {
    "request_quote": (_quote, [("quote.made", ACME)]),
    "accept_with_order": (_order, [("quote.accepted", ACME), ("allowance.requested", ACME)]),
    "drop_purchase": (_drop, [("purchase.cancelled", ACME)]),
    "expire_purchases": (_expired, [("purchase.expired", ACME)]),
    "settle_session": (_paid, [("purchase.completed", ACME)]),
    "request_allowance": (_proposed, [("allowance.requested", ACME)]),
    "refuse_allowance": (lambda: _decided(reason="Not yet."), [("allowance.refused", ACME)]),
    "record_wire": (_wire, [("wire.recorded", ACME)]),
    "end_plan": (lambda: _of(_running()), [("plan.ends", ACME)]),
    "take_back": (lambda: _of(_running(ends_at=timezone.now() + timedelta(days=9))), [("plan.goes_on", ACME)]),
    "end_abandoned": (_left, [("plan.ends", ACME)]),
}


def _bought_twice() -> dict[str, Any]:
    paid = replace(_paid()["session"], subscription="sub_second")
    subscription(Organization.objects.get(name=ACME))
    return {"session": paid}


OTHERWISE: dict[str, tuple[str, Callable[[], dict[str, Any]], list[str]]] = {
    "what begins by it is done by the worker": (
        "approve_allowance",
        _decided,
        ["allowance.approved", "organization.seats", "organization.activate"],
    ),
    "bought twice": ("settle_session", _bought_twice, ["purchase.reversed"]),
    "nothing is paid": ("end_plan", lambda: _of(_running(status="unpaid")), ["plan.cancelled"]),
    "it asks Stripe": ("begin_purchase", _begun, ["purchase.begun", "customer.created"]),
}
"""What services leave beside that, or with Stripe, or together with the worker; for ``test_trail``."""

ELSEWHERE = {
    "begin_purchase": "it asks Stripe; see tests/billing/buying/test_trail",
    "open_checkout": "it asks Stripe; see tests/billing/buying/test_checkout",
    "look_at_return": "it asks Stripe, and changes nothing by itself",
    "portal_address": "it asks Stripe, and changes nothing",
    "approve_allowance": "what begins by it is done by the worker; see tests/billing/buying/test_trail",
}
