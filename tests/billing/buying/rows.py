"""Plans, purchases and invoices as rows, for pages that ask Stripe nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from billing import tiers
from billing.models import Intent, Plan, Price
from billing.vocabulary import IntentState, Interval, Item, Method
from orgs.models import Organization

DAY = timedelta(days=1)
PLACE = {"line1": "Hauptstraße 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}


def sold() -> list[Plan]:
    """What is sold by default, as if it had been told to Stripe."""
    return [_plan(terms) for terms in tiers.TIERS if terms.is_sold]


def _plan(terms: tiers.Terms) -> Plan:
    plan = Plan.objects.create(tier=terms.tier, number=1, roots_included=terms.roots_included)
    each = {Item.SEAT: terms.seat, Item.ROOT: terms.root}
    Price.objects.bulk_create(
        Price(
            plan=plan,
            item=item,
            currency=currency,
            interval=interval,
            amount=tiers.price(amount, currency, interval).amount,
            lookup_key=f"{terms.tier}-{item}-{currency}-{interval}",
        )
        for item, amounts in each.items()
        for currency, amount in amounts.items()
        for interval in Interval
    )
    return plan


def intent(organization: Organization, method: Method = Method.CARD, **fields: Any) -> Intent:
    """By the first of its people: two seats of Team by the month."""
    now = timezone.now()
    known: dict[str, Any] = {"interval": Interval.MONTH, "currency": "usd", "seats": 2, "roots": 1, "total": 1_000}
    known |= {"plan": Plan.objects.get(tier="team", number=1), "expires_at": now + DAY}
    if method is Method.INVOICE:
        known |= {
            "state": IntentState.QUOTED,
            "number": f"Q-TEST-{organization.pk}",
            "expires_at": now + 30 * DAY,
        }
        known |= {"billing_name": "Acme GmbH", "billing_email": "books@acme.example", "billing_address": PLACE}
    by = organization.memberships.order_by("pk").select_related("user").first()
    assert by is not None
    return Intent.objects.create(organization=organization, requested_by=by.user, method=method, **known | fields)
