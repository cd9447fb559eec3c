"""What the fixtures of billing are made of; also for tests that need a world without a fixture."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from billing.gateway.calls import Gateway, gateway
from billing.models import Customer, Installation, Plan, Price, Subscription
from billing.sandbox import endpoints, events, jobs
from billing.sandbox.app import App
from billing.sandbox.clock import Clock
from billing.sandbox.store import Sandbox
from billing.sandbox.transport import Direct
from billing.selectors.buying import price_of
from billing.services import inbox, outbox, syncing
from billing.services.customers import ensure_customer
from billing.services.plans import sync_plans
from billing.vocabulary import Interval, Item
from freehold.programs import SANDBOX_SECRET
from freehold.stripe_settings import StripeSettings
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Role, State
from tests import factories

VISA, DECLINES, ASKS = "pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"
WEBHOOK = "http://127.0.0.1/billing/stripe/webhook"
ADDRESS: Any = {"line1": "Hauptstraße 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
PLAN = ("tier", "number", "roots_included", "is_current", "product")
PRICE = ("item", "currency", "interval", "amount", "lookup_key", "stripe_id")


def sandbox(seed: int = 0) -> Sandbox:
    """Its clock stands at the time of now until it is put forward. It knows our webhook."""
    made = Sandbox(seed=seed, clock=Clock(int(time.time())))
    endpoints.enter(made, WEBHOOK, secret=SANDBOX_SECRET)
    return made


def gateway_to(sandbox: Sandbox, settings: StripeSettings) -> Gateway:
    return Gateway(settings, Direct(App(sandbox)))


def plans(sandbox: Sandbox | None = None) -> dict[str, Plan]:
    """What is sold, by tier. In a sandbox of this process it is made once; later ones get a copy of what was made."""
    if sandbox is None or not _made:
        sync_plans(actor=Actor.worker())
    if sandbox is not None:
        _copy_plans(sandbox) if _made else _keep_plans(sandbox)
    return {plan.tier: plan for plan in Plan.objects.filter(is_current=True).order_by("pk")}


_made: dict[str, Any] = {}


def _keep_plans(sandbox: Sandbox) -> None:
    _made["plans"] = list(Plan.objects.order_by("pk").values("id", *PLAN))
    _made["prices"] = list(Price.objects.order_by("pk").values("plan_id", *PRICE))
    _made["account"] = Installation.objects.values("account", "livemode").get()
    _made["objects"] = copy.deepcopy([made for kind in ("product", "price") for made in sandbox.find(kind)])
    _made["next"] = sandbox.counter, sandbox.random.getstate()


def _copy_plans(sandbox: Sandbox) -> None:
    Installation.objects.create(pk=1, **_made["account"])
    plans = {row["id"]: Plan.objects.create(**{name: row[name] for name in PLAN}) for row in _made["plans"]}
    Price.objects.bulk_create(
        Price(plan=plans[row["plan_id"]], **{name: row[name] for name in PRICE}) for row in _made["prices"]
    )
    for made in copy.deepcopy(_made["objects"]):
        sandbox.put(made["object"], made)
    sandbox.counter, state = _made["next"]
    sandbox.random.setstate(state)


def company(name: str, *, state: State = State.APPLIED) -> Organization:
    made = factories.organization(name, state=state)
    factories.member(made, f"{name}-owner", Role.OWNER)
    return made


def owner_of(organization: Organization) -> Actor:
    return Actor.person(organization.memberships.get(role=Role.OWNER).user)


# --- Buying -----------------------------------------------------------------------------------------------------------


def customer_of(organization: Organization, card: str = VISA) -> Customer:
    """With an address, and with a card unless it is empty."""
    made = ensure_customer(actor=Actor.worker(), organization=organization)
    v1 = gateway().v1
    if card:
        method = v1.payment_methods.attach(card, {"customer": made.stripe_id})
        v1.customers.update(made.stripe_id, {"invoice_settings": {"default_payment_method": method.id}})
    v1.customers.update(made.stripe_id, {"address": ADDRESS})
    return made


def bought(
    organization: Organization,
    seats: int = 2,
    roots: int = 1,
    *,
    tier: str = "team",
    interval: str = "month",
    currency: str = "usd",
    card: str = VISA,
    invoiced: bool = False,
    **more: Any,
) -> Subscription:
    """A subscription made at Stripe and synced: paid by the card, or waiting for its invoice to be paid. ``more`` are
    parameters of Stripe's."""
    plan = Plan.objects.prefetch_related("prices").get(tier=tier, is_current=True)
    customer = customer_of(organization, "" if invoiced else card)
    wanted = {Item.SEAT: seats, Item.ROOT: max(0, roots - plan.roots_included)}
    items = [
        {"price": price_of(plan, item, currency, Interval(interval)).stripe_id, "quantity": quantity}
        for item, quantity in wanted.items()
        if quantity
    ]
    terms = {"collection_method": "send_invoice", "days_until_due": 30} if invoiced else {}
    asked: Any = {"customer": customer.stripe_id, "items": items, "automatic_tax": {"enabled": True}, **terms, **more}
    made = gateway().v1.subscriptions.create(asked)
    found = syncing.sync_subscription(made.id)
    assert found is not None
    return found


# --- What comes and goes ----------------------------------------------------------------------------------------------


class Delivery:
    """The sandbox's events on their way to our webhook, without a socket."""

    def __init__(self, sandbox: Sandbox, client: Client) -> None:
        self.client = client
        self.statuses: list[int] = []
        self.deliverer = events.Deliverer(sandbox, self.send)

    def send(self, url: str, headers: dict[str, str], body: bytes) -> int:
        content_type = headers.pop("Content-Type")
        response = self.client.post(urlsplit(url).path, body, content_type=content_type, headers=headers)
        self.statuses.append(response.status_code)
        return response.status_code

    def pump(self, *, everything: bool = False) -> list[int]:
        """The statuses of the answers. ``everything``: also what is delayed, or was refused before."""
        self.statuses.clear()
        self.deliverer.pump(everything=everything)
        return list(self.statuses)


def settle() -> None:
    """Until no event and no call that is due waits."""
    while inbox.settle() + outbox.make_calls():
        pass


class Time:
    """Both clocks, Stripe's and ours."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox, self.gone = sandbox, timedelta()
        really: Callable[[], datetime] = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: really() + self.gone)
        monkeypatch.setattr(events, "time", SimpleNamespace(time=lambda: time.time() + self.gone.total_seconds()))

    def forward(self, **interval: float) -> datetime:
        """``forward(days=30, minutes=1)``; the time that it is then."""
        step = timedelta(**interval)
        self.gone += step
        jobs.advance(self.sandbox, self.sandbox.clock.now() + int(step.total_seconds()))
        return timezone.now()
