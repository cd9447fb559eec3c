"""A Stripe of our own in the same process, and Freehold on it: what the tests of billing stand on.

The sandbox's clock runs with the machine's until a test puts it forward by :func:`ahead`, which takes Freehold's with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from billing.gateway import calls
from billing.gateway.calls import Gateway
from billing.models import Plan, Subscription
from billing.sandbox.store import Sandbox
from freehold.programs import SANDBOX_SECRET
from freehold.stripe_settings import SANDBOX_BASE, SANDBOX_KEY, StripeSettings
from orgs.models import Organization
from tests.billing import world

BILLING = StripeSettings(enabled=True, key=SANDBOX_KEY, secrets=(SANDBOX_SECRET,), base=SANDBOX_BASE)


@pytest.fixture
def billing_settings() -> Iterator[StripeSettings]:
    with override_settings(FREEHOLD_STRIPE=BILLING):
        yield settings.FREEHOLD_STRIPE


@pytest.fixture
def sandbox() -> Sandbox:
    return world.sandbox()


@pytest.fixture
def stripe(sandbox: Sandbox, billing_settings: StripeSettings) -> Iterator[Gateway]:
    """Freehold's gateway, on the sandbox."""
    with calls.use(world.gateway_to(sandbox, billing_settings)) as used:
        yield used


@pytest.fixture
def plans(sandbox: Sandbox, stripe: Gateway, db: None) -> dict[str, Plan]:
    """What is sold, by tier, here and at Stripe."""
    return world.plans(sandbox)


@pytest.fixture
def deliver(sandbox: Sandbox, stripe: Gateway) -> Callable[..., list[int]]:
    """``deliver()`` hands every event that waits to the webhook, signed; the statuses of the answers."""
    return world.Delivery(sandbox, Client(raise_request_exception=False)).pump


@pytest.fixture
def settle(stripe: Gateway) -> Callable[[], None]:
    """``settle()`` lets the workers run until no event and no call waits that is due."""
    return world.settle


@pytest.fixture
def bought(plans: dict[str, Plan]) -> Callable[..., Subscription]:
    """``bought(organization, seats=2, roots=1)``: a subscription that is paid, made at the sandbox and synced."""
    return world.bought


@pytest.fixture
def ahead(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``ahead(days=30)``: put both clocks forward; what is due at Stripe until then happens there, in its order."""
    return world.Time(sandbox, monkeypatch).forward


@pytest.fixture
def acme(db: None) -> Organization:
    """A company with one owner, that has not paid anything."""
    return world.company("acme")
