"""What the services of quantities and plans leave in the trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from billing.models import Plan, Price, Subscription, Wanted
from billing.services.quantities import Agreed
from billing.vocabulary import Interval, Item, Tier
from orgs.actors import Actor
from orgs.models import Organization
from tests.billing.standing.rows import company, subscription

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]
ACME = "acme"
WORKER = {"actor": Actor.worker()}


def _paying(**fields: Any) -> Organization:
    """Five people and a namespace, until in a week."""
    return subscription(company(ACME), period_end=timezone.now() + timedelta(days=7), **fields).organization


def _newer(tier: Tier, number: int) -> Plan:
    Plan.objects.filter(tier=tier).update(is_current=False)
    plan = Plan.objects.create(tier=tier, number=number, roots_included=1)
    for item, amount in ((Item.SEAT, 900), (Item.ROOT, 4_400)):
        key = f"{plan}-{item}"
        Price.objects.create(
            plan=plan, item=item, currency="usd", interval=Interval.MONTH, amount=amount, lookup_key=key
        )
    return plan


def _waiting() -> Organization:
    """Another plan begins in a minute."""
    made, plan = _paying(), _newer(Tier.BUSINESS, 1)
    due = timezone.now() + timedelta(minutes=1)
    Wanted.objects.create(organization=made, seats=5, roots=1, plan=plan, interval=Interval.MONTH, due_at=due)
    return made


def _unpaid() -> Organization:
    """More was wanted, and never paid for."""
    made = _paying()
    Wanted.objects.create(organization=made, seats=9, roots=1)
    return made


def _for_business() -> dict[str, Any]:
    made = _paying()
    _newer(Tier.BUSINESS, 1)
    seen = Agreed(at=timezone.now())
    return {"organization": made, "tier": Tier.BUSINESS, "interval": Interval.MONTH, "agreed": seen}


def _for_new_prices() -> dict[str, Any]:
    made = _paying()
    _newer(Tier.TEAM, 2)
    return {"organization": made}


def _metered() -> dict[str, Any]:
    Subscription.objects.get(organization=_paying()).items.create(stripe_id="si_served", item=Item.SERVED)
    return WORKER


ROWS: dict[str, Row] = {
    "change_quantities": (
        lambda: {"organization": _paying(), "seats": 4, "roots": 1},
        [("plan.quantities", ACME)],
    ),
    "change_plan": (_for_business, [("plan.changed", ACME)]),
    "keep_plan": (lambda: {"organization": _waiting()}, [("plan.kept", ACME)]),
    "announce_prices": (_for_new_prices, [("plan.announced", ACME)]),
    "mend_quantities": (lambda: WORKER | {"organization": _unpaid()}, [("plan.given_up", ACME)]),
    "sweep_quantities": (lambda: WORKER | {"actor": _unpaid() and Actor.worker()}, [("plan.given_up", ACME)]),
    "make_due": (lambda: {"actor": _waiting() and Actor.worker()}, []),
    "report_served": (_metered, []),
}
