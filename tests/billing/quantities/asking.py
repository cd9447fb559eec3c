"""Asking for quantities, as an owner does, and at Stripe as somebody does in its dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from billing.gateway.calls import Gateway
from billing.gateway.errors import Unavailable
from billing.models import Subscription, Wanted
from billing.selectors.previews import Charge, preview, this_moment
from billing.selectors.quantities import Counts, sheet
from billing.services import quantities
from billing.services.quantities import Agreed, change_quantities
from billing.services.syncing import sync_subscription
from billing.vocabulary import Item
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Role
from tests import factories
from tests.billing.world import owner_of

Bought = Callable[..., Subscription]
Settle = Callable[[], None]
WORKER = Actor.worker()


def want(organization: Organization, seats: int, roots: int = 1, **more: Any) -> Wanted:
    """As its owner, who has seen a moment ago what it costs."""
    more = {"agreed": Agreed(at=this_moment())} | more
    return change_quantities(actor=owner_of(organization), organization=organization, seats=seats, roots=roots, **more)


def looked_at(organization: Organization, seats: int, roots: int = 1) -> Charge:
    found = sheet(organization)
    assert found is not None
    steps = quantities.steps_to(found, Counts(seats, roots))
    return preview(found.subscription, quantities.changes_to(found.subscription, steps.charged), this_moment())


def billed(organization: Organization) -> tuple[int, int]:
    found = sheet(organization)
    assert found is not None
    sync_subscription(found.subscription.stripe_id)
    found = sheet(organization)
    assert found is not None
    return found.billed


def join(organization: Organization, *names: str) -> None:
    for name in names:
        factories.member(organization, name, Role.MEMBER)


@contextmanager
def silent(stripe: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stripe does not answer to changes of items."""

    def fail(*args: object, **kwargs: object) -> None:
        raise Unavailable("No answer.")

    with monkeypatch.context() as patch:
        patch.setattr(stripe, "change_items", fail)
        yield


def lowered_at_stripe(stripe: Gateway, subscription: Subscription, seats: int) -> None:
    """By somebody in the dashboard."""
    item = subscription.items.get(item=Item.SEAT).stripe_id
    asked: Any = {"items": [{"id": item, "quantity": seats}], "proration_behavior": "none"}
    stripe.v1.subscriptions.update(subscription.stripe_id, asked)
    sync_subscription(subscription.stripe_id)


@dataclass(frozen=True)
class Shop:
    """All that a longer story needs."""

    acme: Organization
    bought: Bought
    settle: Settle
    stripe: Gateway
    ahead: Any
    deliver: Any
