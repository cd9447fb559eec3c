"""What staff looks at: what waits for somebody, and rows of customers, subscriptions, events and calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, Min, OuterRef, Prefetch, Q, QuerySet

from billing.models import (
    Alert,
    Allowance,
    Call,
    Customer,
    Drift,
    Event,
    Intent,
    Invoice,
    Reconciliation,
    Subscription,
)
from billing.selectors.standings import down
from billing.standing import Step
from billing.vocabulary import JobState
from orgs.models import Organization

RUNS = ("lately", "everything", "ledger")
"""The kinds of comparisons with Stripe."""
RECENT = 20
TONES: dict[str, str] = {"pending": "calm", "done": "good", "ignored": "", "dead": "bad"}
"""Of the states of events and calls."""
STATUS_TONES = {"active": "good", "trialing": "good", "canceled": "", "incomplete_expired": ""}
"""Of subscriptions; any other status wants to be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How much waits for staff, and since when the oldest event and the oldest call wait for a worker."""

    alerts: int
    drifts: int
    dead_events: int
    dead_calls: int
    problems: int
    releases: int
    allowances: int
    events: int
    calls: int
    oldest_event: datetime | None
    oldest_call: datetime | None

    @property
    def for_staff(self) -> int:
        parts = (self.alerts, self.drifts, self.dead_events, self.dead_calls, self.problems)
        return sum(parts) + self.releases + self.allowances


def waiting() -> Waiting:
    events = Event.objects.filter(state=JobState.PENDING)
    calls = Call.objects.filter(state=JobState.PENDING)
    return Waiting(
        alerts=open_alerts().count(),
        drifts=open_drifts().count(),
        dead_events=Event.objects.filter(state=JobState.DEAD).count(),
        dead_calls=Call.objects.filter(state=JobState.DEAD).count(),
        problems=with_problems().count(),
        releases=down().filter(step=Step.RELEASE).count(),
        allowances=Allowance.objects.filter(approved_by__isnull=True, ended_at__isnull=True).count(),
        events=events.count(),
        calls=calls.count(),
        oldest_event=events.aggregate(at=Min("received_at"))["at"],
        oldest_call=calls.aggregate(at=Min("created_at"))["at"],
    )


def last_runs() -> list[Reconciliation]:
    """The last of each kind."""
    found = Reconciliation.objects.filter(kind__in=RUNS).order_by("kind", "-started_at", "-pk").distinct("kind")
    return sorted(found, key=lambda run: RUNS.index(run.kind))


# --- Findings ---------------------------------------------------------------------------------------------------------


def open_alerts() -> QuerySet[Alert]:
    return Alert.objects.filter(settled_at__isnull=True).select_related("organization").order_by("-raised_at", "-pk")


def settled_alerts() -> QuerySet[Alert]:
    return Alert.objects.filter(settled_at__isnull=False).select_related("organization").order_by("-settled_at", "-pk")


def drifts() -> QuerySet[Drift]:
    return Drift.objects.select_related("run", "organization").order_by("-pk")


def open_drifts() -> QuerySet[Drift]:
    return drifts().filter(repaired=False, settled_at__isnull=True)


# --- Customers --------------------------------------------------------------------------------------------------------


def customers(search: str = "") -> QuerySet[Organization]:
    """Organizations that have or had anything to do with billing, with what is live of theirs in ``live``."""
    of_this = {"organization": OuterRef("pk")}
    parts: tuple[QuerySet[Customer] | QuerySet[Intent] | QuerySet[Allowance], ...] = (
        Customer.objects.filter(**of_this),
        Intent.objects.filter(**of_this),
        Allowance.objects.filter(**of_this),
    )
    found = Organization.objects.filter(Exists(parts[0]) | Exists(parts[1]) | Exists(parts[2]))
    if search:
        found = found.filter(_named(search))
    live = Subscription.objects.live().select_related("plan").order_by("pk")
    return found.select_related("health").prefetch_related(Prefetch("subscriptions", live, "live")).order_by("name")


def _named(search: str) -> Q:
    """By name, by whom the invoices go to, or by an id or number that stands on something of theirs."""
    of_this = {"organization": OuterRef("pk")}
    customer = Customer.objects.filter(Q(stripe_id=search) | Q(email__iexact=search) | Q(name__icontains=search))
    invoice = Invoice.objects.filter(Q(stripe_id=search) | Q(number__iexact=search) | Q(purchase_order=search))
    subscription = Subscription.objects.filter(stripe_id=search)
    intent = Intent.objects.filter(Q(number__iexact=search) | Q(purchase_order=search) | Q(session=search))
    named = Q(name__icontains=search) | Q(display_name__icontains=search) | Q(names__name=search.lower())
    return (
        Q(pk__in=Organization.objects.filter(named).values("pk"))
        | Q(Exists(customer.filter(**of_this)))
        | Q(Exists(invoice.filter(**of_this)))
        | Q(Exists(subscription.filter(**of_this)))
        | Q(Exists(intent.filter(**of_this)))
    )


def subscriptions() -> QuerySet[Subscription]:
    found = Subscription.objects.select_related("organization", "plan").prefetch_related("items")
    return found.order_by("-started_at", "-pk").defer("raw")


def with_problems() -> QuerySet[Subscription]:
    return subscriptions().exclude(problems=[])


def intents() -> QuerySet[Intent]:
    return Intent.objects.select_related("organization", "plan", "requested_by").order_by("-created_at", "-pk")


# --- What workers do --------------------------------------------------------------------------------------------------


def events(state: str = "", kind: str = "", subject: str = "") -> QuerySet[Event]:
    """The newest first; ``kind`` is the beginning of a type, ``subject`` the id of an event, object or customer."""
    found = Event.objects.order_by("-received_at", "-pk").defer("payload")
    if state:
        found = found.filter(state=state)
    if kind:
        found = found.filter(type__startswith=kind)
    if subject:
        found = found.filter(Q(stripe_id=subject) | Q(object_id=subject) | Q(customer=subject))
    return found


def calls(state: str = "", kind: str = "") -> QuerySet[Call]:
    found = Call.objects.select_related("organization").order_by("-created_at", "-pk")
    wanted = {name: value for name, value in {"state": state, "kind": kind}.items() if value}
    return found.filter(**wanted)
