"""What staff looks at, as rows: so many of each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from billing.models import Alert, Call, Drift, Event, Invoice, Plan, Reconciliation, Subscription, TaxEvidence
from billing.vocabulary import CallKind, IntentState, JobState
from orgs.models import Organization
from tests import factories
from tests.billing.buying.rows import intent
from tests.billing.standing.rows import invoice, plan, subscription

LONG = "a-name-that-is-rather-long-for-a-narrow-window"
DAY = timedelta(days=1)


def line(amount: int, price: str = "", **fields: Any) -> dict[str, Any]:
    """Of an invoice, as the mirror keeps it: two seats of this month."""
    now = timezone.now()
    known = {"id": "il_1", "description": "Seats", "amount": amount, "discount": 0, "quantity": 2, "price": price}
    span = {"period_start": (now - DAY).isoformat(), "period_end": (now + 29 * DAY).isoformat()}
    return known | {"item": "si_1", "proration": False} | span | fields


def billed(of: Subscription, amount: int = 1000, **fields: Any) -> Invoice:
    return invoice(of, of.organization, status="paid", lines=[line(amount)], amount_remaining=0, **fields)


def event(stripe_id: str, state: JobState = JobState.DONE, **fields: Any) -> Event:
    known: dict[str, Any] = {"type": "customer.subscription.updated", "object_type": "subscription"}
    known |= {"object_id": "sub_x", "livemode": False, "created": timezone.now(), "payload": {"id": stripe_id}}
    return Event.objects.create(stripe_id=stripe_id, state=state, **known | fields)


def call(organization: Organization, state: JobState = JobState.DEAD, **fields: Any) -> Call:
    known: dict[str, Any] = {"kind": CallKind.SET_QUANTITIES, "arguments": {"subscription": "sub_x"}}
    if state == JobState.DEAD:
        known |= {"error": "Refused: No such price.", "attempts": 3, "ended_at": timezone.now()}
    return Call.objects.create(organization=organization, state=state, **known | fields)


def drift(**fields: Any) -> Drift:
    run = Reconciliation.objects.create(kind="everything", compared=3, open=1, ended_at=timezone.now())
    known: dict[str, Any] = {"object_type": "subscription", "object_id": "sub_x", "field": "seats wanted"}
    return Drift.objects.create(run=run, repaired=False, ours="3", theirs="2", **known | fields)


def alert(key: str = "subscription-problems:sub_x", **fields: Any) -> Alert:
    return Alert.objects.create(key=key, text="sub_x: Nobody knows the price price_x.", **fields)


def full(name: str) -> Organization:
    """A customer with one of everything."""
    made = factories.organization(name)
    factories.member(made, f"olga-{name}")
    of = subscription(made, problems=["The organization has another subscription that is not over."])
    billed(of)
    TaxEvidence.objects.create(
        customer=of.customer, kind="eu_vat", value="DE123456789", country="DE", status="verified"
    )
    intent(made, state=IntentState.COMPLETED, plan=Plan.objects.first() or plan())
    event(f"evt_{name}", JobState.DEAD, error="LookupError: nobody knows", customer=of.customer.stripe_id)
    call(made)
    drift(organization=made)
    alert(f"test:{name}", organization=made)
    return made
