"""Somebody who buys: orders here, pays at the sandbox's checkout, and comes back."""

from __future__ import annotations

from typing import Any

from billing.models import Intent
from billing.sandbox import buying
from billing.sandbox.buying import Way
from billing.sandbox.store import Object, Sandbox
from billing.services.purchases import Order, begin_purchase
from billing.services.quotes import Billed
from billing.vocabulary import Interval, Tier
from orgs.models import Organization
from tests.billing.world import ADDRESS, owner_of

TYPED = {"email": "anna@acme.example", "name": "Acme GmbH", **ADDRESS}
BILLED = Billed(name="Acme GmbH", email="accounts@acme.example", address=ADDRESS)


def order(**other: Any) -> Order:
    wanted: dict[str, Any] = {"tier": Tier.TEAM, "interval": Interval.MONTH, "currency": "usd", "seats": 2, "roots": 1}
    return Order(**(wanted | other))


def begin(organization: Organization, **other: Any) -> Intent:
    """By its owner."""
    return begin_purchase(actor=owner_of(organization), organization=organization, order=order(**other))


def pay(sandbox: Sandbox, intent: Intent, way: Way = Way.SUCCEED, **typed: Any) -> Object:
    """On the page to which the purchase leads; the session after that."""
    session = sandbox.get("checkout.session", intent.session)
    if way is Way.DEBIT:
        session["payment_method_types"] = ["card", "sepa_debit"]
    errors = buying.take(sandbox, session, {**TYPED, **typed})
    assert errors == {}
    buying.pay(sandbox, session, way)
    return session
